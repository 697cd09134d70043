//! Whoever wants to know learns of every change of state, in order.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use odcs_core::engine::Shutdown;
use odcs_core::{ComposeState, ComposeStore, Error, ErrorKind, Event, EventSink, Result};

use crate::support::Lab;

/// Takes events down, when it does not refuse them.
#[derive(Debug, Default)]
struct Listener {
    heard: Mutex<Vec<(i64, ComposeState)>>,
    refusals: Mutex<usize>,
}

impl Listener {
    fn heard(&self) -> Vec<(i64, ComposeState)> {
        self.heard.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventSink for Listener {
    fn name(&self) -> &str {
        "listener"
    }

    async fn deliver(&self, event: &Event) -> Result<()> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            let message = "the broker is away";
            return Err(Error::new(ErrorKind::Unavailable, "test", "listener", message));
        }
        let heard = (event.compose.id.number(), event.compose.state);
        self.heard.lock().unwrap().push(heard);
        Ok(())
    }
}

#[tokio::test]
async fn every_change_is_delivered_in_order() {
    let lab = Lab::new().await;
    lab.submit(&["ed"]).await;
    lab.run_one().await;
    lab.submit(&["nothing-like-it"]).await;
    lab.run_one().await;
    let cancelled = lab.submit(&["ed"]).await;
    for id in [1, 3] {
        lab.engine
            .delete(odcs_core::ComposeId::new(id), "me")
            .await
            .unwrap();
    }
    assert_eq!(cancelled.number(), 3);
    lab.engine.sweeper(lab.trees()).sweep().await.unwrap();
    let listener = Arc::new(Listener::default());
    *listener.refusals.lock().unwrap() = 2;
    let dispatcher = lab.engine.dispatcher(vec![Arc::clone(&listener) as _]);
    for _ in 0..2 {
        assert!(dispatcher.dispatch().await.unwrap_err().is_retryable());
        assert_eq!(listener.heard(), [], "nothing goes ahead of what was refused");
    }
    while dispatcher.dispatch().await.unwrap() > 0 {}
    use ComposeState::{Done, Failed, Generating, Removed, Wait};
    assert_eq!(
        listener.heard(),
        [
            (1, Wait),
            (1, Generating),
            (1, Done),
            (2, Wait),
            (2, Generating),
            (2, Failed),
            (3, Wait),
            (3, Failed),
            (1, Removed)
        ]
    );
    assert!(lab.store.undelivered(10).await.unwrap().is_empty());
}

/// A compose that is cancelled in one process stops in the other that makes it, within two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_elsewhere_it_stops_soon() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    lab.source
        .before_content(|| Box::pin(tokio::time::sleep(Duration::from_secs(60))));
    let worker = lab.engine.worker();
    let shutdown = Shutdown::default();
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { worker.run(shutdown).await }
    });
    while lab.get(id).await.state != ComposeState::Generating {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    lab.another_engine().delete(id, "me").await.unwrap();
    shutdown.drain.cancel();
    running.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(lab.get(id).await.state, ComposeState::Failed);
    assert!(lab.staging().is_empty());
}
