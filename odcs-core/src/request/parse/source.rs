//! The source: its type, and what each type wants to be told.

use serde_json::{Map, Value};

use super::read::{text, unique, word};
use super::{Form, MAX_ITEMS};
use crate::request::{ModuleSpec, SourceKind, SourceSpec, SpelledUrl};
use crate::{Error, Result};

/// Modules that are the ground others are built on: nothing can be composed of them.
pub const BASE_MODULES: [&str; 2] = ["platform", "bootstrap"];

/// Which type of source is asked for.
pub(super) fn kind(object: &Map<String, Value>, form: Form, custom: &[SourceKind]) -> Result<SourceKind> {
    let field = form.type_field();
    let known = || SourceKind::BUILTIN.into_iter().chain(custom.iter().cloned());
    let names = || {
        known()
            .map(|kind| kind.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let Some(name) = text(object, field) else {
        let message = format!(
            "\"{field}\" is missing: the type of the source, one of {}",
            names()
        );
        return Err(Error::invalid(field, message));
    };
    known().find(|kind| kind.name() == name).ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        let message = format!(
            "\"{field}\": unknown source type {shown:?}; the source types are {}",
            names()
        );
        Error::invalid(field, message)
    })
}

/// The source of a request, by the rules of its type.
pub(super) fn spec(object: &Map<String, Value>, kind: SourceKind) -> Result<SourceSpec> {
    let source = text(object, "source").unwrap_or_default();
    let words = unique(source.split(' ').filter(|word| !word.is_empty()));
    if words.len() > MAX_ITEMS {
        let message = format!(
            "\"source\" has {} words, at most {MAX_ITEMS} are allowed",
            words.len()
        );
        return Err(refused(message));
    }
    if words.is_empty() && needs_source(object, &kind) {
        return Err(refused(format!(
            "\"source\" is missing: a compose of type {kind:?} needs one",
            kind = kind.name()
        )));
    }
    match kind.name() {
        "tag" => all(&words).map(SourceSpec::Tag),
        "module" => modules(&words).map(SourceSpec::Module),
        // A path may hold blanks.
        "repo" => word("source", single(&words, source)).map(SourceSpec::Repo),
        "pulp" => all(&words).map(SourceSpec::Pulp),
        "raw_config" => raw_config(&words),
        "build" => all(&words).map(SourceSpec::Build),
        "pungi_compose" => pungi_compose(single(&words, source)).map(SourceSpec::PungiCompose),
        _ => custom(kind, source),
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::invalid("source", message)
}

/// Builds stand in `builds`, scratch modules in `scratch_modules`; a custom type decides for itself.
fn needs_source(object: &Map<String, Value>, kind: &SourceKind) -> bool {
    let has_scratch_modules = || {
        let list = object.get("scratch_modules").and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    match kind.name() {
        "build" => false,
        "module" => !has_scratch_modules(),
        _ => SourceKind::BUILTIN.contains(kind),
    }
}

fn all<T>(words: &[&str]) -> Result<Vec<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    words.iter().map(|text| word("source", text)).collect()
}

/// The one word, given several times or with blanks around it; else the whole text.
fn single<'a>(words: &[&'a str], source: &'a str) -> &'a str {
    match words {
        [word] => word,
        _ => source,
    }
}

fn modules(words: &[&str]) -> Result<Vec<ModuleSpec>> {
    let base = words.iter().find_map(|text| {
        let (name, _) = text.split_once(':')?;
        BASE_MODULES.contains(&name).then_some(name)
    });
    match base {
        Some(name) => Err(refused(format!(
            "\"source\": {name} is a base module, no compose can be made of it"
        ))),
        None => all(words),
    }
}

fn raw_config(words: &[&str]) -> Result<SourceSpec> {
    let &[text] = words else {
        return Err(refused(
            "\"source\" of a raw_config should be a single NAME#COMMIT, it has several",
        ));
    };
    match text.split_once('#') {
        Some((key, commit)) if !key.is_empty() && !commit.is_empty() && !commit.contains('#') => {
            Ok(SourceSpec::RawConfig {
                key: word("source", key)?,
                commit: word("source", commit)?,
            })
        }
        _ => Err(refused(
            "\"source\" of a raw_config should be NAME#COMMIT, the name of a configured Pungi configuration and a commit",
        )),
    }
}

fn pungi_compose(text: &str) -> Result<SpelledUrl> {
    let url: SpelledUrl = word("source", text)?;
    if matches!(url.url().scheme(), "http" | "https" | "file") {
        Ok(url)
    } else {
        Err(refused(
            "\"source\" of a pungi_compose should be the http, https or file URL of a variant of a compose",
        ))
    }
}

fn custom(kind: SourceKind, text: &str) -> Result<SourceSpec> {
    if text.chars().any(char::is_control) {
        return Err(refused("\"source\" should not hold control characters"));
    }
    let source = text.to_owned();
    Ok(SourceSpec::Custom { kind, source })
}
