//! Too much, too long, and not any more.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::*;

/// A program in place of git, which runs until it is killed and has started another one that does.
fn endless(directory: &Path) -> PathBuf {
    let program = directory.join("git");
    let script =
        "#!/bin/sh\nsleep 1000 &\necho $! > \"$GIT_DIR/../child\"\necho $$ > \"$GIT_DIR/../itself\"\nwait\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn is_running(pid: &Path) -> bool {
    let pid = std::fs::read_to_string(pid).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim()));
    // One that has ended may be there until somebody has waited for it.
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn more_bytes_than_allowed_are_not_transferred() {
    let repository = Repository::new();
    // It does not get smaller by compression.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()
    })
    .take(5 << 20)
    .flat_map(|bytes| [bytes[0], bytes[1], bytes[2], bytes[3]])
    .collect();
    let blob = repository.blob(&noise);
    let commit = repository.commit(&repository.tree(&[("100644", &blob, "noise")]));
    let directory = TempDir::new().unwrap();
    let wanted = GitCommit::new(repository.url(), commit.parse().unwrap(), 1000);
    let error = fetch_by(
        Protocol::File,
        &settings(),
        &loopback(),
        &wanted,
        directory.path(),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, GitError::TooLarge { limit: 1000, .. }), "{error}");
    assert_eq!(files(directory.path()), []);
}

#[tokio::test]
async fn more_bytes_than_allowed_are_not_written() {
    let repository = Repository::new();
    // Hardly anything to transfer.
    let zeros = repository.blob(vec![0; 40 << 20]);
    let commit = repository.commit(&repository.tree(&[("100644", &zeros, "zeros")]));
    let error = fetched(&repository, &commit).await.unwrap_err();
    assert!(matches!(error, GitError::TooLarge { .. }), "{error}");
    let whole = fetched_with(&settings(), &repository, &commit, 40 << 20)
        .await
        .unwrap();
    assert_eq!(
        std::fs::metadata(whole.path().join("zeros")).unwrap().len(),
        40 << 20
    );
}

#[tokio::test]
async fn trees_that_grow_by_the_power_are_not_listed_to_the_end() {
    let repository = Repository::new();
    let mut tree = repository.tree(&[]);
    for level in 0..10 {
        let names: Vec<String> = (0..10).map(|number| format!("{level}{number}")).collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| ("040000", tree.as_str(), name.as_str()))
            .collect();
        tree = repository.tree(&entries);
    }
    let error = fetched(&repository, &repository.commit(&tree)).await.unwrap_err();
    assert!(
        matches!(error, GitError::TooManyFiles { most: 100_000, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn time_is_limited_and_nothing_stays_behind() {
    let directory = TempDir::new().unwrap();
    let mut settings = settings();
    settings.git = endless(directory.path());
    settings.git_timeout = Duration::from_secs(2);
    let target = directory.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let repository = Repository::new();
    let commit = repository.commit_of(&[]);
    let commit = GitCommit::new(repository.url(), commit.parse().unwrap(), LIMIT);
    let error = fetch_by(Protocol::File, &settings, &loopback(), &commit, &target)
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::TooLong { .. }) && error.to_string().contains("2 seconds"),
        "{error}"
    );
    for pid in ["child", "itself"] {
        until(pid, || !is_running(&target.join(pid))).await;
    }
    assert!(!target.join(".git").exists());
}

#[tokio::test]
async fn who_does_not_wait_any_more_leaves_nothing_running() {
    let directory = TempDir::new().unwrap();
    let mut settings = settings();
    settings.git = endless(directory.path());
    let target = directory.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let repository = Repository::new();
    let commit = repository.commit_of(&[]);
    let commit = GitCommit::new(repository.url(), commit.parse().unwrap(), LIMIT);
    let fetching = {
        let target = target.clone();
        tokio::spawn(async move { fetch_by(Protocol::File, &settings, &loopback(), &commit, &target).await })
    };
    until("started", || {
        std::fs::read_to_string(target.join("itself")).is_ok_and(|text| text.ends_with('\n'))
    })
    .await;
    assert!(is_running(&target.join("child")));
    fetching.abort();
    assert!(fetching.await.unwrap_err().is_cancelled());
    for pid in ["child", "itself"] {
        until(pid, || !is_running(&target.join(pid))).await;
    }
    assert!(!target.join(".git").exists());
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let mut settings = settings();
    settings.git = "/nonexistent/git".into();
    let repository = Repository::new();
    let commit = repository.commit_of(&[]);
    let error = fetched_with(&settings, &repository, &commit, LIMIT)
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::Program { .. }), "{error}");
    assert!(error.to_string().contains("/nonexistent/git"), "{error}");
}
