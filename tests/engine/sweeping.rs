//! Sweeping up after processes that were killed, and around what cannot be deleted.

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::store::Lease;
use odcs_core::trees::{ComposeTrees, TreeListing};
use odcs_core::{ComposeId, ComposeState, ComposeStore, Error, ErrorKind, Result, Timestamp};
use odcs_storage::Trees;

use crate::support::{Lab, entries};

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
