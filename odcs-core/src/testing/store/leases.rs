//! Who works on what: claims, leases, outcomes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use odcs_rpm::TreeArch;

use super::equal::{fingerprint, reused_at};
use super::renewal::document;
use super::{LEASE, assert_conflict, at, claim, done_at, failed_at, must_claim, must_finish, samples};
use crate::compose::{Compose, ComposeId, ComposeState};
use crate::request::KeyOrUnsigned;
use crate::source::{Pins, ResolvedFields};
use crate::store::{ComposeStore, Lease, Outcome};

async fn insert(store: &dyn ComposeStore) -> Compose {
    store.insert(samples::full()).await.expect("insert")
}

async fn get(store: &dyn ComposeStore, id: ComposeId) -> Compose {
    store.get(id).await.expect("get").expect("it is there")
}

pub(super) async fn oldest_first(store: &dyn ComposeStore) {
    assert!(claim(store, "w", at(0)).await.is_none(), "there is nothing to do");
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(insert(store).await);
    }
    for waiting in expected {
        let claim = must_claim(store, "w", at(100)).await;
        assert_eq!(claim.attempt, 1);
        let mut expected = waiting;
        expected.state = ComposeState::Generating;
        expected.times.started = Some(at(100));
        assert_eq!(claim.compose, expected, "nothing else is changed");
        assert_eq!(get(store, claim.lease.id).await, expected);
    }
    assert!(claim(store, "w", at(101)).await.is_none(), "all are taken");
}

/// Many workers at a time, while composes are still coming in: each compose goes to one, none is left.
pub(super) async fn racing_workers_share(store: Arc<dyn ComposeStore>) {
    const COMPOSES: usize = 200;
    const WORKERS: usize = 16;
    let submitter = tokio::spawn({
        let store = store.clone();
        async move {
            let mut ids = BTreeSet::new();
            for _ in 0..COMPOSES {
                ids.insert(insert(&*store).await.id.number());
            }
            ids
        }
    });
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                let mut idle = 0;
                // Patient enough for those that are still to come.
                while idle < 3 {
                    match claim(&*store, &format!("worker-{number}"), at(0)).await {
                        Some(claim) => {
                            if claimed.len() % 2 == 0 {
                                must_finish(&*store, &claim.lease, done_at(at(1))).await;
                            }
                            claimed.push(claim.lease.id.number());
                            idle = 0;
                        }
                        None => {
                            idle += 1;
                            tokio::task::yield_now().await;
                        }
                    }
                }
                claimed
            })
        })
        .collect();
    let ids = submitter.await.expect("submitter");
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.expect("worker"));
    }
    // Whatever came in after the last worker had gone.
    while let Some(claim) = claim(&*store, "last", at(0)).await {
        claimed.push(claim.lease.id.number());
    }
    assert_eq!(claimed.len(), COMPOSES, "none is claimed twice, none is lost");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), ids);
}

pub(super) async fn a_lease_that_ran_out_is_taken_over(store: &dyn ComposeStore) {
    let id = insert(store).await.id;
    let first = must_claim(store, "first", at(100)).await;
    assert!(
        claim(store, "second", at(159)).await.is_none(),
        "it is still held"
    );
    let second = must_claim(store, "second", at(160)).await;
    assert_eq!(second.lease.id, id);
    assert!(
        second.lease.number > first.lease.number,
        "the fencing number rises"
    );
    assert_eq!(second.attempt, 2);
    assert_eq!(second.compose.times.started, Some(at(100)), "work started once");

    // Older work that was interrupted comes before younger work that waits.
    insert(store).await;
    assert_eq!(must_claim(store, "third", at(220)).await.lease.id, id);

    // A part of a second counts, too.
    let short = store.claim("fourth", at(220), Duration::from_millis(500)).await;
    assert!(short.expect("claim").is_some());
    assert!(
        claim(store, "fifth", at(220)).await.is_none(),
        "the lease has begun"
    );
}

pub(super) async fn heartbeats_prolong(store: &dyn ComposeStore) {
    insert(store).await;
    let lease = must_claim(store, "w", at(100)).await.lease;
    store.heartbeat(&lease, at(200)).await.expect("heartbeat");
    assert!(claim(store, "other", at(199)).await.is_none());
    // The clock was set back: what counts is what its holder said last.
    store.heartbeat(&lease, at(150)).await.expect("heartbeat");
    assert!(claim(store, "other", at(149)).await.is_none());
    // Late, but nobody has taken it over: it is still its holder's.
    assert!(store.holds(&lease).await.expect("holds"));
    store.heartbeat(&lease, at(300)).await.expect("heartbeat");
    assert!(claim(store, "other", at(299)).await.is_none());
    let other = must_claim(store, "other", at(300)).await.lease;
    assert_conflict(store.heartbeat(&lease, at(400)).await);
    assert!(!store.holds(&lease).await.expect("holds"));
    assert!(store.holds(&other).await.expect("holds"));
}

/// A worker died, and then the clock was set back by an hour: nobody waits that long.
pub(super) async fn leases_from_the_future_do_not_count(store: &dyn ComposeStore) {
    insert(store).await;
    let lease = must_claim(store, "killed", at(4_000)).await.lease;
    assert!(
        claim(store, "other", at(3_980)).await.is_none(),
        "clocks differ by seconds"
    );
    let other = must_claim(store, "other", at(400)).await.lease;
    assert!(other.number > lease.number);
    assert!(claim(store, "third", at(400)).await.is_none());
}

/// All that can be tried under a lease that does not count.
async fn assert_void(store: &dyn ComposeStore, lease: &Lease) {
    let before = store.get(lease.id).await.expect("get");
    let pins = Pins::new(&"stale").expect("pins");
    let fields = ResolvedFields {
        source: Some("stale".to_owned()),
        koji_event: Some(13),
        ..ResolvedFields::default()
    };
    assert_conflict(store.heartbeat(lease, at(1_000_000)).await);
    assert_conflict(store.record_resolved(lease, &pins, &fields).await);
    assert_conflict(store.finish(lease, done_at(at(500))).await);
    assert_conflict(store.finish(lease, failed_at(at(500))).await);
    assert_conflict(store.finish(lease, Outcome::HandedBack { at: at(0) }).await);
    // Even where there is nothing to reuse: the lease comes first.
    assert_conflict(store.finish(lease, reused_at(500, lease.id)).await);
    let same = fingerprint("same");
    assert_conflict(store.find_equal(lease, &same, at(500)).await);
    let recorded = store.manifest(lease.id).await.expect("manifest");
    assert_conflict(store.record_manifest(lease, &document("stale")).await);
    assert_eq!(store.manifest(lease.id).await.expect("manifest"), recorded);
    assert!(!store.holds(lease).await.expect("holds"));
    let after = store.get(lease.id).await.expect("get");
    assert_eq!(before, after, "a stale lease changes nothing");
}

pub(super) async fn a_stale_lease_changes_nothing(store: &dyn ComposeStore) {
    let id = insert(store).await.id;
    // Nobody has claimed it, or it does not exist.
    for number in [0, 1] {
        assert_void(store, &Lease { id, number }).await;
    }
    let id = ComposeId::new(id.number() + 1);
    assert_void(store, &Lease { id, number: 1 }).await;

    // Taken over.
    let first = must_claim(store, "first", at(100)).await.lease;
    let second = must_claim(store, "second", at(160)).await.lease;
    assert_void(store, &first).await;
    let number = second.number + 1;
    assert_void(
        store,
        &Lease {
            number,
            ..second.clone()
        },
    )
    .await;

    // The one that counts has not been touched by all this.
    assert!(claim(store, "third", at(219)).await.is_none());
    must_finish(store, &second, done_at(at(200))).await;

    // Ended.
    assert_void(store, &first).await;
    assert_void(store, &second).await;
    assert!(
        claim(store, "third", at(1_000)).await.is_none(),
        "what is done stays so"
    );
}

pub(super) async fn what_was_handed_back_waits(store: &dyn ComposeStore) {
    let waiting = insert(store).await;
    let first = must_claim(store, "first", at(100)).await;
    let back = must_finish(store, &first.lease, Outcome::HandedBack { at: at(1) }).await;
    let mut expected = waiting;
    expected.times.started = Some(at(100));
    assert_eq!(back, expected, "it waits as before, but work has started");
    assert_void(store, &first.lease).await;

    let second = must_claim(store, "second", at(101)).await;
    assert!(second.lease.number > first.lease.number, "no number comes twice");
    assert_eq!(second.attempt, 1, "handing back is no attempt");
    assert_eq!(second.compose.times.started, Some(at(100)));
    assert_void(store, &first.lease).await;
    must_finish(store, &second.lease, done_at(at(102))).await;
}

pub(super) async fn resolving_rewrites_what_it_found(store: &dyn ComposeStore) {
    insert(store).await;
    let claim = must_claim(store, "w", at(100)).await;
    let pins = Pins::new(&("repomd", vec![1_u64, u64::MAX], "\u{1f980}")).expect("pins");
    let nothing = ResolvedFields::default();
    let compose = store.record_resolved(&claim.lease, &pins, &nothing).await;
    let mut expected = claim.compose;
    expected.pins = Some(pins);
    assert_eq!(compose.expect("record"), expected, "fields are left as they were");

    let pins = Pins::new(&"others").expect("pins");
    let fields = ResolvedFields {
        source: Some("testmodule:master:1:c0ffee".to_owned()),
        koji_event: Some(77),
        ..ResolvedFields::default()
    };
    let compose = store.record_resolved(&claim.lease, &pins, &fields).await;
    expected.pins = Some(pins.clone());
    expected.requested.source = "testmodule:master:1:c0ffee".to_owned();
    expected.requested.koji_event = Some(77);
    assert_eq!(compose.expect("record"), expected);

    let fields = ResolvedFields {
        arches: Some(TreeArch::all().take(2).collect()),
        builds: Some(vec![
            "ed-1-1".parse().expect("a build"),
            "foo-2-2".parse().expect("a build"),
        ]),
        sigkeys: Some(vec!["FD431D51".parse().expect("a key"), KeyOrUnsigned::Unsigned]),
        packages: Some(vec!["gcc-c++".parse().expect("a package")]),
        ..ResolvedFields::default()
    };
    let compose = store.record_resolved(&claim.lease, &pins, &fields).await;
    let arches: Vec<_> = TreeArch::all().take(2).map(|arch| arch.to_string()).collect();
    expected.pins = Some(pins);
    expected.requested.arches = arches.join(" ");
    expected.requested.builds = Some("ed-1-1 foo-2-2".to_owned());
    expected.requested.sigkeys = Some("FD431D51 ".to_owned());
    expected.requested.packages = Some("gcc-c++".to_owned());
    assert_eq!(
        compose.expect("record"),
        expected,
        "the request is as it was asked for"
    );
    assert_eq!(get(store, expected.id).await, expected);

    // Whoever takes the compose over finds what was resolved.
    let next = must_claim(store, "next", at(100).plus(LEASE)).await;
    assert_eq!(next.compose, expected);
}

pub(super) async fn done(store: &dyn ComposeStore) {
    insert(store).await;
    let claim = must_claim(store, "w", at(100)).await;
    let done = must_finish(store, &claim.lease, done_at(at(5_000))).await;
    let mut expected = claim.compose;
    expected.state = ComposeState::Done;
    expected.state_reason = Some("Compose is generated successfully".to_owned());
    expected.pungi_compose_id = Some("odcs-1-1-20270115.t.0".to_owned());
    expected.times.done = Some(at(5_000));
    // The lifetime counts from here, not from the submission.
    expected.times.expires = at(5_000 + 7_200);
    assert_eq!(done, expected);
}

pub(super) async fn failed(store: &dyn ComposeStore) {
    insert(store).await;
    let claim = must_claim(store, "w", at(100)).await;
    let failed = must_finish(store, &claim.lease, failed_at(at(5_000))).await;
    let mut expected = claim.compose;
    expected.state = ComposeState::Failed;
    expected.state_reason = Some("there is no tag f36".to_owned());
    expected.times.done = Some(at(5_000));
    expected.times.expires = at(5_000 + 7_200);
    assert_eq!(failed, expected);
}
