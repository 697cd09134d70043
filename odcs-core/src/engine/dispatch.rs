//! Getting events out: from the outbox of the store to whoever wants to know.

use std::sync::Arc;

use super::{Engine, Shutdown};
use crate::Result;
use crate::event::{Event, EventSink};

/// Events that are read at a time.
const BATCH: u32 = 100;

/// Delivers events, in order and at least once, to all sinks.
///
/// What a sink does not take comes again, and whatever is behind it waits: nobody is told that a compose is
/// done before being told that it was begun.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    engine: Engine,
    sinks: Vec<Arc<dyn EventSink>>,
}

impl Engine {
    /// A dispatcher to these sinks. Without any, events count as delivered, to nobody.
    pub fn dispatcher(&self, sinks: Vec<Arc<dyn EventSink>>) -> Dispatcher {
        Dispatcher {
            engine: self.clone(),
            sinks,
        }
    }
}

impl Dispatcher {
    /// Delivers what there is and what comes, until `drain` is cancelled.
    pub async fn run(&self, shutdown: Shutdown) {
        let parts = &self.engine.parts;
        while !shutdown.drain.is_cancelled() {
            let delivered = self.dispatch().await;
            if let Err(error) = &delivered {
                tracing::warn!(%error, "events cannot be delivered now; they are kept");
            }
            if matches!(delivered, Ok(count) if count > 0) {
                continue;
            }
            tokio::select! {
                () = shutdown.drain.cancelled() => {}
                () = parts.clock.sleep(parts.settings.poll) => {}
            }
        }
    }

    /// Delivers some of what waits, and returns how many events that were; 0 if nothing waits.
    ///
    /// # Errors
    /// What the store or the sink says that could not take an event. What was delivered before that stays
    /// delivered.
    pub async fn dispatch(&self) -> Result<usize> {
        let parts = &self.engine.parts;
        let events = parts.store.undelivered(BATCH).await?;
        let mut delivered = None;
        let mut failure = None;
        for event in &events {
            match self.deliver(event).await {
                Ok(()) => delivered = Some(event.id),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        if let Some(up_to) = delivered {
            parts.store.delivered(up_to, parts.clock.now()).await?;
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(events.len()),
        }
    }

    async fn deliver(&self, event: &Event) -> Result<()> {
        for sink in &self.sinks {
            sink.deliver(event).await.inspect_err(|error| {
                tracing::warn!(sink = sink.name(), event = %event.id, compose = %event.compose.id, %error, "an event was not taken");
            })?;
        }
        Ok(())
    }
}
