//! Replays the recorded POST and PATCH requests of the reference server against the parser.
//!
//! `fixtures/post_requests.jsonl` has one request a line: its body, the status of the reference server,
//! its message for a 400, and for a success the stored record (columns that were null left out) and the
//! lifetime in seconds. `fixtures/patch_requests.jsonl` has bodies and statuses only. Where we answer differently on purpose, a [`Rule`] says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::collections::BTreeSet;

use odcs_core::compose::Requested;
use odcs_core::request::parse::{Parsed, body_from_bytes, compose_request, renewal_request};
use odcs_core::{ComposeRequest, Error, ErrorKind};
use serde_json::{Map, Value};

struct Case {
    name: String,
    status: u64,
    bytes: Vec<u8>,
    /// The body if it is JSON at all, else null.
    body: Value,
    message: String,
    row: Option<Map<String, Value>>,
    seconds: i64,
}

impl Case {
    fn read(line: &str) -> Self {
        let mut line: Map<String, Value> = serde_json::from_str(line).unwrap();
        let bytes = match (line.get("body_raw"), line.get("body_raw_encoding")) {
            (Some(raw), None) => raw.as_str().unwrap().into(),
            (Some(raw), Some(_latin_1)) => {
                let chars = raw.as_str().unwrap().chars();
                chars.map(|c| u8::try_from(c).unwrap()).collect()
            }
            (None, _) => line["body"].to_string().into_bytes(),
        };
        Self {
            name: line["name"].as_str().unwrap().to_owned(),
            status: line["status"].as_u64().unwrap(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
            message: line
                .get("message")
                .map_or("", |text| text.as_str().unwrap())
                .to_owned(),
            row: line.remove("row").map(|row| row.as_object().unwrap().clone()),
            seconds: line.get("seconds").map_or(0, |seconds| seconds.as_i64().unwrap()),
        }
    }

    /// A field, beside `source` or in it.
    fn field(&self, name: &str) -> &Value {
        let source = &self.body["source"];
        self.body
            .get(name)
            .filter(|value| name != "source" || value.is_string())
            .or_else(|| source.get(name))
            .unwrap_or(&Value::Null)
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let list = self.field(name).as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
    }

    fn text(&self, name: &str) -> &str {
        self.field(name).as_str().unwrap_or_default()
    }

    fn is_type(&self, name: &str) -> bool {
        self.body["source"]["type"] == name
    }

    fn succeeded(&self) -> bool {
        self.status == 200
    }
}

/// Where we answer differently on purpose.
struct Rule {
    name: &'static str,
    why: &'static str,
    /// Whether we accept what the rule is about.
    accepted: bool,
    /// On request and recorded answer.
    applies: fn(&Case) -> bool,
}

const TEXTS: [&str; 14] = [
    "packages",
    "builds",
    "sigkeys",
    "modular_koji_tags",
    "scratch_modules",
    "scratch_build_tasks",
    "modules",
    "flags",
    "results",
    "arches",
    "multilib_arches",
    "multilib_method",
    "lookaside_repos",
    "parent_pungi_compose_ids",
];

const LIFETIMES: [&str; 2] = ["seconds_to_live", "seconds-to-live"];

const RULES: [Rule; 11] = [
    Rule {
        name: "not-json",
        why: "UTF-16, NaN and Infinity are not JSON as it is exchanged",
        accepted: false,
        applies: |case| {
            case.status != 400 && serde_json::from_slice::<Value>(&case.bytes).is_err() && !is_marked(case)
        },
    },
    Rule {
        name: "body-shape",
        why: "a body that is JSON but no object is a 400 with a sentence, never a 500",
        accepted: false,
        applies: |case| case.status == 500 && !case.body.is_object(),
    },
    Rule {
        name: "renewal-source",
        why: "the source in a renewal, too, is an object",
        accepted: false,
        applies: |case| {
            let source = case.body.get("source");
            case.status != 400 && source.is_some_and(|source| !source.is_object())
        },
    },
    Rule {
        name: "wrong-type",
        why: "a value of the wrong type is a 400 that names the field",
        accepted: false,
        applies: |case| {
            let is_text = |value: &Value| value.is_string() || value.is_null();
            let is_list = |value: &Value| {
                value
                    .as_array()
                    .is_some_and(|items| items.iter().all(Value::is_string))
            };
            let texts = [
                "source",
                "module_defaults_url",
                "module_defaults_commit",
                "respin_of",
            ];
            let source = case.body["source"].get("source").unwrap_or(&Value::Null);
            case.status != 400
                && (TEXTS
                    .iter()
                    .any(|name| !case.field(name).is_null() && !is_list(case.field(name)))
                    || texts.iter().any(|name| !is_text(case.field(name)))
                    || !is_text(source)
                    || case.field("koji_event").is_boolean())
        },
    },
    Rule {
        name: "lifetime-type",
        why: "both spellings take integers and numeric strings, nothing else",
        accepted: false,
        applies: |case| {
            let is_other = |value: &Value| !(value.is_i64() || value.is_string() || value.is_null());
            case.status != 400 && LIFETIMES.iter().any(|name| is_other(case.field(name)))
        },
    },
    Rule {
        name: "lifetime-text",
        why: "a numeric string is taken under both spellings",
        accepted: true,
        applies: |case| {
            case.status == 400 && case.text("seconds_to_live").parse::<u64>().is_ok_and(|n| n > 0)
        },
    },
    Rule {
        name: "lifetime-positive",
        why: "a lifetime is at least a second",
        accepted: false,
        applies: |case| {
            let is_low = |value: &Value| value.as_i64().is_some_and(|seconds| seconds < 1);
            case.status != 400 && LIFETIMES.iter().any(|name| is_low(case.field(name)))
        },
    },
    Rule {
        name: "blank-source",
        why: "a source of blanks is no source",
        accepted: false,
        applies: |case| {
            case.succeeded() && !case.text("source").is_empty() && case.text("source").trim().is_empty()
        },
    },
    Rule {
        name: "koji-event-range",
        why: "a Koji event is a number of 64 bits, 0 or more",
        accepted: false,
        applies: |case| {
            let event = case.field("koji_event");
            event.is_number() && case.status != 400 && event.as_i64().is_none_or(|event| event < 0)
        },
    },
    Rule {
        name: "cannot-be-honoured",
        why: "values that no source could honour are a 400 naming the field",
        accepted: false,
        applies: |case| {
            let is_module = |text: &str| {
                (2..=4).contains(&text.split(':').count()) && text.split(':').all(|part| !part.is_empty())
            };
            let known = [
                "x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "i386", "riscv64",
            ];
            let is_package = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
            let mut words = case.text("source").split(' ').filter(|word| !word.is_empty());
            case.succeeded()
                && (case.is_type("module") && words.any(|text| !is_module(text))
                    || case.texts("arches").any(|arch| !known.contains(&arch))
                    || case.text("label").contains([' ', '/'])
                    || case.texts("packages").any(|text| !is_package(text)))
        },
    },
    Rule {
        name: "url-characters",
        why: "a URL is read as a URL, whatever characters it has",
        accepted: true,
        applies: |case| {
            case.message.starts_with("Only alphanumerical")
                && case.texts("lookaside_repos").next().is_some()
                && case
                    .texts("lookaside_repos")
                    .all(|url| url.starts_with("http://"))
        },
    },
];

fn is_marked(case: &Case) -> bool {
    case.bytes.starts_with(b"\xef\xbb\xbf")
}

/// Refusals that need the configuration, which the parser does not know.
fn needs_configuration(case: &Case) -> bool {
    ["Unknown \"target_dir\"", "does not exist in server configuration"]
        .iter()
        .any(|text| case.message.contains(text))
}

fn parse(bytes: &[u8]) -> Result<Parsed<ComposeRequest>, Error> {
    body_from_bytes(bytes, 32).and_then(|body| compose_request(&body, &[]))
}

fn cases() -> Vec<Case> {
    let lines = include_str!("fixtures/post_requests.jsonl").lines();
    lines.map(Case::read).collect()
}

#[test]
fn accepts_and_refuses_as_recorded() {
    let posted = cases()
        .into_iter()
        .map(|case| (parse(&case.bytes).map(drop), case));
    let patches = include_str!("fixtures/patch_requests.jsonl")
        .lines()
        .map(Case::read);
    let patched = patches.map(|case| {
        let renewal = body_from_bytes(&case.bytes, 32).and_then(|body| renewal_request(&body));
        (renewal.map(drop), case)
    });
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for (ours, case) in posted.chain(patched) {
        let rule = RULES.iter().find(|rule| (rule.applies)(&case));
        let expected = match rule {
            Some(rule) => rule.accepted,
            None => case.succeeded() || needs_configuration(&case),
        };
        if let Some(rule) = rule {
            println!("deviation {} {}: {}", case.name, rule.name, rule.why);
            used.insert(rule.name);
        }
        if ours.is_ok() != expected {
            wrong.push(format!("{} ({}): {ours:?}", case.name, case.status));
        }
        if let Err(error) = ours {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        used.len(),
        RULES.len(),
        "rules without a case: only {used:?} were used"
    );
}

#[test]
fn refusals_name_the_field_that_the_recorded_ones_name() {
    let names = [
        "type",
        "seconds_to_live",
        "koji_event",
        "label",
        "compose_type",
        "target_dir",
    ]
    .into_iter()
    .chain([
        "base_module_br_name",
        "base_module_br_stream",
        "base_module_br_stream_version_lte",
    ])
    .chain(["base_module_br_stream_version_gte", "module_defaults_url"])
    .chain(TEXTS);
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.status == 400) {
        let Err(error) = parse(&case.bytes) else { continue };
        for name in names.clone() {
            if case.message.starts_with(&format!("{name} should be")) {
                assert_eq!(error.subject(), name, "{}", case.name);
                assert!(error.message().contains(name), "{}: {error}", case.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn records_what_was_recorded() {
    let mut compared = 0;
    for case in cases() {
        let (Some(row), Ok(parsed)) = (&case.row, parse(&case.bytes)) else {
            continue;
        };
        let mut request = parsed.request;
        if request.arches.is_empty() {
            request.arches = vec!["x86_64".parse().unwrap()];
        }
        let ours = serde_json::to_value(Requested::from_request(&request)).unwrap();
        for (column, value) in ours.as_object().unwrap() {
            let recorded = row.get(column).unwrap_or(&Value::Null);
            if column == "source" {
                // Made from a set there: in any order, blanks may be among it.
                assert_eq!(words(value), words(recorded), "{}", case.name);
            } else {
                assert_eq!(value, recorded, "{column} of {}", case.name);
            }
        }
        assert!(row.keys().all(|column| ours.get(column).is_some()));
        let seconds = request
            .lifetime
            .map(|lifetime| i64::try_from(lifetime.seconds()).unwrap());
        assert_eq!(
            configured_lifetime(&ours["source"], seconds),
            case.seconds,
            "{}",
            case.name
        );
        compared += 1;
    }
    assert!(compared > 70, "{compared}");
}

fn words(value: &Value) -> BTreeSet<&str> {
    value.as_str().unwrap().split_whitespace().collect()
}

/// Default and maximum as they were configured: a Pungi configuration can have its own.
fn configured_lifetime(source: &Value, asked: Option<i64>) -> i64 {
    let (default, maximum) = match source.as_str() {
        Some("pungi_cfg_ttl#hash") => (1000, 2000),
        _ => (86_400, 259_200),
    };
    asked.unwrap_or(default).min(maximum)
}

#[test]
fn the_flat_form_means_the_same() {
    let mut compared = 0;
    for case in cases() {
        let Some(source) = case.body["source"].as_object().filter(|_| case.succeeded()) else {
            continue;
        };
        let mut flat = case.body.as_object().unwrap().clone();
        flat.remove("source");
        for (key, value) in source {
            let key = if key == "type" { "source_type" } else { key };
            flat.insert(key.to_owned(), value.clone());
        }
        let flat = compose_request(&Value::Object(flat), &[]).map(|parsed| parsed.request);
        match parse(&case.bytes) {
            Ok(nested) => assert_eq!(flat.unwrap(), nested.request, "{}", case.name),
            Err(nested) => assert_eq!(flat.unwrap_err().subject(), nested.subject(), "{}", case.name),
        }
        compared += 1;
    }
    assert!(compared > 90, "{compared}");
}
