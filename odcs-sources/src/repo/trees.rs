//! Directory trees as they were when they were listed: as long as no directory of one has changed, it has the same
//! files, and looking at these is enough. That takes less than half the time of listing them once more.
//!
//! A directory is known by its number and by the time of its last change, which nobody but the file system can set.
//! What was changed a moment before it was listed may be changed again within the same tick of the file system's
//! clock: such trees are not kept.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use odcs_core::{CacheKey, FileStamp, MetadataCache, Timestamp};
use odcs_rpm::Digest;
use rayon::prelude::*;
use rustix::fs::{AtFlags, Stat};

use super::listing::Listing;
use crate::catalog::{read, take, text, write};

/// How long before it is listed a tree must have been left alone: longer than the tick of any file system, and clocks
/// of servers go wrong.
const QUIET: Duration = Duration::from_secs(10);

/// How long a listing that something was pinned by may stand for the directory: its content is asked for within a few
/// milliseconds, and whoever asks later is to hear what changed.
const FRESH: Duration = Duration::from_secs(2);

/// Listings that wait for that: a compose pins its lookaside repositories with its source.
const WAITING: usize = 8;

/// How many files or directories a thread looks at before others may help.
const TOGETHER: usize = 256;

/// The trees that are known.
#[derive(Debug, Default)]
pub(super) struct Trees {
    /// The last one, by its real path.
    last: Mutex<Option<(String, Arc<Tree>)>>,
    /// What was pinned a moment ago, the last one of each real path.
    pinned: Mutex<Vec<Pinned>>,
}

/// A directory as it was when it was pinned.
#[derive(Debug)]
struct Pinned {
    path: String,
    digest: Digest,
    listing: Listing,
    /// By the clock that does not run backwards.
    at: Duration,
}

/// A directory tree, without what changes when somebody writes to a file.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Tree {
    /// How many files and directories there are.
    pub(super) seen: usize,
    /// Sorted by path, but that the top is the first.
    pub(super) directories: Vec<Directory>,
    /// The paths of the RPMs, sorted.
    pub(super) files: Vec<Box<str>>,
}

/// A directory as it was before it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Directory {
    /// From the top; `.` is the top.
    pub(super) path: Box<str>,
    state: State,
}

/// What tells one state of a directory from the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct State {
    device: u64,
    inode: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

impl State {
    fn of(stat: &Stat) -> Self {
        let nanoseconds = |number| u32::try_from(number).unwrap_or(0);
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
        }
    }
}

impl Directory {
    pub(super) fn new(path: Box<str>, stat: &Stat) -> Self {
        let state = State::of(stat);
        Self { path, state }
    }

    fn is_unchanged(&self, top: BorrowedFd<'_>) -> bool {
        let now = rustix::fs::statat(top, &*self.path, AtFlags::SYMLINK_NOFOLLOW);
        now.is_ok_and(|now| State::of(&now) == self.state)
    }

    /// Whether it was left alone for long before this time.
    fn is_quiet(&self, began: Timestamp) -> bool {
        let settled = |(seconds, _): (i64, u32)| {
            let settled = Timestamp::from_seconds(seconds.saturating_add(1)).plus(QUIET);
            settled < began
        };
        settled(self.state.modified) && settled(self.state.changed)
    }
}

impl Pinned {
    fn is_fresh(&self, now: Duration) -> bool {
        now.checked_sub(self.at).is_some_and(|age| age <= FRESH)
    }
}

impl Trees {
    /// What is known of a tree.
    pub(super) fn known(&self, path: &str, cache: Option<&dyn MetadataCache>) -> Option<Arc<Tree>> {
        let last = self.last().clone().filter(|(of, _)| of == path);
        if let Some((_, tree)) = last {
            return Some(tree);
        }
        let mut bytes = Vec::new();
        let tree = cache?.get(&key(path), &mut bytes).then(|| Tree::decode(&bytes))?;
        let tree = Arc::new(tree?);
        *self.last() = Some((path.to_owned(), Arc::clone(&tree)));
        Some(tree)
    }

    /// Keeps a tree that was begun to be listed at this time.
    pub(super) fn keep(&self, path: &str, cache: Option<&dyn MetadataCache>, tree: Tree, began: Timestamp) {
        if !tree.directories.iter().all(|directory| directory.is_quiet(began)) {
            *self.last() = None;
            return;
        }
        if let Some(cache) = cache {
            cache.put(&key(path), &[&tree.encode()]);
        }
        *self.last() = Some((path.to_owned(), Arc::new(tree)));
    }

    /// Keeps a listing, with its digest, for whoever asks for its content at once.
    pub(super) fn pin(&self, path: &str, digest: Digest, listing: Listing, now: Duration) {
        let mut pinned = self.pinned();
        pinned.retain(|other| other.path != path && other.is_fresh(now));
        if pinned.len() >= WAITING {
            pinned.remove(0);
        }
        pinned.push(Pinned {
            path: path.to_owned(),
            digest,
            listing,
            at: now,
        });
    }

    /// Takes the listing that a digest was made of, if that was a moment ago. Whoever asks again lists again.
    pub(super) fn take_pinned(&self, path: &str, digest: &Digest, now: Duration) -> Option<Listing> {
        let mut pinned = self.pinned();
        pinned.retain(|pinned| pinned.is_fresh(now));
        let is_it = |pinned: &Pinned| pinned.path == path && pinned.digest == *digest;
        let place = pinned.iter().position(is_it)?;
        Some(pinned.remove(place).listing)
    }

    fn pinned(&self) -> MutexGuard<'_, Vec<Pinned>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Option<(String, Arc<Tree>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(path: &str) -> CacheKey {
    CacheKey::new("tree", &[path.as_bytes()])
}

impl Tree {
    /// The tree that was walked. The top comes first.
    pub(super) fn new(seen: usize, mut directories: Vec<Directory>, files: Vec<Box<str>>) -> Self {
        if let Some((_, below)) = directories.split_first_mut() {
            below.par_sort_unstable_by(|left, right| left.path.cmp(&right.path));
        }
        Self {
            seen,
            directories,
            files,
        }
    }

    /// The RPMs as they are now; nothing if a directory has changed.
    ///
    /// Directories and files are looked at by path together: what the kernel has just found of a path, it finds again
    /// in the processor's cache.
    pub(super) fn look(&self, top: BorrowedFd<'_>) -> Option<Vec<FileStamp>> {
        let chunks: Vec<_> = self.directories.chunks(TOGETHER).collect();
        let parts = (0..chunks.len()).into_par_iter().map(|number| {
            // The files before the first directory belong to the first chunk.
            let first = |number: usize| match chunks.get(number).and_then(|chunk| chunk.first()) {
                Some(directory) if number > 0 => self.files.partition_point(|file| *file < directory.path),
                Some(_) => 0,
                None => self.files.len(),
            };
            let files = self.files.get(first(number)..first(number + 1))?;
            look_at(top, chunks.get(number)?, files)
        });
        Some(parts.collect::<Option<Vec<_>>>()?.concat())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.directories.len() * 96 + self.files.len() * 96);
        bytes.extend_from_slice(&(self.seen as u64).to_le_bytes());
        bytes.extend_from_slice(&(self.directories.len() as u64).to_le_bytes());
        for Directory { path, state } in &self.directories {
            let State {
                device,
                inode,
                modified,
                changed,
            } = state;
            write(&mut bytes, path.as_bytes());
            bytes.extend_from_slice(&device.to_le_bytes());
            bytes.extend_from_slice(&inode.to_le_bytes());
            for (seconds, nanoseconds) in [modified, changed] {
                bytes.extend_from_slice(&seconds.to_le_bytes());
                bytes.extend_from_slice(&nanoseconds.to_le_bytes());
            }
        }
        for path in &self.files {
            write(&mut bytes, path.as_bytes());
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let reader = &mut bytes;
        let seen = usize::try_from(u64::from_le_bytes(*take(reader)?)).ok()?;
        let count = u64::from_le_bytes(*take(reader)?);
        let mut directories = Vec::new();
        for _ in 0..count {
            directories.push(Directory {
                path: text(reader)?.into(),
                state: State {
                    device: u64::from_le_bytes(*take(reader)?),
                    inode: u64::from_le_bytes(*take(reader)?),
                    modified: time(reader)?,
                    changed: time(reader)?,
                },
            });
        }
        let mut files = Vec::new();
        while !reader.is_empty() {
            files.push(std::str::from_utf8(read(reader)?).ok()?.into());
        }
        // Without the top, nothing would be looked at.
        let (top, below) = directories.split_first()?;
        let is_one = &*top.path == "." && below.is_sorted_by(|left, right| left.path <= right.path);
        (is_one && files.is_sorted()).then_some(Self {
            seen,
            directories,
            files,
        })
    }
}

/// Files as they are now, in the order of their paths, with those of the directories that come before them; nothing
/// if a directory has changed, or a file is gone.
fn look_at(top: BorrowedFd<'_>, directories: &[Directory], files: &[Box<str>]) -> Option<Vec<FileStamp>> {
    let mut stamps = Vec::with_capacity(files.len());
    let mut directories = directories.iter().peekable();
    for file in files {
        while let Some(directory) = directories.next_if(|directory| directory.path < *file) {
            directory.is_unchanged(top).then_some(())?;
        }
        let stat = rustix::fs::statat(top, &**file, AtFlags::empty()).ok()?;
        stamps.push(stamp(&stat));
    }
    directories
        .all(|directory| directory.is_unchanged(top))
        .then_some(stamps)
}

fn time(reader: &mut &[u8]) -> Option<(i64, u32)> {
    Some((
        i64::from_le_bytes(*take(reader)?),
        u32::from_le_bytes(*take(reader)?),
    ))
}

/// What changes when somebody writes to a file.
pub(super) fn stamp(stat: &Stat) -> FileStamp {
    FileStamp {
        inode: stat.st_ino,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)),
    }
}

#[cfg(test)]
impl Trees {
    pub(super) fn has_last(&self) -> bool {
        self.last().is_some()
    }

    /// As another process would begin.
    pub(super) fn forget(&self) {
        *self.last() = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn trees_are_read_as_they_were_written() {
        let directory = |path: &str| Directory {
            path: path.into(),
            state: State {
                device: 1,
                inode: u64::MAX,
                modified: (-7, 8),
                changed: (i64::MAX, 9),
            },
        };
        let tree = Tree {
            seen: 5,
            directories: vec![directory("."), directory("a/b")],
            files: vec!["a/b/c.rpm".into(), "a/d.rpm".into()],
        };
        assert_eq!(Tree::decode(&tree.encode()), Some(tree));
    }

    #[test]
    fn what_changed_a_moment_ago_is_not_settled() {
        let at = |seconds: i64, nanoseconds: u32| Directory {
            path: ".".into(),
            state: State {
                device: 1,
                inode: 1,
                modified: (7, 0),
                changed: (seconds, nanoseconds),
            },
        };
        let began = Timestamp::from_seconds(1_000);
        for (directory, expected) in [
            (at(988, 999_999_999), true),
            (at(990, 0), false),
            (at(1_000, 0), false),
            (at(2_000, 0), false),
            (at(i64::MAX, 0), false),
        ] {
            assert_eq!(directory.is_quiet(began), expected, "{directory:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tree_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Tree::decode(&bytes);
        }
    }
}
