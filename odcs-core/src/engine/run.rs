//! Making one compose: resolve, content, gather, build; or what an earlier one was made of, once more.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::contents::Origins;
use super::{Parts, checksums, fetch, fingerprint, gather, lease, progress, replay, reuse};
use crate::build::{Abandoned, Job, Phase, Progress, Staged, Work};
use crate::compose::{Compose, ComposeId};
use crate::manifest::{Fingerprint, Manifest};
use crate::plan::{Plan, SignatureRules};
use crate::productmd::ComposeIdent;
use crate::request::ComposeRequest;
use crate::source::{PackageContent, Pins};
use crate::store::{Claim, Lease};
use crate::{Error, ErrorKind, Result};

/// The sentence in the record of a compose that is done.
pub(super) const DONE: &str = "Compose is generated successfully";

/// The sentence in the record of a compose that failed.
pub(super) fn failed_because(error: &Error) -> String {
    format!("Error while generating compose: {error}")
}

/// How a compose came to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Made {
    /// It has a tree of its own; that it is done is still to be recorded.
    Published {
        /// Its id in the metadata.
        pungi_compose_id: String,
    },
    /// It uses the tree of another; its record says so already.
    Reused(Box<Compose>),
}

/// Makes a compose. Whatever happens, nothing half-made is left behind or visible.
pub(super) async fn run(parts: &Parts, claim: Claim, cancel: CancellationToken) -> Result<Made> {
    let Claim {
        compose,
        lease,
        attempt: number,
    } = claim;
    let result = if number > parts.settings.attempts {
        Err(tried_too_often(&compose, parts.settings.attempts))
    } else {
        attempt(parts, compose.clone(), lease.clone(), cancel).await
    };
    match result {
        Ok(made) => {
            // What earlier attempts left that were killed, and this one had no reason to clear away.
            if lease.number > 1 {
                clear_away(parts, compose, lease, false).await;
            }
            Ok(made)
        }
        Err(error) => give_up(parts, compose, lease, error).await,
    }
}

async fn clear_away(parts: &Parts, compose: Compose, lease: Lease, failed: bool) {
    let abandoned = Abandoned {
        compose,
        lease,
        failed,
    };
    if let Err(error) = parts.builder.abandon(&abandoned).await {
        tracing::error!(compose = %abandoned.lease.id, %error, "what an attempt left could not be cleared away");
    }
}

/// Clears up after an attempt that failed or was cancelled.
async fn give_up(parts: &Parts, compose: Compose, lease: Lease, error: Error) -> Result<Made> {
    let ended = error.kind() != ErrorKind::Cancelled;
    // Whoever has taken the compose over may be about to publish it: only the holder says that it failed.
    let failed = ended && lease::confirm(parts, &lease).await.is_ok();
    if failed && lease.number > 1 {
        // From here on no earlier attempt can publish any more, also if its worker lives after all.
        clear_away(parts, compose.clone(), lease.clone(), false).await;
        // A worker that died after it had published, but before it could say so. What is visible is complete,
        // also if its source has gone since. A conflict means that something else is in its place.
        if error.kind() != ErrorKind::Conflict && is_published(parts, &compose).await {
            tracing::info!(compose = %compose.id, %error, "an earlier attempt had published it");
            return Ok(published_as(&compose));
        }
    }
    clear_away(parts, compose, lease, failed).await;
    Err(error)
}

fn published_as(compose: &Compose) -> Made {
    Made::Published {
        pungi_compose_id: ComposeIdent::of(compose).to_string(),
    }
}

pub(super) async fn is_published(parts: &Parts, compose: &Compose) -> bool {
    parts.builder.is_published(compose).await.unwrap_or_else(|error| {
        tracing::warn!(compose = %compose.id, %error, "whether it was published cannot be seen");
        false
    })
}

fn tried_too_often(compose: &Compose, attempts: u32) -> Error {
    let message = format!(
        "compose {} was begun {attempts} times, and each time the service died before it was finished; the \
         service's log may say why",
        compose.id
    );
    Error::new(
        ErrorKind::Internal,
        "make compose",
        compose.id.to_string(),
        message,
    )
}

async fn attempt(parts: &Parts, compose: Compose, lease: Lease, cancel: CancellationToken) -> Result<Made> {
    let Some(request) = compose.request.clone() else {
        let message = format!("the record of compose {} does not say what to make", compose.id);
        return Err(Error::new(
            ErrorKind::Internal,
            "read record",
            compose.id.to_string(),
            message,
        ));
    };
    // An earlier attempt may not have lived to say that it was done.
    if lease.number > 1 && is_published(parts, &compose).await {
        tracing::info!(compose = %compose.id, "an earlier attempt had published it");
        return Ok(published_as(&compose));
    }
    let progress = progress::observed(parts, parts.builder.begin(&compose).await?);
    let making = Making {
        parts,
        request,
        lease,
        cancel,
        progress: Arc::clone(&progress),
    };
    let result = making.make(compose).await;
    match &result {
        // It is going to be tried again.
        Err(error) if error.kind() == ErrorKind::Cancelled => {}
        Err(error) => progress.step(Phase::Failed, &error.to_string()),
        Ok(_) => {}
    }
    result
}

/// What all steps of an attempt need.
struct Making<'a> {
    parts: &'a Parts,
    request: ComposeRequest,
    lease: Lease,
    cancel: CancellationToken,
    progress: Arc<dyn Progress>,
}

impl Making<'_> {
    async fn make(mut self, compose: Compose) -> Result<Made> {
        let origins = Origins::of(self.parts, &self.request)?;
        let recorded = match compose.renews {
            Some(of) => self.recorded_manifest(of).await?,
            None => None,
        };
        let (compose, plan) = match recorded {
            Some(manifest) => {
                let compose = self.settle(compose)?;
                let plan = self.replay(&origins, manifest).await?;
                (compose, plan)
            }
            None => self.gather(&origins, compose).await?,
        };
        let (plan, fingerprint) = self.fingerprint(&compose, plan).await?;
        let (parts, lease) = (self.parts, &self.lease);
        let equal = reuse::reuse(parts, &self.request, &fingerprint, lease, &*self.progress);
        if let Some(compose) = self.unless_cancelled(equal).await? {
            return Ok(Made::Reused(Box::new(compose)));
        }
        let plan = self.with_checksums(&origins, plan).await?;
        self.build(compose, plan).await
    }

    /// Pins what moves, asks the source what there is, and decides what belongs.
    async fn gather(&mut self, origins: &Origins, compose: Compose) -> Result<(Compose, Plan)> {
        let pinned_before = compose.pins.is_some();
        let (mut compose, pins) = self.unless_cancelled(self.resolve(compose, origins)).await?;
        self.progress
            .step(Phase::Content, &format!("reading {}", self.request.source));
        let content = match self.unless_cancelled(origins.content(&pins)).await {
            // What an attempt pinned that was killed or handed back has moved on. Nobody has seen a compose
            // of it, so what there is now is as good.
            Err(error) if pinned_before && error.kind() == ErrorKind::Gone => {
                self.progress
                    .step(Phase::Resolve, &format!("{error}; resolving again"));
                compose.pins = None;
                let (resolved, pins) = self.unless_cancelled(self.resolve(compose, origins)).await?;
                compose = resolved;
                self.unless_cancelled(origins.content(&pins)).await?
            }
            content => content?,
        };
        let compose = self.settle(compose)?;
        let cancel = self.cancel.clone();
        let plan = self
            .plan(move |request, rules, progress| gather::plan(request, content, rules, progress, &cancel));
        Ok((compose, plan.await?))
    }

    /// From here on, what resolving has found out counts as asked for.
    fn settle(&mut self, mut compose: Compose) -> Result<Compose> {
        if let Some(resolved) = compose.resolved_request()? {
            self.request.clone_from(&resolved);
            compose.request = Some(resolved);
        }
        Ok(compose)
    }

    /// Has the source say which checksums files must have, now that it is clear which of them belong.
    async fn with_checksums(&self, origins: &Origins, mut plan: Plan) -> Result<Plan> {
        let unknown = checksums::unknown(&plan);
        if unknown.is_empty() {
            return Ok(plan);
        }
        let count = unknown.len();
        let message = format!("asking for the checksums of {count} packages");
        self.progress.step(Phase::Content, &message);
        let known = self.unless_cancelled(origins.checksums(&unknown)).await?;
        checksums::put(&mut plan, &unknown, known)?;
        Ok(plan)
    }

    /// What a manifest says, laid out once more.
    async fn replay(&self, origins: &Origins, manifest: Manifest) -> Result<Plan> {
        let count = manifest.packages.len();
        self.progress.step(
            Phase::Content,
            &format!("looking for the {count} packages of the compose that is renewed"),
        );
        let content: PackageContent = self.unless_cancelled(origins.replay(&manifest)).await?;
        self.plan(move |request, rules, progress| replay::plan(request, &manifest, content, rules, progress))
            .await
    }

    /// Heavy work without I/O, on a blocking thread.
    async fn plan(
        &self,
        plan: impl FnOnce(&ComposeRequest, &SignatureRules, &dyn Progress) -> Result<Plan> + Send + 'static,
    ) -> Result<Plan> {
        let (request, progress) = (self.request.clone(), Arc::clone(&self.progress));
        let rules = self.parts.settings.signatures.clone();
        let planning = tokio::task::spawn_blocking(move || plan(&request, &rules, &*progress));
        self.unless_cancelled(join(planning)).await
    }

    /// The fingerprint of the compose, which is heavy work for many packages, too.
    async fn fingerprint(&self, compose: &Compose, plan: Plan) -> Result<(Plan, Fingerprint)> {
        let (request, pins) = (self.request.clone(), compose.pins.clone());
        let links = self.parts.links.clone();
        let layout = self.parts.builder.capability().layout;
        let work = move || {
            let base = links.base_of(request.target_dir.as_str());
            let fingerprint = fingerprint::fingerprint(&request, &plan, pins.as_ref(), base, &layout)?;
            Ok((plan, fingerprint))
        };
        self.unless_cancelled(join(tokio::task::spawn_blocking(work)))
            .await
    }

    /// Pins what moves, once: a compose that is taken up again keeps what the first attempt pinned.
    async fn resolve(&self, compose: Compose, origins: &Origins) -> Result<(Compose, Pins)> {
        if let Some(pins) = compose.pins.clone() {
            return Ok((compose, pins));
        }
        self.progress.step(
            Phase::Resolve,
            &format!("resolving {} {}", self.request.source.kind(), self.request.source),
        );
        let resolved = origins.resolve().await?;
        let store = &self.parts.store;
        let record = || store.record_resolved(&self.lease, &resolved.pins, &resolved.fields);
        let compose = lease::insist(self.parts, &self.lease, record).await;
        Ok((compose.map_err(not_its_fault)?, resolved.pins))
    }

    async fn recorded_manifest(&self, of: ComposeId) -> Result<Option<Manifest>> {
        let read = || self.parts.store.manifest(of);
        let manifest = lease::insist(self.parts, &self.lease, read).await;
        manifest.map_err(not_its_fault)
    }

    /// Lays the compose out, records what is in it, and publishes it.
    async fn build(self, compose: Compose, plan: Plan) -> Result<Made> {
        let staged = self.stage(compose, plan).await?;
        // Under the lease: whoever has lost it does not come as far as publishing.
        let store = &self.parts.store;
        let record = || store.record_manifest(&self.lease, staged.manifest());
        let recorded = lease::insist(self.parts, &self.lease, record).await;
        recorded.map_err(not_its_fault)?;
        if self.cancel.is_cancelled() {
            return Err(stopped());
        }
        let built = staged.publish().await?;
        self.parts.observer.packages_placed(built.linked, built.copied);
        tracing::info!(compose = %self.lease.id, packages = built.packages, linked = built.linked, copied = built.copied, "built");
        Ok(Made::Published {
            pungi_compose_id: built.pungi_compose_id,
        })
    }

    /// Fetches what is elsewhere, and has all of it laid out. What was fetched earlier may have been damaged or evicted
    /// since: then it is fetched again, once.
    async fn stage(&self, compose: Compose, plan: Plan) -> Result<Box<dyn Staged>> {
        let (parts, progress) = (self.parts, &self.progress);
        let plan = self
            .unless_cancelled(fetch::fetch(parts, plan, &**progress))
            .await?;
        let job = |plan| Job {
            compose: compose.clone(),
            lease: self.lease.clone(),
            work: Work::Packages(plan),
            links: parts.links.clone(),
            cancel: self.cancel.clone(),
        };
        // What is of this machine is not fetched again, and a plan may be long.
        let fetched = fetch::has_remote(&plan).then(|| plan.clone());
        let error = match parts.builder.stage(job(plan), Arc::clone(progress)).await {
            Ok(staged) => return Ok(staged),
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => error,
        };
        let Some(plan) = fetched else {
            return Err(error);
        };
        if !self
            .unless_cancelled(fetch::is_damaged(parts, &plan, &**progress))
            .await?
        {
            return Err(error);
        }
        let plan = self
            .unless_cancelled(fetch::fetch(parts, plan, &**progress))
            .await?;
        parts.builder.stage(job(plan), Arc::clone(progress)).await
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(stopped()),
            result = work => result,
        }
    }
}

pub(super) fn stopped() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "make compose",
        "",
        "the work was asked to stop",
    )
}

/// A compose does not fail because the store cannot be asked: it is handed back, and tried again.
pub(super) fn not_its_fault(error: Error) -> Error {
    if !error.is_retryable() {
        return error;
    }
    let message = error.message().to_owned();
    let (operation, subject) = (error.operation(), error.subject().to_owned());
    Error::new(ErrorKind::Cancelled, operation, subject, message).with_source(error)
}

pub(super) async fn join<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    task.await.unwrap_or_else(|error| {
        let message = "the compose could not be made because of a fault in this program";
        Err(Error::new(ErrorKind::Internal, "gather", "", message).with_source(error))
    })
}
