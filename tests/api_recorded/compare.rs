//! Whether an answer, and the records afterwards, are as recorded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::recording::{Case, Recording};
use crate::rows::{public, record, sorted};
use crate::server::Outcome;

/// What differs; nothing if all is as recorded.
pub fn with_recorded(recording: &Recording, case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut differences = Vec::new();
    if outcome.status != case.status {
        let message = outcome.message();
        let recorded = case.status;
        differences.push(format!(
            "status {} ({message}), recorded is {recorded}",
            outcome.status
        ));
        return differences;
    }
    differences.extend(headers(case, outcome));
    if case.method != "HEAD" && case.answer.is_object() {
        if case.status < 400 {
            differences.extend(fields("", &case.answer, &outcome.json));
        } else {
            differences.extend(refusal(case, outcome));
        }
    }
    differences.extend(records(recording, case, outcome));
    differences
}

fn headers(case: &Case, outcome: &Outcome) -> Vec<String> {
    let recorded = |name: &str| case.answer_headers.get(name).map_or("", String::as_str);
    let mut differences = Vec::new();
    let mut differ = |name: &str, ours: &str, theirs: &str| {
        differences.push(format!("{name} {ours:?}, recorded is {theirs:?}"));
    };
    let cors = "access-control-allow-origin";
    // Pages of other sites may read refusals, too.
    let expected = match &*case.method {
        "GET" | "HEAD" => "*",
        _ => recorded(cors),
    };
    if outcome.header(cors) != expected {
        differ(cors, outcome.header(cors), expected);
    }
    if let Some(allow) = case.answer_headers.get("allow") {
        let methods =
            |text: &str| -> BTreeSet<String> { text.split(',').map(|m| m.trim().to_owned()).collect() };
        if methods(allow) != methods(outcome.header("allow")) {
            differ("allow", outcome.header("allow"), allow);
        }
    }
    let kind = |text: &str| text.split(';').next().unwrap().to_owned();
    let (ours, theirs) = (outcome.header("content-type"), recorded("content-type"));
    if case.method != "OPTIONS" && kind(ours) != kind(theirs) {
        differ("content-type", ours, theirs);
    }
    differences
}

/// Values of the same keys. What only we have (`warnings`) is additive.
pub fn fields(path: &str, recorded: &Value, ours: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    match (recorded, ours) {
        (Value::Object(theirs), Value::Object(mine)) => {
            for key in theirs.keys().chain(mine.keys()).collect::<BTreeSet<_>>() {
                let here = format!("{path}.{key}");
                match (theirs.get(key), mine.get(key)) {
                    (None, _) if here == ".warnings" => {}
                    (Some(Value::String(a)), Some(Value::String(b))) if key == "source" => {
                        if sorted(a) != sorted(b) {
                            differences.push(format!("{here} {b:?}, recorded is {a:?}"));
                        }
                    }
                    (Some(a), Some(b)) => differences.extend(fields(&here, a, b)),
                    (None, Some(_)) => differences.push(format!("{here} is new")),
                    (Some(_), None) => differences.push(format!("{here} is missing")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(theirs), Value::Array(mine)) if theirs.len() == mine.len() => {
            for (at, (a, b)) in theirs.iter().zip(mine).enumerate() {
                differences.extend(fields(&format!("{path}[{at}]"), a, b));
            }
        }
        _ if recorded != ours => differences.push(format!("{path} {ours}, recorded is {recorded}")),
        _ => {}
    }
    differences
}

/// The shape is the same, and the message names one of the fields that the recorded one names.
fn refusal(case: &Case, outcome: &Outcome) -> Option<String> {
    let shape = |answer: &Value| {
        (
            answer["status"].clone(),
            answer["error"].clone(),
            answer["message"].is_string(),
        )
    };
    if shape(&case.answer) != shape(&outcome.json) {
        return Some(format!("answer {}, recorded is {}", outcome.json, case.answer));
    }
    let named = fields_named(case.message());
    let message = outcome.message();
    let is_named = |field: &String| message.contains(field.as_str());
    (case.status == 400 && !named.is_empty() && !named.iter().any(is_named))
        .then(|| format!("{message:?} names none of {named:?}"))
}

/// The fields that a message of the reference server is about; none for one that names no field.
fn fields_named(message: &str) -> Vec<String> {
    let plain = |text: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        !text.is_empty() && text.chars().all(is_name) && !text.chars().all(|c| c.is_ascii_digit())
    };
    let known: [(&str, &[&str]); 14] = [
        ("Unknown flag", &["flags"]),
        ("Unknown result", &["results"]),
        ("Unknown multilib method", &["multilib_method"]),
        ("Unknown source type", &["type", "source_type"]),
        ("Unknown \"target_dir\"", &["target_dir"]),
        ("Missing type", &["type"]),
        ("No source provided", &["source"]),
        ("Invalid source configuration", &["source"]),
        ("Invalid seconds_to_live", &["seconds_to_live", "seconds-to-live"]),
        ("Module definition", &["source"]),
        (
            "ODCS currently cannot create compose with base modules",
            &["source"],
        ),
        ("Only single source", &["source"]),
        ("Source ", &["source"]),
        ("An invalid order_by", &["order_by"]),
    ];
    if let Some((_, fields)) = known.iter().find(|(start, _)| message.starts_with(start)) {
        return fields.iter().map(|field| (*field).to_owned()).collect();
    }
    if message.contains("must be used together") || message.contains("but '") {
        let quoted = message
            .split(['"', '\''])
            .skip(1)
            .step_by(2)
            .filter(|text| plain(text));
        return quoted.map(str::to_owned).collect();
    }
    match message.split_once(" should be ") {
        Some((field, _)) if plain(field) => vec![field.to_owned()],
        _ => Vec::new(),
    }
}

/// The records afterwards: those that changed as recorded, the others as they were.
pub fn records(recording: &Recording, case: &Case, outcome: &Outcome) -> Vec<String> {
    let rows = case.before.iter().chain(&case.after);
    let expected: BTreeMap<i64, Value> = rows
        .filter_map(|row| record(recording, row))
        .map(|compose| (compose.id.number(), public(&compose)))
        .collect();
    let mut differences = Vec::new();
    if let Some(id) = case.next_id.filter(|id| !outcome.records.contains_key(id)) {
        differences.push(format!("there is no compose {id}"));
    }
    for id in expected
        .keys()
        .chain(outcome.records.keys())
        .collect::<BTreeSet<_>>()
    {
        match (expected.get(id), outcome.records.get(id).map(public)) {
            (Some(recorded), Some(ours)) => {
                differences.extend(fields(&format!("record {id}"), recorded, &ours));
            }
            (None, Some(_)) => differences.push(format!("record {id} is new")),
            (Some(_), None) => differences.push(format!("record {id} is missing")),
            (None, None) => {}
        }
    }
    differences
}

/// Whether all records are as they were.
pub fn untouched(recording: &Recording, case: &Case, outcome: &Outcome) -> Result<(), String> {
    let before: BTreeMap<i64, Value> = case
        .before
        .iter()
        .filter_map(|row| record(recording, row))
        .map(|compose| (compose.id.number(), public(&compose)))
        .collect();
    let ours: BTreeMap<i64, Value> = outcome
        .records
        .iter()
        .map(|(id, compose)| (*id, public(compose)))
        .collect();
    if before == ours {
        Ok(())
    } else {
        Err("records were changed".to_owned())
    }
}
