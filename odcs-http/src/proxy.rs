//! What a proxy in front says about a request: by which name, scheme and path it reached the proxy, and
//! from where.
//!
//! Only proxies that the configuration names are believed ([`HttpOptions::trusted_proxies`]); from
//! everybody else these headers mean nothing. Of several values the last one counts: the one that the
//! proxy next to us has set, for all others may have been sent by the caller.
//!
//! | header | what it says |
//! | --- | --- |
//! | `X-Scheme`, else `X-Forwarded-Proto` | `http` or `https` |
//! | `X-Forwarded-Host` | host, and port if that is not the scheme's own |
//! | `X-Forwarded-Port` | the port, unless the host has one |
//! | `X-Script-Name`, else `X-Forwarded-Prefix` | the path below which the proxy shows this service; it is left out of the path of the request if the proxy has not done so |
//! | `X-Forwarded-For` | where the request came from, for the log: the last address that is no trusted proxy |
//!
//! `X-Scheme`, `X-Script-Name` and what is done with the path are as in the reference server.
//!
//! [`HttpOptions::trusted_proxies`]: crate::HttpOptions::trusted_proxies

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HeaderName;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, Uri};
use ipnet::IpNet;

use crate::files::is_below;
use crate::state::{ApiState, Scheme};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_SCHEME: HeaderName = HeaderName::from_static("x-scheme");
const X_SCRIPT_NAME: HeaderName = HeaderName::from_static("x-script-name");

/// The longest path that a service is shown below.
const MAX_PREFIX: usize = 256;

/// How a request reached us. Without a trusted proxy there is nothing but the address.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Forwarded {
    /// Who sent it, as far as can be told.
    pub(crate) client: Option<IpAddr>,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) host: Option<Authority>,
    pub(crate) port: Option<u16>,
    /// The path below which the service is shown; empty, or with a slash at the start and none at the end.
    pub(crate) prefix: String,
    /// Why what the proxy says cannot be understood. Such a request is refused: a link made from a guess would
    /// lead somewhere else.
    pub(crate) problem: Option<String>,
}

/// Reads what a trusted proxy says and takes its prefix from the path. Must be outside of the router:
/// the path decides about the route.
pub(crate) async fn forwarded(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| address.ip().to_canonical());
    let trusted = &state.options().trusted_proxies;
    let forwarded = match peer {
        Some(peer) if is_trusted(trusted, peer) => match Forwarded::read(request.headers(), peer, trusted) {
            Ok(forwarded) => forwarded,
            Err(problem) => Forwarded {
                client: Some(client(request.headers(), peer, trusted)),
                problem: Some(problem),
                ..Forwarded::default()
            },
        },
        client => Forwarded {
            client,
            ..Forwarded::default()
        },
    };
    if let Some(uri) = below(request.uri(), &forwarded.prefix) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(forwarded);
    next.run(request).await
}

fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

impl Forwarded {
    /// Reads the headers of a trusted proxy.
    fn read(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> Result<Self, String> {
        let mut forwarded = Self {
            client: Some(client(headers, peer, trusted)),
            ..Self::default()
        };
        if let Some((name, value)) = first_of(headers, [X_SCHEME, X_FORWARDED_PROTO])? {
            forwarded.scheme = Some(match value.to_ascii_lowercase().as_str() {
                "http" => Scheme::Http,
                "https" => Scheme::Https,
                _ => return Err(unreadable(&name, "http or https")),
            });
        }
        if let Some(value) = last(headers, &X_FORWARDED_HOST)? {
            let host = Authority::try_from(value)
                .ok()
                .filter(|host| !host.host().is_empty() && !host.as_str().contains('@'));
            forwarded.host = Some(host.ok_or_else(|| unreadable(&X_FORWARDED_HOST, "the name of a host"))?);
        }
        if let Some(value) = last(headers, &X_FORWARDED_PORT)? {
            let port = value.parse().ok().filter(|port| *port > 0);
            forwarded.port = Some(port.ok_or_else(|| unreadable(&X_FORWARDED_PORT, "the number of a port"))?);
        }
        if let Some((name, value)) = first_of(headers, [X_SCRIPT_NAME, X_FORWARDED_PREFIX])? {
            let value = value.trim_end_matches('/');
            if !is_prefix(value) {
                return Err(unreadable(&name, "a path such as /odcs"));
            }
            value.clone_into(&mut forwarded.prefix);
        }
        Ok(forwarded)
    }

    /// The host and port that a request with this `Host` was sent to, without the port that the scheme has
    /// anyway; `None` if they do not go together.
    pub(crate) fn host(&self, host: Authority, scheme: Scheme) -> Option<Authority> {
        let own = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        let port = match &self.host {
            // What it says of the host it means: nothing is added but the port that it names apart.
            Some(host) => host.port_u16().or(self.port),
            None if self.port.is_some() => self.port,
            None => return Some(host),
        };
        let name = self.host.as_ref().unwrap_or(&host).host();
        match port.filter(|port| *port != own) {
            Some(port) => format!("{name}:{port}").parse().ok(),
            None => name.parse().ok(),
        }
    }
}

/// The last value of a header, in whichever of its lines; `None` if it is missing or empty.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, String> {
    let Some(line) = headers.get_all(name).iter().next_back() else {
        return Ok(None);
    };
    let line = line.to_str().map_err(|_| unreadable(name, "plain text"))?;
    let value = line.rsplit(',').next().unwrap_or(line).trim();
    Ok((!value.is_empty()).then_some(value))
}

/// The first of these headers that is there.
fn first_of(headers: &HeaderMap, names: [HeaderName; 2]) -> Result<Option<(HeaderName, &str)>, String> {
    for name in names {
        if let Some(value) = last(headers, &name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn unreadable(name: &HeaderName, expected: &str) -> String {
    format!("the header {name} of the proxy in front of this service should be {expected}")
}

/// Whether this is a path that can stand in front of others in a link.
fn is_prefix(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=:@%".contains(&byte);
    let mut segments = text.split('/');
    text.len() <= MAX_PREFIX
        && segments.next() == Some("")
        && segments.all(|segment| !matches!(segment, "" | "." | "..") && segment.bytes().all(fits))
        || text.is_empty()
}

/// The address that a request comes from: from the last one on, those of trusted proxies are skipped.
/// What is no address ends the search, with the proxy that reported it.
fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        match address(hop.trim()) {
            Some(hop) => client = hop,
            None => break,
        }
        if !is_trusted(trusted, client) {
            break;
        }
    }
    client
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bracketed).map(|address| address.to_canonical())
}

/// The URL with the prefix taken from its path, if it is there.
fn below(uri: &Uri, prefix: &str) -> Option<Uri> {
    let path = uri.path();
    if prefix.is_empty() || !is_below(prefix, path) {
        return None;
    }
    let rest = path.strip_prefix(prefix)?;
    let rest = if rest.is_empty() { "/" } else { rest };
    let rest = match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(list: &[(&HeaderName, &str)]) -> HeaderMap {
        let pairs = list
            .iter()
            .map(|(name, value)| ((*name).clone(), HeaderValue::from_str(value).unwrap()));
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    fn trusted() -> Vec<IpNet> {
        vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&["192.0.2.7"], "192.0.2.7"),
            // Whatever the caller wrote itself stands further to the left.
            (&["1.2.3.4, 192.0.2.7"], "192.0.2.7"),
            (&["1.2.3.4, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            (&["1.2.3.4", "192.0.2.7", "10.0.0.2"], "192.0.2.7"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.7:4711"], "192.0.2.7"),
            (&["[2001:db8::7]:4711"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["2001:db8::7,::1"], "2001:db8::7"),
            (&["::ffff:192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.7, unknown"], "10.0.0.1"),
            (&["192.0.2.7, unknown, 10.0.0.2"], "10.0.0.2"),
            (&[""], "10.0.0.1"),
        ] {
            let name = X_FORWARDED_FOR;
            let lines: Vec<_> = lines.iter().map(|line| (&name, *line)).collect();
            let client = client(&headers(&lines), peer, &trusted());
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }

    #[test]
    fn the_word_of_the_nearest_proxy_counts() {
        let read = |list: &[(&HeaderName, &str)]| {
            Forwarded::read(&headers(list), "10.0.0.1".parse().unwrap(), &trusted())
        };
        let forwarded = read(&[
            (&X_FORWARDED_HOST, "evil.example.net"),
            (&X_FORWARDED_HOST, "evil.example.net, odcs.example.com"),
            (&X_FORWARDED_PROTO, "http"),
            (&X_SCHEME, "HTTPS"),
            (&X_FORWARDED_PREFIX, "/other"),
            (&X_SCRIPT_NAME, "/odcs/"),
            (&X_FORWARDED_PORT, "80, 8443"),
        ]);
        let forwarded = forwarded.unwrap();
        assert_eq!(forwarded.host.as_ref().unwrap(), "odcs.example.com");
        assert_eq!(
            (forwarded.scheme, forwarded.port),
            (Some(Scheme::Https), Some(8443))
        );
        assert_eq!(forwarded.prefix, "/odcs");
        // Empty ones say nothing.
        let empty = read(&[(&X_SCHEME, ""), (&X_SCRIPT_NAME, "/"), (&X_FORWARDED_HOST, " ")]);
        let empty = empty.unwrap();
        assert_eq!(
            (empty.scheme, empty.host, empty.prefix.as_str()),
            (None, None, "")
        );
        for (name, value) in [
            (X_SCHEME, "ftp"),
            (X_FORWARDED_PROTO, "javascript"),
            (X_FORWARDED_HOST, "a@b"),
            (X_FORWARDED_HOST, "a b"),
            (X_FORWARDED_HOST, "a/b"),
            (X_FORWARDED_PORT, "0"),
            (X_FORWARDED_PORT, "65536"),
            (X_SCRIPT_NAME, "odcs"),
            (X_SCRIPT_NAME, "//evil.example.net"),
            (X_SCRIPT_NAME, "/a/../b"),
            (X_SCRIPT_NAME, "/a?b"),
            (X_SCRIPT_NAME, "/\"><script>"),
        ] {
            assert!(read(&[(&name, value)]).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn hosts_and_ports() {
        let host = |own: &str, forwarded: Option<&str>, port, scheme| {
            let forwarded = Forwarded {
                host: forwarded.map(|host| host.parse().unwrap()),
                port,
                ..Forwarded::default()
            };
            forwarded.host(own.parse().unwrap(), scheme).unwrap().to_string()
        };
        for (own, forwarded, port, scheme, expected) in [
            ("localhost:5000", None, None, Scheme::Http, "localhost:5000"),
            ("localhost", None, Some(8080), Scheme::Http, "localhost:8080"),
            ("localhost:5000", None, Some(443), Scheme::Https, "localhost"),
            (
                "localhost:5000",
                Some("a.example"),
                None,
                Scheme::Https,
                "a.example",
            ),
            (
                "x",
                Some("a.example:8443"),
                Some(443),
                Scheme::Https,
                "a.example:8443",
            ),
            ("x", Some("a.example:443"), None, Scheme::Https, "a.example"),
            (
                "x",
                Some("a.example"),
                Some(8443),
                Scheme::Https,
                "a.example:8443",
            ),
            ("x", Some("a.example"), Some(443), Scheme::Http, "a.example:443"),
            ("x", Some("[::1]"), Some(81), Scheme::Http, "[::1]:81"),
        ] {
            assert_eq!(host(own, forwarded, port, scheme), expected);
        }
    }

    #[test]
    fn prefixes_leave_the_path() {
        for (uri, prefix, expected) in [
            ("/odcs/api/1/?a=b", "/odcs", Some("/api/1/?a=b")),
            ("/odcs", "/odcs", Some("/")),
            ("/odcs/", "/odcs", Some("/")),
            ("/odcs2/api", "/odcs", None),
            ("/api/1/", "/odcs", None),
            ("/api/1/", "", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(
                below(&uri, prefix).map(|uri| uri.to_string()).as_deref(),
                expected
            );
        }
    }
}
