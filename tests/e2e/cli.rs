//! The command line against a running server.

use std::process::Output;

use serde_json::Value;

use crate::stopping::many_packages;
use crate::support::{Server, Start, has, project_root};

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Runs the program where somebody looks on: its exit code, and what is shown.
pub(crate) fn on_a_terminal(server: &Server, arguments: &str) -> (Option<i32>, String) {
    let command = format!("{} {arguments}", crate::support::ODCS);
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script
        .current_dir(server.dir.path())
        .env("ODCS_SERVER", &server.base)
        .env("TERM", "xterm");
    let output = script.output().unwrap();
    (output.status.code(), text(&output.stdout))
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
    let on_a_terminal = |arguments: &str| on_a_terminal(&server, arguments);
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
    let (code, shown) = on_a_terminal("list");
    assert_eq!(code, Some(0), "{shown}");
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0][..3], ["ID", "STATE", "OWNER"], "{shown}");
    assert_eq!(lines[1][..3], ["2", "failed", "unknown"], "{shown}");
    assert_eq!(lines[2][..3], ["1", "done", "unknown"], "{shown}");
    assert_eq!(lines[3], ["2", "composes"], "{shown}");
    let (_, shown) = on_a_terminal("list --state wait");
    assert_eq!(shown.trim(), "no composes");
}

#[tokio::test]
async fn create_takes_any_type_of_source() {
    let (server, repository) = Server::with_test_repository();
    let repository = repository.to_str().unwrap();
    let made = server.odcs([
        "create",
        "repo",
        repository,
        "ed",
        "--flag",
        "no_deps",
        "--label",
        "RC-1.0",
        "--compose-type",
        "nightly",
        "--sigkey",
        "none",
    ]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let compose = json(&made);
    assert_eq!(
        (&compose["source"], &compose["state_name"]),
        (&repository.into(), &"done".into())
    );
    assert_eq!(
        (&compose["label"], &compose["compose_type"]),
        (&"RC-1.0".into(), &"nightly".into())
    );
    assert_eq!(
        (&compose["packages"], &compose["sigkeys"]),
        (&"ed".into(), &"".into())
    );
    // What there is, the server knows.
    let refused = server.odcs(["create", "nosuch", "x"]);
    assert_eq!(refused.status.code(), Some(255), "{refused:?}");
    assert_eq!(json(&refused)["status"], 400);
    assert!(text(&refused.stderr).contains("nosuch"), "{refused:?}");
    let refused = server.odcs(["create-repo", "repo", "--flag", "nosuch"]);
    assert!(
        text(&refused.stderr).contains("no_deps"),
        "names what there is: {refused:?}"
    );
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    let (server, _) = Server::with_test_repository();
    for arguments in [
        vec!["create-repo", "repo", "ed", "--label", "RC-1.0"],
        vec!["create-repo", "repo", "no-such-package"],
        vec!["create-repo", "repo", "--compose-type", "nightly"],
    ] {
        server.odcs(arguments);
    }
    let ids = |arguments: &[&str]| {
        let listed = server.odcs(["list"].iter().chain(arguments));
        assert_eq!(listed.status.code(), Some(0), "{listed:?}");
        let listed = json(&listed);
        let items = listed["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), [3, 2, 1]);
    assert_eq!(ids(&["--order-by", "id"]), [1, 2, 3]);
    assert_eq!(ids(&["--order-by", "-id"]), [3, 2, 1]);
    assert_eq!(ids(&["--state", "failed"]), [2]);
    assert_eq!(ids(&["--state", "done", "--order-by=id"]), [1, 3]);
    assert_eq!(ids(&["--label", "RC-1.0"]), [1]);
    assert_eq!(ids(&["--compose-type", "nightly"]), [3]);
    assert_eq!(ids(&["--source-type", "repo", "--owner", "unknown"]), [3, 2, 1]);
    assert_eq!(ids(&["--source-type", "pulp"]), [0_i64; 0]);
    assert_eq!(ids(&["--per-page", "2", "--page", "2"]), [1]);
    assert_eq!(ids(&["--all", "--state", "done"]), [3, 1]);

    let refused = server.odcs(["list", "--order-by", "label"]);
    assert_eq!(refused.status.code(), Some(255), "{refused:?}");
    assert!(text(&refused.stderr).contains("time_submitted"), "{refused:?}");
    assert_eq!(
        server.odcs(["list", "--state", "finished"]).status.code(),
        Some(2)
    );
}

#[tokio::test]
async fn all_pages_are_put_together() {
    let (server, repository) = Server::with_test_repository();
    let body = serde_json::json!({"source": {"type": "repo", "source": repository, "packages": ["nosuch"]}});
    for _ in 0..103 {
        server.submit(&body).await;
    }
    let listed = json(&server.odcs(["list", "--all", "--order-by", "id"]));
    let items = listed["items"].as_array().unwrap().iter();
    let ids: Vec<_> = items.map(|item| item["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=103).collect::<Vec<_>>());
    assert_eq!(
        (&listed["meta"]["total"], &listed["meta"]["pages"]),
        (&103.into(), &1.into())
    );
}

#[tokio::test]
async fn standard_error_has_what_was_asked_for() {
    let (server, _) = Server::with_test_repository();
    let watched = server.odcs(["--watch", "create-repo", "repo", "ed"]);
    assert_eq!(
        json(&watched)["state_name"],
        "done",
        "only the answer is on standard output"
    );
    assert!(text(&watched.stderr).contains("gather: "), "{watched:?}");

    let verbose = server.odcs(["--verbose", "get", "1"]);
    let asked = format!("odcs: GET {}/api/1/composes/1: 200 OK\n", server.base);
    assert_eq!(text(&verbose.stderr), asked);

    let warned = [
        "--no-wait",
        "create-repo",
        "repo",
        "--flag",
        "include_done_modules",
    ];
    assert!(text(&server.odcs(warned).stderr).contains("odcs: warning: "));
    let quiet = server.odcs(["-q"].iter().chain(&warned));
    assert_eq!((text(&quiet.stderr).as_str(), quiet.status.code()), ("", Some(0)));
}

#[tokio::test]
async fn a_server_elsewhere_is_not_followed_blindly() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = "HTTP/1.1 301 Moved Permanently\r\nLocation: https://odcs.example.com/api/1/composes/\r\n\
                      Content-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let mut command = std::process::Command::new(crate::support::ODCS);
    command.args(["--server", &format!("http://{address}"), "create", "tag", "f36"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(255), "{output:?}");
    let said = text(&output.stderr);
    assert!(
        said.contains("https://odcs.example.com") && said.contains("--server"),
        "{said}"
    );
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man/man1");
    let odcs = |arguments: &[&str]| {
        let output = std::process::Command::new(crate::support::ODCS)
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout)
    };
    assert_eq!(odcs(&["man", "--dir", pages.to_str().unwrap()]), "");
    let page =
        |name: &str| std::fs::read_to_string(pages.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(odcs(&["man"]), page("odcs.1"));
    let help = odcs(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).unwrap().lines();
    let commands = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   "));
    let commands: Vec<_> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        commands.contains(&"create-repo") && commands.contains(&"man"),
        "{commands:?}"
    );
    for command in commands.into_iter().filter(|command| *command != "help") {
        let page = page(&format!("odcs-{command}.1"));
        let help = odcs(&[command, "--help"]);
        let options = help
            .split_whitespace()
            .filter(|word| word.starts_with("--") && word.len() > 2);
        for option in options.map(|option| option.trim_end_matches(|c: char| !c.is_alphanumeric())) {
            let escaped = option.replace('-', "\\-");
            assert!(page.contains(&escaped), "odcs-{command}.1: {option}");
        }
        assert!(odcs(&["man", "--markdown"]).contains(&format!("## odcs {command}\n")));
    }
    // A directory that cannot be is said to be none.
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut command = std::process::Command::new(crate::support::ODCS);
    let output = command
        .arg("man")
        .arg("--dir")
        .arg(file.join("x"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stderr).contains("the manual cannot be written"),
        "{output:?}"
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
