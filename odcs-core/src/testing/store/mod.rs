//! What every [`ComposeStore`] must do, as a suite that any store can be put through.

mod ending;
mod equal;
mod events;
mod leases;
mod lists;
mod records;
mod renewal;
mod samples;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::compose::{Compose, ComposeState};
use crate::store::{Claim, ComposeStore, Lease, Outcome};
use crate::time::Timestamp;
use crate::{ErrorKind, Result};

/// Puts a store through the whole suite. `fresh` makes an empty one for each part; the parts run one
/// after the other. Let it run on a runtime with several threads: some parts have workers race each other.
///
/// ```no_run
/// use std::sync::Arc;
/// use odcs_core::{ComposeStore, testing};
///
/// /// To be called from a test, with what opens an empty store of yours.
/// async fn conforms<S: ComposeStore>(open: impl AsyncFn() -> S) {
///     testing::store::conformance(|| async { Arc::new(open().await) as Arc<dyn ComposeStore> }).await;
/// }
/// ```
///
/// # Panics
/// When the store does not do what [`ComposeStore`] says, with what it did instead.
pub async fn conformance<F, Fut>(fresh: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn ComposeStore>>,
{
    records::what_was_recorded_comes_back(&*fresh().await).await;
    records::ids_rise(&*fresh().await).await;
    records::skipped_ids_are_not_given(&*fresh().await).await;
    records::unknown_ids_are_none(&*fresh().await).await;
    records::long_lifetimes_end_with_the_calendar(&*fresh().await).await;

    lists::pages(&*fresh().await).await;
    lists::order(&*fresh().await).await;
    lists::filters(&*fresh().await).await;
    lists::counts(&*fresh().await).await;

    leases::oldest_first(&*fresh().await).await;
    leases::racing_workers_share(fresh().await).await;
    leases::a_lease_that_ran_out_is_taken_over(&*fresh().await).await;
    leases::heartbeats_prolong(&*fresh().await).await;
    leases::leases_from_the_future_do_not_count(&*fresh().await).await;
    leases::a_stale_lease_changes_nothing(&*fresh().await).await;
    leases::what_was_handed_back_waits(&*fresh().await).await;
    leases::resolving_rewrites_what_it_found(&*fresh().await).await;
    leases::done(&*fresh().await).await;
    leases::failed(&*fresh().await).await;

    ending::cancelled(&*fresh().await).await;
    ending::discarded(&*fresh().await).await;
    ending::expired(&*fresh().await).await;
    ending::removed(&*fresh().await).await;

    equal::finished_ones_are_named_while_their_tree_is_kept(&*fresh().await).await;
    equal::running_ones_are_named_if_they_said_so_before(&*fresh().await).await;
    equal::leases_from_the_future_are_not_waited_for(&*fresh().await).await;
    equal::reusing(&*fresh().await).await;
    equal::a_tree_that_nobody_keeps_is_gone(&*fresh().await).await;
    equal::a_shared_tree_goes_with_its_last_user(&*fresh().await).await;
    equal::two_at_once_never_wait_for_each_other(fresh().await).await;
    equal::reusing_races_removing(fresh().await).await;

    renewal::extending(&*fresh().await).await;
    renewal::those_that_share_a_tree_are_extended_together(&*fresh().await).await;
    renewal::extending_races_removing(fresh().await).await;
    renewal::manifests(&*fresh().await).await;

    events::a_whole_life(&*fresh().await).await;
    events::other_ends(&*fresh().await).await;
    events::what_is_refused_is_no_event(&*fresh().await).await;
    events::delivery(&*fresh().await).await;
    events::racing_changes_make_whole_chains(fresh().await).await;
}

/// The suite's time: seconds after an arbitrary point.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

const LEASE: Duration = Duration::from_secs(60);

/// Claims, with a lease of [`LEASE`].
async fn claim(store: &dyn ComposeStore, worker: &str, now: Timestamp) -> Option<Claim> {
    store.claim(worker, now, LEASE).await.expect("claim")
}

/// Claims what must be there to be claimed.
async fn must_claim(store: &dyn ComposeStore, worker: &str, now: Timestamp) -> Claim {
    let claim = claim(store, worker, now).await.expect("there is work");
    assert_eq!(claim.compose.state, ComposeState::Generating);
    assert_eq!(claim.compose.id, claim.lease.id);
    claim
}

async fn must_finish(store: &dyn ComposeStore, lease: &Lease, outcome: Outcome) -> Compose {
    let compose = store.finish(lease, outcome).await.expect("finish");
    let read = store.get(lease.id).await.expect("get").expect("it is there");
    assert_eq!(compose, read, "finish answers with what it recorded");
    compose
}

fn done_at(at: Timestamp) -> Outcome {
    Outcome::Done {
        at,
        reason: "Compose is generated successfully".to_owned(),
        pungi_compose_id: "odcs-1-1-20270115.t.0".to_owned(),
    }
}

fn failed_at(at: Timestamp) -> Outcome {
    Outcome::Failed {
        pungi_compose_id: None,
        at,
        reason: "there is no tag f36".to_owned(),
    }
}

/// Removes all whose time is up, so that the next round of a race begins anew.
async fn clear(store: &dyn ComposeStore, now: Timestamp) {
    for compose in store.expired(now, 100).await.expect("expired") {
        store.remove(compose.id, now).await.expect("remove");
    }
}

/// A change under a lease that does not count must be a `Conflict`.
fn assert_conflict<T: fmt::Debug>(changed: Result<T>) {
    let error = changed.expect_err("the lease does not count");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(
        !error.is_retryable(),
        "a lost lease does not come back: {error:?}"
    );
}
