//! The way of a request that changes something: who calls, may they, and only then the handler.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use odcs_auth::{Action, AuthError, Decision, Identity, RequestFacts};

use crate::error::ApiError;
use crate::state::ApiState;

/// Who calls, if they may do this.
pub(crate) async fn authorize(
    state: &ApiState,
    request: &Parts,
    action: Action,
    facts: &RequestFacts<'_>,
) -> Result<Identity, ApiError> {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| *address);
    let caller = match state.authenticator().authenticate(request, peer).await {
        Ok(caller) => caller,
        Err(error @ AuthError::Unavailable { .. }) => {
            tracing::error!(%error, "a caller could not be identified");
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()));
        }
        Err(error) => return Err(unidentified(state, error.to_string())),
    };
    decide(state, &caller, action, facts).map(|()| caller)
}

/// Whether a caller may do this, by what is known of it now.
pub(crate) fn decide(
    state: &ApiState,
    caller: &Identity,
    action: Action,
    facts: &RequestFacts<'_>,
) -> Result<(), ApiError> {
    match state.policy().decide(caller, action, facts) {
        Decision::Allow => Ok(()),
        Decision::Identify => {
            let message = format!("{action} is only for callers who say who they are");
            Err(unidentified(state, message))
        }
        Decision::Refuse(refusal) => Err(ApiError::forbidden(refusal.to_string())),
    }
}

fn unidentified(state: &ApiState, message: String) -> ApiError {
    let error = ApiError::new(StatusCode::UNAUTHORIZED, message);
    match state.authenticator().challenge() {
        Some(challenge) => error.with_header(WWW_AUTHENTICATE, challenge),
        None => error,
    }
}
