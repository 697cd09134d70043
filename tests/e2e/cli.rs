//! The command line against a running server.

use std::process::Output;

use serde_json::Value;

use crate::stopping::many_packages;
use crate::support::{Server, Start, has, project_root};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test]
async fn create_waits_and_prints_the_record() {
    let (server, _) = Server::with_test_repository();
    // The path is relative: it is taken from where the command runs.
    let output = server.odcs([
        "create-repo",
        "repo",
        "ed",
        "--arch",
        "aarch64",
        "--no-deps",
        "--seconds-to-live",
        "600",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stderr), "", "quiet when piped");
    let compose = json(&output);
    assert_eq!(
        (&compose["state_name"], &compose["arches"]),
        (&"done".into(), &"aarch64".into())
    );
    assert_eq!(compose["flags"], serde_json::json!(["no_deps"]));
    assert!(
        text(&output.stdout).starts_with("{\n    \"arches\""),
        "four spaces, sorted keys"
    );

    let got = server.odcs(["get", "1"]);
    assert_eq!((got.status.code(), json(&got)["id"].as_i64()), (Some(0), Some(1)));
    let listed = server.odcs(["list", "--per-page", "5"]);
    assert_eq!(json(&listed)["meta"]["total"], 1);
    let about = server.odcs(["about"]);
    assert_eq!(json(&about)["auth_backend"], "noauth");
}

#[tokio::test]
async fn no_wait_returns_at_once_and_wait_waits() {
    let (server, _) = Server::with_test_repository();
    let output = server.odcs([
        "--no-wait",
        "create-repo",
        "repo",
        "ed",
        "--sigkey",
        "9f8d0467",
        "--sigkey",
        "",
    ]);
    let compose = json(&output);
    assert_eq!(
        (compose["state_name"].as_str(), compose["sigkeys"].as_str()),
        (Some("wait"), Some("9f8d0467 "))
    );
    let waited = server.odcs(["wait", "1", "--timeout", "30"]);
    assert_eq!(waited.status.code(), Some(0), "{waited:?}");
    assert_eq!(json(&waited)["state_name"], "done");
}

#[tokio::test]
async fn waiting_has_an_end() {
    let start = Start::new();
    many_packages(&start.dir().join("many"));
    let server = start.start();
    // Longer than a moment, so that there is something to wait for.
    for id in ["1", "2"] {
        let accepted = server.odcs(["create-repo", "many", "--no-wait"]);
        assert_eq!(json(&accepted)["id"].to_string(), id);
    }
    let waited = server.odcs(["wait", "2", "--timeout", "0"]);
    assert_eq!(waited.status.code(), Some(1), "{waited:?}");
    assert!(
        text(&waited.stderr).contains("compose 2 is still in state"),
        "{waited:?}"
    );
}

#[tokio::test]
async fn exit_codes_tell_what_happened() {
    let (server, _) = Server::with_test_repository();
    let failed = server.odcs(["create-repo", "repo", "no-such-package"]);
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(json(&failed)["state_name"], "failed");

    let refused = server.odcs(["create-repo", "/etc"]);
    assert_eq!(refused.status.code(), Some(255));
    assert_eq!(json(&refused)["status"], 400);
    assert!(text(&refused.stderr).contains("is not below"), "{refused:?}");

    // What is not there is looked for where it was meant.
    let nowhere = server.odcs(["create-repo", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1));
    let reason = json(&nowhere)["state_reason"].clone();
    let place = server.dir.path().join("nowhere");
    assert!(
        reason.as_str().unwrap().contains(place.to_str().unwrap()),
        "{reason}"
    );

    let missing = server.odcs(["get", "99"]);
    assert_eq!(
        (missing.status.code(), json(&missing)["status"].as_i64()),
        (Some(255), Some(404))
    );
    assert_eq!(server.odcs(["nosuch"]).status.code(), Some(2));
    assert_eq!(server.odcs(["create-repo"]).status.code(), Some(2));

    let unreachable = server.odcs(["--server", "http://127.0.0.1:1", "about"]);
    assert_eq!(unreachable.status.code(), Some(255));
    assert!(
        text(&unreachable.stderr).contains("odcs serve"),
        "says what to do: {unreachable:?}"
    );
}

#[tokio::test]
async fn on_a_terminal_people_get_words() {
    let (server, _) = Server::with_test_repository();
    if !has("script") {
        return;
    }
    let on_a_terminal = |arguments: &str| {
        let command = format!("{} {arguments}", crate::support::ODCS);
        let mut script = std::process::Command::new("script");
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
        script
            .current_dir(server.dir.path())
            .env("ODCS_SERVER", &server.base)
            .env("TERM", "xterm");
        let output = script.output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let (code, shown) = on_a_terminal("create-repo repo ed");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("compose 1 is done"), "{shown}");
    assert!(shown.contains("repo file"), "{shown}");
    assert!(!shown.contains("\"state_name\""), "{shown}");
    // There is no file to be named.
    let (code, shown) = on_a_terminal("create-repo repo no-such-package");
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("compose 2 has failed") && !shown.contains("repo file"),
        "{shown}"
    );
}

#[test]
fn the_readme_lists_the_exit_codes_that_help_lists() {
    let help = text(
        &std::process::Command::new(crate::support::ODCS)
            .arg("--help")
            .output()
            .unwrap()
            .stdout,
    );
    let readme = std::fs::read_to_string(project_root().join("README.md")).unwrap();
    for code in ["0", "1", "2", "255"] {
        let line = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {code} |")))
            .unwrap();
        let meaning = line.split('|').nth(2).unwrap().trim();
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("{code} {meaning}")), "{code}: {meaning}");
    }
}
