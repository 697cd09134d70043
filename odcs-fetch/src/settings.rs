//! What can be chosen about fetching.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use odcs_core::allow::UrlAllowList;
use url::Url;

use crate::error::shown;

/// Where requests may lead, and how patient they are.
#[derive(Clone)]
#[non_exhaustive]
pub struct FetchSettings {
    /// What may be fetched.
    pub allowed: UrlAllowList,
    /// Private, loopback and link-local addresses that hosts of the list may turn out to have. An address that stands
    /// in the list itself, as in `http://10.0.0.7/`, is allowed there without this, and so are loopback addresses for
    /// the host name `localhost`.
    pub networks: Vec<IpNet>,
    /// The most connections to one host at a time.
    pub connections_per_host: usize,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long nothing at all may come.
    pub read_timeout: Duration,
    /// The fewest bytes that have to come in each minute, unless the file ends before.
    pub bytes_per_minute: u64,
    /// How many redirects are followed for one file.
    pub redirects: usize,
    /// How often something is tried, the first time included. Tries that brought a megabyte more of a file do not
    /// count.
    pub attempts: u32,
    /// How long is waited before the second try; twice as long before each further one.
    pub backoff: Duration,
    /// The longest such wait, also where a server asks for more.
    pub longest_backoff: Duration,
    /// What everything is fetched through, but for hosts of `no_proxy`. Whether addresses are allowed is its business,
    /// then: it is the one that looks them up.
    pub proxy: Option<Url>,
    /// Host names, with all names below them, and addresses or networks that are reached without the proxy.
    pub no_proxy: Vec<String>,
    /// Certificates of authorities, in PEM files, that are trusted besides those of the system.
    pub ca_files: Vec<PathBuf>,
    /// The certificate and the key, in PEM files, that servers are shown that ask for one.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// The program `git`, by path or by a name that is looked for in `PATH`.
    pub git: PathBuf,
    /// How long fetching from a git repository may take.
    pub git_timeout: Duration,
}

impl FetchSettings {
    /// Below these URLs. Eight connections to a host; 10 s to connect, 30 s without a byte, 60 kB a minute, 5 redirects,
    /// 4 tries with waits of half a second to 30 s, no proxy; 10 minutes for `git`.
    pub fn new(allowed: UrlAllowList) -> Self {
        Self {
            allowed,
            networks: Vec::new(),
            connections_per_host: 8,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            bytes_per_minute: 60_000,
            redirects: 5,
            attempts: 4,
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(30),
            proxy: None,
            no_proxy: Vec::new(),
            ca_files: Vec::new(),
            client_certificate: None,
            git: "git".into(),
            git_timeout: Duration::from_secs(600),
        }
    }
}

/// Without the password of the proxy.
impl fmt::Debug for FetchSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = self.proxy.as_ref().map(shown);
        f.debug_struct("FetchSettings")
            .field("allowed", &self.allowed)
            .field("networks", &self.networks)
            .field("connections_per_host", &self.connections_per_host)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("bytes_per_minute", &self.bytes_per_minute)
            .field("redirects", &self.redirects)
            .field("attempts", &self.attempts)
            .field("backoff", &self.backoff)
            .field("longest_backoff", &self.longest_backoff)
            .field("proxy", &proxy)
            .field("no_proxy", &self.no_proxy)
            .field("ca_files", &self.ca_files)
            .field("client_certificate", &self.client_certificate)
            .field("git", &self.git)
            .field("git_timeout", &self.git_timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_proxy_is_not_shown() {
        let mut settings = FetchSettings::new(UrlAllowList::default());
        settings.proxy = Some("http://me:secret@proxy.example.com:3128/".parse().unwrap());
        let text = format!(
            "{settings:?} {:?}",
            crate::Fetcher::new(settings.clone()).unwrap()
        );
        assert!(
            text.contains("proxy.example.com:3128") && text.contains("no_proxy"),
            "{text}"
        );
        assert!(!text.contains("secret") && !text.contains("me:"), "{text}");
    }
}
