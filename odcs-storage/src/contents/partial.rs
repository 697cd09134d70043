//! Files that are being fetched.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use odcs_core::content_store::Wanted;
use odcs_core::fetch::{Expected, Verifier};
use odcs_core::{Error as CoreError, ErrorKind};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::MAX_ENTRIES;
use super::address::{Address, Alias, UNNAMED, partial_name};
use super::shelf::{Found, Shelf, must_be_single, open_to_write, unlink};
use crate::dir;
use crate::error::{Error, Result};

/// How much room is taken at a time for a file whose size is not known.
const STEP: u64 = 1 << 20;
/// How often a name is tried that others remove at the same time.
const TRIES: usize = 16;

/// What became of trying to fetch a file.
#[derive(Debug)]
pub(super) enum Begun {
    /// It is there.
    There(Found),
    /// Nobody else can fetch it now.
    Ours(Box<Partial>),
    /// Somebody else is fetching it.
    Busy,
}

/// A file that is not whole yet. Its lock says that somebody is at work on it, and ends with the process at the latest.
#[derive(Debug)]
pub(super) struct Partial {
    shelf: Arc<Shelf>,
    name: String,
    file: File,
    expected: Expected,
    alias: Option<Alias>,
    modified: Option<u64>,
    verifier: Verifier,
    reserved: u64,
    /// Whether somebody else could go on from it.
    is_resumable: bool,
    /// Whether it is worth nothing as it is.
    is_worthless: bool,
    /// It is in its place.
    placed: Option<Address>,
}

/// Why a file cannot be gone on with.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not the one that it should be.
    Wrong(CoreError),
    /// It cannot be written.
    Failed(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Partial {
    /// Finds a file, or begins to fetch it.
    pub(super) fn begin(shelf: &Arc<Shelf>, wanted: &Wanted) -> Result<Begun> {
        let alias = Alias::of_wanted(wanted);
        let find = || find(shelf, wanted, alias.as_ref());
        if let Some(found) = find()? {
            return Ok(Begun::There(found));
        }
        let name = wanted.places.last().map_or("a file", |place| place.as_str());
        let expected = Expected::at_most(wanted.limit, name)
            .with_size(wanted.size)
            .with_digest(wanted.digest.clone());
        let Some(name) = partial_name(wanted) else {
            let partial = Self::unnamed(shelf, expected, wanted.modified)?;
            return Ok(Begun::Ours(Box::new(partial)));
        };
        let Some(file) = lock(shelf, &name)? else {
            return Ok(Begun::Busy);
        };
        let mut partial = Self::new(shelf, name, file, expected, alias.clone(), wanted.modified);
        // Whoever had the lock may have finished it.
        if let Some(found) = find()? {
            partial.is_worthless = true;
            return Ok(Begun::There(found));
        }
        partial.is_resumable = true;
        partial.resume()?;
        Ok(Begun::Ours(Box::new(partial)))
    }

    /// A file that nobody else knows of.
    pub(super) fn unnamed(shelf: &Arc<Shelf>, expected: Expected, modified: Option<u64>) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let process = rustix::process::getpid().as_raw_nonzero();
        for _ in 0..TRIES {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{UNNAMED}{process}-{number}");
            // Another machine, or another container, may have a process of this number.
            let Some(file) = lock(shelf, &name)? else { continue };
            let mut partial = Self::new(shelf, name, file, expected, None, modified);
            partial.resume()?;
            return Ok(partial);
        }
        Err(shelf.partial.failed("make the file", UNNAMED, Errno::EXIST))
    }

    fn new(
        shelf: &Arc<Shelf>,
        name: String,
        file: File,
        expected: Expected,
        alias: Option<Alias>,
        modified: Option<u64>,
    ) -> Self {
        Self {
            shelf: Arc::clone(shelf),
            name,
            file,
            verifier: Verifier::new(expected.clone()),
            expected,
            alias,
            modified,
            reserved: 0,
            is_resumable: false,
            is_worthless: false,
            placed: None,
        }
    }

    /// Reads what is there already, and makes sure that there is room for the rest.
    fn resume(&mut self) -> Result<()> {
        let had = self.size()?;
        let most = self.expected.size.unwrap_or(had).min(self.expected.limit);
        self.shelf.reserve(&self.name, had, had.max(most))?;
        self.reserved = had.max(most);
        if had == 0 {
            return Ok(());
        }
        if !self.is_resumable || had > self.expected.most() || self.reread().is_err() {
            self.clear()?;
        } else if self.expected.size == Some(had) && self.verifier.clone().finish().is_err() {
            // There is nothing left to fetch that could make it right.
            self.clear()?;
        }
        Ok(())
    }

    fn reread(&mut self) -> Result<(), Fault> {
        let mut buffer = vec![0; 128 << 10];
        self.file.rewind().map_err(|error| self.failed("read", error))?;
        loop {
            let read = match self.file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed("read", error).into()),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            self.verifier.update(bytes).map_err(Fault::Wrong)?;
        }
    }

    fn failed(&self, operation: &'static str, error: std::io::Error) -> Error {
        self.shelf.partial.io_failed(operation, &self.name, error)
    }

    fn size(&self) -> Result<u64> {
        let stat = rustix::fs::fstat(&self.file);
        stat.map(|stat| dir::size(&stat))
            .map_err(|errno| self.shelf.partial.failed("look at", &self.name, errno))
    }

    /// How many bytes are there.
    pub(super) fn received(&self) -> u64 {
        self.verifier.seen()
    }

    /// Whether it is known by a checksum what it has to be.
    pub(super) fn verifies(&self) -> bool {
        self.expected.digest.is_some()
    }

    /// Whether nothing is there, and nothing wrong was.
    pub(super) fn is_untouched(&self) -> bool {
        self.received() == 0 && !self.is_worthless
    }

    /// Its place, if it is there.
    pub(super) fn placed(&self) -> Option<&Address> {
        self.placed.as_ref()
    }

    /// Whether what is there is all of it.
    pub(super) fn is_whole(&self) -> bool {
        let is_certain = self.expected.digest.is_some() && self.received() > 0;
        is_certain && self.verifier.clone().finish().is_ok()
    }

    /// Throws away what is there.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .map_err(|error| self.failed("write", error))?;
        self.file.rewind().map_err(|error| self.failed("write", error))?;
        self.verifier = Verifier::new(self.expected.clone());
        self.is_worthless = false;
        Ok(())
    }

    /// Adds to it.
    pub(super) fn write(&mut self, pieces: &[Bytes]) -> Result<(), Fault> {
        for piece in pieces {
            if let Err(error) = self.verifier.update(piece) {
                self.is_worthless = true;
                return Err(Fault::Wrong(error));
            }
        }
        let result = self.write_out(pieces);
        // What is not whole as far as it goes is of no use, and the disk may be full.
        self.is_worthless |= result.is_err();
        result.map_err(Fault::Failed)
    }

    fn write_out(&mut self, pieces: &[Bytes]) -> Result<()> {
        let seen = self.verifier.seen();
        if seen > self.reserved {
            let bytes = seen.saturating_add(STEP).min(self.expected.limit).max(seen);
            self.shelf.reserve(&self.name, self.reserved, bytes)?;
            self.reserved = bytes;
        }
        pieces
            .iter()
            .try_for_each(|piece| self.file.write_all(piece))
            .map_err(|error| self.failed("write", error))
    }

    /// Puts it in its place, if it is what it should be.
    pub(super) fn finish(&mut self) -> Result<Address, Fault> {
        let verified = self.verifier.clone().finish().map_err(|error| {
            self.is_worthless = true;
            Fault::Wrong(error)
        })?;
        let placed = self.place(&verified);
        self.is_worthless |= placed.is_err();
        placed.map_err(Fault::Failed)
    }

    fn place(&mut self, verified: &odcs_core::fetch::Verified) -> Result<Address> {
        let Some(address) = Address::of(&verified.sha256) else {
            return Err(self.shelf.partial.failed("finish", &self.name, Errno::INVAL));
        };
        let freed = self.shelf.place(
            &self.name,
            &self.file,
            &address,
            self.alias.as_ref(),
            self.modified,
        )?;
        self.placed = Some(address.clone());
        self.shelf.settle(&self.name, verified.size, freed)?;
        Ok(address)
    }

    /// When it was modified, where only the server can say that.
    pub(super) fn set_modified(&self, modified: Option<u64>) -> Result<()> {
        if self.modified.is_some() || modified.is_none() {
            return Ok(());
        }
        self.shelf
            .set_times(&self.file, modified)
            .map_err(|errno| self.shelf.partial.failed("set the time of", &self.name, errno))
    }

    fn leave(&self) -> Result<()> {
        let size = self.size()?;
        if self.is_resumable && !self.is_worthless && size > 0 {
            return self.shelf.settle(&self.name, size, 0);
        }
        unlink(&self.shelf.partial, &self.name)?;
        self.shelf.settle(&self.name, 0, 0)
    }
}

/// Blocks for a moment. What others can go on from stays.
impl Drop for Partial {
    fn drop(&mut self) {
        if self.placed.is_none()
            && let Err(error) = self.leave()
        {
            tracing::warn!(name = %self.name, %error, "an unfinished file could not be cleared away");
        }
    }
}

impl From<Fault> for CoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Wrong(error) => error,
            Fault::Failed(error) => error.into(),
        }
    }
}

/// The file that is wanted, if it is there. It counts as used now.
fn find(shelf: &Shelf, wanted: &Wanted, alias: Option<&Alias>) -> Result<Option<Found>> {
    let Some(digest) = &wanted.digest else {
        return Ok(None);
    };
    let found = shelf.find(digest, alias)?;
    // One of another size is damaged, or what is asked for is not what its checksum says: then fetching shows it.
    Ok(found.filter(|found| wanted.size.is_none_or(|size| size == found.size)))
}

/// How many bytes of a file have to be fetched yet, as far as its size is known. If it is there, it counts as used now.
pub(super) fn missing(shelf: &Shelf, wanted: &Wanted) -> Result<u64> {
    let Some(size) = wanted.size else { return Ok(0) };
    if find(shelf, wanted, Alias::of_wanted(wanted).as_ref())?.is_some() {
        return Ok(0);
    }
    let begun = match partial_name(wanted) {
        Some(name) => shelf.partial.stat(&name)?.filter(dir::is_file),
        None => None,
    };
    Ok(size.saturating_sub(begun.map_or(0, |stat| dir::size(&stat))))
}

/// A fault of this program.
pub(super) fn broken(what: &str) -> CoreError {
    let message = format!("a fault in this program stopped the work on the content store: {what}");
    CoreError::new(ErrorKind::Internal, "fetch", "content store", message)
}

/// Opens and locks a partial file, unless somebody else has locked it.
fn lock(shelf: &Shelf, name: &str) -> Result<Option<File>> {
    for _ in 0..TRIES {
        let file = open_to_write(&shelf.partial, name, OFlags::empty())?;
        match try_lock(shelf, name, &file)? {
            Locked::Yes => return Ok(Some(file)),
            Locked::No => return Ok(None),
            Locked::Gone => {}
        }
    }
    Ok(None)
}

enum Locked {
    Yes,
    No,
    /// Whoever had it before has finished or removed it: the name is another file's by now, or nobody's.
    Gone,
}

fn try_lock(shelf: &Shelf, name: &str, file: &File) -> Result<Locked> {
    let failed = |errno| shelf.partial.failed("lock", name, errno);
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(Locked::No),
        Err(errno) => return Err(failed(errno)),
    }
    let ours = rustix::fs::fstat(file).map_err(failed)?;
    match shelf.partial.stat(name)? {
        Some(there) if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) => {
            // Not before: one that somebody else has just finished has the names that composes give it.
            must_be_single(&shelf.partial, name, &there)?;
            Ok(Locked::Yes)
        }
        _ => Ok(Locked::Gone),
    }
}

/// Removes what nobody is at work on. How many bytes that frees.
pub(super) fn remove_abandoned(shelf: &Shelf, name: &str) -> Result<u64> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&shelf.partial, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(0),
        Err(errno) => return Err(shelf.partial.failed("open the file", name, errno)),
    };
    match try_lock(shelf, name, &file)? {
        Locked::Yes => {
            let stat = rustix::fs::fstat(&file);
            unlink(&shelf.partial, name)?;
            Ok(stat.map_or(0, |stat| dir::size(&stat)))
        }
        Locked::No | Locked::Gone => Ok(0),
    }
}

/// Names of what nobody is going to go on from, or has not for too long; some of it may be being worked on.
pub(super) fn stale(shelf: &Shelf) -> Result<Vec<(String, u64)>> {
    let before = shelf.before(shelf.settings.unfinished);
    let mut stale = Vec::new();
    for entry in shelf.partial.entries(MAX_ENTRIES)? {
        let Ok(name) = entry.name.into_string() else {
            continue;
        };
        if let Some(stat) = shelf.partial.stat(&name)?.filter(dir::is_file) {
            let size = dir::size(&stat);
            if size == 0 || name.starts_with(UNNAMED) || stat.st_mtime < before {
                stale.push((name, size));
            }
        }
    }
    Ok(stale)
}
