//! What has no effect, said to who sent it.

use serde_json::{Map, Value};

use super::Form;
use super::shape::{self, Place, quoted};
use crate::request::{ComposeRequest, Flag, SourceKind, SourceSpec};

/// The most warnings about one request; a last one counts the others.
const MAX_WARNINGS: usize = 20;

/// Flags that mean something to one type of source only.
const FLAG_HOMES: [(Flag, SourceKind); 6] = [
    (Flag::IncludeUnpublishedPulpRepos, SourceKind::PULP),
    (Flag::IgnoreAbsentPulpRepos, SourceKind::PULP),
    (Flag::UseOnlyCompatibleArch, SourceKind::PULP),
    (Flag::IncludeDoneModules, SourceKind::MODULE),
    (Flag::NoInheritance, SourceKind::TAG),
    (Flag::NoLabel, SourceKind::RAW_CONFIG),
];

/// The warnings about a request that was accepted.
pub(super) fn of(
    top: &Map<String, Value>,
    source: &Map<String, Value>,
    form: Form,
    request: &ComposeRequest,
) -> Vec<String> {
    let mut warnings: Vec<String> = match form {
        Form::Flat => top.keys().filter_map(|key| in_flat(key)).collect(),
        Form::Nested => {
            let within = source.keys().filter_map(|key| in_source(key));
            let beside = top.keys().filter_map(|key| beside_source(key));
            within.chain(beside).collect()
        }
    };
    if top.contains_key("seconds_to_live") && top.contains_key("seconds-to-live") {
        warnings.push("\"seconds-to-live\" has no effect beside \"seconds_to_live\"".to_owned());
    }
    if let SourceSpec::Build(words) = &request.source
        && !words.is_empty()
    {
        warnings.push("\"source\" has no effect on a compose of type build, \"builds\" has".to_owned());
    }
    warnings.extend(foreign_flags(request));
    limited(warnings)
}

/// So many warnings and no more.
pub(super) fn limited(mut warnings: Vec<String>) -> Vec<String> {
    let others = warnings.len().saturating_sub(MAX_WARNINGS);
    if others > 0 {
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("{others} more parts of the request have no effect"));
    }
    warnings
}

fn in_flat(key: &str) -> Option<String> {
    let known = key == "source_type" || key != "type" && shape::find(key).is_some();
    (!known).then(|| format!("unknown key {} has no effect", quoted(key)))
}

fn in_source(key: &str) -> Option<String> {
    match shape::find(key) {
        Some(field) if field.place == Place::Source => None,
        Some(field) => Some(format!(
            "\"{}\" has no effect within \"source\", it belongs beside it",
            field.name
        )),
        None => Some(format!(
            "unknown key {} within \"source\" has no effect",
            quoted(key)
        )),
    }
}

fn beside_source(key: &str) -> Option<String> {
    match shape::find(key) {
        _ if key == "source" => None,
        Some(field) if field.place == Place::Top => None,
        Some(field) => Some(format!(
            "\"{}\" has no effect here, it belongs within \"source\"",
            field.name
        )),
        None => Some(format!("unknown key {} has no effect", quoted(key))),
    }
}

/// A source type from outside the workspace says itself which flags it takes.
fn foreign_flags(request: &ComposeRequest) -> impl Iterator<Item = String> {
    let kind = request.source.kind();
    let is_builtin = SourceKind::BUILTIN.contains(&kind);
    FLAG_HOMES
        .into_iter()
        .filter(move |(flag, home)| is_builtin && request.flags.contains(*flag) && *home != kind)
        .map(|(flag, home)| format!("flag {flag} has an effect on composes of type {home} only"))
}
