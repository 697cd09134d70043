//! `/metrics`: what the service did, in numbers for Prometheus.
//!
//! How many series there are does not depend on what callers send: methods, routes and statuses are
//! counted by a few names, source types by those that this server knows.

mod labels;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use odcs_core::compose::ComposeState;
use odcs_core::engine::Swept;
use odcs_core::service::About;
use odcs_core::{Observer, Phase};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::labels::{
    Composes, Ended, Found, PhaseLabel, Placed, Request, Route, SourceType, SweptWhat, source_name,
};
use crate::error::ApiError;
use crate::state::ApiState;

/// As Prometheus itself names the format.
const KIND: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Seconds of a request.
const REQUEST_SECONDS: [f64; 9] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];
/// Seconds of a phase, and of a compose.
const WORK_SECONDS: [f64; 12] = [
    0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0,
];

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// What the service did since it started: HTTP requests, and what an engine reports to its [`Observer`].
///
/// Give the same one to the engine and to the state of the API:
///
/// ```no_run
/// # fn run(engine: odcs_core::Engine, state: odcs_http::ApiState) {
/// use std::sync::Arc;
/// let metrics = Arc::new(odcs_http::Metrics::new());
/// let engine = engine.with_observer(metrics.clone());
/// let state = state.with_metrics(metrics);
/// # }
/// ```
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    request_seconds: Histograms<Route>,
    submitted: Family<SourceType, Counter>,
    claimed: Family<SourceType, Counter>,
    waited_seconds: Histogram,
    ended: Family<Ended, Counter>,
    compose_seconds: Histograms<SourceType>,
    handed_back: Family<SourceType, Counter>,
    reused: Family<SourceType, Counter>,
    phase_seconds: Histograms<PhaseLabel>,
    packages: Family<Placed, Counter>,
    fetched: Family<Found, Counter>,
    fetched_bytes: Counter,
    swept: Family<SweptWhat, Counter>,
    orphans: Gauge,
    leases_lost: Counter,
}

fn request_histogram() -> Histogram {
    Histogram::new(REQUEST_SECONDS)
}

fn work_histogram() -> Histogram {
    Histogram::new(WORK_SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(request_histogram),
            submitted: Family::default(),
            claimed: Family::default(),
            waited_seconds: work_histogram(),
            ended: Family::default(),
            compose_seconds: Family::new_with_constructor(work_histogram),
            handed_back: Family::default(),
            reused: Family::default(),
            phase_seconds: Family::new_with_constructor(work_histogram),
            packages: Family::default(),
            fetched: Family::default(),
            fetched_bytes: Counter::default(),
            swept: Family::default(),
            orphans: Gauge::default(),
            leases_lost: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let mut registry = Registry::with_prefix("odcs");
        let all = &mut registry;
        all.register("http_requests", "HTTP requests answered", self.requests.clone());
        all.register(
            "http_request_duration_seconds",
            "Time until the answer to an HTTP request began",
            self.request_seconds.clone(),
        );
        all.register("composes_submitted", "Composes asked for", self.submitted.clone());
        all.register(
            "composes_claimed",
            "Times that a compose was taken up",
            self.claimed.clone(),
        );
        all.register(
            "compose_wait_seconds",
            "Time from the request for a compose until it was taken up first",
            self.waited_seconds.clone(),
        );
        all.register(
            "composes_ended",
            "Composes that are done or have failed",
            self.ended.clone(),
        );
        all.register(
            "compose_duration_seconds",
            "Time that making a compose took",
            self.compose_seconds.clone(),
        );
        all.register(
            "composes_handed_back",
            "Composes given back by a worker that had to stop",
            self.handed_back.clone(),
        );
        all.register(
            "composes_reused",
            "Composes that an equal one stands in for",
            self.reused.clone(),
        );
        all.register(
            "phase_duration_seconds",
            "Time that a phase of making a compose took",
            self.phase_seconds.clone(),
        );
        all.register(
            "packages_placed",
            "Packages put into composes",
            self.packages.clone(),
        );
        all.register(
            "packages_from_elsewhere",
            "Packages from elsewhere that composes are made of: fetched for it, or in the store before",
            self.fetched.clone(),
        );
        all.register(
            "packages_fetched_bytes",
            "Bytes of packages that were fetched",
            self.fetched_bytes.clone(),
        );
        all.register(
            "swept",
            "Expired composes and trees that were gone through",
            self.swept.clone(),
        );
        all.register(
            "orphaned_trees",
            "Trees without a record, found by the last sweep",
            self.orphans.clone(),
        );
        all.register(
            "leases_lost",
            "Composes whose lease a worker lost while it worked on them",
            self.leases_lost.clone(),
        );
        self.registry = registry;
    }

    /// Counts an HTTP request. `route` is the template of a route, one of few.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let route = route.to_owned();
        let method = labels::method(method);
        let request = Request {
            method,
            route: route.clone(),
            status: labels::class(status),
        };
        self.requests.get_or_create(&request).inc();
        let route = Route { method, route };
        self.request_seconds
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    /// All numbers as text. `counts` is how many composes there are; `None` if that cannot be told now.
    fn text(&self, about: &About, counts: Option<&[(i64, ComposeState, u64)]>) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        let composes = Family::<Composes, Gauge>::default();
        let known: Gauge = Gauge::default();
        registry.register("composes_total", "Total number of composes", composes.clone());
        registry.register(
            "odcs_store_up",
            "Whether the records of composes can be read",
            known.clone(),
        );
        if let Some(counts) = counts {
            known.set(1);
            for kind in labels::kinds(about) {
                for state in ComposeState::ALL {
                    drop(composes.get_or_create(&Composes::new(kind.name(), state)));
                }
            }
            for (source_type, state, number) in counts {
                let name = labels::known_name(*source_type, about);
                let number = i64::try_from(*number).unwrap_or(i64::MAX);
                composes
                    .get_or_create(&Composes::new(name, *state))
                    .inc_by(number);
            }
        }
        let mut out = String::new();
        text::encode_registry(&mut out, &registry)?;
        text::encode_registry(&mut out, &self.registry)?;
        text::encode_eof(&mut out)?;
        Ok(out)
    }
}

/// Composes of source types from outside this workspace are counted together: an observer is not told how
/// many of them there are.
impl Observer for Metrics {
    fn compose_submitted(&self, source_type: i64) {
        self.submitted.get_or_create(&source_name(source_type)).inc();
    }

    fn compose_claimed(&self, source_type: i64, attempt: u32, waited: Duration) {
        self.claimed.get_or_create(&source_name(source_type)).inc();
        if attempt <= 1 {
            self.waited_seconds.observe(waited.as_secs_f64());
        }
    }

    fn phase_finished(&self, phase: Phase, took: Duration) {
        let phase = PhaseLabel {
            phase: phase.to_string(),
        };
        self.phase_seconds
            .get_or_create(&phase)
            .observe(took.as_secs_f64());
    }

    fn compose_ended(&self, source_type: i64, state: ComposeState, took: Duration) {
        let source = source_name(source_type);
        self.compose_seconds
            .get_or_create(&source)
            .observe(took.as_secs_f64());
        let ended = Ended {
            source_type: source.source_type,
            state: state.name(),
        };
        self.ended.get_or_create(&ended).inc();
    }

    fn compose_handed_back(&self, source_type: i64) {
        self.handed_back.get_or_create(&source_name(source_type)).inc();
    }

    fn compose_reused(&self, source_type: i64) {
        self.reused.get_or_create(&source_name(source_type)).inc();
    }

    fn packages_placed(&self, linked: u64, copied: u64) {
        for (how, number) in [("linked", linked), ("copied", copied)] {
            self.packages.get_or_create(&Placed { how }).inc_by(number);
        }
    }

    fn package_fetched(&self, bytes: u64) {
        let how = if bytes > 0 { "fetched" } else { "stored" };
        self.fetched.get_or_create(&Found { how }).inc();
        self.fetched_bytes.inc_by(bytes);
    }

    fn swept(&self, swept: &Swept) {
        for (what, list) in [
            ("removed", &swept.removed),
            ("deleted", &swept.deleted),
            ("withdrawn", &swept.withdrawn),
            ("stuck", &swept.stuck),
        ] {
            let number = u64::try_from(list.len()).unwrap_or(u64::MAX);
            self.swept.get_or_create(&SweptWhat { what }).inc_by(number);
        }
        self.orphans
            .set(i64::try_from(swept.orphans.len()).unwrap_or(i64::MAX));
    }

    fn lease_lost(&self) {
        self.leases_lost.inc();
    }
}

/// Answers even if the store does not: then the more is to be seen in the other numbers.
pub(crate) async fn read(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let service = Arc::clone(state.service());
    let counts = match service.counts().await {
        Ok(counts) => Some(counts),
        Err(error) => {
            tracing::warn!(%error, "composes cannot be counted now");
            None
        }
    };
    let text = state.metrics().text(&service.about(), counts.as_deref());
    let text = text.map_err(|error| ApiError::internal(&error))?;
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, KIND);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use odcs_core::ComposeId;

    use super::*;

    #[test]
    fn what_the_engine_tells_is_counted() {
        let metrics = Metrics::new();
        metrics.compose_submitted(3);
        metrics.compose_submitted(100);
        metrics.compose_submitted(101);
        metrics.compose_claimed(3, 1, Duration::from_secs(2));
        metrics.compose_claimed(3, 2, Duration::from_secs(60));
        metrics.phase_finished(Phase::Gather, Duration::from_millis(250));
        metrics.compose_ended(3, ComposeState::Done, Duration::from_millis(1_500));
        metrics.compose_handed_back(3);
        metrics.compose_reused(3);
        metrics.packages_placed(5, 2);
        metrics.packages_placed(5, 0);
        metrics.package_fetched(1_000);
        metrics.package_fetched(0);
        metrics.package_fetched(24);
        metrics.swept(&Swept {
            removed: vec![ComposeId::new(1), ComposeId::new(2)],
            orphans: vec![ComposeId::new(7)],
            ..Swept::default()
        });
        metrics.lease_lost();
        let mut text = String::new();
        text::encode_registry(&mut text, &metrics.registry).unwrap();
        for line in [
            "odcs_composes_submitted_total{source_type=\"repo\"} 1",
            "odcs_composes_submitted_total{source_type=\"other\"} 2",
            "odcs_composes_claimed_total{source_type=\"repo\"} 2",
            "odcs_compose_wait_seconds_count 1",
            "odcs_compose_wait_seconds_sum 2.0",
            "odcs_phase_duration_seconds_sum{phase=\"gather\"} 0.25",
            "odcs_phase_duration_seconds_bucket{le=\"0.5\",phase=\"gather\"} 1",
            "odcs_phase_duration_seconds_bucket{le=\"0.2\",phase=\"gather\"} 0",
            "odcs_composes_ended_total{source_type=\"repo\",state=\"done\"} 1",
            "odcs_compose_duration_seconds_sum{source_type=\"repo\"} 1.5",
            "odcs_composes_handed_back_total{source_type=\"repo\"} 1",
            "odcs_composes_reused_total{source_type=\"repo\"} 1",
            "odcs_packages_placed_total{how=\"linked\"} 10",
            "odcs_packages_placed_total{how=\"copied\"} 2",
            "odcs_packages_from_elsewhere_total{how=\"fetched\"} 2",
            "odcs_packages_from_elsewhere_total{how=\"stored\"} 1",
            "odcs_packages_fetched_bytes_total 1024",
            "odcs_swept_total{what=\"removed\"} 2",
            "odcs_orphaned_trees 1",
            "odcs_leases_lost_total 1",
        ] {
            assert!(
                text.lines().any(|known| known == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
