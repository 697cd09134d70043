//! Repositories and requests that try to lead the service out of its directories.

mod forge;
mod forms;
mod places;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::canary::{self, Canary, Snapshot};
use crate::support::{Server, Start};
use forms::{Expect, Form};

/// A server whose composes and records are in memory, since there are going to be hundreds; its
/// repositories are below `repos`.
fn start() -> (Server, TempDir) {
    let data = crate::in_memory();
    let start = Start::new();
    let repos = start.dir().join("repos");
    std::fs::create_dir(&repos).unwrap();
    let args = [
        "--data-dir",
        data.path().to_str().unwrap(),
        "--repo-root",
        repos.to_str().unwrap(),
    ];
    (start.args(args).start(), data)
}

/// What must hold of any sentence that people are shown, whatever it is about.
fn assert_plain(reason: &str, context: &str) {
    assert!(
        reason.len() < 1_000,
        "{context}: {} bytes: {reason}",
        reason.len()
    );
    let hostile = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // A second line tells how a compose was removed; there is none here.
    assert!(!reason.contains(hostile), "{context}: {reason:?}");
}

#[tokio::test]
async fn repositories_that_mean_harm_reach_nothing() {
    let mut canary = Canary::plant();
    let (server, data) = start();
    let repos = server.dir.path().join("repos");
    // Both are in the directory for temporary files.
    let name = canary.path().file_name().unwrap().to_str().unwrap();
    let out = format!("../../../{name}");
    assert!(repos.parent().unwrap().parent().unwrap().join(name).is_dir());
    let forms: Vec<Form> = forms::forms(canary.path(), &out);
    assert!(forms.len() >= 60);
    for (number, form) in forms.iter().enumerate() {
        form.write(&repos.join(number.to_string()));
    }
    let around = Snapshot::of(&repos, false);
    let mut ids = Vec::new();
    for number in 0..forms.len() {
        let source = repos.join(number.to_string());
        let submitted = server
            .submit(&json!({"source": {"type": "repo", "source": source}}))
            .await;
        ids.push(submitted["id"].as_i64().unwrap());
    }
    let (mut count, mut wrong) = (BTreeMap::new(), Vec::new());
    for (form, id) in forms.iter().zip(ids) {
        let compose = server.ended_within(id, Duration::from_secs(120)).await;
        let (state, reason) = (
            compose["state_name"].as_str().unwrap(),
            compose["state_reason"].as_str().unwrap(),
        );
        println!("{state:8} {}: {reason}", form.what);
        *count.entry(state.to_owned()).or_insert(0) += 1;
        assert_plain(reason, &form.what);
        if state != "failed" && form.expect == Expect::Fails {
            wrong.push(form.what.clone());
        }
        canary::assert_no_secret(compose.to_string().as_bytes(), &form.what);
        if state == "done" {
            let repofile = server.get(compose["result_repofile"].as_str().unwrap()).await;
            assert_eq!(repofile.status, 200, "{}", form.what);
        }
    }
    println!("{count:?}");
    assert!(wrong.is_empty(), "these should have been refused: {wrong:#?}");
    assert!(count["done"] > 10 && count["failed"] > 100, "{count:?}");
    canary.assert_untouched("hostile repositories");
    if let Some(difference) = around.difference(&around.again(&repos)) {
        panic!("a repository was changed: {difference}");
    }
    canary::assert_no_secret_below(data.path(), "what the server has written");
    canary::assert_no_secret(server.log().as_bytes(), "the log of the server");
    assert_only_own_links(&data);
}

/// In the target directory, the only links are those to the composes beside them.
fn assert_only_own_links(data: &TempDir) {
    for (path, target) in canary::contents(&data.path().join("composes")) {
        if path.is_symlink() {
            let target = String::from_utf8(target).unwrap();
            assert_eq!(
                path.file_name().unwrap().to_str().unwrap(),
                format!("latest-{target}-1"),
                "{} leads to {target}",
                path.display()
            );
        }
    }
}

#[tokio::test]
async fn requests_that_mean_harm_reach_nothing() {
    let mut canary = Canary::plant();
    let (server, data) = start();
    let repos = server.dir.path().join("repos");
    let inside = repos.join("sound");
    crate::support::copy_tree(&crate::support::test_repository(), &inside);
    let outside = canary.path().to_str().unwrap();
    let repo = |source: &str| json!({"source": {"type": "repo", "source": source}});
    let inside = inside.to_str().unwrap();
    let mut bodies: Vec<Value> = [
        format!("{outside}/repo"),
        format!("{inside}/../../../../{outside}/repo"),
        format!("{inside}/../sound"),
        format!("{inside}/./"),
        format!("{inside}//repodata/.."),
        format!("{inside}\0/../../../{outside}"),
        format!("{inside}\n"),
        format!("file://{outside}/repo"),
        format!("/proc/self/root{outside}/repo"),
        "/proc/self/cwd".into(),
        "/".into(),
        ".".into(),
        "".into(),
        "http://127.0.0.1:1/repo".into(),
        "$(reboot)".into(),
        "a".repeat(5_000),
        format!("/{}", "a/".repeat(5_000)),
    ]
    .iter()
    .map(|source| repo(source))
    .collect();
    for package in [
        "../../etc/passwd",
        "/etc/passwd",
        "ed\n",
        "ed\0",
        "..",
        "",
        "$(reboot)",
        "`reboot`",
        "<>&\"'",
        "💾",
        "*/*",
        "[",
        "-",
        &"a".repeat(5_000),
    ] {
        let mut body = repo(inside);
        body["source"]["packages"] = json!([package]);
        bodies.push(body);
    }
    for (field, value) in [
        ("arches", json!(["../../x"])),
        ("arches", json!(["x86_64\n"])),
        ("sigkeys", json!(["../../x"])),
        ("target_dir", json!(outside)),
        ("target_dir", json!("../../x")),
        ("label", json!("RC-1.0\n../../x")),
        ("compose_type", json!("../../x")),
    ] {
        let mut body = repo(inside);
        body["source"]["packages"] = json!(["ed"]);
        let place = if field == "sigkeys" {
            &mut body["source"]
        } else {
            &mut body
        };
        place[field] = value;
        bodies.push(body);
    }
    let (mut refused, mut accepted) = (0, 0);
    for body in &bodies {
        let answer = server.post(body).await;
        let context = body.to_string();
        canary::assert_no_secret(&answer.body, &context);
        if answer.status == 200 {
            accepted += 1;
            let compose = server.ended(answer.json()["id"].as_i64().unwrap()).await;
            assert_plain(compose["state_reason"].as_str().unwrap(), &context);
            canary::assert_no_secret(compose.to_string().as_bytes(), &context);
        } else {
            refused += 1;
            assert!(answer.status.is_client_error(), "{}: {context}", answer.status);
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(
                message.len() < 2_000 && !message.contains('\0'),
                "{context}: {message:?}"
            );
        }
    }
    println!("{refused} refused, {accepted} accepted");
    assert!(refused > 20);
    for path in [
        "/composes/../../../etc/passwd",
        "/composes/%2e%2e/%2e%2e/etc/passwd",
        "/composes/odcs-1/%2e%2e/%2e%2e/odcs.sqlite",
        "/composes/.staging/",
        "/composes/odcs-1/..%2f..%2fodcs.sqlite",
    ] {
        assert!(server.get(path).await.status.is_client_error(), "{path}");
    }
    canary.assert_untouched("hostile requests");
    canary::assert_no_secret_below(data.path(), "what the server has written");
    canary::assert_no_secret(server.log().as_bytes(), "the log of the server");
}
