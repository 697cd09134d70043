//! A fetcher whose clock and resolver belong to the test.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use odcs_core::allow::UrlAllowList;
use odcs_core::fetch::{Expected, Fetch, FetchExt, Get, Head};
use odcs_core::testing::ManualClock;
use odcs_core::{Clock, Error, Timestamp};
use odcs_fetch::{FetchSettings, Fetcher, Resolve};
use odcs_rpm::{Digest, DigestAlgorithm};
use url::Url;

/// The longest wait before another try. What waits longer waits for a server.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// A clock on which waits before another try are over at once, and are written down.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    pub(crate) time: ManualClock,
    waits: Arc<Mutex<Vec<Duration>>>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            time: ManualClock::new(Timestamp::from_seconds(1_700_000_000)),
            waits: Arc::default(),
        }
    }

    /// How long was waited before other tries.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn monotonic(&self) -> Duration {
        self.time.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        if duration > LONGEST {
            return self.time.sleep(duration).await;
        }
        self.waits.lock().unwrap().push(duration);
        self.time.advance(duration);
    }
}

/// Knows what a test has told it, and keeps a record of what it was asked. Of several answers for a name each is
/// given once, the last one over and over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    known: Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub(crate) fn answer(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut known = self.known.lock().unwrap();
        known.entry(name.to_owned()).or_default().push(addresses);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        match self.known.lock().unwrap().get_mut(host) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "nobody knows it")),
        }
    }
}

/// A fetcher, and what it is made of.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) fetcher: Fetcher,
    pub(crate) clock: TestClock,
    pub(crate) names: Names,
}

impl Client {
    /// Everything below these URLs may be fetched.
    pub(crate) fn new<S: AsRef<str>>(allowed: impl IntoIterator<Item = S>) -> Self {
        Self::with(allowed, |_| ())
    }

    pub(crate) fn with<S: AsRef<str>>(
        allowed: impl IntoIterator<Item = S>,
        set: impl FnOnce(&mut FetchSettings),
    ) -> Self {
        let mut settings = FetchSettings::new(UrlAllowList::parse(allowed).unwrap());
        settings.attempts = 3;
        settings.longest_backoff = LONGEST;
        settings.read_timeout = Duration::from_secs(600);
        set(&mut settings);
        let (clock, names) = (TestClock::new(), Names::default());
        let parts: (Arc<dyn Resolve>, Arc<dyn Clock>) = (Arc::new(names.clone()), Arc::new(clock.clone()));
        let fetcher = Fetcher::with_parts(settings, parts.0, parts.1).unwrap();
        Self {
            fetcher,
            clock,
            names,
        }
    }

    /// Fetches a file into memory, from the first of these places that has it.
    pub(crate) async fn get(&self, places: &[String], digest: Option<&[u8]>) -> Result<(Head, Bytes), Error> {
        let get = Get::of_any(places.iter().map(|place| place.parse().unwrap()).collect(), LIMIT);
        let expected = Expected::at_most(LIMIT, &places[0]);
        let expected = expected.with_digest(digest.map(digest_of));
        self.fetcher.bytes(&get, expected).await
    }

    /// The same of one place, and only what it has.
    pub(crate) async fn bytes(&self, place: &str) -> Result<Bytes, Error> {
        let (_, bytes) = self.get(&[place.to_owned()], None).await?;
        Ok(bytes)
    }

    pub(crate) fn check(&self, url: &Url) -> Result<(), Error> {
        self.fetcher.check(url)
    }
}

/// The most bytes that are fetched.
pub(crate) const LIMIT: u64 = 1 << 20;

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::of_bytes(DigestAlgorithm::Sha256, bytes)
}

/// Bytes that differ everywhere, so that none can be taken for others.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    let bytes = (0_u32..).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes.take(length).collect()
}
