//! A worker: takes composes up one after the other, until it is told to stop.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::run::Made;
use super::{Engine, Parts, lease, progress, run};
use crate::compose::{Compose, ComposeId};
use crate::productmd::ComposeIdent;
use crate::store::{Claim, Lease, Outcome};
use crate::{ErrorKind, Result};

/// Makes the composes that wait.
#[derive(Clone, Debug)]
pub struct Worker {
    engine: Engine,
}

/// How a worker is asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Takes no more work; what is running may finish.
    pub drain: CancellationToken,
    /// Hands back what is running.
    pub abort: CancellationToken,
}

impl Worker {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Takes up composes until `drain` is cancelled, then lets those that are running finish; once
    /// `abort` is cancelled too, they are handed back and wait for another worker.
    pub async fn run(&self, shutdown: Shutdown) {
        let parts = &self.engine.parts;
        let mut running = JoinSet::new();
        while !shutdown.drain.is_cancelled() {
            parts.last_look.note(&*parts.clock);
            while let Some(ended) = running.try_join_next() {
                note(ended);
            }
            if running.len() < parts.settings.concurrency {
                match self.claim().await {
                    Ok(Some(claim)) => {
                        let (worker, abort) = (self.clone(), shutdown.abort.clone());
                        running.spawn(async move { worker.make(claim, abort).await });
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "no work can be taken up now"),
                }
            }
            tokio::select! {
                () = shutdown.drain.cancelled() => {}
                () = parts.submitted.notified() => {}
                Some(ended) = running.join_next() => note(ended),
                () = parts.clock.sleep(parts.settings.poll) => {}
            }
        }
        while let Some(ended) = running.join_next().await {
            note(ended);
        }
    }

    /// Makes the next compose that waits, if there is one, and returns its record.
    ///
    /// A compose that fails is not an error: its record says so.
    ///
    /// # Errors
    /// What the store says when it cannot be asked.
    pub async fn run_one(&self) -> Result<Option<Compose>> {
        let Some(claim) = self.claim().await? else {
            return Ok(None);
        };
        let id = claim.compose.id;
        self.make(claim, CancellationToken::new()).await;
        self.engine.parts.store.get(id).await
    }

    async fn claim(&self) -> Result<Option<Claim>> {
        let parts = &self.engine.parts;
        parts
            .store
            .claim(&parts.settings.worker, parts.clock.now(), parts.settings.lease)
            .await
    }

    /// Makes one compose and records how it ended.
    #[tracing::instrument(name = "compose", skip_all, fields(id = %claim.compose.id, lease = claim.lease.number, source = %claim.compose.requested.source))]
    async fn make(&self, claim: Claim, abort: CancellationToken) {
        let parts = Arc::clone(&self.engine.parts);
        let (id, lease) = (claim.compose.id, claim.lease.clone());
        let began = progress::claimed(&parts, &claim);
        let work = abort.child_token();
        let _running = Running::new(Arc::clone(&parts), lease.clone(), work.clone());
        let _kept = lease::keep(Arc::clone(&parts), lease.clone(), work.clone());
        let outcome = run::run(&parts, claim, work).await;
        let at = parts.clock.now();
        let outcome = match outcome {
            // Its end has been recorded, for that could have gone wrong.
            Ok(Made::Reused(compose)) => {
                tracing::info!(compose = %id, reused = compose.reused_id.map(|of| of.number()), "done");
                parts.observer.compose_reused(compose.requested.source_type);
                progress::ended(&parts, &compose, began);
                return;
            }
            Ok(Made::Published { pungi_compose_id }) => {
                tracing::info!(compose = %id, "done");
                Outcome::Done {
                    at,
                    reason: run::DONE.into(),
                    pungi_compose_id,
                }
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                tracing::info!(compose = %id, "handed back");
                Outcome::HandedBack { at }
            }
            Err(error) => {
                tracing::warn!(compose = %id, operation = error.operation(), subject = error.subject(), ?error, "failed");
                Outcome::Failed {
                    at,
                    reason: run::failed_because(&error),
                    pungi_compose_id: self.begun_as(id).await,
                }
            }
        };
        let published = matches!(outcome, Outcome::Done { .. });
        let record = || parts.store.finish(&lease, outcome.clone());
        let recorded = match outcome {
            // The end of the lease does the same, and whoever stops should not wait.
            Outcome::HandedBack { .. } => record().await,
            Outcome::Done { .. } | Outcome::Reused { .. } | Outcome::Failed { .. } => {
                lease::insist(&parts, &lease, record).await
            }
        };
        match recorded {
            Ok(compose) => progress::ended(&parts, &compose, began),
            // Cancelled, or taken over: its record is somebody else's business.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                tracing::info!(compose = %id, %error, "the work on it was for nothing");
                if published {
                    parts.discarded.notify_one();
                }
            }
            // The lease will run out, and the compose is taken up again.
            Err(error) => {
                tracing::error!(compose = %id, %error, "how the compose ended could not be recorded");
            }
        }
    }
}

impl Worker {
    /// The id that a compose was to have in its metadata, if it came as far as being laid out: as the reference
    /// records it, which knows it once the source is resolved.
    async fn begun_as(&self, id: ComposeId) -> Option<String> {
        let compose = self.engine.parts.store.get(id).await.ok()??;
        let begun = compose.pins.is_some() || compose.renews.is_some();
        begun.then(|| ComposeIdent::of(&compose).to_string())
    }
}

/// Work that can be stopped by the id of its compose, until this is dropped.
struct Running {
    parts: Arc<Parts>,
    lease: Lease,
}

impl Running {
    fn new(parts: Arc<Parts>, lease: Lease, work: CancellationToken) -> Self {
        let before = parts.running().insert(lease.id, (lease.number, work));
        // This process takes a compose over from itself if its lease seemed to run out: the clock was set, or
        // the machine slept.
        if let Some((_, stale)) = before {
            stale.cancel();
        }
        Self { parts, lease }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.parts.running();
        if running
            .get(&self.lease.id)
            .is_some_and(|(number, _)| *number == self.lease.number)
        {
            running.remove(&self.lease.id);
        }
    }
}

/// A fault in this program ends one attempt, not the worker; the compose is taken up again when its lease
/// runs out.
fn note(ended: std::result::Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the work on a compose ended in a fault of this program");
    }
}
