//! How a hub is asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use odcs_core::{Clock, SystemClock};
use url::Url;

use super::profile::Profile;
use super::xmlrpc::Limits;

/// How a hub is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HubSettings {
    /// The address of the hub, as `https://koji.example.com/kojihub`.
    pub server: Url,
    /// A file with certificates, in PEM format, that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// A certificate to show, and its key, both in PEM format; they may be one file.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// How long a connection may take. 10 s.
    pub connect_timeout: Duration,
    /// How long an answer may let wait for its next byte. 5 minutes: a large listing takes a hub that long when it is
    /// busy, and until it is done not a byte comes.
    pub read_timeout: Duration,
    /// How long one call may take in all, each time that it is tried. 15 minutes.
    pub call_timeout: Duration,
    /// What an answer may have at most.
    pub limits: Limits,
    /// How many times as large as it came an answer may become when it is decompressed, past 1 MiB. 200: listings repeat
    /// themselves a lot.
    pub ratio: u64,
    /// Bytes that a call may have. 4 MiB, which is what a hub takes.
    pub request_bytes: usize,
    /// How many calls are made by one `multiCall`. 500.
    pub calls_at_once: usize,
    /// How often a call is tried before it has failed. 5.
    pub attempts: u32,
    /// Whether a call is tried again that the hub answered with being offline. Yes.
    pub retry_offline: bool,
    /// How long to wait before the second attempt; twice as long each time after. 1 s.
    pub backoff: Duration,
    /// How long to wait at most. 30 s.
    pub longest_backoff: Duration,
    /// How many calls are made at a time. 4.
    pub connections: usize,
    /// The clock that is waited by.
    pub clock: Arc<dyn Clock>,
}

impl HubSettings {
    /// The defaults, for the hub at an address.
    pub fn new(server: Url) -> Self {
        Self {
            server,
            ca_file: None,
            client_certificate: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(300),
            call_timeout: Duration::from_secs(900),
            limits: Limits::default(),
            ratio: 200,
            request_bytes: 4 << 20,
            calls_at_once: 500,
            attempts: 5,
            retry_offline: true,
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(30),
            connections: 4,
            clock: Arc::new(SystemClock),
        }
    }

    /// Those of a profile, and the defaults for what it does not say. Without `anon_retry` nothing is tried again.
    pub fn from_profile(profile: &Profile) -> Self {
        let mut settings = Self::new(profile.server.clone());
        settings.ca_file.clone_from(&profile.serverca);
        settings.client_certificate = profile.cert.clone().map(|file| (file.clone(), file));
        if let Some(retries) = profile.max_retries {
            settings.attempts = retries.saturating_add(1);
        }
        if profile.anon_retry == Some(false) {
            settings.attempts = 1;
        }
        if let Some(interval) = profile.retry_interval {
            settings.backoff = interval;
            settings.longest_backoff = settings.longest_backoff.max(interval);
        }
        if let Some(retry) = profile.offline_retry {
            settings.retry_offline = retry;
        }
        if let Some(timeout) = profile.timeout {
            settings.call_timeout = timeout;
            settings.read_timeout = settings.read_timeout.min(timeout);
        }
        settings
    }
}
