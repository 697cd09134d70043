//! Reading small answers into values.

use std::io::BufRead;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::ReadError;
use super::reader::{Item, Kind, Reader, Token};
use super::tag::Tag;
use super::value::{Struct, Value};
use crate::koji::client::fault::Fault;

/// Reads a whole answer.
///
/// # Errors
/// [`ReadError::Fault`] if it is a fault, others if it is no answer, or beyond a limit.
pub fn read_answer<R: BufRead>(reader: &mut Reader<R>) -> Result<Value, ReadError> {
    reader.begin_answer()?;
    let value = read_value(reader)?;
    reader.end_answer()?;
    Ok(value)
}

/// Reads a whole call: its method, and its arguments as they were sent. What a hub does; and what tests do.
///
/// # Errors
/// If it is none, or beyond a limit.
pub fn read_call<R: BufRead>(reader: &mut Reader<R>) -> Result<(String, Vec<Value>), ReadError> {
    reader.root(Tag::MethodCall)?;
    match reader.markup()? {
        Token::Start(Tag::MethodName) => reader.content(Tag::MethodName)?,
        other => return Err(reader.unexpected(other)),
    }
    let method = reader.text().to_owned();
    let mut params = Vec::new();
    match reader.markup()? {
        Token::Start(Tag::Params) => loop {
            match reader.markup()? {
                Token::Start(Tag::Param) => {
                    params.push(read_value(reader)?);
                    reader.expect_end(Tag::Param)?;
                }
                Token::End(Tag::Params) => break,
                other => return Err(reader.unexpected(other)),
            }
        },
        // There need not be any.
        Token::End(Tag::MethodCall) => {
            reader.end()?;
            return Ok((method, params));
        }
        other => return Err(reader.unexpected(other)),
    }
    reader.expect_end(Tag::MethodCall)?;
    reader.end()?;
    Ok((method, params))
}

/// Reads a value. What is inside of it is bounded by the reader's depth.
pub(crate) fn read_value<R: BufRead>(reader: &mut Reader<R>) -> Result<Value, ReadError> {
    let item = reader.value()?;
    Ok(match item {
        Item::Plain(kind) => {
            let text = reader.text();
            plain(kind, text).ok_or_else(|| {
                let shown: String = text.chars().take(40).collect();
                ReadError::malformed(reader.position(), format!("{shown:?} is not {}", noun(kind)))
            })?
        }
        Item::Array => {
            let mut values = Vec::new();
            while reader.next_element()? {
                values.push(read_value(reader)?);
            }
            Value::Array(values)
        }
        Item::Struct => Value::Struct(read_members(reader)?),
    })
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "an integer of 64 bits",
        kind => kind.noun(),
    }
}

fn plain(kind: Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::Nil => Value::Nil,
        Kind::Bool => Value::Bool(match text.trim() {
            "0" => false,
            "1" => true,
            _ => return None,
        }),
        Kind::Int => Value::Int(text.trim().parse().ok()?),
        Kind::Double => {
            let double: f64 = text.trim().parse().ok()?;
            double.is_finite().then_some(Value::Double(double))?
        }
        Kind::String => Value::String(text.into()),
        Kind::DateTime => Value::DateTime(text.trim().into()),
        Kind::Base64 => {
            let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            Value::Bytes(STANDARD.decode(digits).ok()?)
        }
    })
}

/// A struct with the two members of a fault: of an answer, or in place of one of several.
pub(crate) fn as_fault(value: &Value) -> Option<Fault> {
    let members = value.as_struct()?;
    let code = members.get("faultCode")?.as_int()?;
    let text = members.get("faultString")?.as_str()?;
    Some(Fault::new(code, text))
}

/// Reads the members of a struct that has to be a fault.
pub(crate) fn read_fault<R: BufRead>(reader: &mut Reader<R>) -> Result<Fault, ReadError> {
    let members = read_members(reader)?;
    as_fault(&Value::Struct(members)).ok_or_else(|| ReadError::row("the answer", "a struct that is no fault"))
}

fn read_members<R: BufRead>(reader: &mut Reader<R>) -> Result<Struct, ReadError> {
    let mut members = Struct::default();
    while reader.next_member()? {
        let name: Box<str> = reader.text().into();
        members.0.insert(name, read_value(reader)?);
    }
    Ok(members)
}
