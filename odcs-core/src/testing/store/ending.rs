//! How composes end otherwise than by the work on them.

use super::{assert_conflict, at, done_at, failed_at, must_claim, must_finish, samples};
use crate::compose::{Compose, ComposeId, ComposeState};
use crate::store::ComposeStore;
use crate::{ErrorKind, Result};

/// Nothing is there to be done anything to.
fn assert_unknown<T: std::fmt::Debug>(changed: Result<T>) {
    assert_eq!(
        changed.expect_err("there is no such compose").kind(),
        ErrorKind::NotFound
    );
}

const NOBODY: ComposeId = ComposeId::new(4711);

async fn insert(store: &dyn ComposeStore) -> ComposeId {
    store
        .insert(samples::compose("me", "f36", 0))
        .await
        .expect("insert")
        .id
}

/// A compose that was done at a time; it expires a day later.
async fn done(store: &dyn ComposeStore, second: i64) -> Compose {
    let id = insert(store).await;
    let claim = must_claim(store, "w", at(second)).await;
    assert_eq!(claim.lease.id, id);
    must_finish(store, &claim.lease, done_at(at(second))).await
}

pub(super) async fn cancelled(store: &dyn ComposeStore) {
    assert_unknown(store.cancel(NOBODY, "me", at(0)).await);

    // One that waits: it never ran, so it was never done.
    let id = insert(store).await;
    let waiting = store.cancel(id, "ann o'nym", at(10)).await.expect("cancel");
    assert_eq!(waiting.state, ComposeState::Failed);
    assert_eq!(waiting.state_reason.as_deref(), Some("Canceled by ann o'nym."));
    assert_eq!(waiting.removed_by.as_deref(), Some("ann o'nym"));
    assert_eq!(
        (waiting.times.done, waiting.times.expires),
        (None, at(10 + 86_400))
    );
    assert!(
        store
            .claim("w", at(11), super::LEASE)
            .await
            .expect("claim")
            .is_none(),
        "nobody makes it"
    );

    // One that is being made: its worker cannot change it any more.
    let id = insert(store).await;
    let claim = must_claim(store, "w", at(20)).await;
    let running = store.cancel(id, "me", at(30)).await.expect("cancel");
    assert_eq!(
        (running.state, running.times.done),
        (ComposeState::Failed, Some(at(30)))
    );
    assert_conflict(store.heartbeat(&claim.lease, at(99)).await);
    assert_conflict(store.finish(&claim.lease, done_at(at(31))).await);
    assert_eq!(store.get(id).await.expect("get"), Some(running));

    // What has ended stays as it is.
    assert_conflict(store.cancel(id, "me", at(40)).await);
    let done = done(store, 50).await;
    assert_conflict(store.cancel(done.id, "me", at(60)).await);
    assert_eq!(store.get(done.id).await.expect("get"), Some(done));
}

pub(super) async fn discarded(store: &dyn ComposeStore) {
    assert_unknown(store.discard(NOBODY, "me", at(0)).await);
    let waiting = insert(store).await;
    assert_conflict(store.discard(waiting, "me", at(1)).await);
    let claim = must_claim(store, "w", at(2)).await;
    assert_conflict(store.discard(waiting, "me", at(3)).await);

    let failed = must_finish(store, &claim.lease, failed_at(at(4))).await;
    for compose in [failed, done(store, 5).await] {
        let discarded = store.discard(compose.id, "me", at(6)).await.expect("discard");
        let mut expected = compose;
        expected.removed_by = Some("me".to_owned());
        expected.times.expires = at(6);
        assert_eq!(discarded, expected, "it expires now; nothing else is changed");
        assert!(
            store
                .expired(at(6), 10)
                .await
                .expect("expired")
                .contains(&discarded)
        );
    }
}

pub(super) async fn expired(store: &dyn ComposeStore) {
    let mut composes = Vec::new();
    for second in [30, 10, 20] {
        composes.push(done(store, second).await.id);
    }
    insert(store).await;
    let ids = |found: Result<Vec<Compose>>| {
        found
            .expect("expired")
            .iter()
            .map(|compose| compose.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(store.expired(at(86_400 + 9), 10).await), []);
    let (first, second, third) = (composes[1], composes[2], composes[0]);
    assert_eq!(ids(store.expired(at(86_400 + 20), 10).await), [first, second]);
    assert_eq!(
        ids(store.expired(at(i64::from(u32::MAX)), 10).await),
        [first, second, third],
        "what waits does not expire"
    );
    assert_eq!(
        ids(store.expired(at(i64::from(u32::MAX)), 2).await),
        [first, second]
    );
}

pub(super) async fn removed(store: &dyn ComposeStore) {
    assert_unknown(store.remove(NOBODY, at(0)).await);
    assert_eq!(store.is_tree_in_use(NOBODY).await.expect("in use"), None);
    let waiting = insert(store).await;
    assert_conflict(store.remove(waiting, at(i64::from(u32::MAX))).await);
    assert_eq!(store.is_tree_in_use(waiting).await.expect("in use"), Some(true));
    store.cancel(waiting, "me", at(1)).await.expect("cancel");

    let compose = done(store, 10).await;
    assert_conflict(store.remove(compose.id, at(86_400 + 9)).await);
    assert_eq!(
        store.is_tree_in_use(compose.id).await.expect("in use"),
        Some(true)
    );
    let removed = store.remove(compose.id, at(86_400 + 10)).await.expect("remove");
    assert_eq!(removed.state, ComposeState::Removed);
    assert_eq!(removed.times.removed, Some(at(86_400 + 10)));
    let reason = "Compose is generated successfully\nCompose is expired.";
    assert_eq!(removed.state_reason.as_deref(), Some(reason));
    assert_eq!(
        store.is_tree_in_use(compose.id).await.expect("in use"),
        Some(false)
    );
    assert_conflict(store.remove(compose.id, at(86_400 + 11)).await);
    assert_conflict(store.discard(compose.id, "me", at(86_400 + 11)).await);
    assert_conflict(store.cancel(compose.id, "me", at(86_400 + 11)).await);
    assert_eq!(
        store.get(compose.id).await.expect("get"),
        Some(removed),
        "the record stays"
    );

    let discarded = done(store, 20).await.id;
    store.discard(discarded, "me", at(30)).await.expect("discard");
    let removed = store.remove(discarded, at(30)).await.expect("remove");
    assert!(
        removed
            .state_reason
            .expect("a reason")
            .ends_with("\nRemoved by me.")
    );
}
