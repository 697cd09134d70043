//! What is done around every request: a span and a line in the log, headers that all answers have,
//! and an answer even if a handler panicked.

use std::any::Any;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method};
use tracing::Instrument;

use crate::error::ApiError;

/// The outermost layer.
pub(crate) async fn around(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // Without the query: it may hold what is nobody's business.
    let span = tracing::info_span!("request", %method, path = request.uri().path());
    async move {
        let started = Instant::now();
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if method == Method::HEAD {
            response = without_body(response);
        }
        let status = response.status().as_u16();
        let milliseconds = started.elapsed().as_millis();
        tracing::debug!(status, milliseconds, "answered");
        response
    }
    .instrument(span)
    .await
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
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let mut response = next.run(request).await;
    if reads {
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
