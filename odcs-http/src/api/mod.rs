//! The REST API, version 1. Paths, names and types are frozen: clients in production rely on them.

mod about;
mod composes;
mod diff;
mod dry_run;
mod list;
mod log;
mod manifest;
mod packages;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::ALLOW;
use http::{HeaderValue, Method};

use crate::error::ApiError;
use crate::files::is_below;
use crate::state::ApiState;
use crate::{metrics, openapi};

/// Where the API is. The second is the one that the first documents of the service have.
const BASES: [&str; 2] = ["/api/1", "/odcs/1"];

/// Whether a path is where the API is, so that nothing else can be there: `/api` and all below it, and
/// the paths of the first documents, `/odcs/1`.
pub fn is_api(path: &str) -> bool {
    ["/api", "/odcs/1"].into_iter().any(|base| is_below(base, path))
}

/// The routes of the API. There are no redirects: a redirected POST breaks clients.
pub(crate) fn routes() -> Router<ApiState> {
    let resources = || {
        [
            (
                "composes",
                get(composes::list).post(composes::create),
                "GET, HEAD, POST, OPTIONS",
            ),
            (
                "composes/{id}",
                get(composes::read)
                    .patch(composes::renew)
                    .delete(composes::delete),
                "DELETE, GET, HEAD, PATCH, OPTIONS",
            ),
            ("composes/{id}/log", get(log::read), "GET, HEAD, OPTIONS"),
            (
                "composes/{id}/packages",
                get(packages::list),
                "GET, HEAD, OPTIONS",
            ),
            (
                "composes/{id}/manifest",
                get(manifest::read),
                "GET, HEAD, OPTIONS",
            ),
            (
                "composes/{id}/diff/{other}",
                get(diff::read),
                "GET, HEAD, OPTIONS",
            ),
            ("about", get(about::read), "GET, HEAD, OPTIONS"),
            ("metrics", get(metrics::read), "GET, HEAD, OPTIONS"),
            ("openapi.json", get(openapi::read), "GET, HEAD, OPTIONS"),
        ]
    };
    BASES.into_iter().fold(Router::new(), |router, base| {
        resources()
            .into_iter()
            .fold(router, |router, (path, methods, allow)| {
                let methods = resource(methods, allow);
                router
                    .route(&format!("{base}/{path}"), methods.clone())
                    .route(&format!("{base}/{path}/"), methods)
            })
    })
}

/// A resource with the answers for OPTIONS and for the methods it does not have.
pub(crate) fn resource(methods: MethodRouter<ApiState>, allow: &'static str) -> MethodRouter<ApiState> {
    methods
        .options(move || async move { options(allow) })
        .fallback(move |method: Method| async move {
            ApiError::method_not_allowed(&method, allow).into_response()
        })
}

/// The answer to OPTIONS.
pub(crate) fn options(allow: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_has_its_paths_for_itself() {
        for path in ["/api", "/api/", "/api/1/composes", "/odcs/1", "/odcs/1/composes/"] {
            assert!(is_api(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/apis",
            "/composes",
            "/odcs",
            "/odcs/",
            "/odcs/10",
            "/odcs/composes",
        ] {
            assert!(!is_api(path), "{path}");
        }
        assert!(BASES.into_iter().all(is_api));
    }
}
