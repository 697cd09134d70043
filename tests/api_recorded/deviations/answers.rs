//! What answers have to be instead.

use odcs_core::Timestamp;

use super::Check;
use super::requests::{has_pages, seconds};
use crate::compare::{untouched, with_recorded};
use crate::recording::{Case, Recording};
use crate::server::Outcome;

pub(super) fn that(is: bool, what: &str) -> Check {
    if is {
        Ok(())
    } else {
        Err(format!("{what} was expected"))
    }
}

/// All but what has been changed in the case is as recorded.
pub(super) fn same_as(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let differences = with_recorded(recording, case, outcome);
    that(
        differences.is_empty(),
        &format!("the same otherwise ({})", differences.join("; ")),
    )
}

/// The same list, with links to where the proxy says that the service is.
pub(super) fn forwarded(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let last = |name: &str| {
        let value = case.header(name)?.rsplit(',').next()?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    };
    let scheme = last("x-scheme").or_else(|| last("x-forwarded-proto"));
    let scheme = scheme.map_or("http".to_owned(), |scheme| scheme.to_ascii_lowercase());
    let host = last("x-forwarded-host").or_else(|| last("host"));
    let url = format!("{scheme}://{}", host.unwrap_or("localhost".to_owned()));
    let mut url = url::Url::parse(&url).map_err(|error| error.to_string())?;
    let named = last("x-forwarded-host").is_some_and(|_| url.port().is_some());
    let port = last("x-forwarded-port").and_then(|port| port.parse().ok());
    if let Some(port) = port.filter(|_| !named) {
        url.set_port(Some(port)).map_err(|()| "no port".to_owned())?;
    }
    let prefix = last("x-script-name").or_else(|| last("x-forwarded-prefix"));
    let prefix = prefix.unwrap_or_default();
    let path = format!("{}/api/1/composes/", prefix.trim_end_matches('/'));
    let base = format!("{}{path}", url.as_str().trim_end_matches('/'));
    let mut here = case.clone();
    for name in ["first", "last", "next", "prev"] {
        let link = &mut here.answer["meta"][name];
        if let Some((_, query)) = link.as_str().and_then(|link| link.split_once('?')) {
            *link = format!("{base}?{query}").into();
        }
    }
    same_as(recording, &here, outcome)
}

/// An error in the API's shape that names one of the fields, and nothing changed.
pub(super) fn refused(
    recording: &Recording,
    case: &Case,
    outcome: &Outcome,
    status: u16,
    names: &[&str],
) -> Check {
    let json = &outcome.json;
    let keys: Vec<_> = json
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys())
        .collect();
    let shape = keys == ["error", "message", "status"] && json["status"] == status;
    // HEAD has no body to look at.
    that(
        outcome.status == status && (shape || case.method == "HEAD"),
        &format!("status {status}"),
    )?;
    let message = outcome.message();
    let named = names.is_empty() || names.iter().any(|name| message.contains(name));
    that(
        named,
        &format!("a message that names one of {names:?}, not {message:?},"),
    )?;
    let reads = ["GET", "HEAD"].contains(&&*case.method);
    that(
        (outcome.header("access-control-allow-origin") == "*") == reads,
        "CORS for reading only",
    )?;
    untouched(recording, case, outcome)
}

/// 405 with the methods that are possible, and nothing changed.
pub(super) fn not_possible(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let allow = outcome.header("allow");
    let mut methods = allow.split(',').map(str::trim);
    that(
        !methods.any(|method| method == case.method),
        "a method that is not allowed",
    )?;
    that(allow.contains("OPTIONS"), "a header Allow")?;
    refused(recording, case, outcome, 405, &[])
}

/// The answer to OPTIONS.
pub(super) fn options(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let allow = outcome.header("allow");
    that(
        outcome.status == 200 && allow.contains("OPTIONS"),
        "200 with a header Allow",
    )?;
    untouched(recording, case, outcome)
}

/// 404. Only methods that look for a compose ask whether its id is one; the others are refused as such.
pub(super) fn nothing_there(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    match (case.method.as_str(), outcome.status) {
        ("OPTIONS", 200) => options(recording, case, outcome),
        (_, 405) => not_possible(recording, case, outcome),
        _ => refused(recording, case, outcome, 404, &[]),
    }
}

/// The answer is that of the other path: a record, a list, what the server is, or metrics.
pub(super) fn slash(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    if case.route().contains("//") || has_pages(case) {
        return nothing_there(recording, case, outcome);
    }
    if case.id().is_some() {
        let status = outcome.status;
        return match (case.method.as_str(), case.row()) {
            ("OPTIONS", _) => options(recording, case, outcome),
            ("GET" | "PATCH" | "DELETE" | "HEAD", None) => refused(recording, case, outcome, 404, &[]),
            ("HEAD", Some(_)) => that(status == 200, "that there is a compose"),
            ("DELETE", Some(_)) => that([202, 400].contains(&status), "an answer to DELETE"),
            ("PATCH", Some(row)) if [0, 1].contains(&row["state"].as_i64().unwrap_or(9)) => {
                refused(recording, case, outcome, 404, &[])
            }
            ("PATCH", Some(_)) => that(
                status == 400 || status == 200 && outcome.json["state_name"].is_string(),
                "a renewal",
            ),
            ("GET", Some(row)) => that(
                status == 200 && outcome.json["id"] == row["id"],
                "what is at the path without a slash",
            ),
            _ => not_possible(recording, case, outcome),
        };
    }
    if case.method == "OPTIONS" {
        return options(recording, case, outcome);
    }
    let json = &outcome.json;
    let path = case.route().trim_end_matches('/');
    let is = match path.rsplit('/').next() {
        _ if case.method == "HEAD" => true,
        Some("composes") if case.method == "POST" => {
            json["state_name"] == "wait" && outcome.records.len() == case.before.len() + 1
        }
        Some("composes") => json["meta"]["total"] == case.before.len(),
        Some("about") => json["auth_backend"].is_string(),
        Some("metrics") => has_metrics(outcome),
        _ => false,
    };
    that(outcome.status == 200 && is, "what is at the path with a slash")
}

pub(super) fn has_metrics(outcome: &Outcome) -> bool {
    let kind = outcome.header("content-type");
    kind.starts_with("application/openmetrics-text") || kind.starts_with("text/plain")
}

pub(super) fn lifetime_text(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let asked = seconds(case, "seconds_to_live").unwrap_or_default();
    let maximum = recording.config["max_seconds_to_live"]
        .as_i64()
        .unwrap_or(i64::MAX);
    let until = Timestamp::from_seconds(case.now.seconds() + asked.min(maximum)).to_string();
    let kept = outcome.json["time_to_expire"].as_str().unwrap_or_default();
    // Renewing never makes it shorter.
    let fits = if case.method == "PATCH" {
        kept >= until.as_str()
    } else {
        kept == until
    };
    that(outcome.status == 200 && fits, "a compose that is kept this long")
}

pub(super) fn about(_: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let (ours, recorded) = (&outcome.json, &case.answer);
    that(outcome.status == 200, "an answer")?;
    let mut keys = recorded.as_object().into_iter().flat_map(|object| object.keys());
    that(keys.all(|key| ours.get(key).is_some()), "the recorded keys")?;
    that(
        ours["auth_backend"] == recorded["auth_backend"],
        "the same auth_backend",
    )?;
    that(ours["sigkeys"] == recorded["sigkeys"], "the same sigkeys")?;
    that(ours["version"].is_string(), "a version")?;
    let whole = |name: &str| ours[name].as_array().is_some_and(|list| !list.is_empty());
    that(
        ["source_types", "flags", "arches"].into_iter().all(whole),
        "source types, flags and arches",
    )?;
    let told = ours.to_string();
    let secrets = ["allowed_clients", "raw_config_urls"].map(|name| &recorded[name]);
    let urls = secrets.iter().flat_map(|value| value.as_object()).flatten();
    let mut urls = urls.filter_map(|(_, value)| value["url"].as_str());
    that(!urls.any(|url| told.contains(url)), "no URLs of configurations")?;
    that(
        ours["allowed_clients"]
            .as_object()
            .is_some_and(serde_json::Map::is_empty),
        "no other clients",
    )
}
