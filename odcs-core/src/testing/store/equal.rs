//! Composes that would be the same: one tree for all of them.

use std::sync::Arc;
use std::time::Duration;

use odcs_rpm::{Digest, DigestAlgorithm};

use super::{at, clear, done_at, failed_at, must_claim, must_finish, samples};
use crate::ErrorKind;
use crate::compose::{Compose, ComposeId, ComposeState};
use crate::manifest::Fingerprint;
use crate::store::{ComposeStore, Equal, Lease, Outcome};

pub(super) fn fingerprint(of: &str) -> Fingerprint {
    Fingerprint::new(&Digest::of_bytes(DigestAlgorithm::Sha256, of.as_bytes()))
}

pub(super) fn reused_at(second: i64, of: ComposeId) -> Outcome {
    Outcome::Reused {
        at: at(second),
        reason: "Compose is generated successfully".to_owned(),
        of,
    }
}

/// One that is being made, by a lease that ends 60 seconds later.
pub(super) async fn running(store: &dyn ComposeStore, second: i64) -> Lease {
    let new = samples::compose("joe", "f36", second);
    let id = store.insert(new).await.expect("insert").id;
    let lease = must_claim(store, "w", at(second)).await.lease;
    assert_eq!(lease.id, id);
    lease
}

async fn look(store: &dyn ComposeStore, lease: &Lease, of: &str, second: i64) -> Option<Equal> {
    let found = store.find_equal(lease, &fingerprint(of), at(second)).await;
    found.expect("find equal")
}

/// One that is done at a second, with the fingerprint "same"; it expires a day later.
pub(super) async fn made(store: &dyn ComposeStore, second: i64) -> Compose {
    let lease = running(store, second).await;
    look(store, &lease, "same", second).await;
    must_finish(store, &lease, done_at(at(second))).await
}

/// One that uses the tree of another.
pub(super) async fn user(store: &dyn ComposeStore, second: i64, of: ComposeId) -> Compose {
    let lease = running(store, second).await;
    must_finish(store, &lease, reused_at(second, of)).await
}

const DAY: i64 = 86_400;

pub(super) async fn finished_ones_are_named_while_their_tree_is_kept(store: &dyn ComposeStore) {
    let made = made(store, 10).await;
    // For as long as the whole test looks at.
    store
        .insert(samples::compose("joe", "f36", 20))
        .await
        .expect("insert");
    let long = store.claim("w", at(20), Duration::from_secs(9_000)).await;
    let asking = long.expect("claim").expect("it waits").lease;
    assert_eq!(look(store, &asking, "another", 20).await, None);
    assert_eq!(look(store, &asking, "same", 20).await, Some(Equal::Done(made.id)));
    assert_eq!(
        look(store, &asking, "same", 10 + DAY - 1).await,
        Some(Equal::Done(made.id))
    );
    assert_eq!(
        look(store, &asking, "same", 10 + DAY).await,
        None,
        "its time is up"
    );

    // One that uses its tree keeps it; the answer is still the one that it was made for.
    let user = user(store, 1_000, made.id).await;
    store.discard(made.id, "me", at(2_000)).await.expect("discard");
    store.remove(made.id, at(2_000)).await.expect("remove");
    for second in [2_000, 1_000 + DAY - 1] {
        assert_eq!(
            look(store, &asking, "same", second).await,
            Some(Equal::Done(made.id))
        );
    }
    store.discard(user.id, "me", at(3_000)).await.expect("discard");
    assert_eq!(look(store, &asking, "same", 3_000).await, None);

    // What failed is of no use.
    let failing = running(store, 3_000).await;
    look(store, &failing, "same", 3_000).await;
    must_finish(store, &failing, failed_at(at(3_001))).await;
    assert_eq!(look(store, &asking, "same", 3_002).await, None);
}

pub(super) async fn running_ones_are_named_if_they_said_so_before(store: &dyn ComposeStore) {
    let older = running(store, 10).await;
    let younger = running(store, 20).await;
    assert_eq!(
        look(store, &older, "same", 20).await,
        None,
        "the other has not said so"
    );
    let equal = Some(Equal::Running(older.id));
    assert_eq!(look(store, &younger, "same", 21).await, equal);
    assert_eq!(
        look(store, &older, "same", 21).await,
        None,
        "whoever came first waits for nobody, however often it asks"
    );
    assert_eq!(look(store, &younger, "another", 21).await, None);
    assert_eq!(look(store, &younger, "same", 69).await, equal);
    assert_eq!(
        look(store, &younger, "same", 70).await,
        None,
        "its lease has run out"
    );
    store.heartbeat(&older, at(180)).await.expect("heartbeat");
    assert_eq!(look(store, &younger, "same", 70).await, equal);

    // It turns out to be another one, and then the same; by then it is the later one.
    let reverse = Some(Equal::Running(younger.id));
    store.heartbeat(&younger, at(180)).await.expect("heartbeat");
    assert_eq!(look(store, &older, "another", 71).await, None);
    assert_eq!(look(store, &younger, "same", 71).await, None);
    assert_eq!(look(store, &older, "same", 72).await, reverse);
    assert_eq!(look(store, &younger, "same", 72).await, None);
    assert_eq!(look(store, &younger, "another", 72).await, None);
    assert_eq!(look(store, &younger, "same", 72).await, equal);

    // One that is done is better than one to wait for; one that waits in the queue is no use.
    let done = made(store, 73).await;
    assert_eq!(
        look(store, &younger, "same", 73).await,
        Some(Equal::Done(done.id))
    );
    store.discard(done.id, "me", at(74)).await.expect("discard");
    assert_eq!(look(store, &younger, "same", 74).await, equal);
    must_finish(store, &older, Outcome::HandedBack { at: at(75) }).await;
    assert_eq!(look(store, &younger, "same", 75).await, None);
    // Taken up again it has to say so again, and comes second then.
    let older = must_claim(store, "again", at(76)).await.lease;
    assert_eq!(look(store, &younger, "same", 77).await, None);
    assert_eq!(look(store, &older, "same", 78).await, reverse);
}

/// Whoever died before the clock was set back is not waited for until it is that late again.
pub(super) async fn leases_from_the_future_are_not_waited_for(store: &dyn ComposeStore) {
    let dead = running(store, 100_000).await;
    let asking = running(store, 100_000).await;
    look(store, &dead, "same", 100_000).await;
    let equal = Some(Equal::Running(dead.id));
    assert_eq!(look(store, &asking, "same", 100_001).await, equal);
    // Clocks of several machines may differ by the length of a lease.
    assert_eq!(look(store, &asking, "same", 100_000 - 60).await, equal);
    assert_eq!(look(store, &asking, "same", 50_000).await, None);
    // One that lives prolongs its lease as the clock is now.
    store.heartbeat(&dead, at(50_061)).await.expect("heartbeat");
    assert_eq!(look(store, &asking, "same", 50_001).await, equal);
}

pub(super) async fn reusing(store: &dyn ComposeStore) {
    let made = made(store, 10).await;
    // It would be kept longer than the one that it uses; so both are kept as long as itself.
    let before = running(store, 500).await;
    let before_it = store.get(before.id).await.expect("get").expect("it is there");
    let later = must_finish(store, &before, reused_at(500, made.id)).await;
    let mut expected = before_it;
    expected.state = ComposeState::Done;
    expected.state_reason = Some("Compose is generated successfully".to_owned());
    expected.reused_id = Some(made.id);
    expected.pungi_compose_id.clone_from(&made.pungi_compose_id);
    expected.times.done = Some(at(500));
    expected.times.expires = at(500 + DAY);
    assert_eq!(later, expected);
    let mut kept = made.clone();
    kept.times.expires = at(500 + DAY);
    assert_eq!(store.get(made.id).await.expect("get"), Some(kept));

    // It would be kept shorter: so it is kept as long as the one that it uses.
    store.extend(made.id, at(10 * DAY)).await.expect("extend");
    let shorter = user(store, 700, made.id).await;
    assert_eq!(shorter.times.expires, at(10 * DAY));
    let kept = store.get(made.id).await.expect("get").expect("it is there");
    assert_eq!(kept.times.expires, at(10 * DAY), "never shorter");
}

pub(super) async fn a_tree_that_nobody_keeps_is_gone(store: &dyn ComposeStore) {
    let made = made(store, 10).await;
    let lease = running(store, 20).await;
    let before = store.get(lease.id).await.expect("get");
    let gone = async |second: i64, of: ComposeId| {
        let error = store.finish(&lease, reused_at(second, of)).await;
        let error = error.expect_err("that tree is nobody's");
        assert_eq!(error.kind(), ErrorKind::Gone, "{error:?}");
        assert_eq!(
            store.get(lease.id).await.expect("get"),
            before,
            "nothing is changed"
        );
        assert!(store.holds(&lease).await.expect("holds"));
    };
    let failing = running(store, 30).await;
    gone(40, ComposeId::new(4711)).await;
    gone(40, lease.id).await;
    gone(40, failing.id).await;
    must_finish(store, &failing, failed_at(at(41))).await;
    gone(42, failing.id).await;
    gone(10 + DAY, made.id).await;
    assert_eq!(
        store.get(made.id).await.expect("get"),
        Some(made.clone()),
        "nor is the other one"
    );
    let user = user(store, 50, made.id).await;
    gone(60, user.id).await;
    for id in [made.id, user.id] {
        store.discard(id, "me", at(70)).await.expect("discard");
    }
    gone(70, made.id).await;
    store.remove(made.id, at(70)).await.expect("remove");
    gone(71, made.id).await;
    // It still can be made.
    must_finish(store, &lease, done_at(at(80))).await;
}

pub(super) async fn a_shared_tree_goes_with_its_last_user(store: &dyn ComposeStore) {
    let made = made(store, 10).await;
    let users = [user(store, 20, made.id).await, user(store, 30, made.id).await];
    let in_use = async || store.is_tree_in_use(made.id).await.expect("in use");
    for id in [made.id, users[1].id, users[0].id] {
        assert_eq!(in_use().await, Some(true), "until {id} is removed");
        store.discard(id, "me", at(100)).await.expect("discard");
        assert_eq!(in_use().await, Some(true), "it is not removed yet");
        store.remove(id, at(100)).await.expect("remove");
    }
    assert_eq!(in_use().await, Some(false));
}

/// Whatever the order in which they ask, one goes ahead and the other waits.
pub(super) async fn two_at_once_never_wait_for_each_other(store: Arc<dyn ComposeStore>) {
    for round in 0..ROUNDS {
        let name = format!("round {round}");
        let leases = [running(&*store, 0).await, running(&*store, 0).await];
        let asking = leases.clone().map(|lease| {
            let (store, name) = (store.clone(), name.clone());
            tokio::spawn(async move { look(&*store, &lease, &name, 1).await })
        });
        let [one, other] = asking;
        let (one, other) = (one.await.expect("one"), other.await.expect("other"));
        match (one, other) {
            (None, Some(equal)) => assert_eq!(equal, Equal::Running(leases[0].id), "{name}"),
            (Some(equal), None) => assert_eq!(equal, Equal::Running(leases[1].id), "{name}"),
            both => panic!("{name}: {both:?}"),
        }
    }
}

/// How often a race is run.
pub(super) const ROUNDS: u32 = 25;

/// The last user's time is up for one, and not yet for the other: the tree is kept, or nobody uses it.
pub(super) async fn reusing_races_removing(store: Arc<dyn ComposeStore>) {
    for round in 0..ROUNDS {
        let start = i64::from(round) * 10 * DAY;
        let made = made(&*store, start).await;
        let last = if round % 2 == 0 {
            made.id
        } else {
            // The one that it was made for is gone already.
            let user = user(&*store, start, made.id).await.id;
            store.discard(made.id, "me", at(start)).await.expect("discard");
            store.remove(made.id, at(start)).await.expect("remove");
            user
        };
        let lease = running(&*store, start).await;
        let removing = tokio::spawn({
            let store = store.clone();
            async move { store.remove(last, at(start + DAY)).await.is_ok() }
        });
        let reusing = tokio::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            async move { store.finish(&lease, reused_at(start + DAY - 1, made.id)).await }
        });
        let removed = removing.await.expect("removing");
        let reused = reusing.await.expect("reusing");
        let in_use = store.is_tree_in_use(made.id).await.expect("in use");
        match reused {
            Ok(_) => assert_eq!(
                in_use,
                Some(true),
                "round {round}: it is used, and would be deleted"
            ),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Gone, "{error:?}");
                assert!(removed, "round {round}: it was there, and was not removed");
                assert_eq!(in_use, Some(false));
                must_finish(&*store, &lease, done_at(at(start + DAY))).await;
            }
        }
        clear(&*store, at(start + 3 * DAY)).await;
    }
}
