//! The published composes: files, in whole or in ranges, and listings of directories.
//!
//! What a path leads to is for [`ComposeFiles`](odcs_core::files::ComposeFiles) to say, which keeps
//! everything inside its tree. Here is what HTTP has to say about it.

mod body;
mod conditions;
mod listing;
mod media;
mod path;
mod range;

use std::fs::File;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, LOCATION, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use odcs_core::files::{ComposeFiles, OpenedFile, OpenedPath, RelativePath};
use odcs_core::{Error, ErrorKind};

use self::body::Segment;
use self::conditions::{Outcome, Validators};
use self::range::{ByteRange, Ranges};
use crate::api;
use crate::error::{ApiError, status_only};
use crate::state::Published;

pub(crate) use self::path::is_below;

/// Files are only data, also those that a browser would run as a page.
const FILE_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The answer to a request for a path of a URL that is that of the composes, or below it.
pub(crate) async fn answer(
    composes: Published<'_>,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    if method == Method::OPTIONS {
        return api::options(ALLOW);
    }
    if ![Method::GET, Method::HEAD].contains(method) {
        return ApiError::method_not_allowed(method, ALLOW).into_response();
    }
    let result = read(composes, path, method, headers).await;
    result.unwrap_or_else(IntoResponse::into_response)
}

async fn read(
    composes: Published<'_>,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::not_found(path);
    let wanted = path::parse(composes.path, path).ok_or_else(not_found)?;
    let opened = match open(composes.files, wanted.path.clone()).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(not_found()),
        opened => opened?,
    };
    match (opened, wanted.path) {
        (OpenedPath::Directory(entries), path) if wanted.is_directory => {
            Ok(listing::directory(composes.path, path.as_ref(), &entries))
        }
        (OpenedPath::Directory(_), path) => Ok(to_directory(composes.path, path.as_ref())),
        (OpenedPath::File(file), Some(path)) if !wanted.is_directory => {
            Ok(file_answer(file, &path, method, headers))
        }
        (OpenedPath::File(_), _) => Err(not_found()),
    }
}

/// One file as an answer; `None` if it is not there.
///
/// # Errors
/// As the other files: 412 and 416 for what the request wants of it, 500 if it cannot be read.
pub(crate) async fn one(
    files: &Arc<dyn ComposeFiles>,
    path: RelativePath,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Response>, ApiError> {
    match open(files, Some(path.clone())).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
        Ok(OpenedPath::Directory(_)) => Ok(None),
        Ok(OpenedPath::File(file)) => Ok(Some(file_answer(file, &path, method, headers))),
    }
}

async fn open(files: &Arc<dyn ComposeFiles>, path: Option<RelativePath>) -> Result<OpenedPath, Error> {
    let files = Arc::clone(files);
    let opening = tokio::task::spawn_blocking(move || files.open(path.as_ref()));
    opening.await.unwrap_or_else(|error| {
        let message = "the task that opens files ended early";
        Err(Error::new(ErrorKind::Internal, "open file", "composes", message).with_source(error))
    })
}

/// Sends a browser to the path with a slash, where relative links work. The way there is relative,
/// too, so that it also works behind a proxy that maps paths. Not for good: composes go away.
fn to_directory(mount: &str, path: Option<&RelativePath>) -> Response {
    let name = path.map_or_else(
        // The mount comes from a URL: it is encoded already.
        || mount.rsplit('/').next().unwrap_or_default().to_owned(),
        |path| path::encode_segment(path.file_name()),
    );
    let mut response = status_only(StatusCode::TEMPORARY_REDIRECT);
    if let Ok(location) = HeaderValue::try_from(format!("./{name}/")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn file_answer(file: OpenedFile, path: &RelativePath, method: &Method, headers: &HeaderMap) -> Response {
    let validators = Validators::new(&file);
    let size = file.size;
    let mut response = match conditions::evaluate(headers, &validators) {
        Outcome::NotModified => {
            // The length of what is not sent: without it the router would say that it is 0.
            let mut response = status_only(StatusCode::NOT_MODIFIED);
            response.headers_mut().insert(CONTENT_LENGTH, size.into());
            response
        }
        Outcome::Failed => {
            let message = "the file is not the one that the request is about";
            return ApiError::new(StatusCode::PRECONDITION_FAILED, message).into_response();
        }
        Outcome::Proceed => {
            let ranges = if method == Method::GET && conditions::range_applies(headers, &validators) {
                requested_ranges(headers, size)
            } else {
                Ranges::Whole
            };
            let kind = media::content_type(path);
            match ranges {
                Ranges::Unsatisfiable => return unsatisfiable(size),
                Ranges::Whole => {
                    let whole = (method != Method::HEAD).then_some(file.file);
                    whole_file(whole, size, kind)
                }
                Ranges::One(range) => one_range(file.file, range, size, kind),
                Ranges::Several(ranges) => several_ranges(file.file, &ranges, size, kind, &validators),
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, validators.etag().clone());
    headers.insert(LAST_MODIFIED, validators.last_modified());
    headers.insert(CACHE_CONTROL, media::cache_control(path));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_SECURITY_POLICY, FILE_POLICY);
    response
}

/// The ranges of a request. Several `Range` headers are not one that could be followed.
fn requested_ranges(headers: &HeaderMap, size: u64) -> Ranges {
    let mut values = headers.get_all(RANGE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value
            .to_str()
            .map_or(Ranges::Whole, |value| range::select(value, size)),
        _ => Ranges::Whole,
    }
}

fn whole_file(file: Option<File>, size: u64, kind: HeaderValue) -> Response {
    let body = file.map_or_else(Body::empty, |file| {
        body::stream(
            file,
            vec![Segment::File {
                start: 0,
                length: size,
            }],
        )
    });
    with_length(StatusCode::OK, body, size, kind)
}

fn one_range(file: File, range: ByteRange, size: u64, kind: HeaderValue) -> Response {
    let segments = vec![Segment::File {
        start: range.start(),
        length: range.length(),
    }];
    let body = body::stream(file, segments);
    let mut response = with_length(StatusCode::PARTIAL_CONTENT, body, range.length(), kind);
    if let Ok(value) = HeaderValue::try_from(range.content_range(size)) {
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    response
}

fn several_ranges(
    file: File,
    ranges: &[ByteRange],
    size: u64,
    kind: HeaderValue,
    validators: &Validators,
) -> Response {
    let boundary = validators.boundary();
    let (segments, length) = body::multipart(ranges, size, &kind, boundary);
    let kind = HeaderValue::try_from(format!("multipart/byteranges; boundary={boundary}")).unwrap_or(kind);
    with_length(
        StatusCode::PARTIAL_CONTENT,
        body::stream(file, segments),
        length,
        kind,
    )
}

fn unsatisfiable(size: u64) -> Response {
    let message = format!("the file has {size} bytes; no part of the range asked for is among them");
    let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, message);
    match HeaderValue::try_from(format!("bytes */{size}")) {
        Ok(value) => error.with_header(CONTENT_RANGE, value).into_response(),
        Err(_) => error.into_response(),
    }
}

fn with_length(status: StatusCode, body: Body, length: u64, kind: HeaderValue) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, kind);
    response
}
