//! Values as they were written, with their places.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::origin::{Origin, Problem, Source, nearest};

/// The smallest and the largest value of a number.
pub(crate) type Limits = (f64, f64);

/// A value as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    /// The key, with those of the tables it is in: `extra_target_dirs.releases.path`.
    pub(super) key: String,
    pub(super) value: &'a DeValue<'a>,
    pub(super) span: Range<usize>,
    pub(super) source: &'a Source<'a>,
    /// Where relative paths begin.
    pub(super) dir: &'a Path,
    pub(super) limits: Option<Limits>,
}

impl<'a> Node<'a> {
    pub(super) fn origin(&self) -> Origin {
        self.source.origin(&self.span)
    }

    /// This value is wrong.
    pub(super) fn problem(&self, why: impl Into<String>) -> Problem {
        Problem::Value {
            at: self.origin(),
            key: self.key.clone(),
            why: why.into(),
        }
    }

    /// This value is not what is expected; the message shows what it is.
    pub(super) fn unexpected(&self, why: &str) -> Problem {
        let shown = match self.value {
            // Messages go to logs, and passwords do not.
            DeValue::String(text) if text.contains("://") && text.contains('@') => return self.problem(why),
            DeValue::String(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(yes) => yes.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.problem(format!("{why} (it is {shown})"))
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A whole number; from environment and command line it comes as text.
    pub(super) fn integer(&self) -> Option<i64> {
        match self.value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            DeValue::String(text) if self.is_from_outside() => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Yes or no; from environment and command line it comes as text.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            DeValue::String(text) if self.is_from_outside() => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A number, which may have a fraction.
    pub(super) fn number(&self) -> Option<f64> {
        match self.value {
            DeValue::Integer(_) => self.integer().map(|number| number as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::String(text) if self.is_from_outside() => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether it comes from where there is nothing but text.
    fn is_from_outside(&self) -> bool {
        !matches!(self.source, Source::File { .. })
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        let items = self.value.as_array()?;
        Some(
            items
                .iter()
                .map(|item| self.below(self.key.clone(), item))
                .collect(),
        )
    }

    /// The entries of a table in the order of their keys, each with the node that is its key.
    pub(super) fn entries(&self) -> Option<Vec<Entry<'a>>> {
        let table = self.value.as_table()?;
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(name, value)| {
                let key = format!("{}.{}", self.key, name.get_ref());
                Entry {
                    name: name.get_ref(),
                    at: self.source.origin(&name.span()),
                    node: self.below(key, value),
                }
            })
            .collect();
        entries.sort_by_key(|entry| entry.node.span.start);
        Some(entries)
    }

    /// Adds the place of this value and of all values within it, by their paths. Elements of lists are
    /// numbered from 0.
    pub(super) fn places(&self, places: &mut BTreeMap<String, Origin>) {
        places.insert(self.key.clone(), self.origin());
        for entry in self.entries().unwrap_or_default() {
            entry.node.places(places);
            if entry.node.value.is_table() {
                places.insert(entry.node.key.clone(), entry.at);
            }
        }
        for (number, item) in self.items().unwrap_or_default().into_iter().enumerate() {
            let key = format!("{}.{number}", self.key);
            Self { key, ..item }.places(places);
        }
    }

    fn below(&self, key: String, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            key,
            value: value.get_ref(),
            span: value.span(),
            ..self.clone()
        }
    }
}

/// A value in a table, with its key.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    /// Where the key is.
    pub(super) at: Origin,
    pub(super) node: Node<'a>,
}

impl Entry<'_> {
    /// Its key is none of those that can be there.
    pub(super) fn unknown<'k>(&self, names: impl IntoIterator<Item = &'k str>) -> Problem {
        Problem::UnknownKey {
            at: self.at.clone(),
            key: self.node.key.clone(),
            nearest: nearest(self.name, names).map(str::to_owned),
        }
    }
}

/// How a text outside a file becomes a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// It is the value.
    Single,
    /// Words parted by commas or white space; or a TOML array.
    List,
    /// Paths parted by colons.
    Paths,
    /// A TOML inline table.
    Table,
}

/// A text from outside a file as a TOML value.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn value_of(shape: Shape, text: &str) -> Result<DeValue<'_>, String> {
    let words = |separator: fn(char) -> bool| {
        let words = text.split(separator).filter(|word| !word.is_empty());
        let words = words.map(|word| Spanned::new(0..0, DeValue::String(Cow::Borrowed(word))));
        DeValue::Array(words.collect::<DeArray<'_>>())
    };
    let toml = |expected: &str| {
        let value =
            DeValue::parse(text.trim()).map_err(|error| format!("{expected}: {}", error.message()))?;
        Ok(value.into_inner())
    };
    match shape {
        Shape::Single => Ok(DeValue::String(Cow::Borrowed(text))),
        Shape::List if text.trim_start().starts_with('[') => {
            toml("what begins with [ is read as a TOML array, as in [\"a\", \"b\"]")
        }
        Shape::List => Ok(words(|c| c == ',' || c.is_whitespace())),
        Shape::Paths => Ok(words(|c| c == ':')),
        Shape::Table => toml("a TOML inline table is expected, as in { name = { key = \"value\" } }"),
    }
}
