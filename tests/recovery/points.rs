//! The named points.

use std::time::{Duration, Instant};

use odcs_core::ComposeState;

use crate::proof;
use crate::victim::{self, Death};

/// Killed there and started again: everything must be made within 30 seconds, and whatever is visible in
/// between must be complete.
async fn survives(death: Death<'_>) {
    let dir = proof::place();
    let status = victim::run(dir.path(), true, death);
    assert!(victim::was_killed(status), "it never came to {death:?}: {status}");
    proof::nothing_is_half_visible(dir.path());
    let begun = Instant::now();
    let status = victim::run(dir.path(), false, Death::Never);
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    proof::nothing_is_half_visible(dir.path());
    let acknowledged = victim::acknowledged(dir.path());
    let ending = proof::everything_ended_well(dir.path(), &acknowledged).await;
    // An answer that was lost on its way may have a record; an answer that was given must have one.
    assert!(ending.records.len() - acknowledged.len() <= 1);
}

// Files are waited for in the tree of the third compose: of the first two, which are equal, either may use the other's.
macro_rules! points {
    ($($name:ident: $death:expr;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                survives($death).await;
            }
        )*
    };
}

points! {
    before_a_request_is_recorded: Death::At("before insert#2");
    after_a_request_is_recorded: Death::At("after insert#2");
    after_a_compose_is_claimed: Death::At("after claim");
    after_the_last_compose_is_claimed: Death::At("after claim#4");
    when_the_log_is_begun: Death::At("after begin");
    before_resolving: Death::At("before resolve");
    after_resolving: Death::At("after resolve");
    before_what_was_resolved_is_recorded: Death::At("before record_resolved");
    after_what_was_resolved_is_recorded: Death::At("after record_resolved");
    after_the_content_is_read: Death::At("after content");
    in_gathering: Death::At("in phase gather");
    before_an_equal_one_is_looked_for: Death::At("before find_equal");
    after_an_equal_one_is_looked_for: Death::At("after find_equal");
    before_an_equal_one_is_used: Death::At("before finish reused");
    after_an_equal_one_is_used: Death::At("after finish reused");
    in_linking: Death::At("in phase link");
    after_linking: Death::At("in phase link#2");
    in_writing_repodata: Death::At("in phase repodata");
    in_writing_metadata: Death::At("in phase metadata");
    in_reading_back: Death::At("in phase check");
    after_staging: Death::At("after stage");
    before_the_manifest_is_recorded: Death::At("before record_manifest");
    after_the_manifest_is_recorded: Death::At("after record_manifest");
    before_publishing: Death::At("before publish");
    in_publishing: Death::At("in phase publish");
    when_the_id_is_written: Death::When("composes/odcs-3/COMPOSE_ID");
    when_the_status_is_written: Death::When("composes/odcs-3/STATUS");
    when_the_compose_is_visible: Death::When("composes/odcs-3/compose");
    when_the_link_is_there: Death::When("composes/latest-odcs-3-1");
    after_publishing: Death::At("after publish");
    before_it_is_recorded_as_done: Death::At("before finish done");
    after_it_is_recorded_as_done: Death::At("after finish done");
    before_it_is_recorded_as_removed: Death::At("before remove");
    after_it_is_recorded_as_removed: Death::At("after remove");
    before_its_tree_is_deleted: Death::At("before tree removal");
    after_its_tree_is_deleted: Death::At("after tree removal");
    before_events_are_recorded_as_delivered: Death::At("before delivered");
}

/// Without any kill the same things hold: else the tests above would prove nothing.
#[tokio::test]
async fn nowhere() {
    let dir = proof::place();
    let status = victim::run(dir.path(), true, Death::Never);
    assert!(status.success(), "{status}");
    proof::nothing_is_half_visible(dir.path());
    let acknowledged = victim::acknowledged(dir.path());
    assert_eq!(acknowledged.len(), 4);
    let ending = proof::everything_ended_well(dir.path(), &acknowledged).await;
    let states: Vec<_> = ending.records.iter().rev().map(|compose| compose.state).collect();
    let (done, removed) = (ComposeState::Done, ComposeState::Removed);
    assert_eq!(states, [done, done, done, removed]);
    let reused: Vec<_> = ending
        .records
        .iter()
        .filter_map(|compose| compose.reused_id)
        .collect();
    assert_eq!(reused.len(), 1, "one of the equal two uses the other's tree");
}
