//! Which requests are answered at all: those for a name this service goes by, and, if they change
//! something, those that no other site made a browser send.
//!
//! A service that asks nobody who they are trusts its machine. A page on the web can reach it through
//! the browser of somebody on that machine: directly, or by a name of its own that it points at
//! 127.0.0.1 (DNS rebinding). The `Host` of a request tells the second, its `Origin` the first.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::error::ApiError;
use crate::health;
use crate::proxy::Forwarded;
use crate::state::ApiState;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Scheme, host and port by which the request reached the service, and the path below which a proxy shows
/// it: `http://localhost:5000`, `https://example.com/odcs`.
#[derive(Clone, Debug)]
pub(crate) struct RequestBase(pub(crate) String);

impl RequestBase {
    /// The path that links within this service begin with.
    pub(crate) fn prefix(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }
}

/// Answers or refuses a request, and tells the handlers its [`RequestBase`].
pub(crate) async fn guard(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if health::is_health(request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match check(&state, &parts) {
        Ok(base) => {
            parts.extensions.insert(base);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

fn check(state: &ApiState, request: &Parts) -> Result<RequestBase, ApiError> {
    let none = Forwarded::default();
    let forwarded = request.extensions.get::<Forwarded>().unwrap_or(&none);
    if let Some(problem) = &forwarded.problem {
        return Err(ApiError::bad_request(problem));
    }
    let scheme = forwarded.scheme.unwrap_or(state.options().scheme);
    let host = forwarded.host(host(request)?, scheme).ok_or_else(|| {
        ApiError::bad_request("host and port of the request, as the proxy tells them, do not go together")
    })?;
    if !state.authenticator().identifies() && !is_own_name(state, host.host()) {
        let shown: String = host.host().chars().take(100).collect();
        let message = format!(
            "this service asks nobody who they are, so it answers under the names of its own machine only, \
             not as {shown:?}; use http://localhost, or have its public URL or its allowed hosts name {shown:?}"
        );
        return Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, message));
    }
    let base = format!("{scheme}://{host}");
    let url = Url::parse(&base)
        .map_err(|_| ApiError::bad_request("the Host of the request is not a host and a port"))?;
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method);
    if !reads && !is_from_here(state, &url, &request.headers) {
        return Err(ApiError::forbidden(
            "requests that change something are not taken from pages of other sites",
        ));
    }
    Ok(RequestBase(base + &forwarded.prefix))
}

/// The host a request is for. Requests that leave it open, or name several, are refused: a proxy in
/// front might have read another one.
fn host(request: &Parts) -> Result<Authority, ApiError> {
    let mut named = request.headers.get_all(HOST).iter();
    let host = match (named.next(), named.next(), request.uri.authority()) {
        (Some(host), None, _) => Authority::try_from(host.as_bytes())
            .map_err(|_| ApiError::bad_request("the Host of the request is not the name of a host"))?,
        (None, _, Some(authority)) => authority.clone(),
        (None, _, None) => return Err(ApiError::bad_request("the request names no Host")),
        (Some(_), Some(_), _) => return Err(ApiError::bad_request("the request names more than one Host")),
    };
    if request.uri.authority().is_some_and(|other| *other != host) {
        return Err(ApiError::bad_request(
            "the Host of the request is not that of its URL",
        ));
    }
    if host.host().is_empty() || host.as_str().contains('@') {
        return Err(ApiError::bad_request(
            "the Host of the request is not the name of a host",
        ));
    }
    Ok(host)
}

/// Whether nobody else can make a name of this kind lead here.
fn is_own_name(state: &ApiState, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let public = state.public_url().and_then(Url::host_str);
    let mut extra = state.options().allowed_hosts.iter().map(String::as_str);
    is_loopback(host)
        || public.is_some_and(|name| name.eq_ignore_ascii_case(host))
        || extra.any(|name| name.eq_ignore_ascii_case(host))
}

fn is_loopback(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    }
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a request comes from this service's own pages, or from no page at all.
fn is_from_here(state: &ApiState, own: &Url, headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(http::HeaderValue::as_bytes);
    if site == Some(b"cross-site") {
        return false;
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => site != Some(b"same-site"),
        (Some(origin), None) => {
            let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
            origin.is_some_and(|origin| {
                let mut known = std::iter::once(own).chain(state.public_url());
                known.any(|known| known.origin() == origin.origin())
            })
        }
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for name in [
            "localhost",
            "odcs.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "[0:0::1]",
        ] {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "127.1",
            "0177.0.0.1",
            "2130706433",
            "0.0.0.0",
            "192.168.0.1",
            "128.0.0.1",
            "[::]",
            "[::2]",
            "[::ffff:127.0.0.1]",
            "::1",
            "",
            "[",
            "[]",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }
}
