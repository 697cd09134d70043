//! Looking after the cache, also while services use it.

use std::collections::HashSet;
use std::fs::File;

use tokio_util::sync::CancellationToken;

use super::PackCache;
use super::append::{cut, tidy};
use super::index;
use super::record::{self, Entry, HEADER, Header, Prefix};
use super::segment::{self, START, Segment};
use crate::error::Result;

/// What the cache holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Bytes of all its files.
    pub bytes: u64,
    /// Those of them that are its indexes.
    pub index_bytes: u64,
    /// Entries that can be found.
    pub entries: u64,
    /// Their bytes.
    pub live_bytes: u64,
    /// Bytes of entries that were replaced, and of what is none: they go with their segment.
    pub stale_bytes: u64,
    /// Files that entries are in.
    pub segments: u64,
    /// The most bytes that the cache may hold.
    pub cap: u64,
}

/// What is verified, so far or in the end.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheVerified {
    /// Entries that were read.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was damaged, and was dropped or made again.
    pub damaged: Vec<CacheProblem>,
    /// Whether it was stopped before everything was read.
    pub stopped: bool,
}

/// Something in the cache that was not as it had been written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum CacheProblem {
    /// An entry: it was dropped.
    Entry {
        /// The number of its segment.
        segment: u64,
        /// Where it begins there, in bytes.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
    },
    /// The index of a segment: it was made again from what the segment says.
    Index {
        /// The number of the segment.
        segment: u64,
    },
    /// What followed the last entry of a segment: it was cut off.
    End {
        /// The number of the segment.
        segment: u64,
        /// Where it begins, in bytes.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
    },
    /// A file that is called like a segment: it was removed.
    Segment {
        /// The number that it is called by.
        segment: u64,
    },
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CachePruned {
    /// Files of entries.
    pub segments: u64,
    /// Their bytes, those of their indexes included.
    pub bytes: u64,
    /// What is left, in bytes.
    pub left: u64,
}

impl PackCache {
    /// Counts everything. Blocks for as long as reading the indexes takes.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if the cache cannot be read.
    pub fn stats(&self) -> Result<CacheStats> {
        let view = {
            let _log = self.log();
            self.reload()?
        };
        let directory = self.directory.load();
        let mut stats = CacheStats {
            segments: view.segments.len() as u64,
            cap: self.settings.bytes,
            ..CacheStats::default()
        };
        let mut seen = HashSet::new();
        for segment in view.segments.iter().rev() {
            let index = directory.index_size(segment.number);
            stats.index_bytes = stats.index_bytes.saturating_add(index);
            stats.bytes = stats.bytes.saturating_add(index).saturating_add(segment.size());
            for (prefix, entry) in segment.entries() {
                if seen.insert(prefix) {
                    stats.entries += 1;
                    stats.live_bytes = stats.live_bytes.saturating_add(entry.size());
                }
            }
        }
        let starts = START * stats.segments;
        let known = stats
            .index_bytes
            .saturating_add(stats.live_bytes)
            .saturating_add(starts);
        stats.stale_bytes = stats.bytes.saturating_sub(known);
        Ok(stats)
    }

    /// Reads everything, and drops what is damaged: it is found out again when it is asked for. `progress` is shown
    /// how far it is now and then. Blocks for as long as that takes, or until it is cancelled.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if the cache cannot be read or written.
    pub fn verify(
        &self,
        mut progress: impl FnMut(&CacheVerified),
        cancel: &CancellationToken,
    ) -> Result<CacheVerified> {
        let mut verified = CacheVerified::default();
        let view = {
            let _log = self.log();
            let (directory, _locked) = self.lock()?;
            let view = self.reload()?;
            let removed = tidy(&directory, &directory.list()?, &view)?;
            verified.damaged.extend(
                removed
                    .into_iter()
                    .map(|segment| CacheProblem::Segment { segment }),
            );
            view
        };
        for segment in &view.segments {
            let end = segment.end();
            let mut entries = segment.entries();
            let is_whole = match &segment.index {
                Some(index) => index.is_whole(),
                None => segment.index_id.is_none(),
            };
            if !is_whole {
                entries.extend(segment.read_through());
            }
            let before = verified.damaged.len();
            let good = verify(segment, entries, is_whole, &mut verified, &mut progress, cancel);
            if verified.stopped {
                return Ok(verified);
            }
            if !is_whole {
                let segment = segment.number;
                verified.damaged.push(CacheProblem::Index { segment });
            }
            let damaged = verified.damaged.len() > before;
            self.mend(segment, end, damaged.then_some(&good), &mut verified)?;
        }
        Ok(verified)
    }

    /// Writes down which entries of a segment up to `end` are good, and cuts off what is none.
    fn mend(
        &self,
        segment: &Segment,
        end: u64,
        good: Option<&Vec<(Prefix, Entry)>>,
        verified: &mut CacheVerified,
    ) -> Result<()> {
        if good.is_none() && segment.size() <= segment.end() {
            return Ok(());
        }
        let _log = self.log();
        let (directory, _locked) = self.lock()?;
        let view = self.reload()?;
        let is_same = |other: &&_| {
            let other: &Segment = other;
            (other.number, other.id) == (segment.number, segment.id)
        };
        // It may have made room for others meanwhile.
        let Some(segment) = view.segments.iter().map(|segment| &**segment).find(is_same) else {
            return Ok(());
        };
        // Nobody is writing now.
        let bytes = cut(&directory, segment)?;
        if bytes > 0 {
            verified.damaged.push(CacheProblem::End {
                segment: segment.number,
                offset: segment.end(),
                bytes,
            });
        }
        if let Some(good) = good {
            directory.write_index(segment.number, &index::encode(segment.number, end, good))?;
        }
        self.reload()?;
        Ok(())
    }

    /// Removes the oldest entries until so many bytes are left, the cap if nothing is said, and what is none. Blocks
    /// for a moment.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if the cache cannot be read or written.
    pub fn prune(&self, to: Option<u64>) -> Result<CachePruned> {
        let _log = self.log();
        let (directory, _locked) = self.lock()?;
        let view = self.reload()?;
        tidy(&directory, &directory.list()?, &view)?;
        let goal = to.unwrap_or(self.settings.bytes);
        let sizes = self.sizes(&directory, &view);
        let mut pruned = CachePruned {
            left: sizes.iter().fold(0, |sum, (_, size)| sum.saturating_add(*size)),
            ..CachePruned::default()
        };
        for (number, size) in sizes {
            if pruned.left <= goal {
                break;
            }
            directory.remove(number)?;
            pruned.segments += 1;
            pruned.bytes = pruned.bytes.saturating_add(size);
            pruned.left = pruned.left.saturating_sub(size);
        }
        self.reload()?;
        Ok(pruned)
    }
}

/// Reads entries of a segment, and says which are good, by key. Where the index is to be believed, the others are
/// damaged.
fn verify(
    segment: &Segment,
    mut entries: Vec<(Prefix, Entry)>,
    is_whole: bool,
    verified: &mut CacheVerified,
    progress: &mut dyn FnMut(&CacheVerified),
    cancel: &CancellationToken,
) -> Vec<(Prefix, Entry)> {
    entries.sort_unstable_by_key(|(prefix, entry)| (entry.offset, *prefix));
    entries.dedup();
    let (mut good, mut buffer) = (Vec::with_capacity(entries.len()), Vec::new());
    for (at, (prefix, entry)) in entries.into_iter().enumerate() {
        if at.is_multiple_of(256) {
            if cancel.is_cancelled() {
                verified.stopped = true;
                return good;
            }
            progress(verified);
        }
        verified.entries += 1;
        verified.bytes = verified.bytes.saturating_add(entry.size());
        if is_good(&segment.file, prefix, &entry, segment.end(), &mut buffer) {
            good.push((prefix, entry));
        } else if is_whole {
            verified.damaged.push(CacheProblem::Entry {
                segment: segment.number,
                offset: entry.offset.into(),
                bytes: entry.size(),
            });
        }
    }
    // The last one with each key.
    good.sort_unstable_by_key(|(prefix, entry)| (*prefix, std::cmp::Reverse(entry.offset)));
    good.dedup_by_key(|(prefix, _)| *prefix);
    good
}

/// Whether an entry is what its header says.
fn is_good(file: &File, prefix: Prefix, entry: &Entry, end: u64, buffer: &mut Vec<u8>) -> bool {
    let Some(size) = usize::try_from(entry.size()).ok().filter(|_| entry.end() <= end) else {
        return false;
    };
    buffer.resize(size, 0);
    if segment::read(file, buffer, entry.offset.into()).is_err() {
        return false;
    }
    let Some((header, content)) = buffer.split_first_chunk::<HEADER>() else {
        return false;
    };
    Header::parse(header).is_some_and(|header| {
        record::prefix(&header.key) == prefix
            && header.at(entry.offset) == *entry
            && record::check(&header.key, &[content]) == entry.check
    })
}
