//! What shape each field has: checked for the whole body before anything is made of it.

use std::fmt;

use serde_json::{Map, Value};

use super::super::fields::is_plain;
use super::{MAX_ITEMS, MAX_SOURCE_CHARS, MAX_TEXT_CHARS};
use crate::{Error, Result};

/// Where a field belongs when the body has a `source` object; in the flat form all stand together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Within `source`.
    Source,
    /// Beside it.
    Top,
}

/// What a field's value is in JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number, or a string with one.
    Seconds,
    /// A list of strings.
    Texts,
    /// A list of strings, or an object of such lists.
    TextsByName,
    /// A string, or a list of them.
    TextOrTexts,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Seconds => "an integer: a number of seconds",
            Self::Texts => "a list of strings",
            Self::TextsByName => "a list of strings, or an object of such lists by arch",
            Self::TextOrTexts => "a string or a list of strings",
        })
    }
}

/// One field of the API.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) place: Place,
    shape: Shape,
    /// Whether its texts may hold more than plain characters, because a type of their own decides.
    free: bool,
    max_chars: usize,
}

const fn field(name: &'static str, place: Place, shape: Shape) -> Field {
    Field {
        name,
        place,
        shape,
        free: false,
        max_chars: MAX_TEXT_CHARS,
    }
}

impl Field {
    const fn free(mut self) -> Self {
        self.free = true;
        self
    }
}

/// Every field but the object `source` itself.
static FIELDS: [Field; 30] = [
    field("type", Place::Source, Shape::Text),
    Field {
        max_chars: MAX_SOURCE_CHARS,
        ..field("source", Place::Source, Shape::Text).free()
    },
    field("packages", Place::Source, Shape::Texts).free(),
    field("builds", Place::Source, Shape::Texts),
    field("sigkeys", Place::Source, Shape::TextsByName),
    field("embargo", Place::Source, Shape::TextOrTexts),
    field("koji_event", Place::Source, Shape::Integer),
    field("modular_koji_tags", Place::Source, Shape::Texts),
    field("module_defaults_url", Place::Source, Shape::Text).free(),
    field("module_defaults_commit", Place::Source, Shape::Text),
    field("scratch_modules", Place::Source, Shape::Texts),
    field("scratch_build_tasks", Place::Source, Shape::Texts),
    field("modules", Place::Source, Shape::Texts),
    field("base_module_br_name", Place::Source, Shape::Text),
    field("base_module_br_stream", Place::Source, Shape::Text),
    field("base_module_br_stream_version_lte", Place::Source, Shape::Integer),
    field("base_module_br_stream_version_gte", Place::Source, Shape::Integer),
    field("seconds_to_live", Place::Top, Shape::Seconds),
    field("seconds-to-live", Place::Top, Shape::Seconds),
    field("flags", Place::Top, Shape::Texts),
    field("results", Place::Top, Shape::Texts),
    field("arches", Place::Top, Shape::Texts),
    field("multilib_arches", Place::Top, Shape::Texts),
    field("multilib_method", Place::Top, Shape::Texts),
    field("lookaside_repos", Place::Top, Shape::Texts).free(),
    field("label", Place::Top, Shape::Text),
    field("compose_type", Place::Top, Shape::Text),
    field("target_dir", Place::Top, Shape::Text),
    field("parent_pungi_compose_ids", Place::Top, Shape::Texts),
    field("respin_of", Place::Top, Shape::Text),
];

/// The field of this name.
pub(super) fn find(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// Checks the shape of all values: of fields, wherever they stand, and of unknown keys, which may hold
/// plain texts, numbers, booleans and lists of those, as with the reference server.
///
/// `skip` is left out: the object `source`, which the caller checks on its own.
///
/// # Errors
/// `Invalid` with the key as its subject.
pub(super) fn check(object: &Map<String, Value>, skip: Option<&str>) -> Result<()> {
    object
        .iter()
        .filter(|(name, _)| Some(name.as_str()) != skip)
        .try_for_each(|(name, value)| match find(name) {
            Some(field) => field.check(value),
            None => check_unknown(name, value),
        })
}

/// Checks the texts of fields that have no effect here, and so no type of their own to decide about them: plain
/// ones, as with the reference server, which takes anything for the names of packages only.
///
/// # Errors
/// `Invalid` with the key as its subject.
pub(super) fn check_ignored(object: &Map<String, Value>, known: &[&str]) -> Result<()> {
    let ignored = |name: &str| !known.contains(&name) && name != "packages";
    let ignored = object.iter().filter(|(name, _)| ignored(name));
    ignored
        .into_iter()
        .try_for_each(|(name, value)| check_unknown(name, value))
}

impl Field {
    fn check(&self, value: &Value) -> Result<()> {
        match (self.shape, value) {
            (Shape::Text | Shape::TextOrTexts, Value::String(text)) => self.check_text(text),
            (Shape::Texts | Shape::TextsByName | Shape::TextOrTexts, Value::Array(items)) => {
                self.check_items(items)
            }
            (Shape::TextsByName, Value::Object(lists)) => self.check_lists(lists),
            (Shape::Integer, Value::Number(number)) if number.is_i64() => Ok(()),
            (Shape::Integer, Value::Number(number)) if number.is_u64() => Err(self.refused("is too large")),
            (Shape::Seconds, _) if seconds(value).is_some() => Ok(()),
            _ => Err(self.refused(&format!("should be {}", self.shape))),
        }
    }

    fn check_items(&self, items: &[Value]) -> Result<()> {
        if items.len() > MAX_ITEMS {
            let message = format!("has {} items, at most {MAX_ITEMS} are allowed", items.len());
            return Err(self.refused(&message));
        }
        items.iter().try_for_each(|item| match item {
            Value::String(text) => self.check_text(text),
            _ => Err(self.refused(&format!("should be {}", self.shape))),
        })
    }

    fn check_lists(&self, lists: &Map<String, Value>) -> Result<()> {
        lists.values().try_for_each(|list| match list {
            Value::Array(items) => self.check_items(items),
            _ => Err(self.refused(&format!("should be {}", self.shape))),
        })
    }

    fn check_text(&self, text: &str) -> Result<()> {
        if is_longer(text, self.max_chars) {
            return Err(self.refused(&format!(
                "holds a text of more than {} characters",
                self.max_chars
            )));
        }
        if self.free || is_plain(text) {
            Ok(())
        } else {
            Err(self.refused(PLAIN))
        }
    }

    fn refused(&self, what: &str) -> Error {
        Error::invalid(self.name, format!("\"{}\" {what}", self.name))
    }
}

const PLAIN: &str = "may hold letters, digits, blanks and -/_.:#+?$~^, only";

/// A number of seconds that fits: not a fraction, not a boolean.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a text has more than so many characters. Does not read on when it knows.
fn is_longer(text: &str, chars: usize) -> bool {
    text.len() > chars && text.chars().nth(chars).is_some()
}

/// Without recursion, so that no depth of lists can matter.
fn check_unknown(name: &str, value: &Value) -> Result<()> {
    let refused = |what: &str| Err(Error::invalid(name, format!("{} {what}", quoted(name))));
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) if is_plain(text) => {}
            Value::String(_) => return refused(PLAIN),
            Value::Array(items) => left.extend(items),
            Value::Object(_) => return refused("should not hold an object, only \"source\" may"),
            Value::Null => return refused("should not be or hold null"),
        }
    }
    Ok(())
}

/// A key for a message: in quotes, and not longer than a line.
pub(super) fn quoted(name: &str) -> String {
    if is_longer(name, 80) {
        let start: String = name.chars().take(80).collect();
        format!("{start:?}…")
    } else {
        format!("{name:?}")
    }
}
