//! Which path leads to which handler.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::Method;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::state::ApiState;
use crate::{api, files, guard, layers, pages};

/// The whole service as a router: the API, the published composes, and a page at the top.
pub fn router(state: ApiState) -> Router {
    let api = api::routes()
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::cors));
    Router::new()
        .route("/", api::resource(get(top), "GET, HEAD, OPTIONS"))
        .merge(api)
        .fallback(elsewhere)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(state.clone(), guard::guard))
        .layer(from_fn(layers::around))
        .with_state(state)
}

async fn top(State(state): State<ApiState>, request: Request) -> Response {
    if state.mount().is_empty() {
        files::answer(&state, request.method(), request.uri(), request.headers()).await
    } else {
        pages::top(&state)
    }
}

/// Everything that no route takes: published files, or nothing.
async fn elsewhere(State(state): State<ApiState>, request: Request) -> Response {
    let path = request.uri().path();
    // With composes at the top, what is below the API's paths is still none of them.
    if !api::is_api(path) && files::is_below(state.mount(), path) {
        return files::answer(&state, request.method(), request.uri(), request.headers()).await;
    }
    let mut response = ApiError::not_found(path).into_response();
    if [Method::GET, Method::HEAD].contains(request.method()) {
        let anybody = HeaderValue::from_static("*");
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    }
    response
}
