//! What a database must be able to do for the code that all of them share: bind whole numbers and texts, read these
//! and bytes, nothing else. Times are numbers, documents are texts, long ones bytes.

use sqlx::{Database, QueryBuilder};

/// A value of a column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    /// A whole number or NULL.
    Integer(Option<i64>),
    /// A text or NULL.
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

/// A database that the shared code can speak to.
pub(crate) trait Dialect: Database {
    /// Adds a placeholder with a value to a statement.
    fn bind(statement: &mut QueryBuilder<Self>, value: Value);

    /// A whole number of a row.
    fn integer(row: &Self::Row, column: &str) -> sqlx::Result<Option<i64>>;

    /// A text of a row.
    fn text(row: &Self::Row, column: &str) -> sqlx::Result<Option<String>>;

    /// Bytes of a row.
    fn bytes(row: &Self::Row, column: &str) -> sqlx::Result<Option<Vec<u8>>>;
}
