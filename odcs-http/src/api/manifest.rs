//! `/composes/N/manifest`: what is recorded of what is in a compose.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use odcs_core::compose::{Compose, ComposeState};
use odcs_core::manifest::Manifest;

use super::composes::compose;
use crate::error::{ApiError, sorted_json};
use crate::state::ApiState;

/// The record as it is: whoever knows its type reads it back as it was.
pub(super) async fn read(
    State(state): State<ApiState>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let compose = compose(&state, id, &uri).await?;
    let _permit = state.manifests().acquire().await;
    let manifest = recorded(&state, &compose).await?;
    made_aside(move || Ok(sorted_json(StatusCode::OK, &manifest))).await
}

/// What is in a compose that has been made, also if its tree is gone since. One that reuses another has that one's;
/// what is recorded of one that is being made, or has failed, was never in anything that anybody could use.
pub(super) async fn recorded(state: &ApiState, compose: &Compose) -> Result<Manifest, ApiError> {
    let id = compose.id;
    let absent = |message: String| ApiError::new(StatusCode::NOT_FOUND, message);
    match compose.state {
        ComposeState::Wait | ComposeState::Generating => {
            return Err(absent(format!(
                "compose {id} is not done yet; then it will be known what is in it"
            )));
        }
        ComposeState::Failed => return Err(absent(format!("compose {id} has failed: nothing is in it"))),
        ComposeState::Done | ComposeState::Removed => {}
    }
    let manifest = state.service().manifest(id).await?;
    manifest.ok_or_else(|| absent(format!("what is in compose {id} was not recorded")))
}

/// Makes an answer of thousands of packages where it keeps nobody waiting.
pub(super) async fn made_aside(
    make: impl FnOnce() -> Result<Response, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let made = tokio::task::spawn_blocking(make).await;
    made.unwrap_or_else(|error| Err(ApiError::internal(&error)))
}
