//! Where we answer otherwise than was recorded: what a later feature makes possible, and what is better on
//! purpose. All of it is told from the request and the recording.

use odcs_core::ErrorKind;
use serde_json::Value;

use crate::case::{Case, Made, Way};
use crate::compare;

/// What a case came to.
pub(crate) enum Verdict {
    Same,
    Later(&'static str),
    Deviation(&'static str),
    Different(Vec<String>),
}

/// What a later piece of work builds, and the field that a request for it is refused for until then.
fn needs(case: &Case) -> Option<(&'static str, &'static str)> {
    let results = case.list("results");
    match case.body["source"]["type"].as_str() {
        Some("repo") => {}
        Some("raw_config") => return Some(("raw_config", "source.type")),
        _ => return Some(("another source", "source.type")),
    }
    if results
        .iter()
        .any(|result| !["repository", "iso"].contains(result))
    {
        return Some(("Pungi", "results"));
    }
    None
}

pub(crate) async fn judge(case: &Case, way: Way) -> Verdict {
    let made = case.make(way).await;
    if let Some((feature, field)) = needs(case) {
        return match made {
            Err(error) if error.kind() == ErrorKind::Invalid && error.subject() == field => {
                Verdict::Later(feature)
            }
            Err(error) => Verdict::Different(vec![format!("refused for {}: {error}", error.subject())]),
            Ok(_) => Verdict::Different(vec![format!("{feature} was ignored")]),
        };
    }
    let made = match made {
        Ok(made) => made,
        Err(error) if names_no_package(case) && !case.is_done() && error.subject() == "packages" => {
            return Verdict::Deviation("what is no name of a package is refused at once");
        }
        Err(error) => return Verdict::Different(vec![format!("refused: {error}")]),
    };
    for rule in RULES {
        if (rule.applies)(case) {
            return match (rule.holds)(case, &made) {
                Ok(()) => Verdict::Deviation(rule.name),
                Err(what) => Verdict::Different(vec![format!("{}: {what}", rule.name)]),
            };
        }
    }
    let mut differences = compare::rows(case, &made);
    if case.is_done() && made.row["state_name"] == "done" {
        differences.extend(compare::trees(case, &made));
    }
    if differences.is_empty() && case.row["time_done"] != made.row["time_done"] && !case.is_done() {
        Verdict::Deviation("a failed compose says when it ended")
    } else if differences.is_empty() {
        Verdict::Same
    } else {
        Verdict::Different(differences)
    }
}

/// A deviation: where it applies, and what must be the case here instead.
struct Rule {
    name: &'static str,
    applies: fn(&Case) -> bool,
    holds: fn(&Case, &Made) -> Result<(), String>,
}

const RULES: [Rule; 4] = [
    Rule {
        name: "without packages a repository gives all it has, as a tag does",
        applies: |case| case.is_done() && case.list("packages").is_empty(),
        holds: |_, made| match (done(made), compare::packages(made).len()) {
            (Ok(()), 0) => Err("nothing is in it".to_owned()),
            (result, _) => result,
        },
    },
    Rule {
        name: "globs match names",
        applies: |case| !case.is_done() && case.list("packages").iter().any(|name| name.contains('*')),
        holds: |case, made| {
            done(made)?;
            let there = compare::packages(made);
            let missing = case.list("packages").into_iter().find(|glob| {
                let stem = glob.trim_end_matches('*');
                !there.iter().any(|file| file.starts_with(stem))
            });
            missing.map_or(Ok(()), |glob| Err(format!("nothing for {glob}")))
        },
    },
    Rule {
        name: "signatures are asked of repositories, too",
        applies: |case| {
            let keys = case.list("sigkeys");
            case.is_done() && !keys.is_empty() && !keys.contains(&"")
        },
        holds: |case, made| {
            // The packages of the recordings are not signed.
            let reason = made.row["state_reason"].as_str().unwrap_or_default();
            match case.list("sigkeys").iter().find(|key| !reason.contains(*key)) {
                _ if made.row["state_name"] != "failed" => Err(format!("it is {}", made.row["state_name"])),
                Some(key) => Err(format!("the reason does not name {key}: {reason}")),
                None => Ok(()),
            }
        },
    },
    Rule {
        name: "an arch that the source lacks fails with a reason",
        applies: |case| case.is_done() && !missing_arches(case).is_empty(),
        holds: |case, made| {
            let reason = made.row["state_reason"].as_str().unwrap_or_default();
            if made.row["state_name"] != "failed" {
                return Err(format!("it is {}", made.row["state_name"]));
            }
            match missing_arches(case).iter().find(|arch| !reason.contains(*arch)) {
                Some(arch) => Err(format!("the reason does not name {arch}: {reason}")),
                None => Ok(()),
            }
        },
    },
];

/// Packages are files: their names have no slash.
fn names_no_package(case: &Case) -> bool {
    case.list("packages").iter().any(|name| name.contains('/'))
}

fn done(made: &Made) -> Result<(), String> {
    match &made.row["state_name"] {
        Value::String(state) if state == "done" => Ok(()),
        _ => Err(format!("it is not done: {}", made.row["state_reason"])),
    }
}

/// Arches of the request that the recorded compose has a tree for, without any package in it.
fn missing_arches(case: &Case) -> Vec<String> {
    let tree = case.text("tree.txt").unwrap_or_default();
    let arches = case.list("arches").into_iter();
    arches
        .filter(|arch| {
            let inside = format!("compose/Temporary/{arch}/os/Packages/");
            !tree.contains(&inside)
        })
        .map(str::to_owned)
        .collect()
}
