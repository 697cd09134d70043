//! A server for one case, and what it answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request};
use odcs_auth::{AllowAll, NoAuth};
use odcs_core::allow::UrlAllowList;
use odcs_core::compose::{Compose, Links};
use odcs_core::engine::{EngineSettings, RawConfig};
use odcs_core::request::{Lifetime, RawConfigKey, SourceKind};
use odcs_core::store::Query;
use odcs_core::testing::ManualClock;
use odcs_core::{ComposeStore, Engine, SourceRegistry};
use odcs_db::SqliteStore;
use odcs_http::{ApiState, HttpOptions, router};
use serde_json::Value;
use tower::ServiceExt;

use crate::recording::{Case, Recording};
use crate::rows::record;
use crate::stubs::{NoFiles, StubBuilder, StubSource};

/// What was answered, and all records afterwards.
#[derive(Debug)]
pub struct Outcome {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as JSON; null if it is none.
    pub json: Value,
    pub records: BTreeMap<i64, Compose>,
}

impl Outcome {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }
}

/// Sends the request of a case to a server of its own.
pub async fn run(recording: &Recording, case: &Case) -> Outcome {
    let store = SqliteStore::in_memory().await.unwrap();
    let records: Vec<_> = case
        .before
        .iter()
        .filter_map(|row| record(recording, row))
        .collect();
    store.import(&reused_first(records)).await.unwrap();

    let config = &recording.config;
    let mut links = Links::new(&config["target_dir_url"].as_str().unwrap().parse().unwrap());
    for name in config["extra_target_dirs"].as_object().into_iter().flatten() {
        links = links.with_target(&name.0.parse().unwrap(), None);
    }
    let mut sources = SourceRegistry::new();
    for kind in SourceKind::BUILTIN {
        sources.register(StubSource(kind)).unwrap();
    }
    let engine = Engine::with_clock(
        Arc::new(store.clone()),
        sources,
        Arc::new(StubBuilder),
        links.clone(),
        settings(recording),
        Arc::new(ManualClock::new(case.now)),
    );
    let mut options = HttpOptions::default();
    options.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let forwarded = case
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-host"));
    // A host that a proxy names is one of ours, whatever its port; of several the last one counts.
    let name = |host: &String| {
        let host = host.rsplit(',').next()?.trim().parse::<Authority>().ok()?;
        Some(host.host().to_owned())
    };
    options.allowed_hosts = forwarded.filter_map(|(_, host)| name(host)).collect();
    let state = ApiState::new(
        Arc::new(engine),
        Arc::new(NoFiles),
        links,
        Arc::new(NoAuth),
        Arc::new(AllowAll),
        options,
    );
    let response = router(state).oneshot(request(case)).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 26).await.unwrap();
    Outcome {
        status: parts.status.as_u16(),
        headers: parts.headers,
        json: serde_json::from_slice(&body).unwrap_or_default(),
        records: all(&store).await,
    }
}

/// What is reused comes before what reuses it. What reuses a row that is not there, or itself, reuses nothing.
fn reused_first(mut left: Vec<Compose>) -> Vec<Compose> {
    let mut sorted: Vec<Compose> = Vec::new();
    while !left.is_empty() {
        let is_there = |compose: &Compose| {
            let reused = compose.reused_id;
            reused.is_none_or(|id| sorted.iter().any(|known| known.id == id))
        };
        let (next, mut later): (Vec<_>, Vec<_>) = left.into_iter().partition(is_there);
        if next.is_empty() {
            later.iter_mut().for_each(|compose| compose.reused_id = None);
        }
        sorted.extend(next);
        left = later;
    }
    sorted
}

fn request(case: &Case) -> Request<Body> {
    let mut request = Request::builder()
        .method(case.method.as_str())
        .uri(case.target.replace(' ', "%20"));
    let has = |wanted: &str| {
        case.headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if !has("host") {
        request = request.header("host", "localhost");
    }
    if !case.bytes.is_empty() && !has("content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    let peer: SocketAddr = "127.0.0.1:4711".parse().unwrap();
    request
        .extension(ConnectInfo(peer))
        .body(Body::from(case.bytes.clone()))
        .unwrap()
}

async fn all(store: &SqliteStore) -> BTreeMap<i64, Compose> {
    let mut records = BTreeMap::new();
    for page in 1.. {
        let query = Query {
            page,
            per_page: 100,
            ..Query::default()
        };
        let found = store.find(&query).await.unwrap();
        if found.items.is_empty() {
            break;
        }
        records.extend(
            found
                .items
                .into_iter()
                .map(|compose| (compose.id.number(), compose)),
        );
    }
    records
}

fn settings(recording: &Recording) -> EngineSettings {
    let config = &recording.config;
    let seconds = |value: &Value| {
        value
            .as_u64()
            .map(|seconds| Lifetime::from_seconds(seconds).unwrap())
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut settings = EngineSettings::new().unwrap();
    if let Some(arches) = config["arches"].as_array() {
        let arches = arches.iter().map(|arch| arch.as_str().unwrap().parse().unwrap());
        settings.default_arches = arches.collect();
    }
    if let Some(lifetime) = seconds(&config["seconds_to_live"]) {
        settings.default_lifetime = lifetime;
    }
    if let Some(lifetime) = seconds(&config["max_seconds_to_live"]) {
        settings.maximum_lifetime = lifetime;
    }
    let places = recording.places.iter();
    // Hosts that no URL may have are in requests, too.
    settings.allowed_urls = places
        .filter_map(|place| place.parse().ok())
        .collect::<UrlAllowList>();
    let raw_configs = config["raw_config_urls"].as_object().into_iter().flatten();
    settings.raw_configs = raw_configs
        .map(|(key, raw)| {
            let key: RawConfigKey = key.parse().unwrap();
            let raw = RawConfig {
                url: text(&raw["url"]).unwrap_or_default(),
                config_filename: text(&raw["config_filename"]).unwrap_or_default(),
                path: text(&raw["path"]),
                commit: text(&raw["commit"]),
                default_lifetime: seconds(&raw["seconds_to_live"]),
                maximum_lifetime: seconds(&raw["max_seconds_to_live"]),
            };
            (key, raw)
        })
        .collect();
    settings
}
