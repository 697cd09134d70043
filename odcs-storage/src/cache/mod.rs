//! What is known about packages, kept between composes: [`MetadataCache`] in files.
//!
//! In `.cache/` of the default target directory, which nobody but the user of the service can enter:
//! - `N.pack`: a segment, entries one after the other, each with its key and a checksum ([`record`]). Bytes are only
//!   ever added, all entries of a batch in one write under the lock.
//! - `N.index`: where the entries of a segment are, sorted by key, up to some place ([`index`]). What comes after that
//!   is found by going from header to header. An index is written under another name and renamed, never changed, and
//!   mapped into memory; without it the segment is read through.
//! - `lock`: whoever changes something holds it for that moment; the kernel releases it if the process is killed.
//!
//! Reading takes no lock: a lookup goes through the segments, the newest first, and reads what it finds with one call.
//! The checksum is that of the key and the content together, so what comes out is what was put under this key, or
//! nothing. What does not verify is forgotten, and found out and added again.
//!
//! Nothing is forced to the disk, and nothing that is found there is taken for granted: what a kill or a power cut leaves at
//! the end of a segment is no entry and is cut off by the next who adds something, what is called like a segment or an
//! index but is none is removed then, and what cannot be read is not there. A value that was replaced can come back when
//! the one that replaced it is damaged, and who has found it goes on finding it for a while: values of one key differ in
//! nothing but how they are written down.
//!
//! When there is no more room, the oldest segment goes with all that is in it. Entries of the last quarter before that
//! are written once more when they are used, so what composes use stays. Whoever has a segment open goes on reading it.
//!
//! A cache may be moved or copied with its directory: nothing in it names the machine. It is the keys that say what an
//! entry is about, down to the inode and the nanosecond where a file is one of a machine ([`FileIdentity::local`]), and
//! device numbers, which could tell machines apart, change with every start of some.
//!
//! [`FileIdentity::local`]: odcs_core::FileIdentity::local

mod append;
mod batch;
mod directory;
mod index;
mod map;
mod record;
mod segment;
mod settings;
#[cfg(test)]
mod tests;
mod upkeep;
mod view;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use odcs_core::{CacheKey, MetadataCache};

pub use settings::CacheSettings;
pub use upkeep::{CacheProblem, CachePruned, CacheStats, CacheVerified};

use crate::error::Result;
use crate::targets::Targets;
use append::Log;
use batch::Batch;
use directory::Directory;
use record::Entry;
use segment::Segment;
use view::View;

/// After how long it is looked for new segments in any case. Else they are noticed by the time of the directory,
/// which most kernels count in steps of some milliseconds.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// Damaged entries that are remembered.
const MAX_FORGOTTEN: usize = 1 << 16;

/// The metadata cache in the default target directory, which any number of threads and processes share.
///
/// What is put is collected in memory, and written by the megabyte, on [`flush`](MetadataCache::flush), and when the
/// cache is dropped. Trouble with the disk is logged once, and makes it forget what it cannot write.
///
/// ```
/// use odcs_core::{CacheKey, MetadataCache};
/// use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};
///
/// let target = tempfile::tempdir()?;
/// let targets = Targets::open(&StorageSettings::new(target.path()))?;
/// let cache = PackCache::open(&targets, CacheSettings::default())?;
/// let key = CacheKey::new("example", &[b"a package"]);
/// cache.put(&key, &[b"what is ", b"known"]);
/// cache.flush();
///
/// let again = PackCache::open(&targets, CacheSettings::default())?;
/// let mut known = Vec::new();
/// assert!(again.get(&key, &mut known));
/// assert_eq!(known, b"what is known");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PackCache {
    targets: Targets,
    settings: CacheSettings,
    directory: ArcSwap<Directory>,
    view: ArcSwap<View>,
    /// What was put and is not written yet. It is taken out with `log` locked, which keeps the order.
    pending: Mutex<Batch>,
    /// Whoever looks for segments, or adds to them, in this process.
    log: Mutex<Log>,
    /// Entries that did not verify: the number of the segment, and which.
    forgotten: Mutex<HashSet<(u64, Entry)>>,
    forgotten_count: AtomicUsize,
}

impl PackCache {
    /// Opens the cache, and makes it if it is missing. What is in it is no reason to fail. Blocks for a moment.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if its directory cannot be made, opened or read,
    /// [`Error::Tampered`](crate::Error::Tampered) if it belongs to somebody else.
    pub fn open(targets: &Targets, settings: CacheSettings) -> Result<Self> {
        let directory = Directory::open(targets)?;
        let cache = Self {
            targets: targets.clone(),
            settings,
            directory: ArcSwap::from_pointee(directory),
            view: ArcSwap::default(),
            pending: Mutex::default(),
            log: Mutex::default(),
            forgotten: Mutex::default(),
            forgotten_count: AtomicUsize::new(0),
        };
        cache.reload()?;
        Ok(cache)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Batch> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks which segments there are, and what was added to them.
    /// Nobody else of this process may be at it, or adding entries.
    fn reload(&self) -> Result<Arc<View>> {
        let mut directory = self.directory.load_full();
        let now = self.settings.clock.monotonic();
        // Before it is read: what changes meanwhile is seen next time.
        let mut stamp = directory.stamp()?;
        if stamp.is_removed() {
            directory = Arc::new(Directory::open(&self.targets)?);
            stamp = directory.stamp()?;
            self.directory.store(Arc::clone(&directory));
        }
        let before = self.view.load();
        let mut segments = Vec::new();
        for number in directory.list()?.segments {
            let Some(looked) = directory.look(number) else {
                continue;
            };
            let is_same = |segment: &&Arc<Segment>| {
                segment.number == number
                    && segment.id == looked.id
                    && segment.index_id == looked.index
                    && segment.end() <= looked.size
            };
            let segment = match before.segments.iter().find(is_same) {
                Some(segment) => Arc::clone(segment),
                None => match directory.segment(number) {
                    Some(segment) => Arc::new(segment),
                    None => continue,
                },
            };
            if segment.end() < looked.size
                && let Err(errno) = segment.scan()
            {
                tracing::debug!(segment = number, %errno, "a segment of the metadata cache cannot be read");
            }
            segments.push(segment);
        }
        let view = Arc::new(View::new(segments, self.settings.cap(), stamp, now));
        self.view.store(Arc::clone(&view));
        Ok(view)
    }

    /// Whether there may be more than lookups see.
    fn has_news(&self, view: &View) -> bool {
        let now = self.settings.clock.monotonic();
        view.last().is_some_and(|segment| segment.has_changed())
            || self.directory.load().stamp().ok() != Some(view.stamp)
            || now.saturating_sub(view.at) >= LOOK_AGAIN
    }

    /// Looks an entry up and reads it; false if it is not there, or of no use.
    fn read(&self, view: &View, key: &CacheKey, into: &mut Vec<u8>) -> bool {
        let Some((segment, entry)) = view.find(record::prefix(key)) else {
            return false;
        };
        if self.is_forgotten(segment, &entry) {
            return false;
        }
        if !segment.read(key, &entry, into) {
            self.forget(segment, entry);
            return false;
        }
        if view.is_fading(segment) {
            self.queue(key, &[into], entry.check);
        }
        true
    }

    fn is_forgotten(&self, segment: &Segment, entry: &Entry) -> bool {
        if self.forgotten_count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        forgotten.contains(&(segment.number, *entry))
    }

    fn forget(&self, segment: &Segment, entry: Entry) {
        tracing::debug!(
            segment = segment.number,
            offset = entry.offset,
            "an entry of the metadata cache is damaged, and is made again"
        );
        let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        if forgotten.len() >= MAX_FORGOTTEN {
            // What is asked for again does not verify again.
            forgotten.clear();
        }
        forgotten.insert((segment.number, entry));
        self.forgotten_count.store(forgotten.len(), Ordering::Release);
    }

    /// Whether an entry that is to be added is there, and is going to stay.
    fn is_kept(&self, view: &View, prefix: record::Prefix, check: u64, length: u64) -> bool {
        view.find(prefix).is_some_and(|(segment, found)| {
            found.check == check
                && u64::from(found.length) == length
                && !view.is_fading(segment)
                && !self.is_forgotten(segment, &found)
        })
    }

    /// Adds an entry to those that are to be written, and writes them when they are many.
    fn queue(&self, key: &CacheKey, parts: &[&[u8]], check: u64) {
        let waiting = {
            let mut pending = self.pending();
            pending.push(key, parts, check);
            pending.bytes.len()
        };
        if waiting >= self.settings.batch() {
            let mut log = self.log();
            // Whoever was faster may have written it.
            if self.pending().bytes.len() >= self.settings.batch() {
                self.write(&mut log, false);
            }
        }
    }
}

impl MetadataCache for PackCache {
    fn get(&self, key: &CacheKey, into: &mut Vec<u8>) -> bool {
        let view = self.view.load();
        if self.read(&view, key, into) {
            return true;
        }
        if !self.has_news(&view) {
            return false;
        }
        let looked = {
            let _log = self.log();
            // Whoever was faster may have looked.
            let view = self.view.load_full();
            if self.has_news(&view) {
                self.reload()
            } else {
                Ok(view)
            }
        };
        match looked {
            Ok(view) => self.read(&view, key, into),
            Err(error) => {
                tracing::debug!(%error, "the metadata cache cannot be read");
                false
            }
        }
    }

    fn put(&self, key: &CacheKey, parts: &[&[u8]]) {
        let length = parts
            .iter()
            .fold(0_u64, |sum, part| sum.saturating_add(part.len() as u64));
        if length > self.settings.entry() {
            tracing::debug!(length, "an entry is too large for the metadata cache");
            return;
        }
        let check = record::check(key, parts);
        let view = self.view.load();
        // What was there may have been removed: then it is decided when it is written.
        if !self.is_kept(&view, record::prefix(key), check, length) || self.has_news(&view) {
            self.queue(key, parts, check);
        }
    }

    fn flush(&self) {
        let mut log = self.log();
        self.write(&mut log, true);
        // What others have removed is not to be held open, and take room, for longer than a compose.
        if self.has_news(&self.view.load())
            && let Err(error) = self.reload()
        {
            tracing::debug!(%error, "the metadata cache cannot be read");
        }
    }
}

impl Drop for PackCache {
    fn drop(&mut self) {
        self.flush();
    }
}
