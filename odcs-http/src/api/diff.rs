//! `/composes/N/diff/M`: what is different between two composes.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use odcs_core::compose::ComposeId;
use odcs_core::difference::{Difference, DifferenceView};

use super::composes::compose_of;
use super::manifest::{made_aside, recorded};
use crate::error::{ApiError, json};
use crate::state::ApiState;

pub(super) async fn read(
    State(state): State<ApiState>,
    ids: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let ids = ids.ok().and_then(|Path((before, after))| {
        let ids: (ComposeId, ComposeId) = (before.parse().ok()?, after.parse().ok()?);
        Some(ids)
    });
    let (before, after) = ids.ok_or_else(|| ApiError::not_found(uri.path()))?;
    let composes = (
        compose_of(&state, before).await?,
        compose_of(&state, after).await?,
    );
    let _permit = state.manifests().acquire().await;
    let (older, newer) = (
        recorded(&state, &composes.0).await?,
        recorded(&state, &composes.1).await?,
    );
    made_aside(move || {
        let difference = Difference::between(&older, &newer);
        let view = DifferenceView::new(before, after, &difference);
        Ok(json(StatusCode::OK, &view))
    })
    .await
}
