//! Where this server answers better than the recorded one, on purpose.
//!
//! A rule looks at the request and the recorded answer, never at the name of a case, and says what the answer has
//! to be instead. Each stands for a line of the specification of the API, which is quoted.

use std::collections::BTreeSet;

use odcs_core::Timestamp;
use odcs_core::compose::ComposeState;
use serde_json::Value;

use crate::compare::{fields, untouched, with_recorded};
use crate::honour::{dishonoured, dishonoured_renewal};
use crate::recording::{Case, Recording};
use crate::rows::{each_once, sorted};
use crate::server::Outcome;
use crate::shapes;

type Check = Result<(), String>;

/// What the record always has, as a text that may be empty.
const NEVER_NULL: [&str; 3] = ["arches", "multilib_arches", "lookaside_repos"];

/// A deviation.
pub struct Rule {
    pub name: &'static str,
    /// The line of the specification: what the reference server does, and what is right.
    #[allow(dead_code, reason = "for those who read the table")]
    pub spec: &'static str,
    pub applies: fn(&Recording, &Case) -> bool,
    pub holds: fn(&Recording, &Case, &Outcome) -> Check,
}

/// All of them; the first that applies and holds counts.
pub const RULES: &[Rule] = &[
    Rule {
        name: "impossible-state",
        spec: "the two cases with an impossible state are not compared",
        applies: |_, case| {
            case.status == 500
                && case
                    .before
                    .iter()
                    .any(|row| !(0..=4).contains(&row["state"].as_i64().unwrap_or(-1)))
        },
        holds: |_, _, outcome| that(outcome.status < 500, "an answer that is no failure"),
    },
    Rule {
        name: "unknown-path",
        spec: "500 for an unknown URL, a wrong method, a non-numeric id: 404 …, in the same JSON error shape",
        applies: |_, case| {
            // An answer to HEAD has no message.
            let nothing = case.message().starts_with("404 Not Found")
                || case.method == "HEAD" && !case.is_list() && case.row().is_none();
            case.status == 500 && nothing && !is_a_slash_more(case)
        },
        holds: nothing_there,
    },
    Rule {
        name: "unknown-method",
        spec: "500 for an unknown URL, a wrong method, …: 405 with Allow, in the same JSON error shape",
        applies: |_, case| case.status == 500 && case.message().starts_with("405 Method Not Allowed"),
        holds: |recording, case, outcome| {
            if has_pages(case) || case.route().contains("//") {
                return nothing_there(recording, case, outcome);
            }
            not_possible(recording, case, outcome)
        },
    },
    Rule {
        name: "id-too-large",
        spec: "500 for … numbers too large: a refusal; there is no compose of such a number",
        applies: |_, case| {
            case.status == 500
                && case
                    .id()
                    .is_some_and(|id| id.bytes().all(|b| b.is_ascii_digit()) && id.parse::<i64>().is_err())
        },
        holds: |recording, case, outcome| refused(recording, case, outcome, 404, &[]),
    },
    Rule {
        name: "slash",
        spec: "308 to the path with a slash: answers at both",
        applies: |_, case| case.status == 308 || is_a_slash_more(case),
        holds: slash,
    },
    Rule {
        name: "not-json",
        spec: "500 for … NaN; UTF-16 bodies: 400 naming the field, which is the body",
        applies: |_, case| writes(case) && !case.bytes.is_empty() && !is_json(case),
        holds: |recording, case, outcome| refused(recording, case, outcome, 400, &["body"]),
    },
    Rule {
        name: "wrong-type",
        spec: "500 for wrong types (a number where a list belongs, a list as body, numbers too large, NaN), a string for arches, … becomes x 8 6, koji_event: true: 400 that names the field",
        applies: |_, case| {
            writes(case) && is_json(case) && case.status != 404 && !shapes::wrong(&case.body).is_empty()
        },
        holds: |recording, case, outcome| {
            let wrong = shapes::wrong(&case.body);
            refused(recording, case, outcome, 400, &texts(&wrong))
        },
    },
    Rule {
        name: "lifetime-positive",
        spec: "negative or zero lifetimes: 400",
        applies: |_, case| {
            writes(case)
                && case.status != 404
                && LIFETIMES
                    .iter()
                    .any(|name| seconds(case, name).is_some_and(|n| n < 1))
        },
        holds: |recording, case, outcome| refused(recording, case, outcome, 400, &LIFETIMES),
    },
    Rule {
        name: "lifetime-text",
        spec: "lifetimes as strings refused under one spelling and taken under the other: integers and numeric strings under both",
        applies: |_, case| {
            case.status == 400
                && case.body["seconds_to_live"].is_string()
                && seconds(case, "seconds_to_live").is_some_and(|n| n > 0)
        },
        holds: lifetime_text,
    },
    Rule {
        name: "blank-source",
        spec: "negative or zero lifetimes, koji_event: true, blank source: 400",
        applies: |_, case| {
            let source = if case.body["source"].is_object() {
                &case.body["source"]["source"]
            } else {
                &case.body["source"]
            };
            case.status == 200
                && source
                    .as_str()
                    .is_some_and(|text| !text.is_empty() && text.trim().is_empty())
        },
        holds: |recording, case, outcome| refused(recording, case, outcome, 400, &["source"]),
    },
    Rule {
        name: "off-the-list",
        spec: "any URL is taken: a URL in a request (repo, lookaside, pungi_compose, module defaults) that is off the allow list: 400",
        applies: |_, case| case.status == 200 && !off_the_list(case).is_empty(),
        holds: |recording, case, outcome| refused(recording, case, outcome, 400, &off_the_list(case)),
    },
    Rule {
        name: "urls-are-parsed",
        spec: "characters =%&@* refused in lookaside URLs: URLs are parsed as URLs and checked against the allow list",
        applies: |_, case| {
            case.status == 400 && case.message().starts_with("Only alphanumerical") && only_urls_are_odd(case)
        },
        holds: |recording, case, outcome| {
            let off = off_the_list(case);
            if off.is_empty() {
                let urls: Vec<_> = list(case, "lookaside_repos").collect();
                return that(
                    outcome.status == 200 && outcome.json["lookaside_repos"] == urls.join(" "),
                    "a compose with these repositories",
                );
            }
            refused(recording, case, outcome, 400, &off)
        },
    },
    Rule {
        name: "cannot-be-honoured",
        spec: "values that no source could honour are stored (N:S:V:C:x, an arch nobody has, a label of blanks and slashes, …): 400 naming the field",
        applies: |_, case| {
            writes(case)
                && case.status == 200
                && shapes::wrong(&case.body).is_empty()
                && !dishonoured(&case.body).is_empty()
        },
        holds: |recording, case, outcome| {
            refused(recording, case, outcome, 400, &texts(&dishonoured(&case.body)))
        },
    },
    Rule {
        name: "cannot-be-honoured-again",
        spec: "values that no source could honour are stored (…): 400 naming the field, also if an old record has them that is to be made once more",
        applies: |recording, case| {
            case.method == "PATCH"
                && case.status == 200
                && case.next_id.is_some()
                && !of_row(recording, case).is_empty()
        },
        holds: |recording, case, outcome| {
            refused(recording, case, outcome, 400, &texts(&of_row(recording, case)))
        },
    },
    Rule {
        name: "pages",
        spec: "per_page uncapped or negative, pages past the end: capped at 100; below 1 the default 10; past the end an empty page with a prev that leads back",
        applies: |_, case| {
            case.is_list()
                && [200, 500].contains(&case.status)
                && expected_page(case, case.answer["meta"]["total"].as_u64()) != recorded_page(case)
        },
        holds: pages,
    },
    Rule {
        name: "order-by-source-type",
        spec: "order_by=source_type refused: accepted",
        applies: |_, case| case.is_list() && case.status == 400 && order(case) == "source_type",
        holds: |_, case, outcome| {
            let types: Vec<_> = items(&outcome.json)
                .iter()
                .map(|item| item["source_type"].as_i64())
                .collect();
            let descending = case
                .parameter("order_by")
                .is_some_and(|text| text.starts_with('-'));
            let is_sorted = if descending {
                types.is_sorted_by(|a, b| a >= b)
            } else {
                types.is_sorted()
            };
            that(
                outcome.status == 200
                    && is_sorted
                    && (outcome.json["meta"]["total"] == 0 || !types.is_empty() || past_the_end(outcome)),
                "a list in this order",
            )
        },
    },
    Rule {
        name: "order-by-nothing",
        spec: "order_by=source_type refused: …; all columns listed in the error for a bad one (500 for source_Type)",
        applies: |_, case| case.is_list() && case.status == 500 && order(case) == "source_Type",
        holds: |recording, case, outcome| refused(recording, case, outcome, 400, &["order_by"]),
    },
    Rule {
        name: "any-parameter",
        spec: "500 for …: nothing in a query is a failure of the server; a parameter that means nothing changes nothing",
        applies: |_, case| {
            case.is_list()
                && case.status == 500
                && case.message().contains("got multiple values for argument")
        },
        holds: |_, case, outcome| {
            let total = case.before.len();
            that(
                outcome.status == 200 && outcome.json["meta"]["total"] == total,
                "the list",
            )
        },
    },
    Rule {
        name: "metrics",
        spec: "bodies of metrics are not compared: theirs is a text that other workers left in the database, ours is OpenMetrics",
        applies: |_, case| case.status == 200 && case.route().trim_end_matches('/').ends_with("/metrics"),
        holds: |_, _, outcome| that(outcome.status == 200 && has_metrics(outcome), "metrics"),
    },
    Rule {
        name: "about",
        spec: "/about tells allowed clients and raw config URLs to anyone: only what the caller may use, and the source types, flags and arches allowed",
        applies: |_, case| {
            case.status == 200
                && case.method == "GET"
                && case.route().trim_end_matches('/').ends_with("/about")
        },
        holds: about,
    },
    Rule {
        name: "forwarded",
        spec: "links honour X-Forwarded-*, X-Script-Name and X-Scheme: the reference server ignores X-Forwarded-Proto, -Port and -Prefix and takes the others as they are; of several values ours takes the last",
        applies: |_, case| case.is_list() && case.status == 200 && case.answer["meta"].is_object(),
        holds: forwarded,
    },
    Rule {
        name: "prefix-is-a-path",
        spec: "links honour X-Script-Name: one that is no path is refused, for no link could be made with it",
        applies: |_, case| {
            case.header("x-script-name")
                .is_some_and(|name| !name.is_empty() && !name.starts_with('/'))
        },
        holds: |recording, case, outcome| {
            // The guard refuses it; no page of another site can read that.
            that(
                outcome.status == 400
                    && (case.method == "HEAD" || outcome.message().contains("x-script-name")),
                "400 that names the header",
            )?;
            untouched(recording, case, outcome)
        },
    },
    Rule {
        name: "ties",
        spec: "lists are as recorded; what is equal in the column they are ordered by comes in the order of ids, with filters as well (there the recorded order is that of whatever index was walked)",
        applies: |_, case| case.is_list() && case.status == 200 && case.parameter("order_by").is_some(),
        holds: ties,
    },
    Rule {
        name: "arches-once",
        spec: "what is asked for twice is made once: arches are recorded once each, as sources are",
        applies: |_, case| {
            let fields = ["arches", "multilib_arches"];
            let doubled =
                |name: &&str| list(case, name).collect::<BTreeSet<_>>().len() < list(case, name).count();
            case.method == "POST" && case.status == 200 && fields.iter().any(doubled)
        },
        holds: |recording, case, outcome| {
            let mut once = case.clone();
            let rows = once.after.iter_mut().flat_map(|row| row.iter_mut());
            let answer = once.answer.as_object_mut().into_iter().flatten();
            for (_, value) in rows.chain(answer).filter(|(name, _)| name.ends_with("arches")) {
                *value = each_once(value.as_str().unwrap_or_default()).into();
            }
            same_as(recording, &once, outcome)
        },
    },
    Rule {
        name: "no-list-is-an-empty-list",
        spec: "rows from before a column was there hold NULL in it: the answer has the empty text that it has for all others",
        applies: |_, case| {
            case.status == 200
                && case.before.iter().any(|row| {
                    NEVER_NULL
                        .iter()
                        .any(|name| row.get(*name).is_some_and(Value::is_null))
                })
        },
        holds: |recording, case, outcome| {
            let mut filled = case.clone();
            let answers = match filled.answer.get_mut("items") {
                Some(Value::Array(items)) => items.iter_mut().collect(),
                _ => vec![&mut filled.answer],
            };
            for answer in answers {
                for name in NEVER_NULL {
                    if answer.get(name).is_some_and(Value::is_null) {
                        answer[name] = "".into();
                    }
                }
            }
            same_as(recording, &filled, outcome)
        },
    },
    Rule {
        name: "keeps-what-is-done",
        spec: "PATCH extends those that share the tree: only those that are done and that nobody has deleted; others get their time when they end, or are gone",
        applies: |_, case| case.method == "PATCH" && case.status == 200 && case.next_id.is_none(),
        holds: |recording, case, outcome| {
            let asked = case.row().map(|row| row["id"].clone());
            let mut kept = case.clone();
            for row in &mut kept.after {
                let before = case.before.iter().find(|before| before["id"] == row["id"]);
                let lives = row["state"] == 2 && row.get("removed_by").is_none_or(Value::is_null);
                if let Some(before) = before.filter(|_| !lives && Some(&row["id"]) != asked.as_ref()) {
                    row.clone_from(before);
                }
            }
            same_as(recording, &kept, outcome)
        },
    },
    Rule {
        name: "owners-cancel",
        spec: "403 for deleting one's own finished or running compose unless admin: owners may cancel or delete their own",
        applies: |_, case| {
            case.method == "DELETE"
                && case.status == 400
                && case
                    .row()
                    .is_some_and(|row| [0, 1].contains(&row["state"].as_i64().unwrap_or(9)))
        },
        holds: |_, case, outcome| {
            let id = case.row().and_then(|row| row["id"].as_i64()).unwrap_or_default();
            let record = outcome.records.get(&id).ok_or("there is no record")?;
            that(outcome.status == 202 && outcome.json["status"] == 202, "202")?;
            that(
                record.state == ComposeState::Failed
                    && record.times.done == record.times.started.map(|_| case.now),
                "a compose that failed, now if it had been begun",
            )?;
            that(
                record.removed_by.as_deref() == Some("anonymous"),
                "removed_by anonymous",
            )
        },
    },
];

/// What a later version is going to have.
pub fn later(case: &Case) -> Option<&'static str> {
    let nothing_yet = case.route().starts_with("/static/");
    (has_pages(case) && !nothing_yet && ["GET", "HEAD", "OPTIONS"].contains(&&*case.method))
        .then_some("web pages")
}

const LIFETIMES: [&str; 2] = ["seconds_to_live", "seconds-to-live"];

fn that(is: bool, what: &str) -> Check {
    if is {
        Ok(())
    } else {
        Err(format!("{what} was expected"))
    }
}

/// All but what has been changed in the case is as recorded.
fn same_as(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let differences = with_recorded(recording, case, outcome);
    that(
        differences.is_empty(),
        &format!("the same otherwise ({})", differences.join("; ")),
    )
}

/// The same list, with links to where the proxy says that the service is.
fn forwarded(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
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

/// The same links and the same values of the column that the list is ordered by, and each compose as it is.
/// If all are on this page, they are the same ones.
fn ties(_: &Recording, case: &Case, outcome: &Outcome) -> Check {
    that(outcome.json["meta"] == case.answer["meta"], "the same links")?;
    let column = order(case);
    let values = |json| {
        items(json)
            .iter()
            .map(|item| item[&column].clone())
            .collect::<Vec<_>>()
    };
    that(values(&outcome.json) == values(&case.answer), "the same order")?;
    let ids = |json| {
        items(json)
            .iter()
            .filter_map(|item| item["id"].as_i64())
            .collect::<Vec<_>>()
    };
    let (ours, theirs) = (ids(&outcome.json), ids(&case.answer));
    let all = |ids: &[i64]| ids.iter().copied().collect::<BTreeSet<_>>();
    that(all(&ours).len() == ours.len(), "each compose once")?;
    that(
        case.answer["meta"]["pages"] != 1 || all(&ours) == all(&theirs),
        "the same composes",
    )?;
    let pairs = items(&outcome.json).windows(2);
    let mut equal = pairs.filter(|pair| pair[0][&column] == pair[1][&column]);
    that(
        equal
            .clone()
            .all(|pair| pair[0]["id"].as_i64() < pair[1]["id"].as_i64())
            || equal.all(|pair| pair[0]["id"].as_i64() > pair[1]["id"].as_i64()),
        "equal ones in the order of ids",
    )?;
    let theirs = items(&case.answer);
    let mut known = items(&outcome.json).iter().filter_map(|item| {
        let same = theirs.iter().find(|other| other["id"] == item["id"])?;
        Some((item, same))
    });
    that(
        known.all(|(ours, theirs)| fields("", theirs, ours).is_empty()),
        "the same records",
    )
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// An error in the API's shape that names one of the fields, and nothing changed.
fn refused(recording: &Recording, case: &Case, outcome: &Outcome, status: u16, names: &[&str]) -> Check {
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

fn writes(case: &Case) -> bool {
    ["POST", "PATCH"].contains(&&*case.method)
        && ![404, 308].contains(&case.status)
        && !case.message().starts_with("404")
        && !case.message().starts_with("405")
}

fn is_json(case: &Case) -> bool {
    let bytes = case.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&case.bytes);
    serde_json::from_slice::<Value>(bytes).is_ok()
}

/// The path of a compose with a slash at its end.
fn is_a_slash_more(case: &Case) -> bool {
    let is_number = |id: &str| id.parse::<i64>().is_ok_and(|id| id >= 0);
    case.route().ends_with('/') && case.id().is_some_and(is_number)
}

/// 405 with the methods that are possible, and nothing changed.
fn not_possible(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
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
fn options(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let allow = outcome.header("allow");
    that(
        outcome.status == 200 && allow.contains("OPTIONS"),
        "200 with a header Allow",
    )?;
    untouched(recording, case, outcome)
}

/// 404. Only methods that look for a compose ask whether its id is one; the others are refused as such.
fn nothing_there(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
    match (case.method.as_str(), outcome.status) {
        ("OPTIONS", 200) => options(recording, case, outcome),
        (_, 405) => not_possible(recording, case, outcome),
        _ => refused(recording, case, outcome, 404, &[]),
    }
}

/// Where a later version has pages.
fn has_pages(case: &Case) -> bool {
    let path = case.route().trim_end_matches('/');
    ["", "/api/1", "/favicon.ico"].contains(&path) || path.starts_with("/static/")
}

/// The answer is that of the other path: a record, a list, what the server is, or metrics.
fn slash(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
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

fn has_metrics(outcome: &Outcome) -> bool {
    let kind = outcome.header("content-type");
    kind.starts_with("application/openmetrics-text") || kind.starts_with("text/plain")
}

/// A lifetime as this server reads it.
fn seconds(case: &Case, name: &str) -> Option<i64> {
    match case.body.get(name)? {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    }
}

fn lifetime_text(recording: &Recording, case: &Case, outcome: &Outcome) -> Check {
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

fn list<'a>(case: &'a Case, name: &str) -> impl Iterator<Item = &'a str> {
    let list = case.body[name].as_array();
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The fields with URLs that are on no list: with a user name, or of another scheme than http, https and git.
fn off_the_list(case: &Case) -> Vec<&'static str> {
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
fn only_urls_are_odd(case: &Case) -> bool {
    let mut body = case.body.clone();
    let odd = list(case, "lookaside_repos").any(|text| !is_plain(text));
    if let Some(fields) = body.as_object_mut() {
        fields.remove("lookaside_repos");
    }
    odd && all_plain(&body)
}

fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || " -/_.:#+?$~^,".contains(c))
}

fn all_plain(value: &Value) -> bool {
    match value {
        Value::String(text) => is_plain(text),
        Value::Array(items) => items.iter().all(all_plain),
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| name == "packages" || all_plain(value)),
        _ => true,
    }
}

fn of_row(recording: &Recording, case: &Case) -> Vec<String> {
    let row = case.row();
    row.map_or_else(Vec::new, |row| {
        let target = recording.target_dir(row["target_dir"].as_str());
        dishonoured_renewal(row, &target, &case.body)
    })
}

fn order(case: &Case) -> String {
    let order = case.parameter("order_by").unwrap_or_default();
    order.strip_prefix('-').unwrap_or(&order).to_owned()
}

fn past_the_end(outcome: &Outcome) -> bool {
    let meta = &outcome.json["meta"];
    meta["page"].as_u64() > meta["pages"].as_u64()
}

fn items(json: &Value) -> &[Value] {
    json["items"].as_array().map_or(&[], Vec::as_slice)
}

/// `per_page` and where `prev` leads to, if it is not the page before.
fn expected_page(case: &Case, total: Option<u64>) -> (Option<u64>, Option<String>) {
    let number = |name: &str| {
        let text = case.parameter(name)?;
        text.trim().replace('_', "").parse::<i128>().ok()
    };
    let per_page = match number("per_page") {
        Some(n) if n < 1 => 10,
        Some(n) => u64::try_from(n.min(100)).unwrap_or(10),
        None => 10,
    };
    let page = number("page").unwrap_or(1);
    let pages = total.map_or(1, |total| i128::from(total.div_ceil(per_page).max(1)));
    let prev = (page > pages + 1).then(|| format!("page={pages}&"));
    (Some(per_page), prev)
}

fn recorded_page(case: &Case) -> (Option<u64>, Option<String>) {
    (case.answer["meta"]["per_page"].as_u64(), None)
}

fn pages(_: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let meta = &outcome.json["meta"];
    let (per_page, prev) = expected_page(case, meta["total"].as_u64());
    let recorded = &case.answer["meta"];
    let total = meta["total"].as_u64().unwrap_or_default();
    let size = per_page.unwrap_or(10);
    let number = |name: &str| meta[name].as_u64();
    that(outcome.status == 200, "a list")?;
    that(number("per_page") == per_page, "another number on a page")?;
    that(
        recorded["total"].is_null() || recorded["total"] == total,
        "the same total",
    )?;
    that(
        number("pages") == Some(total.div_ceil(size)),
        "as many pages as that makes",
    )?;
    let before = number("page").unwrap_or(1).saturating_sub(1).saturating_mul(size);
    let left = usize::try_from(total.saturating_sub(before).min(size)).unwrap_or(0);
    that(items(&outcome.json).len() == left, "the items of this page")?;
    if let Some(prev) = prev {
        that(
            meta["prev"].as_str().is_some_and(|link| link.contains(&prev)),
            "prev that leads back",
        )?;
        that(meta["next"].is_null(), "no page after that")?;
    }
    // What is on both pages is the same.
    let same = items(&outcome.json).iter().zip(items(&case.answer));
    let mut same = same.map(|(a, b)| {
        let words = |item: &Value| sorted(item["source"].as_str().unwrap_or_default());
        number("page") != recorded["page"].as_u64() || (&a["id"], words(a)) == (&b["id"], words(b))
    });
    that(before > 0 || same.all(|is| is), "the same composes")
}

fn about(_: &Recording, case: &Case, outcome: &Outcome) -> Check {
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
