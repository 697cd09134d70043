//! Where values come from, and what is wrong with them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where the value of a key comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// Nobody chose it.
    Default,
    /// A place in the configuration file; line and column count from 1.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// An option of the command line, with its dashes.
    Option(String),
}

impl Origin {
    /// The place as editors and compilers write it: `odcs.toml:12:8`.
    pub(super) fn exactly(&self) -> String {
        match self {
            Self::File { column, .. } => format!("{self}:{column}"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Option(name) => f.write_str(name),
        }
    }
}

/// Something that values are read from.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// A configuration file: its path, and what is in it.
    File { path: &'a Path, text: &'a str },
    /// An environment variable.
    Environment(&'a str),
    /// An option of the command line.
    Option(&'a str),
}

impl Source<'_> {
    /// The place of some bytes of it.
    pub(super) fn origin(&self, span: &Range<usize>) -> Origin {
        match self {
            Self::Environment(name) => Origin::Environment((*name).to_owned()),
            Self::Option(name) => Origin::Option((*name).to_owned()),
            Self::File { path, text } => {
                let before = text.get(..span.start).unwrap_or(text);
                let line = before.rsplit('\n').next().unwrap_or_default();
                Origin::File {
                    path: path.to_path_buf(),
                    line: before.matches('\n').count() + 1,
                    column: line.chars().count() + 1,
                }
            }
        }
    }
}

/// Something wrong with the configuration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    /// The file cannot be read.
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: String },
    /// The file is no TOML.
    #[error("{}: {why}", at.exactly())]
    Syntax { at: Origin, why: String },
    /// There is no such key.
    #[error("{}: {}", at.exactly(), unknown(key, nearest.as_deref()))]
    UnknownKey {
        at: Origin,
        /// With the keys of the tables it is in: `raw_config_urls.f44.urll`.
        key: String,
        nearest: Option<String>,
    },
    /// A value that cannot be.
    #[error("{}: {}{why}", at.exactly(), subject(at, key))]
    Value { at: Origin, key: String, why: String },
}

impl Problem {
    /// What is wrong, without the place.
    pub(super) fn why(&self) -> String {
        match self {
            Self::File { why, .. } | Self::Syntax { why, .. } | Self::Value { why, .. } => why.clone(),
            Self::UnknownKey { key, nearest, .. } => unknown(key, nearest.as_deref()),
        }
    }
}

fn unknown(key: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("unknown key {key:?}; did you mean {nearest:?}?"),
        None => format!("unknown key {key:?}; `odcs config --reference` lists the keys"),
    }
}

/// The key in front of a message; variables and options name it themselves, but not what is within.
fn subject(at: &Origin, key: &str) -> String {
    match (at, key.split_once('.')) {
        (Origin::File { .. } | Origin::Default, _) => format!("{key}: "),
        (_, Some((_, within))) => format!("{within}: "),
        (_, None) => String::new(),
    }
}

/// Everything wrong with a configuration: a line each.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub(crate) struct Refusal(pub(crate) Vec<Problem>);

/// What the original server called things that have another name here.
const RENAMED: [(&str, &str); 2] = [
    ("target_dir_url", "public_url"),
    ("num_concurrent_pungi", "concurrency"),
];

/// The name that somebody meant who wrote another, if there is one that it looks like.
pub(super) fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let renamed = RENAMED.iter().find(|(old, _)| *old == written);
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        if renamed.is_some_and(|(_, new)| *new == name) {
            return Some(name);
        }
        let distance = strsim::damerau_levenshtein(&written.to_lowercase(), name);
        if distance <= (name.len() / 3).max(1) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}
