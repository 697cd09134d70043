//! Recorded requests and answers of the reference server, replayed: the real router, engine and store, a
//! clock that stands at the time of the recording, no worker.
//!
//! `ODCS_API_RECORDINGS` names a recording; its configuration (`config.json`) and tables (`rows/N.json`) stand
//! beside it. Without it, one is looked for beside the project. A smaller one belongs to the project and always
//! runs. Each line of a recording is a case, and is printed as one line: `ok`, `later` (what a later version is
//! going to have), `deviation` (a rule of [`deviations`] says so) or `DIFF`, which fails.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub
)]

mod beyond;
mod compare;
mod deviations;
mod honour;
mod recording;
mod rows;
mod server;
mod shapes;
mod stubs;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use recording::{Case, Recording};

/// What became of a case.
enum Verdict {
    Ok,
    Later(&'static str),
    Deviation(&'static str),
    Diff(Vec<String>),
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_in_the_project() {
    let path = test_support::project_root().join("tests/api_recorded/fixtures/api.jsonl");
    replay(&path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_elsewhere() {
    if let Some(path) = test_support::recordings("ODCS_API_RECORDINGS", "reference/api.jsonl") {
        replay(&path).await;
    }
}

async fn replay(path: &Path) {
    let recording = Arc::new(Recording::read(path));
    rows::speak_of_requests(&recording);
    let running: Vec<_> = recording
        .cases
        .iter()
        .cloned()
        .map(|case| {
            let recording = Arc::clone(&recording);
            tokio::spawn(async move { judge(&recording, &case).await })
        })
        .collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, verdict) in recording.cases.iter().zip(running) {
        let name = &case.name;
        let verdict = verdict
            .await
            .unwrap_or_else(|panic| Verdict::Diff(vec![panic.to_string()]));
        let count = match verdict {
            Verdict::Ok => {
                println!("ok {name}");
                "ok".to_owned()
            }
            Verdict::Later(feature) => {
                println!("later {name}: needs {feature}");
                format!("later: {feature}")
            }
            Verdict::Deviation(rule) => {
                println!("deviation {name} {rule}");
                format!("deviation {rule}")
            }
            Verdict::Diff(differences) => {
                let what = differences.join("; ");
                println!("DIFF {name}: {what}");
                wrong.push(name.clone());
                "DIFF".to_owned()
            }
        };
        *counts.entry(count).or_default() += 1;
    }
    for (what, number) in &counts {
        println!("{number:5} {what}");
    }
    assert!(!recording.cases.is_empty(), "{} is empty", path.display());
    assert!(counts.contains_key("ok"), "nothing is as recorded");
    assert!(wrong.is_empty(), "{} differ: {wrong:?}", wrong.len());
}

/// The answer and the records are as recorded, or else a rule says what they are.
async fn judge(recording: &Recording, case: &Case) -> Verdict {
    let outcome = server::run(recording, case).await;
    if let Some(feature) = deviations::later(case) {
        return Verdict::Later(feature);
    }
    let differences = compare::with_recorded(recording, case, &outcome);
    if differences.is_empty() {
        return Verdict::Ok;
    }
    let mut all = differences;
    for rule in deviations::RULES {
        if !(rule.applies)(recording, case) {
            continue;
        }
        match (rule.holds)(recording, case, &outcome) {
            Ok(()) => return Verdict::Deviation(rule.name),
            Err(what) => all.push(format!("and not as the rule {} says: {what}", rule.name)),
        }
    }
    Verdict::Diff(all)
}
