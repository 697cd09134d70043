//! The layers: a file, the environment, the command line.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::keys::{Draft, KEYS, Key};
use super::node::{Node, Shape, value_of};
use super::origin::{Problem, Source, nearest};

/// The largest file that is read; one that people wrote has a few kilobytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What begins so is no key, and meant for others.
const NOT_KEYS: [&str; 3] = ["ODCS_CONFIG", "ODCS_SERVER", "ODCS_LOG"];

/// A configuration file that was read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    text: String,
    /// Where relative paths in it begin.
    dir: PathBuf,
}

/// Reads a file; nothing if there is none.
///
/// # Errors
/// It is there, but cannot be read.
pub(super) fn read_file(path: &Path, current: &Path) -> Result<Option<File>, Problem> {
    let wrong = |why: String| Problem::File {
        path: path.to_owned(),
        why,
    };
    #[allow(clippy::disallowed_methods, reason = "the path is the operator's own")]
    let opened = std::fs::File::open(current.join(path));
    let file = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| wrong(format!("the configuration cannot be read: {error}")))?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| wrong(format!("the configuration cannot be read: {error}")))?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_FILE_BYTES) {
        return Err(wrong("a configuration has at most 1 MiB".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = line.filter(|byte| **byte == b'\n').count() + 1;
        wrong(format!("line {line} is not UTF-8"))
    })?;
    let dir = current.join(path.parent().unwrap_or(Path::new("")));
    Ok(Some(File {
        path: path.to_owned(),
        text,
        dir: super::words::tidy(&dir),
    }))
}

/// Takes what a file says.
pub(super) fn take_file(draft: &mut Draft, file: &File) -> Vec<Problem> {
    let source = Source::File {
        path: &file.path,
        text: &file.text,
    };
    let (table, mut errors) = DeTable::parse_recoverable(&file.text);
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| Problem::Syntax {
            at: source.origin(&error.span().unwrap_or_default()),
            why: error.message().replace('\n', ", "),
        })
        .collect();
    if !problems.is_empty() {
        // What the parser made up to go on is no use to complain about.
        return problems;
    }
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let Some(key) = Key::named(name.get_ref()) else {
            problems.push(Problem::UnknownKey {
                at: source.origin(&name.span()),
                key: name.get_ref().to_string(),
                nearest: nearest(name.get_ref(), KEYS.iter().map(|key| key.name)).map(str::to_owned),
            });
            continue;
        };
        // Tables in a section of their own have no better place than their name.
        let span = match value.get_ref() {
            DeValue::Table(_) => name.span(),
            _ => value.span(),
        };
        let node = node(key, value.get_ref(), span, &source, &file.dir);
        problems.extend(draft.take(key, &node).err().into_iter().flatten());
    }
    problems
}

fn node<'a>(
    key: &Key,
    value: &'a DeValue<'a>,
    span: std::ops::Range<usize>,
    source: &'a Source<'a>,
    dir: &'a Path,
) -> Node<'a> {
    Node {
        key: key.name.to_owned(),
        value,
        span,
        source,
        dir,
        limits: key.limits,
    }
}

/// Takes a text from outside a file.
pub(super) fn take_text(
    draft: &mut Draft,
    key: &'static Key,
    source: &Source<'_>,
    text: &str,
    dir: &Path,
) -> Vec<Problem> {
    let taken = read_text(key, source, text, dir, |node| draft.take(key, node));
    taken.err().unwrap_or_default()
}

/// Whether a text is a value of a key, for the parser of the command line.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_text(key: &'static Key, text: &str, dir: &Path) -> Result<(), String> {
    let checked = read_text(key, &Source::Option(""), text, dir, |node| key.check(node));
    checked.map_err(|problems| problems.iter().map(Problem::why).collect::<Vec<_>>().join("; "))
}

fn read_text(
    key: &'static Key,
    source: &Source<'_>,
    text: &str,
    dir: &Path,
    read: impl FnOnce(&Node<'_>) -> Result<(), Vec<Problem>>,
) -> Result<(), Vec<Problem>> {
    let value = value_of(key.shape, text).map_err(|why| {
        vec![Problem::Value {
            at: source.origin(&(0..0)),
            key: key.name.to_owned(),
            why,
        }]
    })?;
    read(&node(key, &value, 0..0, source, dir))
}

/// Takes the variables of the environment. Those that nobody knows are warned of: other programs may
/// have variables of the same prefix.
pub(super) fn take_environment(
    draft: &mut Draft,
    environment: &[(OsString, OsString)],
    dir: &Path,
    warnings: &mut Vec<String>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut environment: Vec<_> = environment
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value)))
        .filter(|(name, value)| name.starts_with("ODCS_") && !value.is_empty())
        .collect();
    environment.sort();
    for (name, value) in environment {
        let key = KEYS.iter().find(|key| key.variable() == name);
        let Some(key) = key else {
            warnings.extend(unknown_variable(name));
            continue;
        };
        let source = Source::Environment(name);
        match value.to_str() {
            Some(text) => problems.extend(take_text(draft, key, &source, text, dir)),
            None => problems.push(Problem::Value {
                at: source.origin(&(0..0)),
                key: key.name.to_owned(),
                why: "it is not UTF-8".to_owned(),
            }),
        }
    }
    problems
}

/// What to say about a variable that is no key; nothing about those that have another use.
fn unknown_variable(name: &str) -> Option<String> {
    if NOT_KEYS.contains(&name) || name.starts_with("ODCS_TEST_") || name.ends_with("_RECORDINGS") {
        return None;
    }
    let variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let written = name.to_lowercase();
    let lower: Vec<String> = variables.iter().map(|name| name.to_lowercase()).collect();
    Some(match nearest(&written, lower.iter().map(String::as_str)) {
        Some(near) => format!(
            "{name} is no key of the configuration; did you mean {}?",
            near.to_uppercase()
        ),
        None => format!("{name} is no key of the configuration; `odcs config --reference` lists them"),
    })
}

/// Takes the options of the command line: those of a list add up.
pub(super) fn take_options(
    draft: &mut Draft,
    options: &[(&'static Key, Vec<String>)],
    dir: &Path,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, texts) in options {
        let name = format!("--{}", key.option.unwrap_or(key.name));
        let separator = if key.shape == Shape::Paths { ":" } else { "," };
        let source = Source::Option(&name);
        problems.extend(take_text(draft, key, &source, &texts.join(separator), dir));
    }
    problems
}
