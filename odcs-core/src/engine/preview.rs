//! Dry runs: what would be in a compose, and nothing made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use odcs_rpm::{Nevra, PackageKind};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::contents::Origins;
use super::{Engine, Parts, gather, run};
use crate::build::{Phase, Progress};
use crate::plan::Plan;
use crate::request::ComposeRequest;
use crate::service::{Outlook, Preview, PreviewPackage};
use crate::{Error, ErrorKind, Result};

/// Lines that are kept of what the log would say: all that the checks of an arch name.
const LINES: usize = 2_000;

impl Engine {
    /// What a compose of this request would consist of; the checks are those of [`submit`](Engine::submit).
    ///
    /// # Errors
    /// As [`ComposeService::preview`](crate::ComposeService::preview).
    pub async fn preview(&self, mut request: ComposeRequest) -> Result<Preview> {
        let parts = &self.parts;
        self.complete(&mut request);
        let mut warnings = self.check(&request)?;
        let permit = Arc::clone(&parts.previews).try_acquire_owned();
        let permit = permit.map_err(|_| busy(parts.settings.previews))?;
        // Whoever goes away drops this, and the work ends with the step that it is at.
        let cancel = CancellationToken::new();
        let _asked = cancel.clone().drop_guard();
        let log = Arc::new(Log::default());
        let work = work(Arc::clone(parts), request, Arc::clone(&log), cancel, permit);
        let limit = parts.settings.preview_timeout;
        let planned = tokio::select! {
            planned = run::join(tokio::spawn(work.in_current_span())) => planned,
            () = parts.clock.sleep(limit) => Err(too_slow(limit)),
        };
        let outlook = match planned {
            Ok(plan) => {
                if plan
                    .arches
                    .iter()
                    .any(|arch| !arch.signatures.accepts_everything())
                {
                    let open = "whether the packages are signed with the keys asked for is seen when the compose is made";
                    warnings.push(open.to_owned());
                }
                Outlook::Made {
                    packages: packages(&plan),
                    lookaside: plan.lookaside(),
                    description: plan.source_description,
                }
            }
            Err(error) if would_fail(error.kind()) => Outlook::Failed {
                reason: run::failed_because(&error),
            },
            Err(error) => return Err(error),
        };
        Ok(Preview {
            outlook,
            log: log.take(),
            warnings,
        })
    }
}

/// The steps of a compose up to its packages. Blocking work cannot be interrupted, so each step is waited for: the
/// permit is given back when nothing is being done any more.
async fn work(
    parts: Arc<Parts>,
    mut request: ComposeRequest,
    log: Arc<Log>,
    cancel: CancellationToken,
    _permit: OwnedSemaphorePermit,
) -> Result<Plan> {
    let go_on = || {
        if cancel.is_cancelled() {
            Err(run::stopped())
        } else {
            Ok(())
        }
    };
    let origins = Origins::of(&parts, &request)?;
    let resolved = origins.resolve().await?;
    go_on()?;
    resolved.fields.rewrite(&mut request);
    let contents = origins.content(&resolved.pins).await?;
    go_on()?;
    let plan = move || gather::plan(&request, contents, &parts.settings.signatures, &*log, &cancel);
    let planning = tokio::task::spawn_blocking(plan);
    run::join(planning).await
}

/// Whether it is the request that an error is about, or what it asks for, and not the service.
fn would_fail(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Forbidden
        | ErrorKind::Gone
        | ErrorKind::Conflict => true,
        ErrorKind::Cancelled | ErrorKind::Unavailable | ErrorKind::Internal => false,
    }
}

fn busy(most: usize) -> Error {
    let message =
        format!("{most} dry runs are being worked out, which is as many as may be at once; try again soon");
    Error::new(ErrorKind::Unavailable, "dry run", "", message)
}

fn too_slow(limit: Duration) -> Error {
    let message = format!(
        "the dry run took longer than {} s and was given up; a compose may take longer",
        limit.as_secs()
    );
    Error::new(ErrorKind::Unavailable, "dry run", "", message).with_retryable(false)
}

/// The packages of all arches, each file once.
fn packages(plan: &Plan) -> Vec<PreviewPackage> {
    let mut packages: BTreeMap<(PackageKind, &Nevra, String), PreviewPackage> = BTreeMap::new();
    for arch in &plan.arches {
        for planned in &arch.packages {
            let candidate = &planned.candidate;
            let nevra = &candidate.package.nevra;
            let place = (planned.kind, nevra, candidate.file.to_string());
            let package = packages.entry(place).or_insert_with(|| PreviewPackage {
                kind: planned.kind,
                nevra: nevra.clone(),
                arches: Vec::new(),
                size: candidate.package.sizes.package,
                digest: candidate.checksum.clone(),
                why: BTreeMap::new(),
            });
            if !package.arches.contains(&arch.arch) {
                package.arches.push(arch.arch.clone());
            }
            if let Some(why) = &planned.why {
                package.why.insert(arch.arch.clone(), why.clone());
            }
        }
    }
    packages.into_values().collect()
}

/// What the log of the compose would say.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Progress for Log {
    fn step(&self, phase: Phase, message: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES {
            lines.push(format!("{phase}: {message}"));
        }
    }
}
