//! One file of entries, one after the other, as this process knows it.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64;

use super::index::Index;
use super::record::{self, Entry, Header, Prefix};

const MAGIC: [u8; 8] = *b"odcspack";
const VERSION: u32 = 1;
/// Bytes before the first entry: magic, version, nothing, number, checksum of these.
pub(super) const START: u64 = START_BYTES as u64;
const START_BYTES: usize = 32;
/// How much is read at a time to find entries.
const WINDOW: u64 = 256 << 10;
/// Locks that entries without an index are spread over.
const SHARDS: usize = 16;

/// A file of the device and the number on it.
pub(super) type FileId = (u64, u64);

/// A version of a file: its number, and when it was changed, in seconds and nanoseconds.
pub(super) type FileVersion = (u64, i64, i64);

/// A segment. What is in the index never changes; entries that came later are in `tail`.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) id: FileId,
    pub(super) file: Arc<File>,
    pub(super) index: Option<Index>,
    /// The file that this is, or that is none of an index.
    pub(super) index_id: Option<FileVersion>,
    pub(super) tail: Tail,
    /// Where the last entry that is known ends.
    end: AtomicU64,
    /// How large the file was when it was last looked at, or is going to be when what is being written is there.
    seen: AtomicU64,
}

/// The first bytes of a segment.
pub(super) fn start(number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(START_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&number.to_le_bytes());
    let own = xxh3_64(&bytes);
    bytes.extend_from_slice(&own.to_le_bytes());
    bytes
}

impl Segment {
    /// A segment whose entries are known up to the end of the index. The file has to begin as one does.
    pub(super) fn new(number: u64, id: FileId, file: Arc<File>, index: Option<Index>) -> Self {
        let end = index.as_ref().map_or(START, |index| index.covered.max(START));
        Self {
            number,
            id,
            file,
            index,
            index_id: None,
            tail: Tail::default(),
            end: AtomicU64::new(end),
            seen: AtomicU64::new(end),
        }
    }

    /// Whether a file begins as the segment with this number does.
    pub(super) fn is_one(file: &File, number: u64) -> bool {
        let mut bytes = [0; START_BYTES];
        read(file, &mut bytes, 0).is_ok() && bytes.as_slice() == start(number)
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// How many bytes the file has.
    pub(super) fn size(&self) -> u64 {
        rustix::fs::fstat(&*self.file).map_or(0, |stat| crate::dir::size(&stat))
    }

    /// All entries that can be found without the index.
    pub(super) fn read_through(&self) -> Vec<(Prefix, Entry)> {
        let again = Self::new(self.number, self.id, Arc::clone(&self.file), None);
        // As far as it can be read.
        let _ = again.scan();
        again.entries()
    }

    /// Looks for an entry: the last one with this key.
    pub(super) fn find(&self, prefix: Prefix) -> Option<Entry> {
        let in_tail = self.tail.find(prefix);
        in_tail.or_else(|| self.index.as_ref()?.find(prefix))
    }

    /// Whether there is more, or less, in the file than when it was last looked at.
    pub(super) fn has_changed(&self) -> bool {
        match rustix::fs::fstat(&*self.file) {
            Ok(stat) => {
                let size = crate::dir::size(&stat);
                stat.st_nlink == 0 || size > self.seen.load(Ordering::Acquire) || size < self.end()
            }
            Err(_) => true,
        }
    }

    /// So many bytes are going to be in the file: they need not be looked for.
    pub(super) fn expect(&self, size: u64) {
        self.seen.store(size, Ordering::Release);
    }

    /// Finds what was added since it was last looked at. Whoever adds entries must not do so at the same time in this
    /// process. How large the file is.
    pub(super) fn scan(&self) -> rustix::io::Result<u64> {
        let size = crate::dir::size(&rustix::fs::fstat(&*self.file)?);
        let mut window = Window {
            file: &self.file,
            size,
            start: 0,
            bytes: Vec::new(),
        };
        let mut at = self.end();
        while let Some(header) = window.header(at)? {
            let Ok(offset) = u32::try_from(at) else { break };
            let entry = header.at(offset);
            // It may be about to be written.
            if entry.end() > size {
                break;
            }
            self.add(record::prefix(&header.key), entry);
            at = entry.end();
        }
        self.expect(size);
        Ok(size)
    }

    /// Takes in an entry at the end.
    pub(super) fn add(&self, prefix: Prefix, entry: Entry) {
        self.tail.insert(prefix, entry);
        self.end.fetch_max(entry.end(), Ordering::AcqRel);
    }

    /// Reads the content of an entry and verifies that it is that of the key.
    pub(super) fn read(&self, key: &odcs_core::CacheKey, entry: &Entry, into: &mut Vec<u8>) -> bool {
        let Ok(length) = usize::try_from(entry.length) else {
            return false;
        };
        // What a damaged number says is not made room for.
        if entry.end() > self.end() {
            return false;
        }
        into.resize(length, 0);
        read(&self.file, into, entry.content()).is_ok() && record::check(key, &[into]) == entry.check
    }

    /// All entries, the last one with each key, by key.
    pub(super) fn entries(&self) -> Vec<(Prefix, Entry)> {
        let mut all = self.tail.entries();
        // Stable, and those of the tail come first: they are newer.
        all.extend(self.index.iter().flat_map(Index::iter));
        all.sort_by_key(|(prefix, _)| *prefix);
        all.dedup_by_key(|(prefix, _)| *prefix);
        all
    }
}

/// Entries that are in no index yet.
#[derive(Debug, Default)]
pub(super) struct Tail {
    shards: [RwLock<HashMap<Prefix, Entry>>; SHARDS],
    count: AtomicUsize,
}

impl Tail {
    fn shard(&self, prefix: Prefix) -> Option<&RwLock<HashMap<Prefix, Entry>>> {
        self.shards.get(usize::try_from(prefix % SHARDS as u128).ok()?)
    }

    fn find(&self, prefix: Prefix) -> Option<Entry> {
        // No lock where there is nothing to find.
        if self.len() == 0 {
            return None;
        }
        let shard = self.shard(prefix)?.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(&prefix).copied()
    }

    fn insert(&self, prefix: Prefix, entry: Entry) {
        let Some(shard) = self.shard(prefix) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.insert(prefix, entry).is_none() {
            self.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    fn entries(&self) -> Vec<(Prefix, Entry)> {
        let mut all = Vec::with_capacity(self.len());
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.iter().map(|(prefix, entry)| (*prefix, *entry)));
        }
        all
    }
}

/// What was read of a file last.
struct Window<'a> {
    file: &'a File,
    size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The header at a place; none if there is none, or not all of it.
    fn header(&mut self, at: u64) -> rustix::io::Result<Option<Header>> {
        if at.saturating_add(record::HEADER as u64) > self.size {
            return Ok(None);
        }
        if self.look(at).is_none() {
            self.bytes
                .resize(usize::try_from((self.size - at).min(WINDOW)).unwrap_or(0), 0);
            read(self.file, &mut self.bytes, at)?;
            self.start = at;
        }
        Ok(self.look(at).and_then(Header::parse))
    }

    fn look(&self, at: u64) -> Option<&[u8; record::HEADER]> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..)?.first_chunk()
    }
}

/// Fills a buffer from a place of a file.
pub(super) fn read(file: &File, mut into: &mut [u8], mut at: u64) -> rustix::io::Result<()> {
    while !into.is_empty() {
        match rustix::io::pread(file, &mut *into, at) {
            Ok(0) => return Err(Errno::NODATA),
            Ok(count) => {
                into = into.get_mut(count..).unwrap_or_default();
                at = at.saturating_add(count as u64);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Writes all bytes to a place of a file.
pub(super) fn write(file: &File, mut bytes: &[u8], mut at: u64) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, at) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => {
                bytes = bytes.get(count..).unwrap_or_default();
                at = at.saturating_add(count as u64);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
