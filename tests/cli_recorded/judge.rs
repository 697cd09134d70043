//! What a run of our program should have been, by what was recorded.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::case::Case;
use crate::server::Asked;

/// A run of our program.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What it asked the server for.
    pub(crate) asked: Vec<Asked>,
}

/// What there is to say of a case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// All is as recorded.
    Same,
    /// It needs something that is not there yet.
    Later(&'static str),
    /// It differs on purpose, by this rule.
    Deviation(&'static str),
    /// It differs.
    Different(String),
}

/// Commands of the reference for types of sources, and what has to be there before they are.
const LATER_COMMANDS: [(&str, &str); 3] = [
    ("create-module", "modules"),
    ("create-pulp", "pulp"),
    ("create-raw-config", "raw_config"),
];

/// The types that the reference's `create` takes.
const REFERENCE_TYPES: [&str; 5] = ["tag", "module", "raw_config", "pulp", "build"];

/// The names of the types by their numbers in answers.
const SOURCE_TYPES: [&str; 8] = [
    "",
    "tag",
    "module",
    "repo",
    "pulp",
    "raw_config",
    "build",
    "pungi_compose",
];

/// The feature that a case needs and that is not there, told by the commands that are.
pub(crate) fn later(case: &Case, ours: &[String]) -> Option<&'static str> {
    if case.has("--token") {
        return Some("authentication");
    }
    let command = case.command()?;
    let (_, feature) = LATER_COMMANDS.iter().find(|(name, _)| *name == command)?;
    (!ours.iter().any(|name| name == command)).then_some(feature)
}

/// Where we differ on purpose: a rule upon the arguments and the recorded outcome, and the exit code
/// that is ours then.
struct Rule {
    name: &'static str,
    applies: fn(&Case) -> bool,
    code: i32,
}

const RULES: [Rule; 6] = [
    Rule {
        // The server refuses what it does not have; here it refuses everything.
        name: "create takes every type of source, the server decides",
        applies: |case| {
            let positional = case.positional();
            let of_another_type = positional
                .first()
                .is_some_and(|kind| !REFERENCE_TYPES.contains(kind));
            case.code() == 2 && case.command() == Some("create") && of_another_type && positional.len() >= 2
        },
        code: 255,
    },
    Rule {
        name: "servers are named by their URL, not by an environment",
        applies: |case| {
            case.code() != 2 && ["-e", "--env", "--staging"].iter().any(|option| case.has(option))
        },
        code: 2,
    },
    Rule {
        name: "without a command the command line is wrong",
        applies: |case| case.code() == 0 && case.command().is_none() && !wants_help(case),
        code: 2,
    },
    Rule {
        name: "what is no id is not asked for",
        applies: |case| case.code() != 2 && takes_id(case) && id(case).is_none() && !wants_help(case),
        code: 2,
    },
    Rule {
        name: "what is no lifetime is not asked for",
        applies: |case| {
            let given = case.option("--seconds-to-live");
            case.code() != 2
                && given.is_some_and(|given| !given.parse().is_ok_and(|seconds: i64| seconds >= 1))
        },
        code: 2,
    },
    Rule {
        name: "get shows a compose as it is, without waiting and whatever its state",
        applies: |case| {
            let failed = case.json().is_some_and(|json| json["state_name"] == "failed");
            case.command() == Some("get") && (case.waits() || case.code() == 1 && failed)
        },
        code: 0,
    },
];

fn wants_help(case: &Case) -> bool {
    case.has("--help") || case.has("-h")
}

fn takes_id(case: &Case) -> bool {
    matches!(case.command(), Some("get" | "delete" | "renew" | "wait"))
}

fn id(case: &Case) -> Option<i64> {
    let positional = case.positional();
    positional.first()?.parse().ok().filter(|id| *id >= 1)
}

/// Compares a run with the recording.
pub(crate) fn judge(case: &Case, run: &Run) -> Verdict {
    let rule = RULES.iter().find(|rule| (rule.applies)(case));
    let code = rule.map_or(case.code(), |rule| rule.code);
    if run.code != Some(code) {
        return Verdict::Different(format!(
            "the exit code is {:?}, not {code}: {}",
            run.code,
            run.stderr.trim()
        ));
    }
    let compared = if code == 2 {
        nothing_asked(run)
    } else if wants_help(case) {
        help(case, run)
    } else {
        let printed = if rule.is_some() {
            Ok(())
        } else {
            printed(case, run)
        };
        printed.and_then(|()| asked(case, run))
    };
    match (compared, rule) {
        (Err(what), _) => Verdict::Different(what),
        (Ok(()), Some(rule)) => Verdict::Deviation(rule.name),
        (Ok(()), None) if !case.prologue().is_empty() => {
            Verdict::Deviation("standard output has the answer and nothing else")
        }
        (Ok(()), None) => Verdict::Same,
    }
}

fn nothing_asked(run: &Run) -> Result<(), String> {
    if run.asked.is_empty() && run.stdout.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "the command line is wrong, and yet {:?} and {:?}",
            run.asked, run.stdout
        ))
    }
}

/// The text of help is ours; what it offers has to be there.
fn help(case: &Case, run: &Run) -> Result<(), String> {
    let words: BTreeSet<&str> = case
        .stdout()
        .split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .collect();
    // "--" at the end of a line is the first half of an option that was broken there.
    let options = words
        .into_iter()
        .filter(|word| word.starts_with("--") && word.len() > 2);
    let missing: Vec<&str> = options.filter(|option| !run.stdout.contains(option)).collect();
    if !run.asked.is_empty() {
        Err("help asks a server".to_owned())
    } else if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("these options are missing: {missing:?}"))
    }
}

/// What is printed: the same JSON in the same form; of a refusal the server's own words.
fn printed(case: &Case, run: &Run) -> Result<(), String> {
    let recorded = case.printed();
    let as_json = |text: &str| serde_json::from_str::<Value>(text).ok();
    if as_json(recorded) != as_json(&run.stdout) {
        Err(format!("printed is {}", run.stdout))
    } else if recorded != run.stdout && recorded.is_ascii() && !recorded.contains("\\u") {
        Err(format!("printed is in another form: {}", run.stdout))
    } else {
        Ok(())
    }
}

/// What is asked for: method, path and body, as far as the recording tells.
fn asked(case: &Case, run: &Run) -> Result<(), String> {
    let Some((first, others)) = run.asked.split_first() else {
        return Err("nothing is asked for".to_owned());
    };
    let command = case.command().unwrap_or_default();
    let compose = || format!("/api/1/composes/{}", id(case).unwrap_or_default());
    let (method, path) = match command {
        "about" => ("GET", "/api/1/about".to_owned()),
        "get" | "wait" => ("GET", compose()),
        "delete" => ("DELETE", compose()),
        "renew" => ("PATCH", compose()),
        create if create.starts_with("create") => ("POST", "/api/1/composes".to_owned()),
        other => return Err(format!("nothing is known of {other}")),
    };
    if (first.method.as_str(), first.path.as_str()) != (method, path.as_str()) {
        return Err(format!(
            "asked for is {} {}, not {method} {path}",
            first.method, first.path
        ));
    }
    if case.has("--no-wait") && !others.is_empty() {
        return Err("more is asked for than the compose".to_owned());
    }
    if let Some(other) = others.iter().find(|other| other.method != "GET") {
        return Err(format!("{} {} is asked for, too", other.method, other.path));
    }
    let body = first.json().ok_or("the body is no object")?;
    match method {
        "POST" => creation(case, command, &body),
        "PATCH" => renewal(case, &body),
        _ if body.is_null() => Ok(()),
        _ => Err(format!("a {method} has the body {body}")),
    }
}

/// The wish to renew: what the options say and nothing else.
fn renewal(case: &Case, body: &Value) -> Result<(), String> {
    let mut expected = serde_json::Map::new();
    if let Some(label) = case.option("--label") {
        expected.insert("label".into(), label.into());
    }
    if let Some(seconds) = case.option("--seconds-to-live") {
        let seconds: i64 = seconds.parse().map_err(|_| "no number of seconds")?;
        expected.insert("seconds_to_live".into(), seconds.into());
    }
    let mut given = body.as_object().cloned().unwrap_or_default();
    if let Some(seconds) = given.remove("seconds-to-live") {
        given.insert("seconds_to_live".into(), seconds);
    }
    if given == expected {
        Ok(())
    } else {
        Err(format!("the body is {body}, not {}", Value::from(expected)))
    }
}

/// The request for a compose: with the server's defaults it is the record that was answered.
fn creation(case: &Case, command: &str, body: &Value) -> Result<(), String> {
    let source = &body["source"];
    let positional = case.positional();
    let kind = match command.strip_prefix("create-") {
        Some(kind) => kind.replace('-', "_"),
        None => (*positional.first().ok_or("no type")?).to_owned(),
    };
    same("source.type", source["type"].as_str(), Some(kind.as_str()))?;
    let record = match case.json() {
        Some(record) if matches!(case.code(), 0 | 1) => record,
        // Of a refusal the recording tells the type and the words of the source.
        _ => {
            let words = if command == "create" {
                positional.get(1)
            } else {
                positional.first()
            };
            let begins = |given: &str| words.is_some_and(|word| given.starts_with(word));
            let holds = source["source"].as_str().is_some_and(begins) || kind == "build";
            return if holds {
                Ok(())
            } else {
                Err(format!("the source is {}", source["source"]))
            };
        }
    };
    let number = usize::try_from(record["source_type"].as_u64().unwrap_or_default()).unwrap_or_default();
    same(
        "source_type",
        Some(kind.as_str()),
        SOURCE_TYPES.get(number).copied(),
    )?;
    // Modules are written out in full once they have been looked up.
    if !(case.waits() && kind == "module") {
        same("source", words(&source["source"]), words(&record["source"]))?;
    }
    for field in [
        "packages",
        "builds",
        "modules",
        "sigkeys",
        "modular_koji_tags",
        "scratch_modules",
        "scratch_build_tasks",
    ] {
        same(field, words(&source[field]), words(&record[field]))?;
    }
    for field in [
        "flags",
        "lookaside_repos",
        "multilib_arches",
        "parent_pungi_compose_ids",
    ] {
        same(field, words(&body[field]), words(&record[field]))?;
    }
    let defaults = [
        ("arches", "x86_64"),
        ("label", ""),
        ("compose_type", "test"),
        ("target_dir", "default"),
        ("respin_of", ""),
    ];
    for (field, default) in defaults {
        let given = words(&body[field]);
        let given = if given.is_empty() {
            words(&default.into())
        } else {
            given
        };
        same(field, given, words(&record[field]))?;
    }
    let mut results = words(&body["results"]);
    results.insert("repository".to_owned());
    same("results", results, words(&record["results"]))?;
    if !case.waits() {
        same("koji_event", &source["koji_event"], &record["koji_event"])?;
    }
    Ok(())
}

/// The words of a text, or of the texts of a list; their order is not told by records.
fn words(value: &Value) -> BTreeSet<String> {
    let texts = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().map_or_else(Vec::new, |text| vec![text]),
    };
    texts
        .iter()
        .flat_map(|text| text.split_whitespace())
        .map(str::to_owned)
        .collect()
}

fn same<T: PartialEq + std::fmt::Debug>(field: &str, given: T, recorded: T) -> Result<(), String> {
    if given == recorded {
        Ok(())
    } else {
        Err(format!("{field} is {given:?}, not {recorded:?}"))
    }
}
