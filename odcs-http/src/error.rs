//! Errors as the API tells them: `{"error": "Not Found", "message": "…", "status": 404}`.

use std::error::Error as StdError;
use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use odcs_core::{Error, ErrorKind};
use serde::Serialize;

/// What the service says when it cannot say what went wrong.
const INTERNAL: &str = "something went wrong inside the service; its log says what";

/// An answer that is not the one asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of an error. Fields are in alphabetical order, as in all answers.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    message: &'a str,
    status: u16,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let shown: String = path.chars().take(200).collect();
        Self::new(StatusCode::NOT_FOUND, format!("there is nothing at {shown}"))
    }

    pub(crate) fn method_not_allowed(method: &Method, allow: &'static str) -> Self {
        let message = format!("{method} is not possible here; what is possible: {allow}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message).with_header(ALLOW, HeaderValue::from_static(allow))
    }

    /// A fault of the service. What it is goes to the log, not to the caller.
    pub(crate) fn internal(what: &dyn fmt::Display) -> Self {
        tracing::error!(error = %what, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::Gone => StatusCode::GONE,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Unavailable | ErrorKind::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(
                operation = error.operation(),
                subject = error.subject(),
                cause = causes(&error),
                "a request failed: {error}"
            );
        }
        let message = if status == StatusCode::INTERNAL_SERVER_ERROR {
            INTERNAL
        } else {
            error.message()
        };
        Self::new(status, message)
    }
}

/// What is underneath an error, outermost first.
fn causes(error: &Error) -> String {
    let first: Option<&dyn StdError> = error.source();
    let chain = std::iter::successors(first, |&cause| cause.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.status.canonical_reason().unwrap_or("Error"),
            message: &self.message,
            status: self.status.as_u16(),
        };
        let mut response = json(self.status, &body);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An answer in JSON, with a newline at the end.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(mut bytes) = serde_json::to_vec(body) else {
        // Only types with keys that are not strings cannot be written, and there are none.
        return status_only(StatusCode::INTERNAL_SERVER_ERROR);
    };
    bytes.push(b'\n');
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// An answer in JSON made of types that are also stored, and whose fields come in the order that they are stored in: in
/// the answer they are in alphabetical order, as in all others.
pub(crate) fn sorted_json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(mut value) = serde_json::to_value(body) else {
        return status_only(StatusCode::INTERNAL_SERVER_ERROR);
    };
    // Which is their order anyway unless some library asks serde_json to keep them as they came.
    value.sort_all_objects();
    json(status, &value)
}

/// An answer without a body.
pub(crate) fn status_only(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_status() {
        let status = |kind| {
            ApiError::from(Error::new(kind, "test", "it", "a sentence"))
                .status
                .as_u16()
        };
        assert_eq!(status(ErrorKind::Invalid), 400);
        assert_eq!(status(ErrorKind::Forbidden), 403);
        assert_eq!(status(ErrorKind::NotFound), 404);
        assert_eq!(status(ErrorKind::Conflict), 409);
        assert_eq!(status(ErrorKind::Gone), 410);
        assert_eq!(status(ErrorKind::Internal), 500);
        assert_eq!(status(ErrorKind::Unavailable), 503);
        assert_eq!(status(ErrorKind::Cancelled), 503);
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let error = Error::new(
            ErrorKind::Internal,
            "write",
            "/srv/secret",
            "cannot write /srv/secret",
        );
        assert_eq!(ApiError::from(error).message, INTERNAL);
        let error = Error::new(ErrorKind::Unavailable, "read", "db", "the database is busy");
        assert_eq!(ApiError::from(error).message, "the database is busy");
    }
}
