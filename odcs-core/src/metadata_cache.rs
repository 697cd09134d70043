//! What is known about the files of packages, kept between composes: the trait, and the keys of its entries.

use std::fmt;
use std::fs::Metadata;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::MetadataExt;

use odcs_rpm::digest::sha256;
use odcs_rpm::header::FileFacts;
use odcs_rpm::repodata::BlockCache;
use odcs_rpm::{Digest, DigestAlgorithm, Sigkey};

use crate::files::SourceFile;

/// To be raised when entries of any kind come to mean something else: older ones are not found any more.
const VERSION: &str = "2";

/// Keeps what was found out about packages, so that it need not be read from their files again.
///
/// A cache promises nothing: what was put may not be found, and whoever asks must be able to find it out again. What
/// is found is what was put, byte for byte, under the same key. All methods block for as long as reading or writing a
/// file takes, and may be called from any number of threads and processes at once.
pub trait MetadataCache: fmt::Debug + Send + Sync + 'static {
    /// Reads an entry: `into` holds it, and nothing else, if the answer is yes. If it is no, its content is
    /// unspecified.
    fn get(&self, key: &CacheKey, into: &mut Vec<u8>) -> bool;

    /// Keeps an entry, of which these are the parts in their order. What cannot be kept is not, and that is logged.
    /// It may become visible later, with others, and at [`flush`](Self::flush) at the latest.
    fn put(&self, key: &CacheKey, parts: &[&[u8]]);

    /// Makes what was put visible to all who share the cache.
    fn flush(&self);
}

/// What an entry is found by: SHA-256 of what it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of what all of these say, of one kind of entries. Parts are told from each other wherever they
    /// are cut.
    ///
    /// ```
    /// use odcs_core::CacheKey;
    /// let key = CacheKey::new("catalog", &[b"repo", b"x"]);
    /// assert_eq!(key, CacheKey::new("catalog", &[b"repo", b"x"]));
    /// assert_ne!(key, CacheKey::new("catalog", &[b"rep", b"ox"]));
    /// ```
    pub fn new(kind: &str, parts: &[&[u8]]) -> Self {
        let mut bytes = Vec::with_capacity(256);
        for part in [VERSION.as_bytes(), kind.as_bytes()]
            .into_iter()
            .chain(parts.iter().copied())
        {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        Self(sha256(&bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key with these bytes, as they were written down once.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// What tells a version of a file from every other, for its source: what is known under it stays true.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileIdentity(Vec<u8>);

/// What the file system says of a file, as far as it changes with its content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileStamp {
    /// Its number on its file system.
    pub inode: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
}

impl FileStamp {
    /// What is known of a file that exists.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (
                metadata.mtime(),
                u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
            ),
        }
    }

    /// As far as it is written into repodata.
    pub fn facts(&self) -> FileFacts {
        FileFacts {
            size: self.size,
            modified: u64::try_from(self.modified.0).unwrap_or(0),
        }
    }
}

impl FileIdentity {
    /// A file of this machine: where it is, and what changes when somebody writes to it. Other links to it change
    /// nothing.
    pub fn local(file: &SourceFile, stamp: FileStamp) -> Self {
        let mut identity = Self(b"local".to_vec());
        identity.add(&stamp.inode.to_le_bytes());
        identity.add(&stamp.size.to_le_bytes());
        identity.add(&stamp.modified.0.to_le_bytes());
        identity.add(&stamp.modified.1.to_le_bytes());
        identity.add(file.to_string().as_bytes());
        identity
    }

    /// A file that a source has a name of its own for, which is never given to another one: the number of an RPM in
    /// Koji, for instance.
    pub fn named(source: &str, name: &str) -> Self {
        let mut identity = Self(b"named".to_vec());
        identity.add(source.as_bytes());
        identity.add(name.as_bytes());
        identity
    }

    /// The copy signed with this key; without one, the unsigned copy.
    #[must_use]
    pub fn signed(mut self, key: Option<&Sigkey>) -> Self {
        self.add(b"sigkey");
        self.add(key.map_or(&[][..], |key| key.as_str().as_bytes()));
        self
    }

    /// Taken for a file that was modified then where it comes from, in seconds since 1970.
    #[must_use]
    pub fn modified_elsewhere(mut self, modified: Option<u64>) -> Self {
        if let Some(modified) = modified {
            self.add(b"modified");
            self.add(&modified.to_le_bytes());
        }
        self
    }

    /// Where what gathering needs of the package is: `odcs_rpm::facts`.
    pub fn facts(&self) -> CacheKey {
        CacheKey::new("facts", &[&self.0])
    }

    /// Where the XML of the package is: `odcs_rpm::repodata::Pieces`.
    pub fn xml(&self) -> CacheKey {
        CacheKey::new("xml", &[&self.0])
    }

    /// Where all is that laying the package out again needs, its XML included; its form is the builder's own.
    pub fn package(&self) -> CacheKey {
        CacheKey::new("package", &[&self.0])
    }

    /// Where the digest of the whole file is, as its text.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> CacheKey {
        CacheKey::new("digest", &[&self.0, algorithm.as_str().as_bytes()])
    }

    fn add(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.0.extend_from_slice(part);
    }
}

/// Reads the digest of a file that was found out before.
pub fn known_digest(
    cache: &dyn MetadataCache,
    identity: &FileIdentity,
    algorithm: DigestAlgorithm,
    buffer: &mut Vec<u8>,
) -> Option<Digest> {
    if !cache.get(&identity.digest(algorithm), buffer) {
        return None;
    }
    Digest::new(algorithm, std::str::from_utf8(buffer).ok()?).ok()
}

/// Keeps compressed blocks of repodata among the rest.
#[derive(Clone, Copy, Debug)]
pub struct KeptBlocks<'a> {
    cache: &'a dyn MetadataCache,
    seed: u64,
}

impl<'a> KeptBlocks<'a> {
    /// The blocks in a cache. Their seed is kept there, too, and made up where there is none.
    pub fn new(cache: &'a dyn MetadataCache) -> Self {
        let (key, mut kept) = (CacheKey::new("block seed", &[]), Vec::new());
        let is_there = cache.get(&key, &mut kept);
        let known = kept.as_slice().try_into().ok().filter(|_| is_there);
        let seed = known.map_or_else(
            || {
                // Hashers begin with numbers of the operating system that cannot be guessed.
                let seed = RandomState::new().hash_one(0);
                cache.put(&key, &[&seed.to_le_bytes()]);
                seed
            },
            u64::from_le_bytes,
        );
        Self { cache, seed }
    }
}

impl BlockCache for KeptBlocks<'_> {
    fn get(&self, key: &[u8; 32], into: &mut Vec<u8>) -> bool {
        self.cache.get(&CacheKey::new("block", &[key]), into)
    }

    fn put(&self, key: &[u8; 32], parts: &[&[u8]]) {
        self.cache.put(&CacheKey::new("block", &[key]), parts);
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
