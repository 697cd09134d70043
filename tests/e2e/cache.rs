//! `odcs cache`, beside whatever uses the cache.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Output};

use odcs_core::{CacheKey, MetadataCache};
use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};
use serde_json::{Value, json};

fn cache(dir: &Path, args: &[&str]) -> (Output, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_odcs"))
        .current_dir(dir)
        .arg("cache")
        .args(args)
        .args(["--data-dir", "."])
        .output()
        .unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, answer)
}

fn key(number: u32) -> CacheKey {
    CacheKey::new("test", &[&number.to_le_bytes()])
}

#[test]
fn it_is_counted_verified_and_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let (output, _) = cache(dir.path(), &["stats"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there is no directory"), "{message}");

    // As a service has it, which goes on.
    let targets = Targets::open(&StorageSettings::new(dir.path().join("composes"))).unwrap();
    let service = PackCache::open(&targets, CacheSettings::default()).unwrap();
    for number in 0..3000 {
        service.put(&key(number), &[b"something that is known"]);
    }
    service.put(&key(0), &[b"something else"]);
    service.flush();
    let known = |number| service.get(&key(number), &mut Vec::new());

    let (output, answer) = cache(dir.path(), &["stats"]);
    assert!(output.status.success(), "{output:?}");
    let sizes = ["entries", "live_bytes", "stale_bytes", "segments", "cap"];
    let sizes = sizes.map(|key| answer[key].as_u64().unwrap());
    assert_eq!(sizes, [3000, 2999 * 79 + 70, 79, 1, 2 << 30]);
    let (_, narrow) = cache(dir.path(), &["stats", "--cache-bytes", "5 MiB"]);
    assert_eq!(narrow["cap"], json!(5 << 20));

    let (output, answer) = cache(dir.path(), &["verify"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        (&answer["entries"], &answer["damaged"]),
        (&json!(3000), &json!([]))
    );
    let pack = dir.path().join("composes/.cache/0000000001.pack");
    let pack = std::fs::OpenOptions::new().write(true).open(pack).unwrap();
    pack.write_all_at(b"!", 32 + 7 * 79 + 60).unwrap();
    let (output, answer) = cache(dir.path(), &["verify"]);
    assert_eq!(output.status.code(), Some(1));
    let entry = json!({"what": "entry", "segment": 1, "offset": 32 + 7 * 79, "bytes": 79});
    assert_eq!(answer["damaged"], json!([entry]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("damaged in one place"), "{message}");
    assert!(!known(7) && known(8));
    let (output, answer) = cache(dir.path(), &["verify"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answer["entries"], json!(2999));

    let (_, answer) = cache(dir.path(), &["prune"]);
    assert_eq!((&answer["segments"], known(8)), (&json!(0), true));
    let (_, answer) = cache(dir.path(), &["prune", "--to", "1 KiB"]);
    assert_eq!((&answer["segments"], &answer["left"]), (&json!(1), &json!(0)));
    // Whoever has it open reads on, and fills it again.
    service.put(&key(8), &[b"something that is known"]);
    service.flush();
    let (_, answer) = cache(dir.path(), &["stats"]);
    assert_eq!(answer["entries"], json!(1));
    let (output, _) = cache(dir.path(), &["prune", "--to", "much"]);
    assert_eq!(output.status.code(), Some(2));
}
