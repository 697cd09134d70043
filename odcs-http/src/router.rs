//! Which path leads to which handler.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::guard::RequestBase;
use crate::state::ApiState;
use crate::{api, files, guard, health, layers, pages, proxy};

/// The whole service as a router: the API, the published composes, and a page at the top.
pub fn router(state: ApiState) -> Router {
    let api = api::routes()
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::cors));
    let service = Router::new()
        .route("/", readable(get(top)))
        .route(health::HEALTHZ, readable(get(health::healthz)))
        .route(health::READYZ, readable(get(health::readyz)))
        .merge(api)
        .fallback(elsewhere)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(state.clone(), guard::guard))
        .layer(from_fn_with_state(state.clone(), layers::around))
        .with_state(state.clone());
    // Around the router, not within: a proxy's prefix leaves the path before that is looked at.
    let service = ServiceBuilder::new()
        .layer(from_fn_with_state(state, proxy::forwarded))
        .service(service);
    Router::new().fallback_service(service)
}

/// A resource that can be read and nothing else.
fn readable(methods: MethodRouter<ApiState>) -> MethodRouter<ApiState> {
    api::resource(methods, "GET, HEAD, OPTIONS")
}

async fn top(State(state): State<ApiState>, request: Request) -> Response {
    let prefix = prefix(&request);
    match state.published_below(prefix, "/") {
        Some((composes, path)) => files::answer(composes, &path, request.method(), request.headers()).await,
        None => pages::top(&state, prefix),
    }
}

/// The path below which a proxy shows the service.
fn prefix(request: &Request) -> &str {
    let base = request.extensions().get::<RequestBase>();
    base.map_or("", RequestBase::prefix)
}

/// Everything that no route takes: published files, or nothing.
async fn elsewhere(State(state): State<ApiState>, request: Request) -> Response {
    let path = request.uri().path();
    // With composes at the top, what is below the API's paths is still none of them.
    let composes = state
        .published_below(prefix(&request), path)
        .filter(|_| !api::is_api(path));
    if let Some((composes, path)) = composes {
        return files::answer(composes, &path, request.method(), request.headers()).await;
    }
    layers::readable_by_all(request.method(), ApiError::not_found(path).into_response())
}
