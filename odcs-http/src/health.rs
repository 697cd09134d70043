//! `/healthz` and `/readyz`: whether the process answers, and whether it can do its work.
//!
//! Orchestrators ask by address, so these two are answered under any `Host`. They tell nothing but the
//! state of the service, and change nothing.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use odcs_core::service::{Readiness, ReadinessCheck};
use serde::Serialize;
use tokio::sync::{Mutex, Semaphore};

use crate::error::json;
use crate::state::ApiState;

pub(crate) const HEALTHZ: &str = "/healthz";
pub(crate) const READYZ: &str = "/readyz";

/// How long an answer stays true enough: anybody may ask, and asking must cost nothing.
const FRESH: Duration = Duration::from_secs(1);
/// How long the target directory may take to be read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a path is one of these.
pub(crate) fn is_health(path: &str) -> bool {
    path == HEALTHZ || path == READYZ
}

/// The last answer, and the one thread that may be stuck on a disk that does not answer.
pub(crate) struct Watch {
    last: Mutex<Option<(Instant, Readiness)>>,
    reading: Arc<Semaphore>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            last: Mutex::default(),
            reading: Arc::new(Semaphore::new(1)),
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct HealthView {
    status: &'static str,
}

/// In alphabetical order.
#[derive(Serialize)]
struct ReadinessView<'a> {
    checks: Vec<CheckView<'a>>,
    ready: bool,
}

#[derive(Serialize)]
struct CheckView<'a> {
    name: &'a str,
    problem: Option<&'a str>,
    ready: bool,
}

pub(crate) async fn healthz() -> Response {
    unkept(json(StatusCode::OK, &HealthView { status: "ok" }))
}

pub(crate) async fn readyz(State(state): State<ApiState>) -> Response {
    let readiness = readiness(&state).await;
    let ready = readiness.is_ready();
    let checks = readiness.checks.iter().map(|check| CheckView {
        name: check.name,
        problem: check.problem.as_deref(),
        ready: check.problem.is_none(),
    });
    let view = ReadinessView {
        checks: checks.collect(),
        ready,
    };
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    unkept(json(status, &view))
}

fn unkept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Looks once for all who ask at a time.
async fn readiness(state: &ApiState) -> Readiness {
    let mut last = state.watch().last.lock().await;
    if let Some((at, readiness)) = &*last
        && at.elapsed() < FRESH
    {
        return readiness.clone();
    }
    let mut readiness = state.service().ready().await;
    readiness.add("target_dir", target_dir(state).await);
    for ReadinessCheck { name, problem } in &readiness.checks {
        if let Some(problem) = problem {
            tracing::warn!(check = name, problem, "the service is not ready");
        }
    }
    *last = Some((Instant::now(), readiness.clone()));
    readiness
}

async fn target_dir(state: &ApiState) -> Result<(), String> {
    let Ok(permit) = Arc::clone(&state.watch().reading).try_acquire_owned() else {
        return Err("it still has not answered".to_owned());
    };
    let all: Vec<_> = state.all_files().cloned().collect();
    let reading = tokio::task::spawn_blocking(move || {
        let read = all.iter().try_for_each(|files| files.open(None).map(drop));
        drop(permit);
        read
    });
    match tokio::time::timeout(TIMEOUT, reading).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(unreadable(&error)),
        Ok(Err(error)) => Err(unreadable(&error)),
        Err(_) => Err(format!("it did not answer within {} s", TIMEOUT.as_secs())),
    }
}

/// What went wrong may name paths: it goes to the log.
fn unreadable(error: &dyn fmt::Display) -> String {
    tracing::warn!(%error, "the target directory cannot be read");
    "the directory of the composes cannot be read".to_owned()
}
