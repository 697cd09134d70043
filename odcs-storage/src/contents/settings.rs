//! What can be chosen about the content store.

use std::sync::Arc;
use std::time::Duration;

use odcs_core::{Clock, SystemClock};

/// How much the content store may hold, and for how long.
///
/// ```
/// use odcs_storage::ContentsSettings;
/// let settings = ContentsSettings::default().with_bytes(5 << 30);
/// assert_eq!(settings.bytes, 5 << 30);
/// assert_eq!(ContentsSettings::default().bytes, 20 << 30);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContentsSettings {
    /// The most bytes that it holds, files that composes use and files that are being fetched included.
    pub bytes: u64,
    /// For how long a file is kept after it was asked for, whatever it has to make room for: the time between
    /// fetching the first package of a compose and linking all of them has to fit.
    pub grace: Duration,
    /// For how long what an attempt left that was cut off is kept for another one to go on from.
    pub unfinished: Duration,
    /// Tells what was used when, and waits for other processes.
    pub clock: Arc<dyn Clock>,
}

impl ContentsSettings {
    /// Chooses how many bytes it may hold.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Chooses for how long a file is kept in any case.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Uses another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How old the last use that is noted on a file has to be before it is noted again: often enough for `grace` to
    /// hold, and seldom enough to cost nothing.
    pub(super) fn refresh(&self) -> Duration {
        self.grace / 3
    }
}

impl Default for ContentsSettings {
    /// 20 GiB; half an hour; a day; the machine's clock.
    fn default() -> Self {
        Self {
            bytes: 20 << 30,
            grace: Duration::from_secs(1_800),
            unfinished: Duration::from_secs(86_400),
            clock: Arc::new(SystemClock),
        }
    }
}
