//! What can be chosen about the metadata cache.

use std::sync::Arc;

use odcs_core::{Clock, SystemClock};

/// The least that a cache can hold: less than one file of metadata is not worth a directory.
const LEAST: u64 = 1 << 20;
/// How many segments a full cache consists of, about: what goes at once when there is no more room.
const SEGMENTS: u64 = 16;
/// The largest segment: places in it are written down in four bytes.
const LARGEST_SEGMENT: u64 = 1 << 30;

/// How much the metadata cache may hold, and how it is written.
///
/// ```
/// use odcs_storage::CacheSettings;
/// let settings = CacheSettings::default().with_bytes(5 << 30);
/// assert_eq!(settings.bytes, 5 << 30);
/// assert_eq!(CacheSettings::default().bytes, 2 << 30);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheSettings {
    /// The most bytes that it holds, its indexes included; at least a mebibyte.
    pub bytes: u64,
    /// How many bytes are collected in memory before they are written, in one go.
    pub batch: usize,
    /// Bytes that are to stay free on the disk: nothing is kept if there were less.
    pub reserve: u64,
    /// Tells how long ago it was looked for what other processes have added.
    pub clock: Arc<dyn Clock>,
}

impl CacheSettings {
    /// Chooses how many bytes it may hold.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Chooses how many bytes are collected before they are written.
    #[must_use]
    pub fn with_batch(mut self, bytes: usize) -> Self {
        self.batch = bytes;
        self
    }

    /// Chooses how many bytes are to stay free on the disk.
    #[must_use]
    pub fn with_reserve(mut self, bytes: u64) -> Self {
        self.reserve = bytes;
        self
    }

    /// Uses another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The cap.
    pub(super) fn cap(&self) -> u64 {
        self.bytes.max(LEAST)
    }

    /// How large a segment becomes before the next one is begun.
    pub(super) fn segment(&self) -> u64 {
        (self.cap() / SEGMENTS).min(LARGEST_SEGMENT)
    }

    /// How much is collected in memory.
    pub(super) fn batch(&self) -> usize {
        let half = usize::try_from(self.segment() / 2).unwrap_or(usize::MAX);
        self.batch.min(half)
    }

    /// The largest entry that is kept: one must not push everything else out.
    pub(super) fn entry(&self) -> u64 {
        (self.cap() / 4).min(LARGEST_SEGMENT)
    }
}

impl Default for CacheSettings {
    /// 2 GiB; written by the megabyte; 64 MiB stay free; the machine's clock.
    fn default() -> Self {
        Self {
            bytes: 2 << 30,
            batch: 1 << 20,
            reserve: 64 << 20,
            clock: Arc::new(SystemClock),
        }
    }
}
