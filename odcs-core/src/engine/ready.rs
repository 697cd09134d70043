//! Whether the engine can do its work at the moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Engine, Parts};
use crate::Clock;
use crate::service::Readiness;
use crate::store::{Filter, Query};

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// When a worker of this process looked for work the last time: milliseconds of [`Clock::monotonic`], one
/// more; 0 if none did.
#[derive(Debug, Default)]
pub(super) struct LastLook(AtomicU64);

impl LastLook {
    pub(super) fn note(&self, clock: &dyn Clock) {
        self.0.store(now(clock), Ordering::Relaxed);
    }

    /// How long ago that was.
    fn age(&self, clock: &dyn Clock) -> Option<Duration> {
        let at = self.0.load(Ordering::Relaxed);
        (at > 0).then(|| Duration::from_millis(now(clock).saturating_sub(at)))
    }
}

fn now(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.monotonic().as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

impl Engine {
    pub(super) async fn readiness(&self) -> Readiness {
        let mut readiness = Readiness::default();
        readiness.add("store", store(&self.parts).await);
        readiness.add("worker", worker(&self.parts));
        readiness
    }
}

/// Asks for a record by its id, whether there is one or not: that costs nothing, however many there are.
async fn store(parts: &Parts) -> Result<(), String> {
    let query = Query {
        filters: vec![(Filter::Id, "1".to_owned())],
        per_page: 1,
        ..Query::default()
    };
    tokio::select! {
        found = parts.store.find(&query) => found.map(drop).map_err(|error| {
            tracing::warn!(%error, "the store cannot be asked");
            "records cannot be read".to_owned()
        }),
        () = parts.clock.sleep(STORE_TIMEOUT) => Err(format!("it did not answer within {} s", STORE_TIMEOUT.as_secs())),
    }
}

/// A worker that is busy comes by as often as one that has nothing to do. One that does not hangs, or has
/// died; the lease is how long anybody may go without a sign of life.
fn worker(parts: &Parts) -> Result<(), String> {
    let settings = &parts.settings;
    let overdue = settings.poll.saturating_mul(10).saturating_add(settings.lease);
    match parts.last_look.age(&*parts.clock) {
        None => Err("no worker has looked for work yet".to_owned()),
        Some(age) if age > overdue => Err(format!("nobody has looked for work for {} s", age.as_secs())),
        Some(_) => Ok(()),
    }
}
