//! What the reference's command line cannot do, or was not recorded doing, against the same small server.

use serde_json::{Value, json};

use crate::judge::Run;
use crate::run_with;
use crate::server::{Answer, Server};

fn answer(status: u16, body: &str) -> Answer {
    let body = body.to_owned();
    Answer { status, body }
}

fn compose(id: i64, state: &str) -> Answer {
    answer(
        200,
        &json!({"id": id, "state_name": state, "toplevel_url": ""}).to_string(),
    )
}

fn run(answers: &[Answer], arguments: &[&str]) -> Run {
    let server = Server::start();
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    run_with(&server, answers.to_vec(), &arguments)
}

fn asked(run: &Run) -> Vec<String> {
    let lines = run.asked.iter().map(|asked| {
        let range = asked.range.as_deref().unwrap_or_default();
        format!("{} {} {range}", asked.method, asked.path)
    });
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_log_is_printed_as_it_is() {
    let whole = run(&[answer(206, "one\ntwo")], &["log", "7"]);
    assert_eq!((whole.code, whole.stdout.as_str()), (Some(0), "one\ntwo"));
    assert_eq!(asked(&whole), ["GET /api/1/composes/7/log bytes=0-"]);
    // An empty log is one, too.
    let empty = run(&[answer(416, "")], &["log", "7"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(0), ""));
    let refusal = r#"{"error":"Not Found","message":"compose 7 has no log yet","status":404}"#;
    let refused = run(&[answer(404, refusal)], &["log", "7"]);
    assert_eq!((refused.code, refused.stdout.trim_end()), (Some(255), refusal));
    assert!(refused.stderr.contains("has no log yet"), "{}", refused.stderr);
}

#[test]
fn a_log_is_followed_to_its_end() {
    let missing = answer(
        404,
        r#"{"error":"Not Found","message":"no log yet","status":404}"#,
    );
    let answers = [
        compose(7, "wait"),
        missing.clone(),
        compose(7, "generating"),
        answer(206, "one\n"),
        compose(7, "generating"),
        answer(416, ""),
        compose(7, "done"),
        // As a server answers that knows no ranges.
        answer(200, "one\ntwo\n"),
    ];
    let followed = run(&answers, &["log", "--follow", "7"]);
    assert_eq!(
        (followed.code, followed.stdout.as_str()),
        (Some(0), "one\ntwo\n"),
        "{}",
        followed.stderr
    );
    let log = |from: u32| format!("GET /api/1/composes/7/log bytes={from}-");
    let logs: Vec<_> = asked(&followed)
        .into_iter()
        .filter(|asked| asked.contains("/log"))
        .collect();
    assert_eq!(logs, [log(0), log(0), log(4), log(4)]);
    // One that never got a log has none, and it is said.
    let failed = run(&[compose(7, "failed"), missing], &["log", "-f", "7"]);
    assert_eq!(failed.code, Some(255), "{failed:?}");
}

#[test]
fn a_compose_that_is_made_again_is_waited_for() {
    let answers = [compose(9, "wait"), compose(9, "generating"), compose(9, "done")];
    let renewed = run(&answers, &["renew", "7", "--sigkey", "123", "--build", "ed-1-1"]);
    assert_eq!(renewed.code, Some(0), "{renewed:?}");
    let shown: Value = serde_json::from_str(&renewed.stdout).unwrap();
    assert_eq!((&shown["id"], &shown["state_name"]), (&json!(9), &json!("done")));
    assert_eq!(
        asked(&renewed),
        [
            "PATCH /api/1/composes/7",
            "GET /api/1/composes/9",
            "GET /api/1/composes/9"
        ]
    );
    let body = json!({"sigkeys": ["123"], "source": {"builds": ["ed-1-1"]}});
    assert_eq!(renewed.asked[0].json(), Some(body));

    let failed = run(
        &[compose(9, "wait"), compose(9, "failed")],
        &["renew", "7", "--label", "x"],
    );
    assert_eq!(failed.code, Some(1), "{failed:?}");
    let at_once = run(&answers, &["--no-wait", "renew", "7", "--label", "x"]);
    assert_eq!((at_once.code, at_once.asked.len()), (Some(0), 1));
}

#[test]
fn a_compose_that_is_kept_longer_is_shown_at_once() {
    let warned = json!({"id": 7, "state_name": "done", "warnings": ["\"x\" has no effect on a renewal"]});
    let kept = run(&[answer(200, &warned.to_string())], &["renew", "7"]);
    assert_eq!(
        (kept.code, asked(&kept)),
        (Some(0), vec!["PATCH /api/1/composes/7".to_owned()])
    );
    assert!(kept.asked[0].body.is_empty(), "nothing is to be different");
    assert_eq!(kept.stderr, "odcs: warning: \"x\" has no effect on a renewal\n");
}

#[test]
fn lists_without_end_are_not_followed() {
    let page = json!({"items": [{"id": 1}], "meta": {"page": 1, "pages": 2000, "total": 200_000}});
    let refused = run(&[answer(200, &page.to_string())], &["list", "--all"]);
    assert_eq!((refused.code, refused.asked.len()), (Some(1), 1));
    assert!(
        refused.stderr.contains("200000") && refused.stderr.contains("100000"),
        "{}",
        refused.stderr
    );
    // A server that says it has more, and has not.
    let page = json!({"items": [], "meta": {"page": 1, "pages": 900, "total": 90_000}});
    let ended = run(&[answer(200, &page.to_string())], &["list", "--all"]);
    assert_eq!((ended.code, ended.asked.len()), (Some(0), 1));
}

#[test]
fn what_is_no_answer_of_such_a_server_is_refused() {
    for (status, body) in [(200, "<html>hello</html>"), (502, "<html>Bad Gateway</html>")] {
        let run = run(&[answer(status, body)], &["get", "1"]);
        assert_eq!((run.code, run.stdout.trim_end()), (Some(255), body));
        assert!(
            run.stderr.contains("is not one of an ODCS server"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn what_cannot_be_printed_is_no_success() {
    let server = Server::start();
    server.will_answer(vec![compose(1, "done")]);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["get", "1"][..], &["man"], &["completions", "zsh"]] {
        let mut command = std::process::Command::new(crate::ODCS);
        command
            .args(["--server", server.url()])
            .args(arguments)
            .stdout(full());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("standard output cannot be written to"), "{said}");
    }
}
