//! Keeping a lease while work goes on.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Parts;
use crate::store::Lease;
use crate::{ErrorKind, Result};

/// Prolongs a lease three times in its length until the token it returns is dropped with its guard;
/// cancels `work` once the lease is lost, so that a stale worker stops by itself.
pub(super) fn keep(parts: Arc<Parts>, lease: Lease, work: CancellationToken) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    tokio::spawn(async move {
        let length = parts.settings.lease;
        let mut good_until = parts.clock.now().plus(length);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = parts.clock.sleep(length / 3) => {}
            }
            let until = parts.clock.now().plus(length);
            match prolong(&parts, &lease, until).await {
                Ok(()) => good_until = until,
                Err(error) if error.kind() == ErrorKind::Conflict || parts.clock.now() >= good_until => {
                    tracing::warn!(compose = %lease.id, %error, "the lease is lost, the work on it stops");
                    work.cancel();
                    return;
                }
                // The store may be back before the lease runs out.
                Err(error) => tracing::warn!(compose = %lease.id, %error, "the lease could not be prolonged"),
            }
        }
    });
    guard
}

async fn prolong(parts: &Parts, lease: &Lease, until: crate::Timestamp) -> Result<()> {
    parts.store.heartbeat(lease, until).await
}
