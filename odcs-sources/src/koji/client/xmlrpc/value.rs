//! Values.

use std::collections::BTreeMap;

/// A value of XML-RPC.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `<nil/>`.
    Nil,
    /// `<boolean>`.
    Bool(bool),
    /// `<int>`, `<i1>` to `<i8>`.
    Int(i64),
    /// `<double>`.
    Double(f64),
    /// `<string>`, and a value without a type.
    String(Box<str>),
    /// `<dateTime.iso8601>`, as text.
    DateTime(Box<str>),
    /// `<base64>`, decoded.
    Bytes(Vec<u8>),
    /// `<array>`.
    Array(Vec<Self>),
    /// `<struct>`.
    Struct(Struct),
}

/// The members of a struct, by name. Of two with one name the last counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Struct(pub BTreeMap<Box<str>, Value>);

/// A value that is not there, or not what it has to be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} is {found}, not {expected}")]
pub struct Mismatch {
    /// The member of the struct, or what else the value is.
    pub field: Box<str>,
    /// What has to be there, as a noun phrase.
    pub expected: &'static str,
    /// What is there: `nothing`, or a type.
    pub found: &'static str,
}

impl Mismatch {
    pub(crate) fn new(field: &str, expected: &'static str, found: Option<&Value>) -> Self {
        Self {
            field: field.into(),
            expected,
            found: found.map_or("nothing", Value::kind),
        }
    }
}

impl Value {
    /// What it is, as a noun phrase.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Double(_) => "a double",
            Self::String(_) => "a string",
            Self::DateTime(_) => "a date",
            Self::Bytes(_) => "base64",
            Self::Array(_) => "an array",
            Self::Struct(_) => "a struct",
        }
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// An integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A double, or an integer as one.
    pub fn as_double(&self) -> Option<f64> {
        match self {
            Self::Double(value) => Some(*value),
            #[allow(clippy::cast_precision_loss)]
            Self::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// A string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value),
            _ => None,
        }
    }

    /// An array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// A struct.
    pub fn as_struct(&self) -> Option<&Struct> {
        match self {
            Self::Struct(members) => Some(members),
            _ => None,
        }
    }
}

impl Struct {
    /// The member with a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A member that is an integer.
    ///
    /// # Errors
    /// If it is not there, or another value.
    pub fn int(&self, name: &str) -> Result<i64, Mismatch> {
        let value = self.get(name);
        value
            .and_then(Value::as_int)
            .ok_or_else(|| Mismatch::new(name, "an integer", value))
    }

    /// A member that is an integer; none if it is nil or not there.
    ///
    /// # Errors
    /// If it is another value.
    pub fn int_or_nil(&self, name: &str) -> Result<Option<i64>, Mismatch> {
        match self.get(name) {
            None | Some(Value::Nil) => Ok(None),
            Some(_) => self.int(name).map(Some),
        }
    }

    /// A member that is a string.
    ///
    /// # Errors
    /// If it is not there, or another value.
    pub fn str(&self, name: &str) -> Result<&str, Mismatch> {
        let value = self.get(name);
        value
            .and_then(Value::as_str)
            .ok_or_else(|| Mismatch::new(name, "a string", value))
    }

    /// A member that is a string; none if it is nil or not there.
    ///
    /// # Errors
    /// If it is another value.
    pub fn str_or_nil(&self, name: &str) -> Result<Option<&str>, Mismatch> {
        match self.get(name) {
            None | Some(Value::Nil) => Ok(None),
            Some(_) => self.str(name).map(Some),
        }
    }

    /// A member that is a boolean; false if it is nil or not there.
    ///
    /// # Errors
    /// If it is another value.
    pub fn bool_or_false(&self, name: &str) -> Result<bool, Mismatch> {
        match self.get(name) {
            None | Some(Value::Nil) => Ok(false),
            value => value
                .and_then(Value::as_bool)
                .ok_or_else(|| Mismatch::new(name, "a boolean", value)),
        }
    }

    /// A member that is a double or an integer.
    ///
    /// # Errors
    /// If it is not there, or another value.
    pub fn double(&self, name: &str) -> Result<f64, Mismatch> {
        let value = self.get(name);
        value
            .and_then(Value::as_double)
            .ok_or_else(|| Mismatch::new(name, "a double", value))
    }

    /// A member that is an array; an empty one if it is nil or not there.
    ///
    /// # Errors
    /// If it is another value.
    pub fn array_or_empty(&self, name: &str) -> Result<&[Value], Mismatch> {
        match self.get(name) {
            None | Some(Value::Nil) => Ok(&[]),
            value => value
                .and_then(Value::as_array)
                .ok_or_else(|| Mismatch::new(name, "an array", value)),
        }
    }
}

impl<K: Into<Box<str>>> FromIterator<(K, Value)> for Struct {
    fn from_iter<T: IntoIterator<Item = (K, Value)>>(members: T) -> Self {
        Self(
            members
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl From<Struct> for Value {
    fn from(members: Struct) -> Self {
        Self::Struct(members)
    }
}
