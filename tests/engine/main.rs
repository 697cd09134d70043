//! The way of a compose when something on it breaks: the engine with the real store, source and builder,
//! and faults put between them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod assigned;
mod changing;
mod checks;
mod clock;
mod events;
mod kept;
mod lookaside;
mod observing;
mod plugin;
mod preview;
mod remote;
mod renewal;
mod repositories;
mod reuse;
mod support;
mod sweeping;

use std::path::Path;
use std::time::Duration;

use odcs_core::engine::Shutdown;
use odcs_core::productmd::ComposeIdent;
use odcs_core::request::Flag;
use odcs_core::store::Outcome;
use odcs_core::{ComposeId, ComposeState, ComposeStore, Error, ErrorKind, Timestamp};

use support::{Call, Lab};

fn busy() -> Error {
    Error::new(ErrorKind::Unavailable, "test", "store", "the database is busy")
}

fn broken() -> Error {
    Error::new(ErrorKind::Internal, "test", "store", "the database is broken")
}

#[tokio::test]
async fn a_store_that_is_busy_for_a_moment_costs_nothing() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    lab.store.fail(Call::RecordResolved, 2, busy);
    lab.store.fail(Call::Finish, 2, busy);
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert_eq!(lab.store.failures_left(), 0);
    assert!(lab.target(id, "compose").is_dir());
}

#[tokio::test]
async fn a_store_that_stays_busy_fails_no_compose() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    lab.store.fail(Call::RecordResolved, usize::MAX, busy);
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Wait, "{compose:?}");
    assert!(!lab.target(id, "STATUS").exists());
    let log = std::fs::read_to_string(lab.target(id, "pungi-stderr.log")).unwrap();
    assert!(!log.contains("failed"), "{log}");
    lab.store.fail(Call::RecordResolved, 0, busy);
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
}

/// As when a worker is killed after it has published, before it says so: the compose is there for good,
/// whatever has become of its source.
#[tokio::test]
async fn what_was_published_is_done_though_its_source_has_gone() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    lab.store.fail(Call::Finish, 1, broken);
    assert_eq!(lab.run_one().await.state, ComposeState::Generating);
    assert!(lab.target(id, "compose").is_dir());
    std::fs::remove_dir_all(&lab.repository).unwrap();
    lab.lease_has_run_out().await;
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert_eq!(
        compose.pungi_compose_id,
        Some(std::fs::read_to_string(lab.target(id, "COMPOSE_ID")).unwrap())
    );
    assert!(lab.staging().is_empty(), "{:?}", lab.staging());
}

/// A worker that was given up for dead publishes after all, while the next attempt fails.
#[tokio::test]
async fn what_a_stale_worker_published_at_the_last_moment_is_done() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    lab.claim_and_die().await;
    std::fs::remove_dir_all(&lab.repository).unwrap();
    let own = lab.target_dir.join(id.name());
    let ident = ComposeIdent::of(&lab.get(id).await).to_string();
    lab.before_abandon.set(move || {
        // Whole, as whoever lays it out leaves it.
        std::fs::create_dir_all(own.join("compose")).unwrap();
        std::fs::write(own.join("COMPOSE_ID"), &ident).unwrap();
        std::fs::write(own.join("STATUS"), "FINISHED\n").unwrap();
        Box::pin(async {})
    });
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert!(lab.target(id, "compose").is_dir());
}

/// The same, but nothing had been published: then it failed.
#[tokio::test]
async fn a_source_that_has_gone_fails_what_was_not_published() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    lab.claim_and_die().await;
    // As a killed attempt leaves it.
    let half = lab.target_dir.join(".staging/odcs-1.1/compose");
    std::fs::create_dir_all(&half).unwrap();
    std::fs::write(half.join("half"), "made").unwrap();
    std::fs::remove_dir_all(&lab.repository).unwrap();
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    assert_eq!(
        std::fs::read_to_string(lab.target(id, "STATUS")).unwrap(),
        "DOOMED\n"
    );
    assert!(lab.staging().is_empty(), "{:?}", lab.staging());
}

#[tokio::test]
async fn a_compose_that_workers_die_over_fails_at_last() {
    let lab = Lab::new().await;
    lab.submit(&["ed"]).await;
    for _ in 0..3 {
        lab.claim_and_die().await;
    }
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    let reason = compose.state_reason.unwrap();
    assert!(reason.contains("begun 3 times"), "{reason}");
    assert!(lab.staging().is_empty());
}

#[tokio::test]
async fn two_deaths_are_no_reason_to_give_up() {
    let lab = Lab::new().await;
    lab.submit(&["ed"]).await;
    for _ in 0..2 {
        lab.claim_and_die().await;
    }
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
}

/// A stale attempt that fails must not spoil the one that has taken over.
#[tokio::test]
async fn a_worker_that_lost_its_lease_says_nothing() {
    let lab = Lab::new().await;
    let id = lab.submit(&["emacs"]).await;
    lab.source.before_content({
        let store = lab.store.clone();
        move || {
            let store = store.clone();
            Box::pin(async move {
                let later = Timestamp::from_seconds(i64::MAX);
                store
                    .claim("another", later, Duration::from_secs(60))
                    .await
                    .unwrap()
                    .unwrap();
            })
        }
    });
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Generating, "{compose:?}");
    assert!(
        !lab.target(id, "STATUS").exists(),
        "whoever has it now may be about to publish"
    );
    assert!(lab.staging().is_empty());
}

#[tokio::test]
async fn an_aborted_compose_waits_for_the_next_worker() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    let shutdown = Shutdown::default();
    lab.source.before_content({
        let shutdown = shutdown.clone();
        move || {
            shutdown.drain.cancel();
            shutdown.abort.cancel();
            Box::pin(std::future::pending())
        }
    });
    lab.engine.worker().run(shutdown).await;
    let compose = lab.get(id).await;
    assert_eq!(compose.state, ComposeState::Wait);
    let log = std::fs::read_to_string(lab.target(id, "pungi-stderr.log")).unwrap();
    assert!(!log.contains("failed"), "{log}");
    lab.source.before_content(|| Box::pin(async {}));
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
}

#[tokio::test]
async fn exclusions_alone_are_no_compose() {
    let lab = Lab::new().await;
    lab.submit(&["-ed", "-ed-doc"]).await;
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    let reason = compose.state_reason.unwrap();
    assert!(reason.contains("-ed -ed-doc"), "{reason}");

    let id = lab.submit(&["*", "-ed"]).await;
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
    let packages = support::packages(&lab.target(id, "compose/Temporary/x86_64/os/Packages"));
    assert!(
        packages.contains(&"ed-doc-1.20-1.noarch.rpm".to_owned()),
        "{packages:?}"
    );
    assert!(
        !packages.contains(&"ed-1.20-1.x86_64.rpm".to_owned()),
        "{packages:?}"
    );
}

#[tokio::test]
async fn why_a_package_is_not_there_is_said() {
    let lab = Lab::new().await;
    for (packages, flag, expected) in [
        (["ed", "-ed*"], None, "ed is left out by -ed*"),
        (["ed", "emacs"], None, "for x86_64: emacs"),
        (["*", "-ed"], Some(Flag::NoDeps), "-ed the name of a package"),
    ] {
        let mut request = lab.request(&packages);
        request.flags = flag.into_iter().collect();
        lab.engine.submit(request, "me").await.unwrap();
        let compose = lab.run_one().await;
        assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
        let reason = compose.state_reason.unwrap();
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains("is there only for"), "{reason}");
    }
}

/// Two files for one NEVRA, only one of them signed: whichever comes first, the signed one is taken if a
/// signature is asked for.
#[tokio::test]
async fn the_copy_with_the_right_signature_is_taken() {
    for (signed, unsigned) in [("a", "b"), ("b", "a")] {
        let lab = Lab::new().await;
        let package = lab
            .repository
            .join("Packages/line-editor-common-2.1-3.noarch.rpm");
        let bytes = std::fs::read(&package).unwrap();
        std::fs::remove_dir_all(&lab.repository).unwrap();
        for (name, bytes) in [
            (signed, bytes.clone()),
            (unsigned, support::without_signature(&bytes)),
        ] {
            std::fs::create_dir_all(lab.repository.join(name)).unwrap();
            std::fs::write(lab.repository.join(name).join("x.rpm"), bytes).unwrap();
        }
        let compose = |key: &str| {
            let mut request = lab.request(&["line-editor-common"]);
            request.sigkeys = Some(vec![key.parse().unwrap()]);
            request
        };
        lab.engine.submit(compose("9f8d0467"), "me").await.unwrap();
        let done = lab.run_one().await;
        assert_eq!(done.state, ComposeState::Done, "{done:?}");
        let taken = "compose/Temporary/x86_64/os/Packages/l/line-editor-common-2.1-3.noarch.rpm";
        assert_eq!(std::fs::read(lab.target(done.id, taken)).unwrap(), bytes);
        lab.engine.submit(compose("deadbeef"), "me").await.unwrap();
        let failed = lab.run_one().await;
        assert_eq!(failed.state, ComposeState::Failed, "{failed:?}");
    }
}

#[tokio::test]
async fn what_is_handed_back_does_not_count_as_an_attempt() {
    let lab = Lab::new().await;
    lab.submit(&["ed"]).await;
    for _ in 0..10 {
        let claim = lab
            .store
            .claim("w", Timestamp::from_seconds(0), Duration::from_secs(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(claim.attempt, 1);
        lab.store
            .finish(
                &claim.lease,
                Outcome::HandedBack {
                    at: Timestamp::from_seconds(1_000_001),
                },
            )
            .await
            .unwrap();
    }
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
}

/// Ids go up and are not reused, and nothing of a failed compose is visible but its log and status.
#[tokio::test]
async fn a_failed_compose_shows_its_log_and_status_only() {
    let lab = Lab::new().await;
    let id = lab.submit(&["emacs"]).await;
    assert_eq!(lab.run_one().await.state, ComposeState::Failed);
    let entries = support::entries(&lab.target(id, ""));
    assert_eq!(entries, ["STATUS", "pungi-stderr.log"]);
    assert_eq!(lab.submit(&["ed"]).await, ComposeId::new(id.number() + 1));
    assert!(!Path::new(&lab.target_dir.join("latest-odcs-1-1")).exists());
}
