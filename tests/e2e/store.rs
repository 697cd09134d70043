//! `odcs store`, beside whatever uses the store.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use odcs_core::ContentStore;
use odcs_core::testing::content_store::Server;
use odcs_storage::{Contents, ContentsSettings, StorageSettings, Targets};
use serde_json::{Value, json};

fn store(dir: &Path, args: &[&str]) -> (Output, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_odcs"))
        .current_dir(dir)
        .arg("store")
        .args(args)
        .args(["--data-dir", "."])
        .output()
        .unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, answer)
}

#[tokio::test]
async fn it_is_counted_verified_and_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let (output, _) = store(dir.path(), &["stats"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there is no directory"), "{message}");

    let targets = Targets::open(&StorageSettings::new(dir.path().join("composes"))).unwrap();
    let contents =
        Contents::open(&targets, ContentsSettings::default(), Arc::new(Server::default())).unwrap();
    let well = contents.keep("an editor".into()).await.unwrap().to_string();
    let damaged = contents.keep("a line editor".into()).await.unwrap().to_string();
    std::fs::write(&damaged, "something else").unwrap();
    std::fs::hard_link(&damaged, dir.path().join("linked")).unwrap();

    let (output, answer) = store(dir.path(), &["stats"]);
    assert!(output.status.success(), "{output:?}");
    let sizes =
        ["files", "bytes", "used_files", "used_bytes", "cap"].map(|key| answer[key].as_u64().unwrap());
    assert_eq!(sizes, [2, 23, 1, 14, 20 << 30]);

    let (output, answer) = store(dir.path(), &["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        (&answer["files"], &answer["damaged"][0]["composes_with_it"]),
        (&json!(2), &json!(1))
    );
    assert!(!Path::new(&damaged).exists() && Path::new(&well).exists());
    let (output, answer) = store(dir.path(), &["verify"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!((&answer["files"], &answer["damaged"]), (&json!(1), &json!([])));

    // What was asked for just now stays.
    let (_, answer) = store(dir.path(), &["prune", "--to", "0"]);
    assert_eq!((&answer["files"], &answer["left"]), (&json!(0), &json!(9)));
    let long_ago = SystemTime::now() - Duration::from_secs(2 * 86_400);
    let file = File::open(&well).unwrap();
    file.set_times(FileTimes::new().set_accessed(long_ago)).unwrap();
    for (args, files) in [
        (&["prune", "--older-than", "3"][..], 0),
        (&["prune", "--older-than", "1", "--dry-run"], 1),
        (&["prune", "--older-than", "1"], 1),
        (&["prune", "--to", "0"], 0),
    ] {
        let (output, answer) = store(dir.path(), args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(answer["files"], json!(files), "{args:?}");
    }
    assert!(!Path::new(&well).exists());
    let (output, _) = store(dir.path(), &["prune", "--to", "much"]);
    assert_eq!(output.status.code(), Some(2));
}
