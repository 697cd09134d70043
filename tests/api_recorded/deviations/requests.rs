//! What a request and its recorded answer are like.

use serde_json::Value;

use crate::honour::dishonoured_renewal;
use crate::recording::{Case, Recording};

/// What a later version is going to have.
pub fn later(case: &Case) -> Option<&'static str> {
    let nothing_yet = case.route().starts_with("/static/");
    (has_pages(case) && !nothing_yet && ["GET", "HEAD", "OPTIONS"].contains(&&*case.method))
        .then_some("web pages")
}

pub(super) const LIFETIMES: [&str; 2] = ["seconds_to_live", "seconds-to-live"];

pub(super) fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

pub(super) fn writes(case: &Case) -> bool {
    ["POST", "PATCH"].contains(&&*case.method)
        && ![404, 308].contains(&case.status)
        && !case.message().starts_with("404")
        && !case.message().starts_with("405")
}

pub(super) fn is_json(case: &Case) -> bool {
    let bytes = case.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&case.bytes);
    serde_json::from_slice::<Value>(bytes).is_ok()
}

/// The path of a compose with a slash at its end.
pub(super) fn is_a_slash_more(case: &Case) -> bool {
    let is_number = |id: &str| id.parse::<i64>().is_ok_and(|id| id >= 0);
    case.route().ends_with('/') && case.id().is_some_and(is_number)
}

/// Where a later version has pages.
pub(super) fn has_pages(case: &Case) -> bool {
    let path = case.route().trim_end_matches('/');
    ["", "/api/1", "/favicon.ico"].contains(&path) || path.starts_with("/static/")
}

/// A lifetime as this server reads it.
pub(super) fn seconds(case: &Case, name: &str) -> Option<i64> {
    match case.body.get(name)? {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    }
}

pub(super) fn list<'a>(case: &'a Case, name: &str) -> impl Iterator<Item = &'a str> {
    let list = case.body[name].as_array();
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The fields with URLs that are on no list: with a user name, or of another scheme than http, https and git.
pub(super) fn off_the_list(case: &Case) -> Vec<&'static str> {
    let body = &case.body;
    let source = if body["source"].is_object() {
        &body["source"]
    } else {
        body
    };
    let is_off = |text: &str| {
        let url = url::Url::parse(&text.replace("$basearch", "noarch").replace("$arch", "noarch"));
        url.is_ok_and(|url| !url.username().is_empty() || !["http", "https", "git"].contains(&url.scheme()))
    };
    let kind = source.get("type").or_else(|| source.get("source_type"));
    let is_url = kind.is_some_and(|kind| kind == "repo" || kind == "pungi_compose");
    let mut names = Vec::new();
    if is_url && source["source"].as_str().is_some_and(is_off) {
        names.push("source");
    }
    if source["module_defaults_url"].as_str().is_some_and(is_off) {
        names.push("module_defaults_url");
    }
    if list(case, "lookaside_repos").any(is_off) {
        names.push("lookaside_repos");
    }
    names
}

/// Whether all texts but URLs are of the characters that the reference server takes.
pub(super) fn only_urls_are_odd(case: &Case) -> bool {
    let mut body = case.body.clone();
    let odd = list(case, "lookaside_repos").any(|text| !is_plain(text));
    if let Some(fields) = body.as_object_mut() {
        fields.remove("lookaside_repos");
    }
    odd && all_plain(&body)
}

pub(super) fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || " -/_.:#+?$~^,".contains(c))
}

pub(super) fn all_plain(value: &Value) -> bool {
    match value {
        Value::String(text) => is_plain(text),
        Value::Array(items) => items.iter().all(all_plain),
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| name == "packages" || all_plain(value)),
        _ => true,
    }
}

pub(super) fn of_row(recording: &Recording, case: &Case) -> Vec<String> {
    let row = case.row();
    row.map_or_else(Vec::new, |row| {
        let target = recording.target_dir(row["target_dir"].as_str());
        dishonoured_renewal(row, &target, &case.body)
    })
}
