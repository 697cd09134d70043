//! `/about/`: the version, and what this server makes.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::error::json;
use crate::state::ApiState;

/// The answer, in alphabetical order. `allowed_clients` and `raw_config_urls` have been there always;
/// they tell what the caller may use, which without authentication and raw configurations is nothing
/// in particular.
#[derive(Serialize)]
struct AboutView<'a> {
    allowed_clients: BTreeMap<String, String>,
    arches: Vec<&'a str>,
    auth_backend: &'a str,
    flags: Vec<&'a str>,
    raw_config_urls: BTreeMap<String, String>,
    results: Vec<&'a str>,
    sigkeys: Vec<String>,
    source_types: Vec<&'a str>,
    version: &'a str,
}

pub(super) async fn read(State(state): State<ApiState>) -> Response {
    let about = state.service().about();
    let view = AboutView {
        allowed_clients: BTreeMap::new(),
        arches: about.arches.iter().map(|arch| arch.as_str()).collect(),
        auth_backend: state.authenticator().name(),
        flags: about.flags.iter().map(|flag| flag.as_str()).collect(),
        raw_config_urls: BTreeMap::new(),
        results: about.results.iter().map(|result| result.as_str()).collect(),
        sigkeys: Vec::new(),
        source_types: about.source_types.iter().map(|kind| kind.name()).collect(),
        version: &about.version,
    };
    json(StatusCode::OK, &view)
}
