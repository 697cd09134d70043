//! The reference's command line, recorded, against ours.
//!
//! `ODCS_CLI_RECORDINGS` names the file with the recordings; without it `../shared/fixtures/reference/cli/cli.jsonl`
//! below the project's root is taken, where that is. `fixtures/cli.jsonl` is a copy of it, cut to what is looked at
//! here, so that nothing else is needed to run this suite.
//!
//! Each line runs the real program with the arguments that were recorded, against a small server that answers what
//! the reference's server answered. What the program asked for, its exit code and its standard output are compared.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod case;
mod judge;
mod ours;
mod server;

use std::path::Path;
use std::process::Command;

use case::Case;
use judge::{Run, Verdict};
use server::{Answer, Server};
use test_support::project_root;

const ODCS: &str = env!("CARGO_BIN_EXE_odcs");

fn cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The commands that this program has.
fn our_commands() -> Vec<String> {
    let help = Command::new(ODCS).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let list = help.split("Commands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    // Continuation lines of descriptions are indented further.
    let lines = lines.filter(|line| !line.starts_with("   "));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Runs the program as it was run when the case was recorded.
fn run(server: &Server, case: &Case) -> Run {
    run_with(server, case.answers(), &case.arguments_for(server.url()))
}

fn run_with(server: &Server, answers: Vec<Answer>, arguments: &[String]) -> Run {
    server.will_answer(answers);
    let mut command = Command::new(ODCS);
    command.args(arguments);
    command.env("ODCS_SERVER", server.url()).env_remove("ODCS_LOG");
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        asked: server.was_asked(),
    }
}

/// Judges all cases; how many are as recorded.
fn replay(cases: &[Case]) -> usize {
    let (server, commands) = (Server::start(), our_commands());
    let mut counts = (0, Vec::new());
    for case in cases {
        let name = case.name();
        let verdict = match judge::later(case, &commands) {
            Some(feature) => Verdict::Later(feature),
            None => judge::judge(case, &run(&server, case)),
        };
        match verdict {
            Verdict::Same => {
                counts.0 += 1;
                println!("ok {name}");
            }
            Verdict::Later(feature) => println!("later {name}: needs {feature}"),
            Verdict::Deviation(rule) => println!("deviation {name} {rule}"),
            Verdict::Different(what) => {
                println!("DIFF {name}: {what}");
                counts.1.push(name);
            }
        }
    }
    assert!(
        counts.1.is_empty(),
        "{} of {} differ: {:?}",
        counts.1.len(),
        cases.len(),
        counts.1
    );
    counts.0
}

#[test]
fn the_recordings_hold() {
    if let Some(path) = test_support::recordings("ODCS_CLI_RECORDINGS", "reference/cli/cli.jsonl") {
        let cases = cases(&path);
        assert!(!cases.is_empty(), "{} holds nothing", path.display());
        replay(&cases);
    }
}

#[test]
fn the_recordings_in_the_project_hold() {
    let same = replay(&cases(
        &project_root().join("tests/cli_recorded/fixtures/cli.jsonl"),
    ));
    assert!(same >= 9, "only {same} are as recorded");
}

/// The reference has a command for each type of source, and `create` for all of them. What the former sent, ours
/// sends when it is told the same.
#[test]
fn create_sends_what_the_commands_of_the_types_send() {
    let cases = cases(&project_root().join("tests/cli_recorded/fixtures/cli.jsonl"));
    let generic: Vec<Case> = cases.iter().filter_map(Case::with_create).collect();
    assert_eq!(generic.len(), 7);
    assert_eq!(replay(&generic), 7);
}

/// The judge is not one that finds everything good.
#[test]
fn differences_are_noticed() {
    let cases = cases(&project_root().join("tests/cli_recorded/fixtures/cli.jsonl"));
    let server = Server::start();
    let differs = |case: &Case, run: &Run| matches!(judge::judge(case, run), Verdict::Different(_));
    let spoil: [fn(&mut Run); 5] = [
        |run| run.code = Some(3),
        |run| run.stdout.push('x'),
        |run| run.stdout = run.stdout.replace("    ", "  "),
        |run| run.asked.clear(),
        |run| run.asked[0].method = "PUT".to_owned(),
    ];
    let case = cases.iter().find(|case| case.name() == "get 1").unwrap();
    assert!(!differs(case, &run(&server, case)));
    for spoil in spoil {
        let mut run = run(&server, case);
        spoil(&mut run);
        assert!(differs(case, &run), "{run:?}");
    }

    let created = cases.iter().find_map(Case::with_create).unwrap();
    assert!(!differs(&created, &run(&server, &created)));
    for (pointer, value) in [
        ("/source/source", "f37"),
        ("/source/type", "pulp"),
        ("/source/packages", "ed"),
        ("/label", "RC-1.0"),
    ] {
        let mut run = run(&server, &created);
        run.asked[0].set(pointer, value);
        assert!(differs(&created, &run), "{pointer}");
    }
    let renewed = cases.iter().find(|case| case.name().contains("renew 1")).unwrap();
    let mut run = run(&server, renewed);
    assert!(!differs(renewed, &run));
    run.asked[0].set("/seconds_to_live", "1001");
    assert!(differs(renewed, &run));
}
