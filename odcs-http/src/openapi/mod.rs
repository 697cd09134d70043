//! The OpenAPI document: the API for programs.
//!
//! The types here exist for the document only. What is sent is made elsewhere, from types that know
//! nothing of it; tests hold the two together.

mod answers;
mod packages;
mod paths;
mod record;
mod requests;

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::OpenApi;

/// The document, as it is served.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi()));

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ODCS, the On Demand Compose Service",
        version = "1",
        description = "Makes composes: temporary RPM repositories with exactly the packages somebody asked \
            for.\n\nWhat is below `/api/1` also answers below `/odcs/1`, with or without a slash at its end; \
            there are no redirects. Every resource answers `OPTIONS` with what it can do in \
            `Allow`, and `405` to everything else.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "composes", description = "Asking for composes, and following what becomes of them"),
        (name = "service", description = "The service itself"),
    ),
    paths(
        paths::list,
        paths::create,
        paths::read,
        paths::renew,
        paths::delete,
        paths::log,
        paths::packages,
        paths::manifest,
        paths::diff,
        paths::about,
        paths::metrics,
        paths::openapi,
        paths::healthz,
        paths::readyz,
    ),
)]
struct Document;

/// The OpenAPI 3.1 document of the API in JSON, as `/api/1/openapi.json` answers it.
///
/// ```
/// let document: serde_json::Value = serde_json::from_str(&odcs_http::openapi())?;
/// assert_eq!(document["openapi"], "3.1.0");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn openapi() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub(crate) async fn read() -> Response {
    let mut response = Response::new(Body::from(DOCUMENT.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
