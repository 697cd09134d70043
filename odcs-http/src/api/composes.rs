//! `/composes/` and `/composes/N`.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use odcs_auth::{Action, RequestFacts};
use odcs_core::compose::{Compose, ComposeId, ComposeView};
use odcs_core::service::Submitted;
use serde::Serialize;
use tracing::Instrument as _;

use super::dry_run;
use super::list::{ListQuery, Meta};
use crate::access::{authorize, decide};
use crate::error::{ApiError, json};
use crate::guard::RequestBase;
use crate::state::ApiState;

#[derive(Serialize)]
struct ListView {
    items: Vec<ComposeView>,
    meta: Meta,
}

/// The answer to a request for a compose, and to one to renew it: the record, and what of the request was not understood.
/// No field of the record comes after `warnings` in the alphabet.
#[derive(Serialize)]
struct CreatedView {
    #[serde(flatten)]
    compose: ComposeView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(RequestBase(base)): Extension<RequestBase>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = ListQuery::parse(uri.query().unwrap_or_default())?;
    let page = state.service().find(query.store_query()).await?;
    let url = format!("{base}{}/", uri.path().trim_end_matches('/'));
    let meta = query.meta(&url, page.total);
    let items = page
        .items
        .iter()
        .map(|compose| ComposeView::new(compose, state.links()));
    let items = items.collect();
    Ok(json(StatusCode::OK, &ListView { items, meta }))
}

pub(super) async fn read(
    State(state): State<ApiState>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let compose = compose(&state, id, &uri).await?;
    let view = ComposeView::new(&compose, state.links()).in_full(&compose);
    Ok(json(StatusCode::OK, &view))
}

pub(super) async fn create(State(state): State<ApiState>, request: Request) -> Result<Response, ApiError> {
    const ACTION: Action = Action::NewCompose;
    let (parts, body) = request.into_parts();
    let caller = authorize(&state, &parts, ACTION, &RequestFacts::default()).await?;
    let is_dry_run = dry_run::is_asked_for(&parts.uri)?;
    let options = state.options();
    let body = read_body(&parts.headers, body, options.max_body_bytes, options.body_timeout).await?;
    let wanted = state.service().read_request(&body)?;
    let facts = RequestFacts {
        request: Some(&wanted.request),
        ..RequestFacts::default()
    };
    decide(&state, &caller, ACTION, &facts)?;
    if is_dry_run {
        return dry_run::answer(&state, wanted).await;
    }
    let service = Arc::clone(state.service());
    // A caller who goes away does not stop this half-way.
    let submitting = async move { service.submit(wanted, caller.owner()).await };
    created(&state, submitting).await
}

/// Extends a compose, or has it made once more: the record in the answer is that of the compose that the
/// caller is to go on with, which may be another one.
pub(super) async fn renew(
    State(state): State<ApiState>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    const ACTION: Action = Action::RenewCompose;
    let (parts, body) = request.into_parts();
    let caller = authorize(&state, &parts, ACTION, &RequestFacts::default()).await?;
    let id = id_of(id, &parts.uri)?;
    dry_run::refuse(&parts.uri)?;
    let options = state.options();
    let body = read_body(&parts.headers, body, options.max_body_bytes, options.body_timeout).await?;
    let wanted = state.service().read_renewal(&body)?;
    if let Some(compose) = state.service().get(id).await? {
        let request = state.service().renewed_request(&compose, &wanted.request);
        let facts = RequestFacts {
            request: request.as_ref(),
            owner: Some(&compose.owner),
        };
        decide(&state, &caller, ACTION, &facts)?;
    }
    let service = Arc::clone(state.service());
    let renewing = async move { service.renew(id, wanted, caller.owner()).await };
    created(&state, renewing).await
}

/// The answer with a record, once there is one.
async fn created(
    state: &ApiState,
    work: impl Future<Output = odcs_core::Result<Submitted>> + Send + 'static,
) -> Result<Response, ApiError> {
    let work = tokio::spawn(work.in_current_span());
    let submitted = work.await.map_err(|error| ApiError::internal(&error))??;
    let view = CreatedView {
        compose: ComposeView::new(&submitted.compose, state.links()),
        warnings: submitted.warnings,
    };
    Ok(json(StatusCode::OK, &view))
}

/// The answer to a request that is carried out later.
#[derive(Serialize)]
struct AcceptedView {
    message: String,
    status: u16,
}

/// Cancels or deletes. The answer has a body and says 202 even where all is done by then: clients read
/// both.
pub(super) async fn delete(
    State(state): State<ApiState>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    const ACTION: Action = Action::DeleteCompose;
    let (parts, _) = request.into_parts();
    let caller = authorize(&state, &parts, ACTION, &RequestFacts::default()).await?;
    let compose = compose(&state, id, &parts.uri).await?;
    dry_run::refuse(&parts.uri)?;
    let facts = RequestFacts {
        owner: Some(&compose.owner),
        ..RequestFacts::default()
    };
    decide(&state, &caller, ACTION, &facts)?;
    state.service().delete(compose.id, caller.remover()).await?;
    let status = StatusCode::ACCEPTED;
    let message = format!(
        "The delete request for compose (id={}) has been accepted and will be processed by backend later.",
        compose.id
    );
    Ok(json(
        status,
        &AcceptedView {
            message,
            status: status.as_u16(),
        },
    ))
}

/// The id in a path; whatever is no number leads nowhere.
fn id_of(id: Result<Path<String>, PathRejection>, uri: &Uri) -> Result<ComposeId, ApiError> {
    let id: Option<ComposeId> = id.ok().and_then(|Path(id)| id.parse().ok());
    id.ok_or_else(|| ApiError::not_found(uri.path()))
}

/// The compose that a path names.
pub(super) async fn compose(
    state: &ApiState,
    id: Result<Path<String>, PathRejection>,
    uri: &Uri,
) -> Result<Compose, ApiError> {
    compose_of(state, id_of(id, uri)?).await
}

/// The compose with an id.
pub(super) async fn compose_of(state: &ApiState, id: ComposeId) -> Result<Compose, ApiError> {
    state.service().get(id).await?.ok_or_else(|| {
        let message = format!("there is no compose {id}");
        ApiError::new(StatusCode::NOT_FOUND, message)
    })
}

/// The body of a request, whatever type it says it has: clients send JSON as forms, or as nothing.
async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, ApiError> {
    let too_large = || {
        let message = format!("the body of the request is larger than {limit} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: u64| u64::try_from(limit).is_ok_and(|limit| length > limit))
    {
        return Err(too_large());
    }
    let reading = Limited::new(body, limit).collect();
    match tokio::time::timeout(timeout, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::bad_request("the body of the request broke off")),
        Err(_) => {
            let message = format!(
                "the body of the request did not arrive within {} s",
                timeout.as_secs()
            );
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}
