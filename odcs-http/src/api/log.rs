//! `/composes/N/log`: what happened while a compose was made.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use odcs_core::compose::{Compose, ComposeId, ComposeState};

use super::composes::compose;
use crate::error::ApiError;
use crate::files;
use crate::state::ApiState;

/// The log at the top of a compose's directory, under the name that clients know it by.
const LOG: &str = "pungi-stderr.log";

/// The log as far as it is written: like any published file, in ranges, too, by which clients that follow
/// it ask for what is new. A compose that reuses another has that one's, unless it has one of its own.
pub(super) async fn read(
    State(state): State<ApiState>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let compose = compose(&state, id, &parts.uri).await?;
    let files = state.files_of(&compose.requested.target_dir);
    for (files, id) in files.into_iter().flat_map(|files| {
        let ids = [Some(compose.id), compose.reused_id];
        ids.into_iter().flatten().map(move |id| (files, id))
    }) {
        let path = format!("{}/{LOG}", id.name()).parse()?;
        if let Some(log) = files::one(files, path, &parts.method, &parts.headers).await? {
            return Ok(log);
        }
    }
    Err(ApiError::new(StatusCode::NOT_FOUND, absent(&compose)))
}

/// Why there is none.
fn absent(compose: &Compose) -> String {
    let id: ComposeId = compose.id;
    match compose.state {
        ComposeState::Wait => format!("compose {id} has no log yet: nobody has begun to make it"),
        ComposeState::Generating => format!("compose {id} has no log yet"),
        ComposeState::Removed => format!("compose {id} is removed, and its log with it"),
        ComposeState::Done | ComposeState::Failed => format!("compose {id} has no log"),
    }
}
