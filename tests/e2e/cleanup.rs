//! `odcs cleanup`: beside the service, and without it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Repository, Server, Start};

fn cleanup(dir: &Path, args: &[&str]) -> (Output, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_odcs"))
        .current_dir(dir)
        .arg("cleanup")
        .args(args)
        .output()
        .unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, answer)
}

#[tokio::test]
async fn orphans_go_only_when_asked() {
    let (server, repository) = Server::with_test_repository();
    server.compose_of(&repository, &["ed"]).await;
    server.compose_of(&repository, &["line-editor-common"]).await;
    let target = server.target();
    let data = target.parent().unwrap().to_owned();
    let data_dir = data.to_str().unwrap();
    // As when somebody deleted a record by hand: the tree of compose 0 is nobody's; that of 7 comes from elsewhere.
    for name in ["odcs-0/compose", "odcs-7/compose", "not-ours"] {
        std::fs::create_dir_all(target.join(name)).unwrap();
    }
    let there = |name: &str| target.join(name).exists();

    let (output, answer) = cleanup(&data, &["--data-dir", data_dir, "--dry-run", "--orphans"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answer["orphans"], json!([0, 7]));
    assert!(there("odcs-0"));

    let (output, answer) = cleanup(&data, &["--data-dir", data_dir]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answer["orphans"], json!([0, 7]));
    assert!(there("odcs-0") && there("odcs-7"));

    let (output, _) = cleanup(&data, &["--data-dir", data_dir, "--orphans"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("odcs-7 is newer than all records"), "{message}");
    assert!(
        there("odcs-0") && there("odcs-7"),
        "nothing is deleted before it is clear"
    );

    let (output, answer) = cleanup(&data, &["--data-dir", data_dir, "--orphans", "--force"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answer["deleted_orphans"], json!([0, 7]));
    assert!(!there("odcs-0") && !there("odcs-7"));
    assert!(there("odcs-1/compose") && there("odcs-2/compose") && there("not-ours"));

    let (output, answer) = cleanup(&data, &["--data-dir", data_dir, "--orphans"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answer["deleted_orphans"], json!([]));
}

/// Without records every tree would be nobody's.
#[test]
fn without_a_database_nothing_is_done() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("composes/odcs-1/compose")).unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let (output, _) = cleanup(dir.path(), &["--data-dir", data_dir, "--orphans", "--force"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there is no database"), "{message}");
    assert!(dir.path().join("composes/odcs-1/compose").is_dir());
    assert!(!dir.path().join("odcs.sqlite").exists());
}

/// A directory that is taken out of the configuration keeps its trees, and somebody learns of it.
#[tokio::test]
async fn trees_of_a_directory_that_is_not_configured_go_when_it_is_again() {
    let start = Start::new();
    let (extra, file) = (start.dir().join("extra"), start.dir().join("odcs.toml"));
    let configuration = format!("[extra_target_dirs]\nextra = {extra:?}\n");
    std::fs::write(&file, &configuration).unwrap();
    let repository = Repository::copy_below(start.dir()).path;
    let server = start.start();
    let source = json!({"type": "repo", "source": repository, "packages": ["ed"]});
    let compose = server
        .compose(&json!({"source": source, "target_dir": "extra"}))
        .await;
    assert_eq!(
        (&compose["state_name"], &compose["target_dir"]),
        (&json!("done"), &json!("extra"))
    );
    let tree = extra.join("odcs-1");
    assert!(tree.exists());

    server.signal(Signal::SIGTERM);
    let (_, start) = server.wait();
    std::fs::remove_file(&file).unwrap();
    let server = start.start();
    assert!(server.odcs(["delete", "1"]).status.success());
    let patience = std::time::Instant::now() + Duration::from_secs(10);
    while !server.log().contains("is not configured") {
        assert!(std::time::Instant::now() < patience, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(tree.exists());

    server.signal(Signal::SIGTERM);
    let (_, start) = server.wait();
    std::fs::write(&file, &configuration).unwrap();
    let _server = start.start();
    while tree.exists() {
        assert!(std::time::Instant::now() < patience + Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
