//! Composes that are made again, of packages that were elsewhere.

use std::fs::{File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::Lab;
use crate::cli::json;
use crate::renewal::delete;

/// A tree that is deleted is out of sight before the last of its files has gone.
async fn no_other_links(file: &File) {
    let begun = Instant::now();
    while file.metadata().unwrap().nlink() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_is_gone_elsewhere_comes_from_the_store() {
    let lab = Lab::new("fetch_attempts = 1\n");
    let first = lab.compose("/repo", &["ed"]).await;
    assert_eq!(first["state_name"], "done", "{first}");
    let before = lab.tree(1, "x86_64");
    delete(&lab.service, 1).await;
    std::fs::remove_dir_all(lab.service.dir.path().join("www/repo")).unwrap();
    lab.www.forget();
    let renewed = lab.service.odcs(["renew", "1"]);
    assert_eq!(renewed.status.code(), Some(0), "{renewed:?}");
    let compose = json(&renewed);
    assert_eq!(
        (&compose["id"], &compose["state_name"]),
        (&json!(2), &json!("done"))
    );
    assert_eq!(lab.tree(2, "x86_64"), before);
    assert_eq!(lab.fetched(), Vec::<String>::new());

    // No compose links to it any more, nobody asked for it for a while, and the store is emptied.
    delete(&lab.service, 2).await;
    let kept = lab.service.target().join(".content/sha256");
    let hours_ago = SystemTime::now() - Duration::from_secs(3 * 3600);
    for file in test_support::files(&kept) {
        let file = File::options().write(true).open(kept.join(file)).unwrap();
        file.set_times(FileTimes::new().set_accessed(hours_ago)).unwrap();
        no_other_links(&file).await;
    }
    let pruned = lab.service.odcs(["store", "prune", "--to", "0"]);
    assert_eq!(pruned.status.code(), Some(0), "{pruned:?}");
    let renewed = lab.service.odcs(["renew", "1"]);
    assert_eq!(renewed.status.code(), Some(1), "{renewed:?}");
    let compose = json(&renewed);
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(
        reason.contains("ed-0:1.20-1.x86_64") || reason.contains("ed-1.20-1.x86_64"),
        "{reason}"
    );
    lab.is_clean();
}
