//! The blocks that files are cut into, each compressed by itself, and what is known of them from before.

use libdeflater::crc32;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::ids::ids_in;
use crate::compression::{BLOCK, WriteCompression};
use crate::digest::sha256;
use crate::{Digest, Result};

/// Bytes that a block has at least, but for the last one of a file. Lists of files, which are most of all, compress no
/// better in larger ones; other lists, which repeat less, would take a few hundredths less room.
const LEAST: usize = 128 << 10;

/// Bytes that are added to that on average, until a block ends.
const MORE: u64 = 128 << 10;

/// Keeps compressed blocks, so that what was compressed for one repository need not be compressed again for the next.
///
/// Files are cut between packages, and where depends on the packages alone: those that some change leaves alone are in
/// the same blocks before and after it, but for those around the change. A cache promises nothing: what was put may not
/// be found. What is found must be what was put, byte for byte. All methods may be called from several threads at once.
pub trait BlockCache: Sync {
    /// Reads an entry into a buffer, in place of what is there. If there is none, what the buffer holds is
    /// unspecified.
    fn get(&self, key: &[u8; 32], into: &mut Vec<u8>) -> bool;

    /// Keeps an entry, of which these are the parts in their order.
    fn put(&self, key: &[u8; 32], parts: &[&[u8]]);

    /// A number that nobody knows who makes packages, and that stays the same as long as entries are to be found.
    fn seed(&self) -> u64;
}

/// A block that has not been compressed yet. Its buffers are used again.
#[derive(Debug, Default)]
pub(super) struct OpenBlock {
    pub(super) bytes: Vec<u8>,
    /// The checksums of the packages that begin in it, one after the other.
    pub(super) packages: Vec<u8>,
    /// Whether it begins and ends between packages. A block within a package is never seen again by itself.
    pub(super) is_whole: bool,
}

/// What a block is compressed to. The buffer is used again.
#[derive(Debug, Default)]
pub(super) struct StoredBlock {
    /// What it is kept as.
    entry: Vec<u8>,
    /// Where in that it is, compressed.
    begin: usize,
}

/// A block of a file, so that it can be checked by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Block {
    /// Bytes that it is stored in.
    pub(super) stored: usize,
    /// Bytes that it decompresses to, no more than [`BLOCK`].
    pub(super) open: usize,
    pub(super) proof: Proof,
}

/// How it is known that a block is what was to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Proof {
    /// It is not: it has to be decompressed, and to have this CRC-32 then.
    Crc(u32),
    /// It was decompressed and compared once. These are the ids of its packages, one after the other.
    Compared(Box<[u8]>),
}

/// Whether a block with so many bytes ends after a package, so many bytes of which are in this list. The larger the
/// package, the more probable that is: so blocks have the same size in all lists, more or less.
pub(super) fn ends(block: usize, id: &Digest, bytes: usize) -> bool {
    // Ids are checksums: any part of one is as good as a random number.
    let number = id
        .hex()
        .get(..16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    block >= LEAST && number.is_some_and(|number| number <= (u64::MAX / MORE).saturating_mul(bytes as u64))
}

impl OpenBlock {
    /// Makes room for the next block.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.packages.clear();
    }

    /// What it is kept under. Its content goes into that by a checksum that is quick. Whoever makes packages could make
    /// that collide, if they knew the seed; with it go the checksums of the packages.
    fn key(&self, kind: &str, compression: WriteCompression, seed: u64) -> [u8; 32] {
        let content = xxh3_128_with_seed(&self.bytes, seed).to_le_bytes();
        let length = (self.bytes.len() as u64).to_le_bytes();
        let method = compression.method();
        // None of the texts has a zero in it, and numbers have their length.
        let texts = [kind.as_bytes(), &[0], method.as_bytes(), &[0]].concat();
        sha256(&[&*texts, &length, &content, &self.packages].concat())
    }
}

impl StoredBlock {
    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.entry.get(self.begin..).unwrap_or_default()
    }

    /// Compresses a block of a list of this kind, unless that was done before.
    pub(super) fn compress(
        &mut self,
        block: &OpenBlock,
        kind: &str,
        compression: WriteCompression,
        cache: Option<&dyn BlockCache>,
    ) -> Result<Block> {
        let known = match cache.filter(|_| block.is_whole && block.bytes.len() <= BLOCK) {
            Some(cache) => self.find_or_keep(block, kind, compression, cache)?,
            None => None,
        };
        let proof = match known {
            Some(proof) => proof,
            None => {
                self.begin = 0;
                self.entry.clear();
                compression.append_block(&block.bytes, &mut self.entry)?;
                Proof::Crc(crc32(&block.bytes))
            }
        };
        Ok(Block {
            stored: self.bytes().len(),
            open: block.bytes.len(),
            proof,
        })
    }

    /// Nothing if what was compressed is not the same when it is decompressed.
    fn find_or_keep(
        &mut self,
        block: &OpenBlock,
        kind: &str,
        compression: WriteCompression,
        cache: &dyn BlockCache,
    ) -> Result<Option<Proof>> {
        let key = block.key(kind, compression, cache.seed());
        if cache.get(&key, &mut self.entry)
            && let Some(ids) = ids_of(&self.entry, &key)
        {
            self.begin = HEAD + ids.len();
            return Ok(Some(Proof::Compared(ids.into())));
        }
        let ids = ids_in(kind, &block.bytes);
        self.entry.clear();
        self.entry.resize(HEAD, 0);
        self.entry.extend_from_slice(&ids);
        self.begin = self.entry.len();
        compression.append_block(&block.bytes, &mut self.entry)?;
        if !compression.is_block(self.bytes(), &block.bytes) {
            return Ok(None);
        }
        let head = head(&self.entry, &key, ids.len());
        if let Some(place) = self.entry.first_chunk_mut() {
            *place = head;
        }
        cache.put(&key, &[&self.entry]);
        Ok(Some(Proof::Compared(ids.into())))
    }
}

/// Bytes before the ids and the block of an entry: its key, how many bytes of ids there are, and a checksum of all that
/// follows. What a cache gives in place of what was put is found out, and made again.
const HEAD: usize = BEFORE_CHECK + 8;

/// Bytes of the key and of the number.
const BEFORE_CHECK: usize = 32 + 8;

/// The head of an entry, whatever it begins with.
fn head(entry: &[u8], key: &[u8; 32], ids: usize) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let length = (ids as u64).to_le_bytes();
    let check = xxh3_64(entry.get(HEAD..).unwrap_or_default()).to_le_bytes();
    for (place, byte) in head.iter_mut().zip(key.iter().chain(&length).chain(&check)) {
        *place = *byte;
    }
    head
}

/// The ids of packages that stand at the beginning of an entry; `None` if it is not the one with this key.
fn ids_of<'a>(entry: &'a [u8], key: &[u8; 32]) -> Option<&'a [u8]> {
    let (_, length) = entry.get(..BEFORE_CHECK)?.split_last_chunk()?;
    let ids = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let is_it = entry.first_chunk() == Some(&head(entry, key, ids));
    entry.get(HEAD..HEAD.checked_add(ids)?).filter(|_| is_it)
}
