//! Making one compose: resolve, content, gather, build.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Parts, gather, lease, progress};
use crate::build::{Abandoned, Built, Job, Phase, Progress, Work};
use crate::compose::Compose;
use crate::productmd::ComposeIdent;
use crate::request::ComposeRequest;
use crate::source::{ComposeSource, Content, Pins};
use crate::store::{Claim, Lease};
use crate::{Error, ErrorKind, Result};

/// Makes a compose, and returns its id in the metadata. Whatever happens, nothing half-made is left behind
/// or visible.
pub(super) async fn run(parts: &Parts, claim: Claim, cancel: CancellationToken) -> Result<String> {
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
        Ok(built) => {
            tracing::info!(compose = %lease.id, packages = built.packages, linked = built.linked, copied = built.copied, "built");
            parts.observer.packages_placed(built.linked, built.copied);
            Ok(built.pungi_compose_id)
        }
        Err(error) => give_up(parts, compose, lease, error).await,
    }
}

/// Clears up after an attempt that failed or was cancelled.
async fn give_up(parts: &Parts, compose: Compose, lease: Lease, error: Error) -> Result<String> {
    let ended = error.kind() != ErrorKind::Cancelled;
    // Whoever has taken the compose over may be about to publish it: only the holder says that it failed.
    let mut failed = ended && lease::confirm(parts, &lease).await.is_ok();
    // A worker that died after it had published, but before it could say so. What is visible is complete,
    // also if its source has gone since. A conflict means that something else is in its place.
    let published = failed
        && lease.number > 1
        && error.kind() != ErrorKind::Conflict
        && is_published(parts, &compose).await;
    failed &= !published;
    let abandoned = Abandoned {
        compose,
        lease,
        failed,
    };
    if let Err(error) = parts.builder.abandon(&abandoned).await {
        tracing::error!(compose = %abandoned.compose.id, %error, "what a failed attempt left could not be cleared away");
    }
    if published {
        tracing::info!(compose = %abandoned.compose.id, %error, "an earlier attempt had published it");
        return Ok(ComposeIdent::of(&abandoned.compose).to_string());
    }
    Err(error)
}

async fn is_published(parts: &Parts, compose: &Compose) -> bool {
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

async fn attempt(parts: &Parts, compose: Compose, lease: Lease, cancel: CancellationToken) -> Result<Built> {
    let Some(request) = compose.request.clone() else {
        let message = format!("the record of compose {} does not say what to make", compose.id);
        return Err(Error::new(
            ErrorKind::Internal,
            "read record",
            compose.id.to_string(),
            message,
        ));
    };
    let progress = progress::observed(parts, parts.builder.begin(&compose).await?);
    let result = stages(parts, compose, request, lease, cancel, &progress).await;
    match &result {
        // It is going to be tried again.
        Err(error) if error.kind() == ErrorKind::Cancelled => {}
        Err(error) => progress.step(Phase::Failed, &error.to_string()),
        Ok(_) => {}
    }
    result
}

async fn stages(
    parts: &Parts,
    compose: Compose,
    request: ComposeRequest,
    lease: Lease,
    cancel: CancellationToken,
    progress: &Arc<dyn Progress>,
) -> Result<Built> {
    let source = Arc::clone(parts.sources.get(&request.source.kind())?);
    let (compose, pins) = unless_cancelled(
        &cancel,
        resolve(parts, compose, &request, &lease, &*source, &**progress),
    )
    .await?;
    progress.step(Phase::Content, &format!("reading {}", request.source));
    let content = unless_cancelled(&cancel, source.content(&pins)).await?;
    let work = match content {
        Content::Packages(content) => {
            let (request, progress) = (request.clone(), Arc::clone(progress));
            let gathering = tokio::task::spawn_blocking(move || gather::plan(&request, content, &*progress));
            Work::Packages(unless_cancelled(&cancel, join(gathering)).await?)
        }
    };
    let job = Job {
        compose,
        lease,
        work,
        links: parts.links.clone(),
        cancel,
    };
    parts.builder.build(job, Arc::clone(progress)).await
}

/// Pins what moves, once: a compose that is taken up again keeps what the first attempt pinned.
async fn resolve(
    parts: &Parts,
    compose: Compose,
    request: &ComposeRequest,
    lease: &Lease,
    source: &dyn ComposeSource,
    progress: &dyn Progress,
) -> Result<(Compose, Pins)> {
    if let Some(pins) = compose.pins.clone() {
        return Ok((compose, pins));
    }
    progress.step(
        Phase::Resolve,
        &format!("resolving {} {}", source.kind(), request.source),
    );
    let resolved = source.resolve(request).await?;
    let record = || {
        parts
            .store
            .record_resolved(lease, &resolved.pins, &resolved.fields)
    };
    let compose = lease::insist(parts, lease, record).await.map_err(not_its_fault)?;
    Ok((compose, resolved.pins))
}

/// A compose does not fail because the store cannot be asked: it is handed back, and tried again.
fn not_its_fault(error: Error) -> Error {
    if !error.is_retryable() {
        return error;
    }
    let message = error.message().to_owned();
    let (operation, subject) = (error.operation(), error.subject().to_owned());
    Error::new(ErrorKind::Cancelled, operation, subject, message).with_source(error)
}

async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        () = cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "make compose", "", "the work was asked to stop")),
        result = work => result,
    }
}

async fn join<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    task.await.unwrap_or_else(|error| {
        let message = "the compose could not be made because of a fault in this program";
        Err(Error::new(ErrorKind::Internal, "gather", "", message).with_source(error))
    })
}
