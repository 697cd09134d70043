//! Recording, and reading back.

use super::{at, samples};
use crate::compose::{ComposeId, ComposeState, Times};
use crate::store::ComposeStore;
use crate::time::Timestamp;

pub(super) async fn what_was_recorded_comes_back(store: &dyn ComposeStore) {
    let first = store.insert(samples::compose("joe", "f36", 8)).await;
    let mut full = samples::full();
    full.renews = Some(first.expect("insert").id);
    for new in [full, samples::compose("joe", "f36", 8)] {
        let compose = store.insert(new.clone()).await.expect("insert");
        assert_eq!(compose.owner, new.owner);
        assert_eq!(compose.state, ComposeState::Wait);
        assert_eq!(compose.state_reason, None);
        let times = Times {
            submitted: new.submitted,
            started: None,
            done: None,
            removed: None,
            expires: new.submitted.plus(new.lifetime.duration()),
        };
        assert_eq!(compose.times, times);
        assert_eq!(compose.lifetime, new.lifetime);
        assert_eq!(compose.removed_by, None);
        assert_eq!(compose.reused_id, None);
        assert_eq!(compose.koji_task_id, None);
        assert_eq!(compose.pungi_compose_id, None);
        assert_eq!(compose.renews, new.renews);
        assert_eq!(compose.pungi_config_dump, new.pungi_config_dump);
        assert_eq!(compose.requested, new.requested);
        assert_eq!(compose.request.as_ref(), Some(&new.request));
        assert_eq!(compose.pins, None);

        let read = store.get(compose.id).await.expect("get").expect("it is there");
        assert_eq!(read, compose, "get answers with what insert answered with");
    }
}

pub(super) async fn ids_rise(store: &dyn ComposeStore) {
    let mut last = ComposeId::new(0);
    for number in 0..20 {
        let compose = store.insert(samples::compose("joe", "f36", -number)).await;
        let id = compose.expect("insert").id;
        assert!(id > last, "{id} after {last}");
        last = id;
    }
}

pub(super) async fn unknown_ids_are_none(store: &dyn ComposeStore) {
    let known = store.insert(samples::compose("joe", "f36", 0)).await;
    let known = known.expect("insert").id.number();
    for number in [known + 1, 0, -1, i64::MAX, i64::MIN] {
        let found = store.get(ComposeId::new(number)).await.expect("get");
        assert_eq!(found, None, "{number}");
    }
}

/// A lifetime of any length is kept within the years that can be written.
pub(super) async fn long_lifetimes_end_with_the_calendar(store: &dyn ComposeStore) {
    let end = Timestamp::from_seconds(i64::MAX);
    let mut new = samples::compose("joe", "f36", 0);
    new.lifetime = samples::lifetime(u64::MAX);
    let compose = store.insert(new).await.expect("insert");
    assert_eq!(compose.times.expires, end);
    let claim = super::must_claim(store, "w", at(1)).await;
    let compose = super::must_finish(store, &claim.lease, super::done_at(at(2))).await;
    assert_eq!(compose.times.expires, end);
}

pub(super) async fn skipped_ids_are_not_given(store: &dyn ComposeStore) {
    let insert = async || {
        store
            .insert(samples::compose("joe", "f36", 0))
            .await
            .expect("insert")
            .id
    };
    store.skip_ids(ComposeId::new(40)).await.expect("skip");
    assert_eq!(insert().await, ComposeId::new(41));
    // Never back.
    store.skip_ids(ComposeId::new(7)).await.expect("skip");
    assert_eq!(insert().await, ComposeId::new(42));
    store.skip_ids(ComposeId::new(42)).await.expect("skip");
    assert_eq!(insert().await, ComposeId::new(43));
}
