//! Requests from records that were taken over from another server: the public words, read as a request.

use serde_json::{Map, Value, json};

use super::{compose_request, read};
use crate::compose::Requested;
use crate::request::{ComposeRequest, MultilibMethods, SourceKind};
use crate::{Error, Result};

/// The request that a record speaks of.
///
/// # Errors
/// `Invalid`, naming the field, if the record holds what nobody may ask for (any more).
pub fn recorded_request(record: &Requested) -> Result<ComposeRequest> {
    let kind = SourceKind::BUILTIN
        .into_iter()
        .find(|kind| i64::from(kind.number()) == record.source_type)
        .ok_or_else(|| {
            let message = format!("there is no source type {} any more", record.source_type);
            Error::invalid("source_type", message)
        })?;
    let mut source = Map::new();
    source.insert("type".into(), json!(kind.name()));
    source.insert("source".into(), json!(record.source));
    let lists = [
        ("packages", &record.packages),
        ("builds", &record.builds),
        ("modular_koji_tags", &record.modular_koji_tags),
        ("scratch_modules", &record.scratch_modules),
        ("scratch_build_tasks", &record.scratch_build_tasks),
        ("modules", &record.modules),
    ];
    for (name, words) in lists {
        if let Some(words) = words {
            source.insert(name.into(), list(words));
        }
    }
    if let Some(keys) = &record.sigkeys {
        source.insert("sigkeys".into(), keys_of(keys));
    }
    if let Some(event) = record.koji_event {
        source.insert("koji_event".into(), json!(event));
    }
    if let Some((url, commit)) = record
        .module_defaults_url
        .as_deref()
        .and_then(|it| it.split_once(' '))
    {
        source.insert("module_defaults_url".into(), json!(url));
        source.insert("module_defaults_commit".into(), json!(commit));
    }
    let texts = [
        ("base_module_br_name", &record.base_module_br_name),
        ("base_module_br_stream", &record.base_module_br_stream),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            source.insert(name.into(), json!(text));
        }
    }
    let numbers = [
        (
            "base_module_br_stream_version_lte",
            record.base_module_br_stream_version_lte,
        ),
        (
            "base_module_br_stream_version_gte",
            record.base_module_br_stream_version_gte,
        ),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            source.insert(name.into(), json!(number));
        }
    }
    let flags: Vec<_> = record.flags.iter().map(|flag| flag.as_str()).collect();
    let results: Vec<_> = record.results.iter().map(|result| result.as_str()).collect();
    let mut body = Map::new();
    body.insert("source".into(), Value::Object(source));
    body.insert("flags".into(), json!(flags));
    body.insert("results".into(), json!(results));
    body.insert("arches".into(), list(&record.arches));
    body.insert("multilib_arches".into(), list(&record.multilib_arches));
    body.insert("multilib_method".into(), json!(methods(record.multilib_method)));
    body.insert("lookaside_repos".into(), list(&record.lookaside_repos));
    let optional = [
        ("label", &record.label),
        ("compose_type", &record.compose_type),
        ("respin_of", &record.respin_of),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            body.insert(name.into(), json!(text));
        }
    }
    if let Some(parents) = &record.parent_pungi_compose_ids {
        body.insert("parent_pungi_compose_ids".into(), list(parents));
    }
    if !record.target_dir.is_empty() {
        body.insert("target_dir".into(), json!(record.target_dir));
    }
    Ok(compose_request(&Value::Object(body), &[])?.request)
}

/// The request with what its record says by now of arches, builds, keys and packages.
///
/// # Errors
/// `Invalid`, naming the field, if the record holds what nobody may ask for.
pub(crate) fn as_recorded(mut request: ComposeRequest, record: &Requested) -> Result<ComposeRequest> {
    let asked = Requested::from_request(&request);
    if record.arches != asked.arches {
        request.arches = all("arches", record.arches.split_whitespace())?;
    }
    if let Some(builds) = rewritten(&record.builds, &asked.builds) {
        request.builds = Some(all("builds", builds.split_whitespace())?);
    }
    if let Some(keys) = rewritten(&record.sigkeys, &asked.sigkeys) {
        // What is empty is no key; of anything else, each empty word stands for "unsigned".
        let keys = Some(keys)
            .filter(|keys| !keys.is_empty())
            .map(|keys| keys.split(' '));
        request.sigkeys = Some(all("sigkeys", keys.into_iter().flatten())?);
        request.arch_sigkeys.clear();
    }
    if let Some(packages) = rewritten(&record.packages, &asked.packages) {
        request.packages = Some(all("packages", packages.split_whitespace())?);
    }
    Ok(request)
}

/// What a record says, if it is something else than what was asked for. Nothing and an empty list are the same.
fn rewritten<'a>(recorded: &'a Option<String>, asked: &Option<String>) -> Option<&'a str> {
    let recorded = recorded.as_deref().unwrap_or_default();
    (recorded != asked.as_deref().unwrap_or_default()).then_some(recorded)
}

fn all<'a, T>(field: &str, words: impl Iterator<Item = &'a str>) -> Result<Vec<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    words.map(|text| read::word(field, text)).collect()
}

fn list(words: &str) -> Value {
    json!(words.split_whitespace().collect::<Vec<_>>())
}

/// A leading, trailing or doubled space stands for "unsigned"; nothing at all for no keys.
fn keys_of(keys: &str) -> Value {
    if keys.is_empty() {
        return json!([]);
    }
    json!(keys.split(' ').collect::<Vec<_>>())
}

fn methods(bits: i64) -> Vec<&'static str> {
    let known = ["runtime", "devel", "all"];
    known
        .into_iter()
        .filter(|name| {
            let mut method = MultilibMethods::default();
            method.add(name).is_ok() && i64::from(method.bits()) & bits == i64::from(method.bits())
        })
        .collect()
}
