//! The content store: what was fetched, by its checksum, for composes to link to.
//!
//! In `.content/` of the default target directory, on the same file system as the composes:
//! - `sha256/ab/REST`: the files, by their SHA-256. A file is renamed there when it is whole and verified.
//! - `sha512/ab/REST` and the like: symbolic links to them, for those who know another checksum.
//! - `partial/`: what is being fetched, under the checksum that it was asked for by. Whoever fetches a file has a lock
//!   on it, which the kernel releases if the process is killed; the next one goes on from what is there.
//! - `usage`: how many bytes there are ([`room`]).
//!
//! Nothing is forced to the disk: for ten thousand small files that would take longer than fetching them, and what a
//! power cut takes away can be fetched again. Instead, nothing is taken for granted: a file without bytes does not
//! count as there, nor does one of another size than asked for; whoever reads a file whole verifies it, the builder
//! always does; and [`ContentStore::recheck`] drops what is damaged.

mod address;
mod directory;
mod partial;
mod room;
mod settings;
mod shelf;
mod sink;
mod survey;
#[cfg(test)]
mod tests;
mod turns;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use odcs_core::content_store::{Obtained, Wanted};
use odcs_core::fetch::{Expected, Get};
use odcs_core::files::SourceFile;
use odcs_core::{ContentStore, Fetch};
use odcs_rpm::{Digest, DigestAlgorithm};

pub use directory::ContentDirectory;
pub use settings::ContentsSettings;
pub use upkeep::{Damaged, Pruned, Pruning, Stats, Verified};

use crate::error::Result;
use crate::targets::Targets;
use address::Alias;
use partial::{Begun, Partial};
use sink::StoreSink;
use turns::Turns;

/// Entries of one directory: the files of a store are spread over 256.
const MAX_ENTRIES: usize = 1_000_000;
/// How long it takes at first until a lock of another process is tried again, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// The content store that any number of services on any number of target directories' clones share. A clone shares
/// everything.
///
/// A SHA-1 finds a file only where it came from ([`find`](ContentStore::find) never does): anybody can make two files
/// with the same.
#[derive(Clone, Debug)]
pub struct Contents {
    directory: ContentDirectory,
    fetch: Arc<dyn Fetch>,
    turns: Turns,
}

impl Contents {
    /// Opens the store, and makes it if it is missing. Blocks for a moment.
    ///
    /// # Errors
    /// As [`ContentDirectory::open`].
    pub fn open(targets: &Targets, settings: ContentsSettings, fetch: Arc<dyn Fetch>) -> Result<Self> {
        Ok(Self::of(ContentDirectory::open(targets, settings)?, fetch))
    }

    /// A store that is open already, with what fetches for it.
    pub fn of(directory: ContentDirectory, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            directory,
            fetch,
            turns: Turns::default(),
        }
    }

    /// The store for whoever looks after it.
    pub fn directory(&self) -> &ContentDirectory {
        &self.directory
    }

    /// Finds a file or begins to fetch it, after whoever is at it in another process.
    async fn begin(&self, wanted: &Wanted) -> odcs_core::Result<Result<Box<Partial>, SourceFile>> {
        let mut pause = PAUSES.0;
        loop {
            let asked = wanted.clone();
            let begun = self
                .directory
                .blocking(move |shelf| match Partial::begin(shelf, &asked)? {
                    Begun::There(found) => Ok(Some(Err(shelf.source(&found.address)?))),
                    Begun::Ours(partial) => Ok(Some(Ok(partial))),
                    Begun::Busy => Ok(None),
                })
                .await?;
            if let Some(begun) = begun {
                return Ok(begun);
            }
            self.directory.shelf.settings.clock.sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn obtain_in_turn(&self, wanted: &Wanted) -> odcs_core::Result<Obtained> {
        let partial = match self.begin(wanted).await? {
            Ok(partial) => partial,
            Err(file) => return Ok(Obtained::new(file, 0)),
        };
        let limit = wanted.size.map_or(wanted.limit, |size| size.min(wanted.limit));
        let is_whole = partial.is_whole();
        let mut sink = StoreSink::new(partial, limit);
        let result = if is_whole {
            sink.finish_as_it_is().await
        } else {
            let get = Get::of_any(wanted.places.clone(), limit);
            self.fetch.get(&get, &mut sink).await.map(|head| head.modified)
        };
        match result {
            Ok(modified) => {
                let (address, fetched) = sink.placed(modified, wanted.modified.is_some()).await?;
                Ok(Obtained::new(self.directory.shelf.source(&address)?, fetched))
            }
            Err(error) => {
                sink.give_up().await;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl ContentStore for Contents {
    async fn find(&self, digest: &Digest) -> odcs_core::Result<Option<SourceFile>> {
        let digest = digest.clone();
        self.directory
            .blocking(move |shelf| {
                let found = shelf.find(&digest, Alias::of(&digest).as_ref())?;
                found.map(|found| shelf.source(&found.address)).transpose()
            })
            .await
    }

    async fn make_room(&self, wanted: &[Wanted]) -> odcs_core::Result<()> {
        let wanted = wanted.to_vec();
        self.directory
            .blocking(move |shelf| {
                let mut missing = 0_u64;
                for wanted in &wanted {
                    missing = missing.saturating_add(partial::missing(shelf, wanted)?);
                }
                match missing {
                    0 => Ok(()),
                    missing => shelf.make_room_for(missing),
                }
            })
            .await
    }

    async fn obtain(&self, wanted: &Wanted) -> odcs_core::Result<Obtained> {
        let Some(name) = address::partial_name(wanted) else {
            return self.obtain_in_turn(wanted).await;
        };
        let mut turn = self.turns.wait(&name).await;
        if let Some(error) = turn.failure(wanted) {
            return Err(error);
        }
        let result = self.obtain_in_turn(wanted).await;
        match &result {
            Ok(_) => turn.succeeded(),
            Err(error) => turn.failed(wanted, error),
        }
        result
    }

    async fn keep(&self, bytes: Bytes) -> odcs_core::Result<SourceFile> {
        self.directory
            .blocking(move |shelf| {
                let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
                let size = bytes.len() as u64;
                if let Some(found) = shelf.find(&digest, None)?.filter(|found| found.size == size) {
                    return shelf.source(&found.address);
                }
                let expected = Expected::at_most(size, "what is to be kept").with_size(Some(size));
                let mut partial = Partial::unnamed(shelf, expected, None)?;
                let result = partial.write(&[bytes]).and_then(|()| partial.finish());
                shelf.source(&result.map_err(odcs_core::Error::from)?)
            })
            .await
    }

    async fn recheck(&self, digests: &[Digest]) -> odcs_core::Result<Vec<Digest>> {
        let digests = digests.to_vec();
        self.directory
            .blocking(move |shelf| {
                let mut damaged = Vec::new();
                for digest in digests {
                    let places = shelf.all(&digest)?;
                    let mut is_damaged = places.is_empty();
                    for address in places {
                        is_damaged |= shelf.recheck(&address, &digest)?;
                    }
                    if is_damaged {
                        damaged.push(digest);
                    }
                }
                Ok(damaged)
            })
            .await
    }
}
