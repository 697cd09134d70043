//! Where fetched files are kept for composes to link to: the trait.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use odcs_rpm::Digest;
use url::Url;

use crate::Result;
use crate::files::SourceFile;

/// Files that were fetched, by checksum; shared by everything that fetches, other processes included.
///
/// A file is there whole or not at all. One that no compose links to may be evicted to make room for others: what is
/// about to be used should be asked for again rather than remembered. Files are as they were when they were verified,
/// unless the disk or somebody with access to it has damaged them since; whoever reads one whole and finds that has
/// the store [`recheck`](Self::recheck) it.
#[async_trait]
pub trait ContentStore: fmt::Debug + Send + Sync + 'static {
    /// The file with this checksum, if it is there. It counts as used now.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` if the store cannot be read.
    async fn find(&self, digest: &Digest) -> Result<Option<SourceFile>>;

    /// Makes room for files that are about to be asked for, all of which have to be there at once: those that are there
    /// count as used now, and others may be evicted for the rest. Nothing is promised: others may take the room. By
    /// default, there is room for everything.
    ///
    /// # Errors
    /// `Unavailable` if there cannot be room for all of them, as far as their sizes are known; then it is not worth
    /// fetching any.
    async fn make_room(&self, wanted: &[Wanted]) -> Result<()> {
        let _ = wanted;
        Ok(())
    }

    /// Has a file fetched, unless it is there. Whoever asks for the same file meanwhile, here or in another process,
    /// waits for it; what an interrupted attempt left is gone on from.
    ///
    /// # Errors
    /// As [`Fetch::get`](crate::fetch::Fetch::get); `Unavailable` if the store is full or cannot be written.
    async fn obtain(&self, wanted: &Wanted) -> Result<Obtained>;

    /// Keeps bytes that were fetched otherwise, and verified.
    ///
    /// # Errors
    /// `Unavailable` if the store is full or cannot be written.
    async fn keep(&self, bytes: Bytes) -> Result<SourceFile>;

    /// Reads files whole, and drops those that are damaged. Which they were, the ones that are not there included.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` if the store cannot be read.
    async fn recheck(&self, digests: &[Digest]) -> Result<Vec<Digest>>;
}

/// A file that the content store should have.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Wanted {
    /// Where it is, in order of preference.
    pub places: Vec<Url>,
    /// Its checksum, of whichever kind. A file without one is fetched each time that it is asked for, and kept as what
    /// it turns out to be.
    pub digest: Option<Digest>,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
    /// The most bytes that it may have.
    pub limit: u64,
    /// When it was modified where it comes from, in seconds since 1970; else what the server says.
    pub modified: Option<u64>,
}

impl Wanted {
    /// A file of at most so many bytes, by its checksum if that is known.
    pub fn new(places: Vec<Url>, digest: Option<Digest>, limit: u64) -> Self {
        Self {
            places,
            digest,
            size: None,
            limit,
            modified: None,
        }
    }

    /// With this size.
    #[must_use]
    pub fn with_size(mut self, size: Option<u64>) -> Self {
        self.size = size;
        self
    }

    /// Last modified then.
    #[must_use]
    pub fn with_modified(mut self, modified: Option<u64>) -> Self {
        self.modified = modified;
        self
    }
}

/// A file of the content store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Obtained {
    /// The file.
    pub file: SourceFile,
    /// How many bytes of it had to be fetched for this; 0 if it was there, or somebody else fetched it.
    pub fetched: u64,
}

impl Obtained {
    /// A file of which so many bytes were fetched.
    pub fn new(file: SourceFile, fetched: u64) -> Self {
        Self { file, fetched }
    }
}
