//! The store on one SQLite file.

mod ending;
mod error;
mod events;
mod lease;
mod open;
mod store;
#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests;
mod tree;

use std::path::Path;
use std::sync::Arc;

use odcs_core::Compose;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Pool, QueryBuilder, Row as _, Transaction};

use crate::dialect::{Dialect, Value};
use crate::error::{Error, Result};
use crate::record::{self, Row};

/// The records of composes in one SQLite file; several processes of one machine may have it open.
///
/// Every change is on the disk before it is reported (WAL with `synchronous=FULL`). Writers take turns
/// on one connection, readers see the last state that was committed and wait for nobody. Clones share
/// the connections.
///
/// The methods are those of [`ComposeStore`](odcs_core::ComposeStore); its errors are [`Error`]s
/// underneath.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: Pool<Sqlite>,
    reader: Pool<Sqlite>,
    /// What messages call the database.
    database: Arc<str>,
}

impl SqliteStore {
    /// Opens the file; creates it (for its owner's eyes only) and its directory where they do not exist, and
    /// brings its tables up to this version. Beside it there will be `FILE-wal` and `FILE-shm`, which
    /// belong to it, and `FILE.lock`, which keeps two processes from changing the tables at a time.
    ///
    /// The disk must be a local one: SQLite cannot share a file over NFS.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be opened, [`Corrupt`](Error::Corrupt) if it is no
    /// database, [`Schema`](Error::Schema) if a later version has used it, [`Busy`](Error::Busy) if
    /// another process does not let go of it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        open::file(path.as_ref(), open::BUSY_TIMEOUT).await
    }

    /// A store that lives as long as its last clone, for tests.
    ///
    /// # Errors
    /// As [`open`](Self::open), though none are to be expected.
    pub async fn in_memory() -> Result<Self> {
        open::memory().await
    }

    /// Takes over the records of another server under their own ids, all of them or none. New composes
    /// get ids above the highest one. A record without [`request`](Compose::request) can be listed, not made.
    /// Nothing happens to a compose by being taken over: there are no events.
    ///
    /// # Errors
    /// [`IdTaken`](Error::IdTaken) for the first one whose id is in use; [`Refused`](Error::Refused) if
    /// one reuses or renews a compose that is not there.
    pub async fn import(&self, records: &[Compose]) -> Result<()> {
        const OPERATION: &str = "take over records";
        let mut transaction = self.write(OPERATION).await?;
        for record in records {
            let mut statement = record::insert::<Sqlite>("composes", record::values_of_record(record)?);
            // What is in the way stays as it is.
            statement.push(" ON CONFLICT (id) DO NOTHING");
            let inserted = statement.build().execute(&mut *transaction).await;
            if inserted.map_err(|e| self.error(OPERATION, e))?.rows_affected() == 0 {
                return Err(Error::IdTaken {
                    operation: OPERATION,
                    database: self.database.to_string(),
                    id: record.id,
                });
            }
        }
        self.commit(OPERATION, transaction).await
    }

    /// Closes the file, once what is under way has ended; the log is merged into it. Whoever uses the
    /// store afterwards is told that it is closed.
    pub async fn close(&self) {
        // The writer last: the last connection merges the log, which readers must not.
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Begins a change. Waits for its turn at once: a transaction that starts by reading could not be
    /// sure to be let through when it comes to writing.
    async fn write(&self, operation: &'static str) -> Result<Transaction<'static, Sqlite>> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(|e| self.error(operation, e))
    }

    async fn commit(&self, operation: &'static str, transaction: Transaction<'static, Sqlite>) -> Result<()> {
        transaction.commit().await.map_err(|e| self.error(operation, e))
    }

    fn error(&self, operation: &'static str, error: sqlx::Error) -> Error {
        error::classify(operation, &self.database, error)
    }

    fn row<'r>(&'r self, operation: &'static str, row: &'r SqliteRow) -> Row<'r, Sqlite> {
        Row {
            row,
            operation,
            database: &self.database,
        }
    }
}

impl Dialect for Sqlite {
    fn bind(statement: &mut QueryBuilder<Self>, value: Value) {
        match value {
            Value::Integer(number) => statement.push_bind(number),
            Value::Text(text) => statement.push_bind(text),
        };
    }

    fn integer(row: &SqliteRow, column: &str) -> sqlx::Result<Option<i64>> {
        row.try_get(column)
    }

    fn text(row: &SqliteRow, column: &str) -> sqlx::Result<Option<String>> {
        row.try_get(column)
    }

    fn bytes(row: &SqliteRow, column: &str) -> sqlx::Result<Option<Vec<u8>>> {
        row.try_get(column)
    }
}
