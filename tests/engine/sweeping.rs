//! Sweeping up after processes that were killed, and around what cannot be deleted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use odcs_core::engine::Shutdown;
use odcs_core::store::Lease;
use odcs_core::trees::{ComposeTrees, TreeListing};
use odcs_core::{ComposeId, ComposeState, ComposeStore, Error, ErrorKind, Result, Timestamp};
use odcs_storage::Trees;

use crate::support::{Call, Lab, entries};

/// Trees of which one cannot be deleted.
#[derive(Debug)]
struct Stubborn(Trees, ComposeId);

#[async_trait]
impl ComposeTrees for Stubborn {
    async fn list(&self) -> Result<TreeListing> {
        self.0.list().await
    }

    async fn remove(&self, id: ComposeId) -> Result<()> {
        if id == self.1 {
            return Err(Error::new(
                ErrorKind::Internal,
                "test",
                id.name(),
                "it does not go",
            ));
        }
        self.0.remove(id).await
    }

    async fn withdraw(&self, id: ComposeId) -> Result<bool> {
        self.0.withdraw(id).await
    }

    async fn discard_attempts(&self, up_to: &Lease) -> Result<()> {
        self.0.discard_attempts(up_to).await
    }
}

/// A compose that is done.
async fn done(lab: &Lab) -> ComposeId {
    let id = lab.submit(&["ed"]).await;
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
    id
}

#[tokio::test]
async fn what_a_killed_sweep_or_worker_left_goes_and_the_rest_stays() {
    let lab = Lab::new().await;
    let (kept, killed) = (done(&lab).await, done(&lab).await);
    // As when the process dies after the record is marked, before the tree is deleted.
    lab.store
        .remove(killed, Timestamp::from_seconds(i64::MAX))
        .await
        .unwrap();
    // As of a worker that was killed, and one that still works on a compose that waits.
    let waiting = lab.submit(&["ed"]).await;
    for name in [
        format!(".staging/{}.1", kept.name()),
        format!(".staging/{}.1", waiting.name()),
        "odcs-99".to_owned(),
    ] {
        std::fs::create_dir_all(lab.target_dir.join(name).join("compose")).unwrap();
    }
    let sweeper = lab
        .engine
        .sweeper(Arc::new(Trees::open(&lab.target_dir).unwrap()));
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!(swept.deleted, [killed]);
    assert_eq!(swept.orphans, [ComposeId::new(99)]);
    assert!(swept.removed.is_empty() && swept.stuck.is_empty(), "{swept:?}");
    assert!(!lab.target_dir.join(killed.name()).exists());
    assert!(lab.target(kept, "compose/metadata/rpms.json").is_file());
    assert!(
        lab.target(ComposeId::new(99), "compose").is_dir(),
        "it is reported and left"
    );
    assert_eq!(lab.staging(), [format!("{}.1", waiting.name())]);
}

#[tokio::test]
async fn one_tree_that_does_not_go_holds_up_no_other() {
    let lab = Lab::new().await;
    let (stuck, other) = (done(&lab).await, done(&lab).await);
    for id in [stuck, other] {
        lab.store
            .discard(id, "me", Timestamp::from_seconds(0))
            .await
            .unwrap();
    }
    let trees = Trees::open(&lab.target_dir).unwrap();
    let sweeper = lab.engine.sweeper(Arc::new(Stubborn(trees.clone(), stuck)));
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!((swept.removed, swept.deleted), (vec![stuck, other], vec![other]));
    assert_eq!(swept.stuck, [stuck]);
    assert!(lab.target(stuck, "compose").is_dir());
    // It is not forgotten.
    let swept = lab.engine.sweeper(Arc::new(trees)).sweep().await.unwrap();
    assert_eq!(swept.deleted, [stuck]);
    assert!(!entries(&lab.target_dir).contains(&stuck.name()));
}

/// The tree was renamed into place when somebody cancelled the compose: its record says that it failed.
#[tokio::test]
async fn what_was_cancelled_when_it_was_published_is_withdrawn() {
    let lab = Lab::new().await;
    let kept = done(&lab).await;
    let id = lab.submit(&["line-editor-common"]).await;
    lab.store.fail(Call::Finish, 1, || {
        Error::new(ErrorKind::Internal, "test", "store", "the worker dies here")
    });
    assert_eq!(lab.run_one().await.state, ComposeState::Generating);
    assert_eq!(
        lab.engine.delete(id, "me").await.unwrap().state,
        ComposeState::Failed
    );
    assert!(lab.target(id, "compose").is_dir());

    let sweeper = lab.engine.sweeper(lab.trees());
    // The record of the other cannot be read: that is no reason to leave this one.
    lab.store.fail(Call::Get, 1, || {
        Error::new(ErrorKind::Internal, "test", "store", "what is this?")
    });
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!((swept.withdrawn, swept.stuck), (vec![id], vec![kept]));
    assert!(!lab.target(id, "compose").exists());
    assert_eq!(
        std::fs::read_to_string(lab.target(id, "STATUS")).unwrap(),
        "DOOMED\n"
    );
    assert!(lab.target(id, "pungi-stderr.log").is_file(), "its log is left");
    assert!(lab.target(kept, "compose/metadata/rpms.json").is_file());
    assert!(lab.staging().is_empty(), "{:?}", lab.staging());
    assert!(sweeper.sweep().await.unwrap().withdrawn.is_empty());
}

/// The worker of this process notices at once that it published what was cancelled, and has it swept.
#[tokio::test]
async fn a_worker_that_published_what_was_cancelled_wakes_the_sweeper() {
    let lab = Lab::new().await;
    let shutdown = Shutdown::default();
    let sweeper = lab.engine.sweeper(lab.trees());
    let sweeping = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { sweeper.run(shutdown).await }
    });
    let id = lab.submit(&["ed"]).await;
    // Cancelled where the engine that makes it does not hear of it in time.
    let store = lab.store.clone();
    lab.store.before_finish(move || {
        let store = store.clone();
        Box::pin(async move {
            store
                .cancel(id, "me", Timestamp::from_seconds(1_800_000_000))
                .await
                .unwrap();
        })
    });
    assert_eq!(lab.run_one().await.state, ComposeState::Failed);
    let gone = async {
        while lab.target(id, "compose").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .expect("the tree is withdrawn long before the next sweep is due");
    shutdown.drain.cancel();
    sweeping.await.unwrap();
}

/// What attempts at composes left that there is no record of is told, and goes when it is asked for.
#[tokio::test]
async fn attempts_without_a_record_are_orphans() {
    let lab = Lab::new().await;
    done(&lab).await;
    for name in ["odcs-99.1", "odcs-99.7", "odcs-100.2"] {
        std::fs::create_dir_all(lab.target_dir.join(".staging").join(name).join("compose/x")).unwrap();
    }
    let orphans = [99, 100].map(ComposeId::new);
    let sweeper = lab.engine.sweeper(lab.trees());
    assert_eq!(sweeper.look().await.unwrap().orphans, orphans);
    let mut swept = sweeper.sweep().await.unwrap();
    assert_eq!(swept.orphans, orphans);
    assert_eq!(lab.staging().len(), 3);
    assert_eq!(sweeper.delete_orphans(&mut swept).await.unwrap(), orphans);
    assert!(lab.staging().is_empty(), "{:?}", lab.staging());
}

/// As after a database was put back to an older copy: what was made since is nobody's, and stays what it is.
#[tokio::test]
async fn ids_of_trees_without_a_record_are_not_given() {
    let lab = Lab::new().await;
    assert_eq!(done(&lab).await.number(), 1);
    for name in ["odcs-40/compose", "odcs-9223372036854775807/compose"] {
        std::fs::create_dir_all(lab.target_dir.join(name)).unwrap();
    }
    let sweeper = lab.engine.sweeper(lab.trees());
    for next in [41, 42] {
        sweeper.skip_ids_of_trees().await.unwrap();
        assert_eq!(done(&lab).await.number(), next);
    }
    assert!(lab.target_dir.join("odcs-40/compose").is_dir());
}
