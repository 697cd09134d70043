//! Using the tree of an equal compose rather than making the same once more.

use super::{Parts, lease, run};
use crate::build::{Phase, Progress};
use crate::compose::{Compose, ComposeId};
use crate::manifest::Fingerprint;
use crate::request::{ComposeRequest, Flag};
use crate::store::{Equal, Lease, Outcome};
use crate::{ErrorKind, Result};

/// Looks for an equal compose, waits for one that is being made, and records that it is used: this compose is
/// done then. `None` if there is none, or it is of no use: then the compose has to be made.
pub(super) async fn reuse(
    parts: &Parts,
    request: &ComposeRequest,
    fingerprint: &Fingerprint,
    lease: &Lease,
    progress: &dyn Progress,
) -> Result<Option<Compose>> {
    let mut waiting_for = None;
    loop {
        // Asked even if nothing is to be reused: others may want to reuse this one.
        let look = || parts.store.find_equal(lease, fingerprint, parts.clock.now());
        let equal = lease::insist(parts, lease, look)
            .await
            .map_err(run::not_its_fault)?;
        if request.flags.contains(Flag::NoReuse) {
            return Ok(None);
        }
        match equal {
            None => return Ok(None),
            Some(Equal::Running(id)) => {
                if waiting_for.replace(id) != Some(id) {
                    progress.step(
                        Phase::Gather,
                        &format!("compose {id} is going to be the same; waiting for it"),
                    );
                }
                parts.clock.sleep(parts.settings.poll).await;
            }
            Some(Equal::Done(of)) => {
                if !is_there(parts, of).await? {
                    progress.step(
                        Phase::Gather,
                        &format!("compose {of} is the same, but its tree is not what it should be"),
                    );
                    return Ok(None);
                }
                match take(parts, lease, of).await {
                    Ok(compose) => {
                        progress.step(Phase::Publish, &format!("compose {of} is the same, and is used"));
                        return Ok(Some(compose));
                    }
                    // It has been removed meanwhile; there may be another one.
                    Err(error) if error.kind() == ErrorKind::Gone => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Whether the tree is really on disk.
async fn is_there(parts: &Parts, of: ComposeId) -> Result<bool> {
    let record = parts.store.get(of).await.map_err(run::not_its_fault)?;
    Ok(match record {
        Some(record) => run::is_published(parts, &record).await,
        None => false,
    })
}

async fn take(parts: &Parts, lease: &Lease, of: ComposeId) -> Result<Compose> {
    let record = || {
        let outcome = Outcome::Reused {
            at: parts.clock.now(),
            reason: run::DONE.to_owned(),
            of,
        };
        parts.store.finish(lease, outcome)
    };
    lease::insist(parts, lease, record)
        .await
        .map_err(run::not_its_fault)
}
