//! What is done around every request: a span and a line in the log, headers that all answers have,
//! and an answer even if a handler panicked.

use std::any::Any;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method};
use tracing::Instrument;

use crate::api;
use crate::error::ApiError;
use crate::proxy::Forwarded;
use crate::state::ApiState;

/// The outermost layer.
pub(crate) async fn around(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = route(&state, &request);
    let client = request
        .extensions()
        .get::<Forwarded>()
        .and_then(|forwarded| forwarded.client);
    let client = client.map(tracing::field::display);
    // Without the query: it may hold what is nobody's business.
    let span = tracing::info_span!("request", %method, path = request.uri().path(), client);
    async move {
        let started = Instant::now();
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if method == Method::HEAD {
            response = without_body(response);
        }
        let status = response.status().as_u16();
        let took = started.elapsed();
        state.metrics().answered(&method, &route, response.status(), took);
        let milliseconds = took.as_millis();
        tracing::debug!(status, milliseconds, "answered");
        response
    }
    .instrument(span)
    .await
}

/// What metrics call the place that a request is for: one of few names, whatever its path is.
fn route(state: &ApiState, request: &Request) -> String {
    let path = request.uri().path();
    match request.extensions().get::<MatchedPath>() {
        Some(template) if template.as_str() != "/" => template.as_str().trim_end_matches('/').to_owned(),
        Some(_) => "/".to_owned(),
        None if !api::is_api(path) && state.published_at(path).is_some() => "files".to_owned(),
        None => "none".to_owned(),
    }
}

/// The answer to HEAD: that to GET, without its body.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        parts
            .headers
            .entry(CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    Response::from_parts(parts, Body::empty())
}

/// Lets pages of other sites read the API.
pub(crate) async fn cors(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    readable_by_all(&method, response)
}

/// The answer, which pages of other sites may read if it is one to GET or HEAD.
pub(crate) fn readable_by_all(method: &Method, mut response: Response) -> Response {
    if [Method::GET, Method::HEAD].contains(method) {
        let anybody = HeaderValue::from_static("*");
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    }
    response
}

/// The answer if a handler panicked.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    ApiError::internal(&format_args!("panic: {message}")).into_response()
}
