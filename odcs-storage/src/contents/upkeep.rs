//! Looking after the content store, also while services use it.

use std::time::Duration;

use odcs_rpm::{Digest, DigestAlgorithm};
use tokio_util::sync::CancellationToken;

use super::directory::ContentDirectory;
use super::shelf::{Shelf, read_whole};
use crate::dir;
use crate::error::Result;

/// What the content store holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Files that were fetched.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them that composes use: that are linked from elsewhere.
    pub used_files: u64,
    /// Their bytes.
    pub used_bytes: u64,
    /// Bytes of files that no compose uses, and that could make room for others now.
    pub evictable_bytes: u64,
    /// Files that are being fetched, or were when it was broken off.
    pub partial_files: u64,
    /// What is there of them, in bytes.
    pub partial_bytes: u64,
    /// When the file was last asked for that has not been asked for the longest, in seconds since 1970.
    pub oldest_use: Option<i64>,
    /// The most bytes that the store may hold.
    pub cap: u64,
}

/// What is verified, so far or in the end.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verified {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that were damaged, and were dropped.
    pub damaged: Vec<Damaged>,
    /// Whether it was stopped before everything was read.
    pub stopped: bool,
}

/// A file that was not any more what it had been.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Damaged {
    /// The checksum that it had.
    pub digest: Digest,
    /// The size that it has.
    pub size: u64,
    /// How many composes have the damaged file: that the store has dropped it does not help them.
    pub links: u64,
}

/// What is to be removed from the content store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pruning {
    /// Files that were not asked for longest, until this many bytes are left; the store's cap if nothing is said.
    pub to: Option<u64>,
    /// Files that were not asked for so long, however much room there is.
    pub older_than: Option<Duration>,
    /// Whether nothing is removed, only counted.
    pub dry_run: bool,
}

impl Pruning {
    /// Only what nobody can use any more, and what is above the cap.
    pub fn leftovers() -> Self {
        Self::default()
    }

    /// Until this many bytes are left.
    #[must_use]
    pub fn to(mut self, bytes: Option<u64>) -> Self {
        self.to = bytes;
        self
    }

    /// What was not asked for so long.
    #[must_use]
    pub fn older_than(mut self, age: Option<Duration>) -> Self {
        self.older_than = age;
        self
    }

    /// Whether nothing is removed, only counted.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pruned {
    /// Files, unfinished ones included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is left, in bytes.
    pub left: u64,
}

impl ContentDirectory {
    /// Counts everything.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` if the store cannot be read.
    pub async fn stats(&self) -> odcs_core::Result<Stats> {
        self.blocking(|shelf| {
            let survey = shelf.count()?;
            let before = shelf.before(shelf.settings.grace);
            let evictable = survey.victims.iter().filter(|victim| victim.used <= before);
            Ok(Stats {
                files: survey.files,
                bytes: survey.bytes,
                used_files: survey.linked_files,
                used_bytes: survey.linked_bytes,
                evictable_bytes: evictable.map(|victim| victim.bytes).sum(),
                partial_files: survey.partial_files,
                partial_bytes: survey.partial_bytes,
                oldest_use: survey.oldest_use,
                cap: shelf.settings.bytes,
            })
        })
        .await
    }

    /// Reads every file whole, and drops those that are damaged: they are fetched again when they are asked for.
    /// `progress` is shown how far it is after each file; it must not block.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` if the store cannot be read.
    pub async fn verify(
        &self,
        mut progress: impl FnMut(&Verified) + Send + 'static,
        cancel: CancellationToken,
    ) -> odcs_core::Result<Verified> {
        // If nobody waits for it any more, it stops.
        let cancel = cancel.child_token();
        let _stop = cancel.clone().drop_guard();
        self.blocking(move |shelf| verify(shelf, &mut progress, &cancel))
            .await
    }

    /// Removes what was not asked for longest, what was left unfinished too long ago, and names that lead nowhere.
    /// What composes use stays, and so does what was asked for just now.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` if the store cannot be read or written.
    pub async fn prune(&self, pruning: Pruning) -> odcs_core::Result<Pruned> {
        self.blocking(move |shelf| prune(shelf, &pruning)).await
    }
}

fn verify(
    shelf: &Shelf,
    progress: &mut dyn FnMut(&Verified),
    cancel: &CancellationToken,
) -> Result<Verified> {
    let mut verified = Verified::default();
    shelf.each_file(&mut |_, address, _| {
        if cancel.is_cancelled() {
            verified.stopped = true;
            return Ok(false);
        }
        let Some((file, stat, shard)) = shelf.open_quietly(&address)? else {
            return Ok(true);
        };
        let (found, size) = read_whole(&shard, &address, DigestAlgorithm::Sha256, file)?;
        verified.files += 1;
        verified.bytes = verified.bytes.saturating_add(size);
        if let Some(digest) = address.digest().filter(|digest| *digest != found) {
            shelf.drop_file(&shard, &address, &stat)?;
            verified.damaged.push(Damaged {
                digest,
                size: dir::size(&stat),
                links: stat.st_nlink.saturating_sub(1),
            });
        }
        progress(&verified);
        Ok(true)
    })?;
    Ok(verified)
}

fn prune(shelf: &Shelf, pruning: &Pruning) -> Result<Pruned> {
    let settings = &shelf.settings;
    let goal = pruning.to.unwrap_or(settings.bytes);
    let before = shelf.before(settings.grace);
    let unfinished = shelf.before(settings.unfinished);
    let too_old = pruning
        .older_than
        .map(|age| shelf.before(age.max(settings.grace)));
    let mut pruned = Pruned::default();
    let (survey, removed) = shelf.evict(|survey| {
        let mut total = survey.total();
        let mut victims = Vec::new();
        for victim in survey.victims.iter().filter(|victim| victim.used <= before) {
            let is_too_old = too_old.is_some_and(|too_old| victim.used <= too_old);
            if total > goal || is_too_old || victim.is_leftover(unfinished) {
                total = total.saturating_sub(victim.bytes);
                pruned.files += 1;
                pruned.bytes = pruned.bytes.saturating_add(victim.bytes);
                victims.push(victim.clone());
            }
        }
        if pruning.dry_run { Vec::new() } else { victims }
    })?;
    if !pruning.dry_run {
        shelf.remove_stray_aliases()?;
        // Some of it may have come into use meanwhile.
        (pruned.files, pruned.bytes) = (removed.files, removed.bytes);
    }
    pruned.left = survey.total().saturating_sub(pruned.bytes);
    Ok(pruned)
}
