//! What may be connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use odcs_core::allow::UrlAllowList;
use reqwest::dns::{Addrs, Name, Resolving};
use url::{Host, Url};

use crate::address::{is_listed, special_address};
use crate::error::Problem;
use crate::resolver::Resolve;

/// The allow list, and the addresses that names on it may lead to.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    allowed: UrlAllowList,
    networks: Arc<[IpNet]>,
    resolver: Arc<dyn Resolve>,
}

impl Guard {
    pub(crate) fn new(allowed: UrlAllowList, networks: &[IpNet], resolver: Arc<dyn Resolve>) -> Self {
        Self {
            allowed,
            networks: networks.into(),
            resolver,
        }
    }

    /// Whether a URL is one that may be fetched over HTTP. Hosts that are addresses need no other check: the list
    /// compares hosts as a whole, so whoever put such a URL there has listed that very address.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https") && self.allowed.allows(url)
    }

    /// The addresses of a host that may be connected to, at least one.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let mut addresses = self.unchecked(host).await?;
        let mut refused = None;
        addresses.retain(|address| {
            let special = special_address(*address).filter(|_| !self.is_listed(host, *address));
            if let Some(what) = special {
                refused.get_or_insert((*address, what));
            }
            special.is_none()
        });
        match refused {
            Some((address, what)) if addresses.is_empty() => Err(LookupError::Refused {
                host: host.into(),
                address,
                what,
            }),
            Some((address, what)) => {
                tracing::debug!(host, %address, what, "an address is not used");
                Ok(addresses)
            }
            None => Ok(addresses),
        }
    }

    /// The addresses that the host of an allowed URL may be connected to at: the host itself, if it is one.
    pub(crate) async fn addresses_of(&self, url: &Url) -> Result<Vec<IpAddr>, LookupError> {
        match url.host() {
            Some(Host::Ipv4(address)) => Ok(vec![address.into()]),
            Some(Host::Ipv6(address)) => Ok(vec![address.into()]),
            Some(Host::Domain(name)) => self.addresses(name).await,
            None => Ok(Vec::new()),
        }
    }

    /// The addresses of a host, whatever they are; at least one.
    async fn unchecked(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let found = self.resolver.resolve(host).await;
        let found = found.and_then(|found| {
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
            }
            Ok(found)
        });
        found.map_err(|error| LookupError::Failed {
            host: host.into(),
            reason: error.to_string(),
        })
    }

    /// `localhost` is what everybody takes it for; it got here because the list has it.
    fn is_listed(&self, host: &str, address: IpAddr) -> bool {
        (host == "localhost" && address.is_loopback()) || is_listed(&self.networks, address)
    }
}

/// Looks hosts up for connections that are made here.
pub(crate) struct Checked(pub(crate) Guard);

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move { Ok(ports(guard.addresses(name.as_str()).await?)) })
    }
}

/// Looks the proxy up, which is wherever the settings say.
pub(crate) struct Unchecked(pub(crate) Guard);

impl reqwest::dns::Resolve for Unchecked {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move { Ok(ports(guard.unchecked(name.as_str()).await?)) })
    }
}

/// The port is replaced by that of the URL.
fn ports(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)))
}

/// Why there is no address to connect to. It travels through the HTTP client's own errors, and is found there.
#[derive(Clone, Debug)]
pub(crate) enum LookupError {
    Refused {
        host: String,
        address: IpAddr,
        what: &'static str,
    },
    Failed {
        host: String,
        reason: String,
    },
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Refused { host, address, what } => Self::Address { host, address, what },
            LookupError::Failed { host, reason } => Self::Host { host, reason },
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Problem::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for LookupError {}
