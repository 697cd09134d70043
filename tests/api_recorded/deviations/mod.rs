//! Where this server answers better than the recorded one, on purpose.
//!
//! A rule looks at the request and the recorded answer, never at the name of a case, and says what the answer has
//! to be instead. Each stands for a line of the specification of the API, which is quoted.

mod answers;
mod lists;
mod requests;

pub use requests::later;

use std::collections::BTreeSet;

use odcs_core::compose::ComposeState;
use serde_json::Value;

use crate::compare::untouched;
use crate::honour::dishonoured;
use crate::recording::{Case, Recording};
use crate::rows::each_once;
use crate::server::Outcome;
use crate::shapes;
use answers::{
    about, forwarded, has_metrics, lifetime_text, not_possible, nothing_there, refused, same_as, slash, that,
};
use lists::{expected_page, items, order, pages, past_the_end, recorded_page, ties};
use requests::{
    LIFETIMES, has_pages, is_a_slash_more, is_json, list, of_row, off_the_list, only_urls_are_odd, seconds,
    texts, writes,
};

pub(crate) type Check = Result<(), String>;

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
        name: "older-paths",
        spec: "paths under /odcs/1/composes, which the first documents of the service show, must work too",
        applies: |_, case| case.status == 500 && case.route().starts_with("/odcs/1/"),
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
