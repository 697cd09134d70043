//! Clocks that are set while composes are under way.

use std::time::{Duration, Instant};

use odcs_core::engine::Shutdown;
use odcs_core::{ComposeState, ComposeStore, Error, ErrorKind};

use crate::support::{Call, Lab};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const STEPS: [i64; 3] = [-HOUR, DAY, 3_652 * DAY];

/// Until then a compose must have ended, as after a kill.
const PATIENCE: Duration = Duration::from_secs(30);

async fn ended(lab: &Lab, id: odcs_core::ComposeId) -> odcs_core::Compose {
    let begun = Instant::now();
    loop {
        let compose = lab.get(id).await;
        if !compose.state.is_unfinished() {
            return compose;
        }
        assert!(begun.elapsed() < PATIENCE, "it is stuck: {compose:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// While a compose is being made: it is made once, by whomever, and kept for its lifetime from then on.
#[tokio::test(flavor = "multi_thread")]
async fn set_while_a_compose_is_made() {
    for step in STEPS {
        let lab = Lab::new().await;
        let id = lab.submit(&["ed"]).await;
        let clock = lab.clock.clone();
        let once = std::sync::Arc::new(std::sync::Once::new());
        lab.source.before_content(move || {
            once.call_once(|| clock.step(step));
            Box::pin(tokio::time::sleep(Duration::from_millis(400)))
        });
        let shutdown = Shutdown::default();
        let (one, other) = (lab.engine.worker(), lab.another_engine().worker());
        let running = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { tokio::join!(one.run(shutdown.clone()), other.run(shutdown)) }
        });
        let compose = ended(&lab, id).await;
        shutdown.drain.cancel();
        running.await.unwrap();
        assert_eq!(compose.state, ComposeState::Done, "{step}: {compose:?}");
        let times = compose.times;
        assert_eq!(
            times.expires.since(times.done.unwrap()),
            compose.lifetime.duration()
        );
        assert!(lab.target(id, "compose").is_dir());
        assert!(lab.staging().is_empty(), "{step}: {:?}", lab.staging());
        let events = lab.store.undelivered(100).await.unwrap();
        let states: Vec<_> = events.iter().map(|event| event.compose.state).collect();
        assert_eq!(
            states,
            [ComposeState::Wait, ComposeState::Generating, ComposeState::Done],
            "{step}"
        );
    }
}

/// After a worker died: its compose is taken up soon, whatever the clock says by then.
#[tokio::test(flavor = "multi_thread")]
async fn set_after_a_worker_died() {
    for step in STEPS {
        let lab = Lab::new().await;
        let id = lab.submit(&["ed"]).await;
        let now = odcs_core::Clock::now(&lab.clock);
        let claim = lab
            .store
            .claim("killed", now, Duration::from_secs(1))
            .await
            .unwrap();
        claim.expect("something waits");
        lab.clock.step(step);
        let shutdown = Shutdown::default();
        let worker = lab.engine.worker();
        let running = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { worker.run(shutdown).await }
        });
        let compose = ended(&lab, id).await;
        shutdown.drain.cancel();
        running.await.unwrap();
        assert_eq!(compose.state, ComposeState::Done, "{step}: {compose:?}");
    }
}

/// How long a store that is busy is asked again is no matter of the time of day.
#[tokio::test]
async fn set_while_the_store_is_busy() {
    let busy = || Error::new(ErrorKind::Unavailable, "test", "store", "the database is busy");
    for step in STEPS {
        let lab = Lab::new().await;
        let id = lab.submit(&["ed"]).await;
        let clock = lab.clock.clone();
        lab.store.before_finish(move || {
            clock.step(step);
            Box::pin(async {})
        });
        lab.store.fail(Call::Finish, 2, busy);
        let compose = lab.run_one().await;
        assert_eq!(compose.state, ComposeState::Done, "{step}: {compose:?}");

        // Nor whether a lease that could not be prolonged this time is lost.
        lab.store.before_finish(|| Box::pin(async {}));
        let clock = lab.clock.clone();
        lab.source.before_content(move || {
            clock.step(step);
            Box::pin(tokio::time::sleep(Duration::from_millis(600)))
        });
        lab.store.fail(Call::Heartbeat, 1, busy);
        let other = lab.submit(&["line-editor-common"]).await;
        let compose = lab.run_one().await;
        assert_ne!(compose.id, id);
        assert_eq!((compose.id, compose.state), (other, ComposeState::Done), "{step}");
        assert_eq!(lab.store.failures_left(), 0);
    }
}

/// What is done expires when its time has come by the clock, not before; trees go with records.
#[tokio::test]
async fn set_while_a_compose_is_kept() {
    for step in STEPS {
        let lab = Lab::new().await;
        let id = lab.submit(&["ed"]).await;
        assert_eq!(lab.run_one().await.state, ComposeState::Done);
        lab.clock.step(step);
        let swept = lab.engine.sweeper(lab.trees()).sweep().await.unwrap();
        let is_over = step >= DAY;
        assert_eq!(swept.removed.contains(&id), is_over, "{step}");
        assert_eq!(lab.target(id, "compose").is_dir(), !is_over, "{step}");
        assert_eq!(lab.get(id).await.state == ComposeState::Removed, is_over);
        // The ids go on.
        assert!(lab.submit(&["ed"]).await > id);
        assert_eq!(lab.run_one().await.state, ComposeState::Done);
    }
}
