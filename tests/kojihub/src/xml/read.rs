//! Reading calls and answers.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::Value;

/// What a document is.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The name of the method, of a call.
    pub method: Option<String>,
    /// The arguments of a call, or the one value of an answer.
    pub params: Vec<Value>,
    /// The value of a fault.
    pub fault: Option<Value>,
}

/// An element that is open, and what was read of it.
enum Open {
    /// An element of a value, or around one: its name, text and values.
    Element(String, String, Vec<Value>),
    /// A member of a struct.
    Member(String, Vec<Value>),
    /// A struct.
    Struct(Vec<(String, Value)>),
}

/// Reads a call or an answer. The error says what is wrong, in the words of whoever finds it.
pub fn read(xml: &[u8]) -> Result<Document, String> {
    if xml.is_empty() {
        return Err("Empty request".to_owned());
    }
    let text = std::str::from_utf8(xml).map_err(|_| "not well-formed (invalid token)")?;
    let mut reader = Reader::from_str(text);
    let mut document = Document {
        method: None,
        params: Vec::new(),
        fault: None,
    };
    let mut open: Vec<Open> = Vec::new();
    let mut begun = false;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                begun = true;
                open.push(opened(start.name().as_ref()));
            }
            Event::Empty(start) => {
                open.push(opened(start.name().as_ref()));
                close(&mut open, &mut document)?;
            }
            Event::End(_) => close(&mut open, &mut document)?,
            Event::Text(text) => {
                let text = text.xml10_content();
                if !begun && !text.trim().is_empty() {
                    return Err("syntax error".to_owned());
                }
                add(&mut open, &text);
            }
            Event::CData(text) => {
                let text = text.xml10_content();
                add(&mut open, &text);
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                let text = match (character, &*reference) {
                    (Some(character), _) => character.to_string(),
                    (None, "lt") => "<".to_owned(),
                    (None, "gt") => ">".to_owned(),
                    (None, "amp") => "&".to_owned(),
                    (None, "quot") => "\"".to_owned(),
                    (None, "apos") => "'".to_owned(),
                    (None, other) => return Err(format!("undefined entity {other}")),
                };
                add(&mut open, &text);
            }
            Event::DocType(_) => return Err("EntitiesForbidden".to_owned()),
            Event::Eof if open.is_empty() && begun => return Ok(document),
            Event::Eof => return Err("no element found".to_owned()),
            _ => (),
        }
    }
}

fn opened(name: &str) -> Open {
    match name {
        "member" => Open::Member(String::new(), Vec::new()),
        "struct" => Open::Struct(Vec::new()),
        _ => Open::Element(name.to_owned(), String::new(), Vec::new()),
    }
}

fn add(open: &mut [Open], more: &str) {
    if let Some(Open::Element(_, text, _)) = open.last_mut() {
        text.push_str(more);
    }
}

fn close(open: &mut Vec<Open>, document: &mut Document) -> Result<(), String> {
    let done = open.pop().ok_or("mismatched tag")?;
    let value = match done {
        Open::Member(name, mut values) => {
            let value = values.pop().ok_or_else(|| format!("no value of {name}"))?;
            return match open.last_mut() {
                Some(Open::Struct(members)) => {
                    members.push((name, value));
                    Ok(())
                }
                _ => Err("a member of no struct".to_owned()),
            };
        }
        Open::Struct(members) => Value::Struct(members),
        Open::Element(name, text, mut values) => match name.as_str() {
            "name" => {
                if let Some(Open::Member(name, _)) = open.last_mut() {
                    *name = text;
                }
                return Ok(());
            }
            "methodName" => {
                document.method = Some(text);
                return Ok(());
            }
            "fault" => {
                document.fault = values.pop();
                return Ok(());
            }
            "param" => {
                document
                    .params
                    .push(values.pop().ok_or("a param without a value")?);
                return Ok(());
            }
            "params" | "methodCall" | "methodResponse" => return Ok(()),
            "value" => values.pop().unwrap_or(Value::Str(text)),
            "data" => Value::Array(values),
            "array" => values.pop().unwrap_or(Value::Array(Vec::new())),
            scalar => of_text(scalar, text)?,
        },
    };
    match open.last_mut() {
        Some(Open::Element(_, _, values) | Open::Member(_, values)) => {
            values.push(value);
            Ok(())
        }
        _ => Err("a value where none belongs".to_owned()),
    }
}

fn of_text(kind: &str, text: String) -> Result<Value, String> {
    let trimmed = text.trim();
    match kind.rsplit(':').next().unwrap_or(kind) {
        "nil" => Ok(Value::Nil),
        "boolean" => match trimmed {
            "0" => Ok(Value::Bool(false)),
            "1" => Ok(Value::Bool(true)),
            _ => Err("bad boolean value".to_owned()),
        },
        "int" | "i1" | "i2" | "i4" | "i8" | "biginteger" => {
            let number = trimmed.parse().map_err(|_| format!("bad integer {trimmed:?}"))?;
            Ok(Value::Int(number))
        }
        "double" | "float" => {
            let number = trimmed.parse().map_err(|_| format!("bad number {trimmed:?}"))?;
            Ok(Value::Double(number))
        }
        "string" => Ok(Value::Str(text)),
        "base64" => Ok(Value::Other("base64", trimmed.to_owned())),
        "dateTime.iso8601" => Ok(Value::Other("dateTime.iso8601", trimmed.to_owned())),
        _ => Err(format!("ResponseError(\"unknown tag '{kind}'\")")),
    }
}
