//! Keeping a lease while work goes on, and recording what is done under it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Parts;
use crate::compose::ComposeState;
use crate::store::Lease;
use crate::{ErrorKind, Result};

/// Prolongs a lease three times in its length until the token it returns is dropped with its guard;
/// cancels `work` once the lease is lost, so that a stale worker stops by itself. Whether it is lost is
/// looked up more often than it is prolonged: somebody may have cancelled the compose elsewhere.
pub(super) fn keep(parts: Arc<Parts>, lease: Lease, work: CancellationToken) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    let keeping = async move {
        let length = parts.settings.lease;
        // By the clock that nobody sets: a lease is good for as long as it is, whatever the time of day.
        let mut good_until = parts.clock.monotonic().saturating_add(length);
        let look = parts.settings.poll.min(length / 3);
        let mut unprolonged = Duration::ZERO;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = parts.clock.sleep(look) => {}
            }
            unprolonged += look;
            if unprolonged < length / 3 && parts.store.holds(&lease).await.unwrap_or(true) {
                continue;
            }
            unprolonged = Duration::ZERO;
            let until = parts.clock.now().plus(length);
            let asked = parts.clock.monotonic();
            match parts.store.heartbeat(&lease, until).await {
                Ok(()) => good_until = asked.saturating_add(length),
                Err(error)
                    if error.kind() == ErrorKind::Conflict || parts.clock.monotonic() >= good_until =>
                {
                    if is_over(&parts, &lease).await {
                        tracing::debug!(compose = %lease.id, "it was cancelled or has ended, the work on it stops");
                    } else {
                        tracing::warn!(compose = %lease.id, %error, "the lease is lost, the work on it stops");
                        parts.observer.lease_lost();
                    }
                    work.cancel();
                    return;
                }
                // The store may be back before the lease runs out.
                Err(error) => tracing::warn!(compose = %lease.id, %error, "the lease could not be prolonged"),
            }
        }
    };
    tokio::spawn(keeping.in_current_span());
    guard
}

/// Whether a lease does not count any more because nobody makes the compose: it was cancelled, or its end was
/// recorded just now. Somebody else who makes it has taken it over.
async fn is_over(parts: &Parts, lease: &Lease) -> bool {
    let record = parts.store.get(lease.id).await;
    matches!(record, Ok(Some(compose)) if compose.state != ComposeState::Generating)
}

/// Prolongs a lease by its whole length once more. Whoever gets through is its holder for that long.
pub(super) async fn confirm(parts: &Parts, lease: &Lease) -> Result<()> {
    let until = parts.clock.now().plus(parts.settings.lease);
    parts.store.heartbeat(lease, until).await
}

/// Records something under a lease. A store that is busy or full for a moment is asked again for as long
/// as a lease lasts: work that is done should not be lost to that.
pub(super) async fn insist<T, F>(parts: &Parts, lease: &Lease, record: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let until = parts.clock.monotonic().saturating_add(parts.settings.lease);
    loop {
        match record().await {
            Err(error) if error.is_retryable() && parts.clock.monotonic() < until => {
                tracing::warn!(compose = %lease.id, %error, "it could not be recorded, and is going to be tried again");
                parts.clock.sleep(parts.settings.poll).await;
            }
            result => return result,
        }
    }
}
