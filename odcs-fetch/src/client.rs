//! The HTTP clients: one that connects to servers, and one that connects to the proxy.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Client, Proxy, redirect, retry};
use url::{Host, Url};

use crate::error::{Error, cause};
use crate::guard::{Checked, Guard, Unchecked};
use crate::settings::FetchSettings;
use crate::tls;

/// How long a connection is kept that nothing is asked through. Many servers close theirs after a quarter of a minute
/// or more.
const IDLE: Duration = Duration::from_secs(14);

/// The clients.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    direct: Client,
    proxied: Option<(Client, Arc<[Direct]>)>,
}

impl Clients {
    pub(crate) fn new(settings: &FetchSettings, guard: &Guard) -> Result<Self, Error> {
        let tls = tls::config(settings)?;
        let common = || {
            let mut headers = HeaderMap::new();
            // What servers encode is not what checksums are of.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("odcs/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .no_proxy()
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .http1_only()
                .connect_timeout(settings.connect_timeout)
                .pool_max_idle_per_host(settings.connections_per_host.max(1))
                .pool_idle_timeout(IDLE)
                .tcp_nodelay(true)
        };
        let unusable = |error: reqwest::Error| Error::Unusable {
            key: "proxy",
            reason: cause(&error),
        };
        let direct = common().dns_resolver(Checked(guard.clone())).build();
        let proxied = match &settings.proxy {
            None => None,
            Some(url) => {
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(Error::Unusable {
                        key: "proxy",
                        reason: format!("a proxy has an http or https URL, not one of {}", url.scheme()),
                    });
                }
                let proxy = Proxy::all(url.clone()).map_err(unusable)?;
                // What it leads to is the proxy's business, and where the proxy itself is, the settings say.
                let client = common().dns_resolver(Unchecked(guard.clone())).proxy(proxy);
                let client = client.build().map_err(unusable)?;
                let exceptions = settings.no_proxy.iter().map(|text| Direct::parse(text)).collect();
                Some((client, exceptions))
            }
        };
        Ok(Self {
            direct: direct.map_err(unusable)?,
            proxied,
        })
    }

    /// The client to fetch a URL with.
    pub(crate) fn of(&self, url: &Url) -> &Client {
        self.proxied_for(url).unwrap_or(&self.direct)
    }

    /// Whether a URL is fetched through the proxy.
    pub(crate) fn is_proxied(&self, url: &Url) -> bool {
        self.proxied_for(url).is_some()
    }

    fn proxied_for(&self, url: &Url) -> Option<&Client> {
        let (client, exceptions) = self.proxied.as_ref()?;
        let is_exception = exceptions.iter().any(|exception| exception.has(url));
        (!is_exception).then_some(client)
    }
}

/// Hosts that are reached without the proxy.
#[derive(Clone, Debug)]
enum Direct {
    Every,
    Network(IpNet),
    /// Without dots at its ends.
    Domain(Box<str>),
}

impl Direct {
    /// A `*`, an address, a network, or a domain, which may begin with a dot.
    fn parse(text: &str) -> Self {
        let text = text.trim();
        if text == "*" {
            return Self::Every;
        }
        let address = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(network) = address
            .parse()
            .or_else(|error| address.parse::<IpAddr>().map(IpNet::from).map_err(|_| error))
        {
            return Self::Network(network);
        }
        Self::Domain(text.trim_matches('.').to_ascii_lowercase().into())
    }

    fn has(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match (self, address, url.host_str()) {
            (Self::Every, ..) => true,
            (Self::Network(network), Some(address), _) => network.contains(&address),
            (Self::Domain(domain), None, Some(host)) => {
                let above = host.trim_end_matches('.').strip_suffix(domain.as_ref());
                !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_reached_without_the_proxy_that_are_listed_or_below() {
        let has = |exception: &str, url: &str| Direct::parse(exception).has(&url.parse().unwrap());
        for (exception, url) in [
            ("*", "http://example.com/"),
            ("example.com", "http://example.com/"),
            (".Example.com", "https://a.b.EXAMPLE.com:8443/"),
            ("example.com", "http://example.com./"),
            ("10.0.0.0/8", "http://10.1.2.3/"),
            ("10.1.2.3", "http://10.1.2.3:8080/"),
            ("::1", "http://[::1]/"),
            ("[::1]", "http://[::1]/"),
        ] {
            assert!(has(exception, url), "{exception}: {url}");
        }
        for (exception, url) in [
            ("", "http://example.com/"),
            (".", "http://example.com/"),
            ("example.com", "http://badexample.com/"),
            ("a.example.com", "http://example.com/"),
            ("10.0.0.0/8", "http://11.1.2.3/"),
            ("3", "http://10.1.2.3/"),
        ] {
            assert!(!has(exception, url), "{exception}: {url}");
        }
    }
}
