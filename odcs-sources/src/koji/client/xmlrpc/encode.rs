//! Calls as they are sent.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::value::{Struct, Value};

/// The member that makes of the last struct of a call its keyword arguments.
const KEYWORDS: &str = "__starstar";
/// How deep values may be nested; nothing that is sent comes near it.
const DEPTH: usize = 64;

/// One call: a method, its arguments by position, and by name.
///
/// ```
/// use odcs_sources::koji::client::xmlrpc::{Call, encode_call};
/// let call = Call::new("getTag").arg("f42").keyword("event", 174);
/// let bytes = encode_call(&call).unwrap();
/// assert!(String::from_utf8(bytes).unwrap().contains("<name>__starstar</name><value><boolean>1</boolean></value>"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// The arguments by position.
    pub args: Vec<Value>,
    /// The arguments by name; nothing is said of them if there are none.
    pub keywords: Struct,
}

impl Call {
    /// A call without arguments.
    pub fn new(method: &'static str) -> Self {
        Self {
            method,
            args: Vec::new(),
            keywords: Struct::default(),
        }
    }

    /// With one more argument by position.
    #[must_use]
    pub fn arg(mut self, value: impl Into<Value>) -> Self {
        self.args.push(value.into());
        self
    }

    /// With an argument by name.
    #[must_use]
    pub fn keyword(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.keywords.0.insert(name.into(), value.into());
        self
    }

    /// With an argument by name, if there is a value for it.
    #[must_use]
    pub fn keyword_if(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.keyword(name, value),
            None => self,
        }
    }

    /// The arguments as they are sent: those by name are a last struct.
    pub fn params(&self) -> Vec<Value> {
        let mut params = self.args.clone();
        if !self.keywords.0.is_empty() {
            let mut members = self.keywords.clone();
            members.0.insert(KEYWORDS.into(), Value::Bool(true));
            params.push(Value::Struct(members));
        }
        params
    }

    /// The call as one entry of a `multiCall`.
    fn entry(&self) -> Value {
        let members = [
            ("methodName", Value::from(self.method)),
            ("params", Value::Array(self.params())),
        ];
        Value::Struct(members.into_iter().collect())
    }
}

/// Why a call cannot be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// XML cannot say this character.
    #[error("{0:?} has a character that cannot be sent")]
    Character(Box<str>),
    /// An infinite double, or one that is no number.
    #[error("a number that is none cannot be sent")]
    Number,
    /// More nested than anything that is sent.
    #[error("it is nested too deeply")]
    Depth,
}

/// The bytes of a call.
///
/// # Errors
/// If a string or a number cannot be sent.
pub fn encode_call(call: &Call) -> Result<Vec<u8>, EncodeError> {
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    text(&mut out, call.method)?;
    out.push_str("</methodName>\n<params>\n");
    for param in call.params() {
        out.push_str("<param>\n");
        value(&mut out, &param, 0)?;
        out.push_str("\n</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    Ok(out.into_bytes())
}

/// One entry of a `multiCall`, encoded.
pub(crate) fn encode_entry(call: &Call) -> Result<String, EncodeError> {
    let mut out = String::with_capacity(256);
    value(&mut out, &call.entry(), 0)?;
    Ok(out)
}

/// The bytes of a `multiCall` of encoded entries.
pub(crate) fn encode_multicall(entries: &[String]) -> Vec<u8> {
    let mut out = String::with_capacity(256 + entries.iter().map(String::len).sum::<usize>());
    out.push_str(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>multiCall</methodName>\n<params>\n<param>\n",
    );
    out.push_str("<value><array><data>");
    entries.iter().for_each(|entry| out.push_str(entry));
    out.push_str("</data></array></value>\n</param>\n</params>\n</methodCall>\n");
    out.into_bytes()
}

fn value(out: &mut String, of: &Value, depth: usize) -> Result<(), EncodeError> {
    if depth > DEPTH {
        return Err(EncodeError::Depth);
    }
    out.push_str("<value>");
    match of {
        Value::Nil => out.push_str("<nil/>"),
        Value::Bool(value) => {
            out.push_str(if *value {
                "<boolean>1</boolean>"
            } else {
                "<boolean>0</boolean>"
            });
        }
        Value::Int(value) => {
            let tag = if i32::try_from(*value).is_ok() {
                "int"
            } else {
                "i8"
            };
            // Writing to a string does not fail.
            let _ = write!(out, "<{tag}>{value}</{tag}>");
        }
        Value::Double(value) => {
            if !value.is_finite() {
                return Err(EncodeError::Number);
            }
            let _ = write!(out, "<double>{value:?}</double>");
        }
        Value::String(value) => element(out, "string", value)?,
        Value::DateTime(value) => element(out, "dateTime.iso8601", value)?,
        Value::Bytes(value) => element(out, "base64", &STANDARD.encode(value))?,
        Value::Array(values) => {
            out.push_str("<array><data>");
            for of in values {
                value(out, of, depth + 1)?;
            }
            out.push_str("</data></array>");
        }
        Value::Struct(Struct(members)) => {
            out.push_str("<struct>");
            for (name, of) in members {
                out.push_str("<member>");
                element(out, "name", name)?;
                value(out, of, depth + 1)?;
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
    Ok(())
}

fn element(out: &mut String, tag: &str, content: &str) -> Result<(), EncodeError> {
    let _ = write!(out, "<{tag}>");
    text(out, content)?;
    let _ = write!(out, "</{tag}>");
    Ok(())
}

fn text(out: &mut String, text: &str) -> Result<(), EncodeError> {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Read as a line feed otherwise.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(EncodeError::Character(text.chars().take(80).collect()));
            }
            c => out.push(c),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_type_that_takes_them() {
        let text =
            |value: i64| String::from_utf8(encode_call(&Call::new("echo").arg(value)).unwrap()).unwrap();
        assert!(text(2_147_483_647).contains("<int>2147483647</int>"));
        assert!(text(-2_147_483_648).contains("<int>-2147483648</int>"));
        assert!(text(2_147_483_648).contains("<i8>2147483648</i8>"));
        assert!(text(-2_147_483_649).contains("<i8>-2147483649</i8>"));
    }

    #[test]
    fn what_xml_cannot_say_is_not_sent() {
        assert!(encode_call(&Call::new("getTag").arg("bell\u{7}")).is_err());
        assert!(encode_call(&Call::new("echo").arg(Value::Double(f64::NAN))).is_err());
    }
}
