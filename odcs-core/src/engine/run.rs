//! Making one compose: resolve, content, gather, build.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Parts, gather};
use crate::build::{Abandoned, Built, Job, Phase, Progress, Work};
use crate::compose::Compose;
use crate::request::ComposeRequest;
use crate::source::{ComposeSource, Content, Pins};
use crate::store::{Claim, Lease};
use crate::{Error, ErrorKind, Result};

/// Makes a compose. Whatever happens, nothing half-made is left behind or visible.
pub(super) async fn run(parts: &Parts, claim: Claim, cancel: CancellationToken) -> Result<Built> {
    let Claim { compose, lease, .. } = claim;
    let result = attempt(parts, compose.clone(), lease.clone(), cancel).await;
    if let Err(error) = &result {
        let failed = error.kind() != ErrorKind::Cancelled;
        let abandoned = Abandoned {
            compose,
            lease,
            failed,
        };
        if let Err(error) = parts.builder.abandon(&abandoned).await {
            tracing::error!(compose = %abandoned.compose.id, %error, "what a failed attempt left could not be cleared away");
        }
    }
    result
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
    let progress = parts.builder.begin(&compose).await?;
    let result = stages(parts, compose, request, lease, cancel, &progress).await;
    if let Err(error) = &result {
        progress.step(Phase::Failed, &error.to_string());
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
    let compose = parts
        .store
        .record_resolved(lease, &resolved.pins, &resolved.fields)
        .await?;
    Ok((compose, resolved.pins))
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
