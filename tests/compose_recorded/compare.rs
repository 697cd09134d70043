//! What differs between a recorded compose and one made here.

use std::path::Path;

use serde_json::Value;

use crate::case::{Case, Made, listing};

/// Everything but the moments at which things happened, which depend on how long they took, and the words of a
/// failure.
pub(crate) fn rows(case: &Case, made: &Made) -> Vec<String> {
    let (recorded, ours) = (case.row.as_object().unwrap(), made.row.as_object().unwrap());
    let mut differences = Vec::new();
    for key in recorded
        .keys()
        .chain(ours.keys().filter(|key| !recorded.contains_key(*key)))
    {
        let (expected, found) = (recorded.get(key), ours.get(key));
        let same = match key.as_str() {
            "source" => true,
            // One that ran has ended at some time, also if it failed.
            "time_done" if !case.is_done() => found.is_some_and(Value::is_string),
            "time_started" | "time_done" | "time_to_expire" => {
                expected.is_some_and(Value::is_null) == found.is_some_and(Value::is_null)
            }
            "state_reason" if !case.is_done() => {
                found.is_some_and(|reason| names_what_is_missing(case, reason))
            }
            _ => expected == found,
        };
        if !same {
            differences.push(format!("{key}: {expected:?} recorded, {found:?} found"));
        }
    }
    differences
}

/// The substance of a failure: what was asked for in vain, packages or the whole repository.
fn names_what_is_missing(case: &Case, reason: &Value) -> bool {
    let reason = reason.as_str().unwrap_or_default();
    let packages = case.list("packages");
    if packages.is_empty() {
        let source = case.body["source"]["source"].as_str().unwrap_or_default();
        let name = source.rsplit('/').next().unwrap_or_default();
        return reason.contains(&format!("/{name}"));
    }
    packages.iter().all(|package| reason.contains(package))
}

/// Layout, metadata and the `.repo` file.
pub(crate) fn trees(case: &Case, made: &Made) -> Vec<String> {
    let mut differences = Vec::new();
    let recorded = case.text("tree.txt").unwrap();
    let expected = listing(recorded.lines().filter_map(|line| {
        // Kind, size and path.
        let mut words = line.split_whitespace();
        let (kind, path) = (words.next()?, words.nth(1)?);
        Some(if kind == "d" {
            format!("{path}/")
        } else {
            path.to_owned()
        })
    }));
    let found = listing(test_support::tree(&made.top));
    for (path, kind) in &expected {
        if found.get(path) != Some(kind) {
            differences.push(format!("the {kind} {path} is missing"));
        }
    }
    for (path, kind) in &found {
        if !expected.contains_key(path) {
            differences.push(format!("the {kind} {path} is not recorded"));
        }
    }
    for name in ["COMPOSE_ID", "STATUS"] {
        text(case, name, &made.top.join(name), &mut differences);
    }
    let repofile = format!("odcs-{}.repo", case.tree_id());
    let ours = made.top.join("compose/Temporary").join(&repofile);
    text(case, &repofile, &ours, &mut differences);
    for name in ["rpms.json", "composeinfo.json", "images.json"] {
        let Some(recorded) = case.text(name) else { continue };
        let ours = std::fs::read_to_string(made.top.join("compose/metadata").join(name));
        let ours = ours.unwrap_or_default();
        let parse = |text: &str| {
            let mut value = serde_json::from_str::<Value>(text).unwrap_or_default();
            if name == "images.json" {
                without_bytes(&mut value);
            }
            value
        };
        if parse(&recorded) != parse(&ours) {
            differences.push(format!("{name} differs: {ours}"));
        }
    }
    differences
}

/// Images without what depends on their bytes: those of the packages are others, and so is the program's version.
fn without_bytes(images: &mut Value) {
    match images {
        Value::Object(fields) => {
            for name in ["checksums", "implant_md5", "mtime", "size"] {
                fields.entry(name).and_modify(|value| *value = Value::Null);
            }
            fields.values_mut().for_each(without_bytes);
        }
        Value::Array(items) => items.iter_mut().for_each(without_bytes),
        _ => {}
    }
}

fn text(case: &Case, name: &str, ours: &Path, differences: &mut Vec<String>) {
    if let Some(recorded) = case.text(name) {
        let ours = std::fs::read_to_string(ours).unwrap_or_default();
        if recorded.trim_end() != ours.trim_end() {
            differences.push(format!("{name}: {recorded:?} recorded, {ours:?} found"));
        }
    }
}

/// The packages in the trees of a compose.
pub(crate) fn packages(made: &Made) -> Vec<String> {
    let names = test_support::names(&made.top).into_iter();
    names.filter(|name| name.ends_with(".rpm")).collect()
}
