//! Values as XML-RPC has them.

/// A value of a call or of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `<nil/>`.
    Nil,
    /// `<boolean>`.
    Bool(bool),
    /// `<int>`, or `<i8>` where it needs more than 32 bits.
    Int(i64),
    /// `<double>`.
    Double(f64),
    /// `<string>`, or a value without a type.
    Str(String),
    /// What is written as `<base64>` or as a date, with the name of that element.
    Other(&'static str, String),
    /// `<array>`.
    Array(Vec<Value>),
    /// `<struct>`, in the order in which it is written.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// The member of this name; nothing of what is no struct.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members
                .iter()
                .find(|(member, _)| member == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Whether it is true in the sense of Python, in which the hub is written.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Double(number) => *number != 0.0,
            Self::Str(text) | Self::Other(_, text) => !text.is_empty(),
            Self::Array(elements) => !elements.is_empty(),
            Self::Struct(members) => !members.is_empty(),
        }
    }

    /// What Python prints of it with `%r`.
    pub fn repr(&self) -> String {
        match self {
            Self::Nil => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Double(number) => format!("{number:?}"),
            Self::Str(text) | Self::Other(_, text) => {
                let text = text.replace('\\', "\\\\").replace('\n', "\\n");
                match text.contains('\'') && !text.contains('"') {
                    true => format!("\"{text}\""),
                    false => format!("'{}'", text.replace('\'', "\\'")),
                }
            }
            Self::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(Self::repr).collect();
                format!("[{}]", elements.join(", "))
            }
            Self::Struct(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| format!("{}: {}", Self::from(name.as_str()).repr(), value.repr()))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }

    /// The name of its type in Python.
    pub fn python_type(&self) -> &'static str {
        match self {
            Self::Nil => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "float",
            Self::Str(_) => "str",
            Self::Other("base64", _) => "Binary",
            Self::Other(..) => "DateTime",
            Self::Array(_) => "list",
            Self::Struct(_) => "dict",
        }
    }

    /// The value of a JSON document.
    pub fn of_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Double(number.as_f64().unwrap()),
            },
            serde_json::Value::String(text) => Self::Str(text.clone()),
            serde_json::Value::Array(elements) => Self::Array(elements.iter().map(Self::of_json).collect()),
            serde_json::Value::Object(members) => Self::Struct(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), Self::of_json(value)))
                    .collect(),
            ),
        }
    }
}

/// A struct with these members.
pub(crate) fn row<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Struct(members.map(|(name, value)| (name.to_owned(), value)).into())
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Str(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}
