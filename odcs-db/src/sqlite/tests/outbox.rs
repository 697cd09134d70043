//! Changes and their events: both, or neither.

use std::time::Duration;

use odcs_core::compose::{Compose, ComposeId, ComposeState};
use odcs_core::event::Event;
use odcs_core::store::{Lease, Outcome, Query};
use odcs_core::{ComposeStore, ErrorKind, Result};

use super::{SqliteStore, answer, at, execute, new, place};

const MINUTE: Duration = Duration::from_secs(60);

async fn everything(store: &SqliteStore) -> (Vec<Compose>, Vec<Event>) {
    let composes = store.find(&Query::default()).await.unwrap().items;
    (composes, store.undelivered(100).await.unwrap())
}

/// One compose in each state that something can happen to; all that can happen.
async fn attempt_all(
    store: &SqliteStore,
    leases: &[Lease; 4],
    done: ComposeId,
) -> Vec<(&'static str, Result<()>)> {
    let [handed_back, finished, failed, reusing] = leases;
    let reason = || "so".to_owned();
    let done_again = Outcome::Done {
        at: at(10),
        reason: reason(),
        pungi_compose_id: reason(),
    };
    let failing = Outcome::Failed {
        pungi_compose_id: None,
        at: at(10),
        reason: reason(),
    };
    let reuse = Outcome::Reused {
        at: at(10),
        reason: reason(),
        of: done,
    };
    let hand_back = Outcome::HandedBack { at: at(10) };
    let waiting = ComposeId::new(6);
    vec![
        ("insert", store.insert(new()).await.map(drop)),
        ("hand back", store.finish(handed_back, hand_back).await.map(drop)),
        ("done", store.finish(finished, done_again).await.map(drop)),
        ("failed", store.finish(failed, failing).await.map(drop)),
        ("reused", store.finish(reusing, reuse).await.map(drop)),
        ("cancel", store.cancel(waiting, "ann", at(10)).await.map(drop)),
        ("remove", store.remove(done, at(1_000_000)).await.map(drop)),
        ("claim", store.claim("w", at(10), MINUTE).await.map(drop)),
    ]
}

#[tokio::test]
async fn a_change_whose_event_cannot_be_written_is_undone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let mut claims = Vec::new();
    for _ in 0..5 {
        store.insert(new()).await.unwrap();
        claims.push(store.claim("w", at(1), MINUTE).await.unwrap().unwrap().lease);
    }
    store.insert(new()).await.unwrap();
    let done = claims.remove(0);
    let outcome = Outcome::Done {
        at: at(2),
        reason: "so".to_owned(),
        pungi_compose_id: "p".to_owned(),
    };
    store.finish(&done, outcome).await.unwrap();
    let leases: [Lease; 4] = claims.try_into().unwrap();

    let before = everything(&store).await;
    execute(
        &store,
        "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no more events'); END",
    )
    .await;
    for (what, changed) in attempt_all(&store, &leases, done.id).await {
        let error = changed.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Internal, "{what}: {error}");
        assert!(error.message().contains("no more events"), "{what}: {error}");
    }
    let after = everything(&store).await;
    assert_eq!(after, before, "nothing happened");
    for lease in &leases {
        assert!(store.holds(lease).await.unwrap(), "{lease:?}");
    }

    // It was the event that stood in the way, and only that.
    execute(&store, "DROP TRIGGER refuse").await;
    for (what, changed) in attempt_all(&store, &leases, done.id).await {
        assert!(changed.is_ok(), "{what}: {changed:?}");
    }
    let (_, events) = everything(&store).await;
    assert_eq!(events.len(), before.1.len() + 8);
}

#[tokio::test]
async fn events_outlive_the_service_and_their_records() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    for _ in 0..3 {
        store.insert(new()).await.unwrap();
    }
    let events = store.undelivered(10).await.unwrap();
    store.delivered(events[0].id, at(1)).await.unwrap();
    store.close().await;

    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.undelivered(10).await.unwrap(), events[1..]);
    execute(&store, "DELETE FROM composes WHERE id = 3").await;
    assert_eq!(store.undelivered(10).await.unwrap(), events[1..]);
    // Neither the id nor the number comes twice, even if both are deleted by hand.
    execute(&store, "DELETE FROM events").await;
    store.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.insert(new()).await.unwrap().id, ComposeId::new(4));
    let next = store.undelivered(10).await.unwrap().remove(0);
    assert!(next.id > events[2].id, "{next:?}");

    // When it was delivered is kept, also if it is reported twice.
    store.delivered(next.id, at(2)).await.unwrap();
    store.delivered(next.id, at(3)).await.unwrap();
    let delivered = answer(&store, "SELECT max(delivered) FROM events").await;
    assert_eq!(delivered, at(2).seconds().to_string());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_and_not_passed_over() {
    let store = SqliteStore::in_memory().await.unwrap();
    store.insert(new()).await.unwrap();
    store.insert(new()).await.unwrap();
    for (change, found) in [
        ("record = '{'", "record is no JSON"),
        ("record = '{}'", "record is no JSON"),
        ("from_state = 9", "from_state is 9"),
    ] {
        execute(&store, &format!("UPDATE events SET {change} WHERE id = 1")).await;
        let error = store.undelivered(10).await.unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Internal, "odcs-1"));
        assert!(error.message().contains(found), "{error}");
    }
}

#[tokio::test]
async fn events_of_a_version_without_the_newest_fields_are_read() {
    let store = SqliteStore::in_memory().await.unwrap();
    let compose = store.insert(new()).await.unwrap();
    execute(
        &store,
        "UPDATE events SET record = json_remove(record, '$.renews', '$.pungi_config_dump')",
    )
    .await;
    let event = store.undelivered(1).await.unwrap().remove(0);
    assert_eq!((event.from, event.compose.state), (None, ComposeState::Wait));
    assert_eq!(event.compose.requested, compose.requested);
}

#[tokio::test]
async fn events_before_one_that_cannot_be_read_do_not_wait_for_it() {
    let store = SqliteStore::in_memory().await.unwrap();
    for _ in 0..4 {
        store.insert(new()).await.unwrap();
    }
    execute(&store, "UPDATE events SET record = 'x' WHERE id = 3").await;
    let events = store.undelivered(10).await.unwrap();
    let ids: Vec<_> = events.iter().map(|event| event.id.number()).collect();
    assert_eq!(ids, [1, 2]);
    store.delivered(events[1].id, at(1)).await.unwrap();
    let error = store.undelivered(10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("compose 3"), "{error}");
}
