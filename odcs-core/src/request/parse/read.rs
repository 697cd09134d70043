//! From values of the right shape to the types of a request.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use odcs_rpm::TreeArch;
use serde_json::{Map, Value};

use super::shape;
use crate::request::{
    BaseModule, ComposeResult, ComposeResults, Embargo, Flag, Flags, KeyOrUnsigned, KojiEvent, Lifetime,
    ModuleDefaults, MultilibMethods,
};
use crate::{Error, Result};

/// Texts from outside that cannot be read as what they should be; the message names the field.
fn refused(field: &str, error: impl fmt::Display) -> Error {
    Error::invalid(field, format!("\"{field}\": {error}"))
}

/// The string of a field, if it is there.
pub(super) fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}

/// A text as the type of its field, if it is there.
pub(super) fn parsed<T>(object: &Map<String, Value>, field: &str) -> Result<Option<T>>
where
    T: FromStr<Err: fmt::Display>,
{
    text(object, field).map(|text| word(field, text)).transpose()
}

/// One word as the type of its field.
pub(super) fn word<T>(field: &str, text: &str) -> Result<T>
where
    T: FromStr<Err: fmt::Display>,
{
    text.parse().map_err(|error| refused(field, error))
}

/// A list, if it is there. An empty one is not the same as none: records tell them apart.
pub(super) fn list<T>(object: &Map<String, Value>, field: &str) -> Result<Option<Vec<T>>>
where
    T: FromStr<Err: fmt::Display>,
{
    list_within(field, object, field)
}

/// A list of an object that is a field itself.
fn list_within<T>(field: &str, object: &Map<String, Value>, name: &str) -> Result<Option<Vec<T>>>
where
    T: FromStr<Err: fmt::Display>,
{
    let Some(items) = object.get(name).and_then(Value::as_array) else {
        return Ok(None);
    };
    let texts = items.iter().filter_map(Value::as_str);
    texts
        .map(|text| word(field, text))
        .collect::<Result<_>>()
        .map(Some)
}

/// The keys for all arches that have none of their own, and those of the others.
#[derive(Debug, Default)]
pub(super) struct Sigkeys {
    /// `None` if there was no word of keys.
    pub(super) keys: Option<Vec<KeyOrUnsigned>>,
    pub(super) of_arches: BTreeMap<TreeArch, Vec<KeyOrUnsigned>>,
}

/// In lists of keys by arch, stands for all arches that are not named.
const OTHERS: &str = "*";

/// Keys: one list, or one for each arch.
pub(super) fn sigkeys(object: &Map<String, Value>) -> Result<Sigkeys> {
    const FIELD: &str = "sigkeys";
    let Some(lists) = object.get(FIELD).and_then(Value::as_object) else {
        let keys = list(object, FIELD)?;
        return Ok(Sigkeys {
            keys,
            ..Sigkeys::default()
        });
    };
    let keys = list_within(FIELD, lists, OTHERS)?.unwrap_or_default();
    let mut of_arches = BTreeMap::new();
    for name in lists.keys().filter(|name| *name != OTHERS) {
        let arch = word(FIELD, name)?;
        of_arches.insert(arch, list_within(FIELD, lists, name)?.unwrap_or_default());
    }
    Ok(Sigkeys {
        keys: Some(keys),
        of_arches,
    })
}

/// Builds to be kept out: the name of a tag, or a list of builds; an empty one is none.
pub(super) fn embargo(object: &Map<String, Value>) -> Result<Option<Embargo>> {
    const FIELD: &str = "embargo";
    if let Some(tag) = parsed(object, FIELD)? {
        return Ok(Some(Embargo::Tag(tag)));
    }
    let builds = set(object, FIELD)?;
    Ok((!builds.is_empty()).then_some(Embargo::Builds(builds)))
}

/// A list in which each item counts once; empty if it is not there.
pub(super) fn set<T>(object: &Map<String, Value>, field: &str) -> Result<Vec<T>>
where
    T: FromStr<Err: fmt::Display> + Clone + Eq + Hash,
{
    let items = list(object, field)?.unwrap_or_default();
    Ok(unique(items))
}

/// The items in their order, each once.
pub(super) fn unique<T: Clone + Eq + Hash>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    items
        .into_iter()
        .filter(|item| seen.insert(item.clone()))
        .collect()
}

fn integer(object: &Map<String, Value>, field: &str) -> Option<i64> {
    object.get(field).and_then(Value::as_i64)
}

/// The lifetime under either spelling. With both, `seconds_to_live` counts, as with the reference
/// server, where the other one is asked only if this one is missing.
pub(super) fn lifetime(object: &Map<String, Value>) -> Result<Option<Lifetime>> {
    let found = ["seconds_to_live", "seconds-to-live"]
        .into_iter()
        .find_map(|field| object.get(field).map(|value| (field, value)));
    let Some((field, value)) = found else {
        return Ok(None);
    };
    let seconds = shape::seconds(value).and_then(|seconds| u64::try_from(seconds).ok());
    match seconds.map(Lifetime::from_seconds) {
        Some(Ok(lifetime)) => Ok(Some(lifetime)),
        _ => Err(Error::invalid(
            field,
            format!("\"{field}\" should be an integer, 1 or more"),
        )),
    }
}

pub(super) fn koji_event(object: &Map<String, Value>) -> Result<Option<KojiEvent>> {
    let event = integer(object, "koji_event").map(KojiEvent::try_from);
    event.transpose()
}

/// URL and commit go together. Both empty means none, as with the reference server.
pub(super) fn module_defaults(object: &Map<String, Value>) -> Result<Option<ModuleDefaults>> {
    const URL: &str = "module_defaults_url";
    const COMMIT: &str = "module_defaults_commit";
    let given = |field| text(object, field).filter(|text| !text.is_empty());
    let missing = |field: &str| {
        let message = format!("\"{URL}\" and \"{COMMIT}\" must be used together, \"{field}\" is missing");
        Err(Error::invalid(field, message))
    };
    match (given(URL), given(COMMIT)) {
        (None, None) => Ok(None),
        (Some(_), None) => missing(COMMIT),
        (None, Some(_)) => missing(URL),
        (Some(url), Some(commit)) => Ok(Some(ModuleDefaults {
            url: word(URL, url)?,
            commit: word(COMMIT, commit)?,
        })),
    }
}

pub(super) fn base_module(object: &Map<String, Value>) -> Result<BaseModule> {
    Ok(BaseModule {
        name: parsed(object, "base_module_br_name")?,
        stream: parsed(object, "base_module_br_stream")?,
        stream_version_lte: integer(object, "base_module_br_stream_version_lte"),
        stream_version_gte: integer(object, "base_module_br_stream_version_gte"),
    })
}

/// `no_flags` is a flag of the reference server that means nothing.
pub(super) fn flags(object: &Map<String, Value>) -> Result<Flags> {
    let named = items(object, "flags").filter(|name| *name != "no_flags");
    named.map(|name| word::<Flag>("flags", name)).collect()
}

pub(super) fn results(object: &Map<String, Value>) -> Result<ComposeResults> {
    let named = items(object, "results");
    named.map(|name| word::<ComposeResult>("results", name)).collect()
}

pub(super) fn multilib_methods(object: &Map<String, Value>) -> Result<MultilibMethods> {
    let mut methods = MultilibMethods::default();
    for name in items(object, "multilib_method") {
        methods
            .add(name)
            .map_err(|error| refused("multilib_method", error))?;
    }
    Ok(methods)
}

fn items<'a>(object: &'a Map<String, Value>, field: &str) -> impl Iterator<Item = &'a str> {
    let list = object.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}
