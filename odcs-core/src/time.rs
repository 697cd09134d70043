//! Points in time in whole seconds, and the clock they come from.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A point in time: whole seconds since 1970, UTC. Written as `2017-10-13T17:03:13Z`, the only form
/// that every client reads (a fraction or an offset crashes some).
///
/// ```
/// use odcs_core::Timestamp;
/// let time = Timestamp::from_seconds(1_507_914_193);
/// assert_eq!(time.to_string(), "2017-10-13T17:03:13Z");
/// assert_eq!("2017-10-13T17:03:13Z".parse::<Timestamp>()?, time);
/// assert_eq!(time.date(), "20171013");
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59Z, the last second that four digits of year can write.
const LAST: i64 = 253_402_300_799;

impl Timestamp {
    /// From seconds since 1970, kept between 1970 and 9999.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.clamp(0, LAST))
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// This much later, at most the end of the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_seconds(
            self.0
                .saturating_add(i64::try_from(duration.as_secs()).unwrap_or(LAST)),
        )
    }

    /// The time from an earlier point to this one; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The date as compose ids have it: `20171013`.
    pub fn date(self) -> String {
        self.format("%Y%m%d")
    }

    fn format(self, pattern: &str) -> String {
        jiff::Timestamp::from_second(self.0)
            .unwrap_or_default()
            .strftime(pattern)
            .to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl FromStr for Timestamp {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let time: jiff::Timestamp = text.parse().map_err(|error| {
            Error::invalid("time", format!("{text:?} is not a time in UTC")).with_source(error)
        })?;
        Ok(Self::from_seconds(time.as_second()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

/// Where the time comes from. Everything that depends on time asks a clock, so that tests can hold
/// it still or move it.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// The time since some fixed point, for measuring how long something takes. Unlike [`now`](Self::now)
    /// it never runs backwards, and on the machine's clock it is finer than a second.
    fn monotonic(&self) -> Duration {
        self.now().since(Timestamp::from_seconds(0))
    }

    /// Returns after this long.
    async fn sleep(&self, duration: Duration);
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(jiff::Timestamp::now().as_second())
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
