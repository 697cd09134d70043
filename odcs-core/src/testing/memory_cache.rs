//! Metadata caches for tests: one that keeps everything, and some that do not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{CacheKey, MetadataCache};

/// A cache in memory. What it keeps may be lost or damaged on purpose: results must be the same.
///
/// ```
/// use odcs_core::testing::MemoryCache;
/// use odcs_core::{CacheKey, MetadataCache};
/// let (cache, key) = (MemoryCache::default(), CacheKey::new("x", &[]));
/// cache.put(&key, &[b"a", b"b"]);
/// let mut found = Vec::new();
/// assert!(cache.get(&key, &mut found));
/// assert_eq!((found, cache.hits(), cache.puts()), (b"ab".to_vec(), 1, 1));
/// ```
#[derive(Debug, Default)]
pub struct MemoryCache {
    entries: Mutex<HashMap<[u8; 32], Vec<u8>>>,
    fault: Option<Fault>,
    hits: AtomicUsize,
    puts: AtomicUsize,
    gets: AtomicUsize,
}

/// What is wrong with a cache.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Loses(usize),
    Cuts,
}

impl MemoryCache {
    /// One that finds every so-and-so-manieth entry not to be there.
    pub fn losing(every: usize) -> Self {
        Self {
            fault: Some(Fault::Loses(every)),
            ..Self::default()
        }
    }

    /// One whose entries have lost their last byte: as those of a program with another form of them.
    pub fn cutting() -> Self {
        Self {
            fault: Some(Fault::Cuts),
            ..Self::default()
        }
    }

    /// How many entries were found so far.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }

    /// How many entries were put so far.
    pub fn puts(&self) -> usize {
        self.puts.load(Ordering::Relaxed)
    }

    /// Changes the bytes of every entry.
    pub fn spoil(&self, mut change: impl FnMut(&mut Vec<u8>)) {
        self.entries().values_mut().for_each(&mut change);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<[u8; 32], Vec<u8>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetadataCache for MemoryCache {
    fn get(&self, key: &CacheKey, into: &mut Vec<u8>) -> bool {
        let number = self.gets.fetch_add(1, Ordering::Relaxed);
        if matches!(self.fault, Some(Fault::Loses(every)) if number.is_multiple_of(every)) {
            return false;
        }
        let entries = self.entries();
        let Some(found) = entries.get(key.as_bytes()) else {
            return false;
        };
        into.clear();
        into.extend_from_slice(found);
        if matches!(self.fault, Some(Fault::Cuts)) {
            into.pop();
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn put(&self, key: &CacheKey, parts: &[&[u8]]) {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.entries().insert(*key.as_bytes(), parts.concat());
    }

    fn flush(&self) {}
}
