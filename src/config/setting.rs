//! What the types of values have in common: reading, showing, describing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use odcs_core::allow::{UrlAllowList, UrlPrefix};
use odcs_core::request::Lifetime;
use toml::Value;

use super::node::{Limits, Node, Shape};
use super::origin::Problem;

/// The type of a key.
pub(crate) trait Setting: Sized {
    /// How a text outside a file becomes a value.
    const SHAPE: Shape;

    /// The values there are, if they are few.
    const VALUES: &'static [&'static str] = &[];

    /// The placeholder of an option's value in the help.
    const PLACEHOLDER: &'static str;

    /// What it is, for the reference.
    fn kind() -> String;

    /// # Errors
    /// Everything that is wrong with it.
    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>>;

    /// As TOML; nothing if there is no value yet.
    fn show(&self) -> Option<Value>;

    /// What its limits are, for the reference.
    fn range((least, most): Limits) -> String {
        format!(" from {least} to {most}")
    }
}

/// A value that is written as one text.
pub(crate) trait Word: Sized {
    /// What one is, without an article, for the reference.
    const NAME: &'static str;
    /// How several of them are parted outside files.
    const LIST: Shape = Shape::List;
    const VALUES: &'static [&'static str] = &[];
    const PLACEHOLDER: &'static str;

    /// Reads one; `dir` is where relative paths begin.
    ///
    /// # Errors
    /// What is expected, to which the text itself is added.
    fn parse(text: &str, dir: &Path) -> Result<Self, String>;

    fn show(&self) -> String;
}

impl<T: Word> Setting for T {
    const SHAPE: Shape = Shape::Single;
    const VALUES: &'static [&'static str] = T::VALUES;
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;

    fn kind() -> String {
        match T::VALUES {
            [] => format!("text: {}", T::NAME),
            values => format!("text: `{}`", values.join("`, `")),
        }
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let text = node
            .text()
            .ok_or_else(|| vec![node.unexpected("a text is expected")])?;
        T::parse(text, node.dir).map_err(|why| vec![node.unexpected(&why)])
    }

    fn show(&self) -> Option<Value> {
        Some(Value::String(Word::show(self)))
    }
}

impl<T: Setting> Setting for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;

    fn kind() -> String {
        T::kind()
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        T::read(node).map(Some)
    }

    fn show(&self) -> Option<Value> {
        self.as_ref().and_then(T::show)
    }
}

impl<T: Word + PartialEq> Setting for Vec<T> {
    const SHAPE: Shape = T::LIST;
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;

    fn kind() -> String {
        format!("list of texts: {}", T::NAME)
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let items = node
            .items()
            .ok_or_else(|| vec![node.unexpected("a list is expected, as in [\"a\", \"b\"]")])?;
        let mut problems = Vec::new();
        let mut list: Self = Self::with_capacity(items.len());
        for item in items {
            match T::read(&item) {
                // Saying it twice changes nothing.
                Ok(value) if list.contains(&value) => {}
                Ok(value) => list.push(value),
                Err(wrong) => problems.extend(wrong),
            }
        }
        if problems.is_empty() {
            Ok(list)
        } else {
            Err(problems)
        }
    }

    fn show(&self) -> Option<Value> {
        let texts = self.iter().map(|value| Value::String(Word::show(value)));
        Some(Value::Array(texts.collect()))
    }
}

impl Setting for UrlAllowList {
    const SHAPE: Shape = Shape::List;
    const PLACEHOLDER: &'static str = "URL";

    fn kind() -> String {
        Vec::<UrlPrefix>::kind()
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        Vec::<UrlPrefix>::read(node).map(|prefixes| prefixes.into_iter().collect())
    }

    fn show(&self) -> Option<Value> {
        Setting::show(&self.prefixes().to_vec())
    }
}

/// What a rule allows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Allowed<T> {
    /// Anything; written `[""]`.
    Anything,
    /// These values and no other.
    Only(Vec<T>),
}

impl<T: Word + PartialEq> Setting for Allowed<T> {
    const SHAPE: Shape = T::LIST;
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;

    fn kind() -> String {
        format!("{}, or `[\"\"]` for anything", Vec::<T>::kind())
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let items = node.items().unwrap_or_default();
        match items.iter().find(|item| item.text() == Some("")) {
            Some(_) if items.len() == 1 => Ok(Self::Anything),
            Some(empty) => {
                Err(vec![empty.problem(
                    "\"\" allows anything and stands alone; leave it out, or the others",
                )])
            }
            None => Vec::read(node).map(Self::Only),
        }
    }

    fn show(&self) -> Option<Value> {
        match self {
            Self::Anything => Some(Value::Array(vec![Value::String(String::new())])),
            Self::Only(list) => Setting::show(list),
        }
    }
}

/// A number within the limits of its key.
fn number(node: &Node<'_>) -> Result<f64, Vec<Problem>> {
    let number = node.number().filter(|number| number.is_finite());
    let number =
        number.ok_or_else(|| vec![node.unexpected(&format!("a number{} is expected", range(node)))])?;
    match node.limits {
        Some((least, most)) if number < least || number > most => Err(vec![
            node.unexpected(&format!("a number{} is expected", range(node))),
        ]),
        _ => Ok(number),
    }
}

fn range(node: &Node<'_>) -> String {
    node.limits
        .map(|(least, most)| format!(" from {least} to {most}"))
        .unwrap_or_default()
}

impl Setting for bool {
    const SHAPE: Shape = Shape::Single;
    const VALUES: &'static [&'static str] = &["true", "false"];
    const PLACEHOLDER: &'static str = "BOOLEAN";

    fn kind() -> String {
        "`true` or `false`".to_owned()
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        node.boolean()
            .ok_or_else(|| vec![node.unexpected("true or false is expected")])
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Boolean(*self))
    }
}

impl Setting for Duration {
    const SHAPE: Shape = Shape::Single;
    const PLACEHOLDER: &'static str = "SECONDS";

    fn kind() -> String {
        "number of seconds".to_owned()
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        Self::try_from_secs_f64(number(node)?)
            .map_err(|_| vec![node.unexpected("a number of seconds is expected")])
    }

    fn show(&self) -> Option<Value> {
        Some(match i64::try_from(self.as_secs()) {
            Ok(seconds) if self.subsec_nanos() == 0 => Value::Integer(seconds),
            _ => Value::Float(self.as_secs_f64()),
        })
    }
}

impl Setting for Lifetime {
    const SHAPE: Shape = Shape::Single;
    const PLACEHOLDER: &'static str = "SECONDS";

    fn kind() -> String {
        "whole number of seconds".to_owned()
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let seconds = u64::read(node)?;
        Self::from_seconds(seconds).map_err(|_| vec![node.unexpected("at least a second is expected")])
    }

    fn show(&self) -> Option<Value> {
        self.seconds().show()
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Setting for $number {
            const SHAPE: Shape = Shape::Single;
            const PLACEHOLDER: &'static str = "NUMBER";

            fn kind() -> String {
                "whole number".to_owned()
            }

            fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
                let whole = || vec![node.unexpected(&format!("a whole number{} is expected", range(node)))];
                let integer = node.integer().ok_or_else(whole)?;
                number(node).map_err(|_| whole())?;
                Self::try_from(integer).map_err(|_| whole())
            }

            fn show(&self) -> Option<Value> {
                i64::try_from(*self).ok().map(Value::Integer)
            }
        }
    )*};
}

whole_numbers!(u16, u32, u64, usize);

/// What stands under a name in a table of the configuration.
pub(crate) trait Item: Sized {
    /// Its fields, for the reference: name and meaning.
    const FIELDS: &'static [(&'static str, &'static str)];

    /// # Errors
    /// Everything that is wrong with it.
    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>>;

    fn show(&self) -> Value;
}

impl<K: Word + Ord, T: Item> Setting for BTreeMap<K, T> {
    const SHAPE: Shape = Shape::Table;
    const PLACEHOLDER: &'static str = "TABLE";

    fn kind() -> String {
        let fields = T::FIELDS.iter().map(|(name, _)| *name);
        let fields = fields.collect::<Vec<_>>().join("`, `");
        format!("table: {} → table with `{fields}`", K::NAME)
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let entries = node
            .entries()
            .ok_or_else(|| vec![node.unexpected("a table is expected, an entry for each name")])?;
        let mut problems = Vec::new();
        let mut table = Self::new();
        for entry in entries {
            let name = K::parse(entry.name, node.dir).map_err(|why| {
                vec![Problem::Value {
                    at: entry.at.clone(),
                    key: node.key.clone(),
                    why: format!("{why} (it is {:?})", entry.name),
                }]
            });
            match (name, T::read(&entry.node)) {
                (Ok(name), Ok(item)) => {
                    table.insert(name, item);
                }
                (name, item) => {
                    problems.extend(name.err().into_iter().flatten());
                    problems.extend(item.err().into_iter().flatten());
                }
            }
        }
        if problems.is_empty() {
            Ok(table)
        } else {
            Err(problems)
        }
    }

    fn show(&self) -> Option<Value> {
        let entries = self.iter().map(|(name, item)| (Word::show(name), item.show()));
        Some(Value::Table(entries.collect()))
    }
}
