//! Events: each change of state, once, in order, with the record as it was then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::equal::{fingerprint, made, reused_at, running};
use super::renewal::document;
use super::{LEASE, assert_conflict, at, claim, done_at, failed_at, must_claim, must_finish, samples};
use crate::compose::{Compose, ComposeState};
use crate::event::{Event, EventId};
use crate::source::{Pins, ResolvedFields};
use crate::store::{ComposeStore, Outcome};

async fn undelivered(store: &dyn ComposeStore) -> Vec<Event> {
    let events = store.undelivered(1_000).await.expect("undelivered");
    assert!(
        events.is_sorted_by(|one, next| one.id < next.id),
        "numbers rise: {events:?}"
    );
    events
}

/// Takes the events that are there: what happened since it was last asked.
async fn news(store: &dyn ComposeStore) -> Vec<Event> {
    let events = undelivered(store).await;
    if let Some(last) = events.last() {
        store.delivered(last.id, at(0)).await.expect("delivered");
    }
    events
}

/// There is one event, and it says this.
async fn assert_news(store: &dyn ComposeStore, second: i64, from: Option<ComposeState>, compose: &Compose) {
    let events = news(store).await;
    let [event] = &events[..] else {
        panic!("one event was expected for {compose:?}, not {events:?}");
    };
    let mut expected = compose.clone();
    expected.request = None;
    expected.pins = None;
    assert_eq!(event.compose, expected);
    assert_eq!((event.at, event.from), (at(second), from));
}

async fn assert_no_news(store: &dyn ComposeStore) {
    assert_eq!(news(store).await, [], "that is no change of state");
}

pub(super) async fn a_whole_life(store: &dyn ComposeStore) {
    use ComposeState::{Done, Generating, Wait};
    assert_no_news(store).await;
    // With every field there is.
    let first = store
        .insert(samples::compose("joe", "f36", 0))
        .await
        .expect("insert");
    assert_news(store, 0, None, &first).await;
    store.cancel(first.id, "me", at(1)).await.expect("cancel");
    news(store).await;
    let mut new = samples::full();
    new.renews = Some(first.id);
    let submitted = store.insert(new).await.expect("insert");
    assert_news(store, 7, None, &submitted).await;

    let lease = must_claim(store, "w", at(10)).await;
    assert_news(store, 10, Some(Wait), &lease.compose).await;
    let back = must_finish(store, &lease.lease, Outcome::HandedBack { at: at(20) }).await;
    assert_news(store, 20, Some(Generating), &back).await;
    let again = must_claim(store, "w", at(30)).await;
    assert_news(store, 30, Some(Wait), &again.compose).await;

    // Being taken over is none, nor is what is recorded on the way.
    let claim = must_claim(store, "other", at(90)).await;
    let lease = claim.lease;
    store.heartbeat(&lease, at(200)).await.expect("heartbeat");
    let pins = Pins::new(&"pinned").expect("pins");
    let fields = ResolvedFields {
        source: Some("testmodule:master:1:c0ffee".to_owned()),
        koji_event: Some(77),
        ..ResolvedFields::default()
    };
    store
        .record_resolved(&lease, &pins, &fields)
        .await
        .expect("record resolved");
    let look = store.find_equal(&lease, &fingerprint("same"), at(95)).await;
    assert_eq!(look.expect("find equal"), None);
    store
        .record_manifest(&lease, &document("any"))
        .await
        .expect("record manifest");
    assert_no_news(store).await;

    let done = must_finish(store, &lease, done_at(at(100))).await;
    assert_eq!(done.requested.source, "testmodule:master:1:c0ffee");
    assert_news(store, 100, Some(Generating), &done).await;
    store.extend(done.id, at(1_000_000)).await.expect("extend");
    let discarded = store.discard(done.id, "ann", at(120)).await.expect("discard");
    assert_eq!(discarded.state, Done);
    assert_no_news(store).await;
    let removed = store.remove(done.id, at(130)).await.expect("remove");
    assert_news(store, 130, Some(Done), &removed).await;
}

pub(super) async fn other_ends(store: &dyn ComposeStore) {
    use ComposeState::{Failed, Generating, Wait};
    let waiting = store
        .insert(samples::compose("joe", "f36", 0))
        .await
        .expect("insert");
    news(store).await;
    let cancelled = store.cancel(waiting.id, "ann", at(10)).await.expect("cancel");
    assert_news(store, 10, Some(Wait), &cancelled).await;

    let lease = running(store, 20).await;
    news(store).await;
    let cancelled = store.cancel(lease.id, "ann", at(30)).await.expect("cancel");
    assert_news(store, 30, Some(Generating), &cancelled).await;

    let lease = running(store, 40).await;
    news(store).await;
    let failed = must_finish(store, &lease, failed_at(at(50))).await;
    assert_news(store, 50, Some(Generating), &failed).await;
    let removed = store.remove(failed.id, at(1_000_000)).await.expect("remove");
    assert_news(store, 1_000_000, Some(Failed), &removed).await;

    // The one that is reused is kept longer, which is no change of state.
    let made = made(store, 60).await;
    let lease = running(store, 70).await;
    news(store).await;
    let reused = must_finish(store, &lease, reused_at(80, made.id)).await;
    assert_news(store, 80, Some(Generating), &reused).await;
}

pub(super) async fn what_is_refused_is_no_event(store: &dyn ComposeStore) {
    let made = made(store, 10).await;
    let first = running(store, 20).await;
    must_claim(store, "other", at(20).plus(LEASE)).await;
    news(store).await;
    assert_conflict(store.finish(&first, done_at(at(100))).await);
    assert_conflict(store.finish(&first, failed_at(at(100))).await);
    assert_conflict(store.finish(&first, reused_at(100, made.id)).await);
    assert_conflict(store.finish(&first, Outcome::HandedBack { at: at(100) }).await);
    assert_conflict(store.cancel(made.id, "me", at(100)).await);
    assert_conflict(store.remove(made.id, at(100)).await);
    assert_conflict(store.discard(first.id, "me", at(100)).await);
    assert!(claim(store, "third", at(81)).await.is_none());
    assert_no_news(store).await;
}

pub(super) async fn delivery(store: &dyn ComposeStore) {
    for number in 0..5 {
        store
            .insert(samples::compose("joe", "f36", number))
            .await
            .expect("insert");
    }
    let all = undelivered(store).await;
    assert_eq!(all.len(), 5);
    assert_eq!(
        undelivered(store).await,
        all,
        "they come again until they are delivered"
    );
    assert_eq!(store.undelivered(2).await.expect("undelivered"), all[..2]);
    assert_eq!(store.undelivered(0).await.expect("undelivered"), []);

    store.delivered(all[1].id, at(1)).await.expect("delivered");
    assert_eq!(undelivered(store).await, all[2..]);
    // Twice, and what is delivered already.
    store.delivered(all[1].id, at(2)).await.expect("delivered");
    store.delivered(all[0].id, at(3)).await.expect("delivered");
    store.delivered(EventId::new(0), at(3)).await.expect("delivered");
    assert_eq!(undelivered(store).await, all[2..]);
    store.delivered(all[4].id, at(4)).await.expect("delivered");
    assert_eq!(undelivered(store).await, []);
    store
        .insert(samples::compose("joe", "f36", 9))
        .await
        .expect("insert");
    let next = undelivered(store).await;
    assert_eq!(next.len(), 1);
    assert!(next[0].id > all[4].id);
}

/// Whatever happens at a time, each compose's events are a chain, and none is missing.
pub(super) async fn racing_changes_make_whole_chains(store: Arc<dyn ComposeStore>) {
    const COMPOSES: usize = 40;
    let mut ids = Vec::new();
    for number in 0..COMPOSES {
        let new = samples::compose("joe", "f36", i64::try_from(number).unwrap_or(0));
        ids.push(store.insert(new).await.expect("insert").id);
    }
    let canceller = tokio::spawn({
        let (store, ids) = (store.clone(), ids.clone());
        async move {
            for id in ids.into_iter().step_by(3) {
                // Too late for some.
                let _ = store.cancel(id, "me", at(200)).await;
                tokio::task::yield_now().await;
            }
        }
    });
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut round = worker;
                let lease = Duration::from_secs(3_600);
                while let Some(claim) = store.claim("w", at(100), lease).await.expect("claim") {
                    round += 1;
                    let outcome = match round % 3 {
                        0 => Outcome::HandedBack { at: at(150) },
                        1 => failed_at(at(150)),
                        _ => done_at(at(150)),
                    };
                    let _ = store.finish(&claim.lease, outcome).await;
                }
            })
        })
        .collect();
    canceller.await.expect("canceller");
    for worker in workers {
        worker.await.expect("worker");
    }
    let mut states = BTreeMap::new();
    for event in undelivered(&*store).await {
        let before = states.insert(event.compose.id, event.compose.state);
        assert_eq!(event.from, before, "{event:?}");
    }
    assert_eq!(states.len(), COMPOSES);
    for (id, state) in states {
        let compose = store.get(id).await.expect("get").expect("it is there");
        assert_eq!(compose.state, state, "the last event says how it is");
        assert!(!state.is_unfinished());
    }
}
