//! The directory of the cache: whose it is, what is in it, and the lock on it.

use std::fs::File;
use std::sync::Arc;

use odcs_core::request::TargetDirName;
use rustix::fs::{FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::index::Index;
use super::segment::{self, FileId, FileVersion, Segment};
use crate::dir::{self, Dir};
use crate::error::Result;
use crate::layout;
use crate::targets::Targets;

const LOCK: &str = "lock";
/// What files are made as before they have their names.
const UNFINISHED: &str = "unfinished";
/// What is only made to see whom it belongs to.
const PROBE: &str = "owner";
/// Entries of the directory.
const MAX_ENTRIES: usize = 100_000;
/// Whatever the umask says.
const DIRECTORY_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// What nobody else may do to files that are believed.
const OTHERS_WRITE: Mode = Mode::WGRP.union(Mode::WOTH);

/// The directory, which nobody but the user of the service can enter.
#[derive(Debug)]
pub(super) struct Directory {
    dir: Dir,
    /// Whose it is, and whose everything in it has to be.
    owner: u32,
}

/// What is in it, by name.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Numbers of what is called like segments, ascending.
    pub(super) segments: Vec<u64>,
    /// Numbers of what is called like indexes.
    pub(super) indexes: Vec<u64>,
}

/// What tells one state of the directory from the next: when it changed, and whether it is there at all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Stamp {
    changed: FileVersion,
    removed: bool,
}

impl Stamp {
    /// Whether the directory itself is not there any more.
    pub(super) fn is_removed(self) -> bool {
        self.removed
    }
}

/// A segment as it lies there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Looked {
    pub(super) id: FileId,
    pub(super) size: u64,
    /// Which index it has, whatever that may be.
    pub(super) index: Option<FileVersion>,
}

/// The lock on the directory, which all who change something in it take.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Fails for no reason that could be told.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Directory {
    pub(super) fn open(targets: &Targets) -> Result<Self> {
        let target = targets.find(TargetDirName::DEFAULT)?;
        let dir = match target.try_open(layout::CACHE)? {
            Some(dir) => dir,
            None => {
                match rustix::fs::mkdirat(&*target, layout::CACHE, DIRECTORY_MODE) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(target.failed("make the directory", layout::CACHE, errno)),
                }
                target.open(layout::CACHE)?
            }
        };
        let stat = dir.itself()?;
        let directory = Self {
            dir,
            owner: stat.st_uid,
        };
        if !directory.is_ours() {
            return Err(directory.dir.tampered("belongs to another user"));
        }
        if Mode::from_raw_mode(stat.st_mode) != DIRECTORY_MODE {
            rustix::fs::fchmod(&directory.dir, DIRECTORY_MODE)
                .map_err(|errno| directory.dir.failed("set the mode of", "", errno))?;
        }
        Ok(directory)
    }

    /// Whether this program's user made it, or one that may do anything runs this program.
    fn is_ours(&self) -> bool {
        let user = rustix::process::geteuid();
        if user.is_root() || user.as_raw() == self.owner {
            return true;
        }
        // A network file system may take this user for another one.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let probe = rustix::fs::openat(&self.dir, PROBE, flags, FILE_MODE);
        let owner = probe.and_then(rustix::fs::fstat).map(|stat| stat.st_uid);
        let _ = self.dir.remove(PROBE);
        owner == Ok(self.owner)
    }

    pub(super) fn failed(&self, operation: &'static str, name: &str, errno: Errno) -> crate::Error {
        self.dir.failed(operation, name, errno)
    }

    /// Changes with everything that comes or goes.
    pub(super) fn stamp(&self) -> Result<Stamp> {
        let stat = self.dir.itself()?;
        Ok(Stamp {
            changed: version(&stat),
            removed: stat.st_nlink == 0,
        })
    }

    /// How many bytes are free on the disk.
    pub(super) fn free(&self) -> Result<u64> {
        let disk = rustix::fs::fstatvfs(&self.dir);
        let disk = disk.map_err(|errno| self.failed("look for room in", "", errno))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    pub(super) fn list(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        for entry in self.dir.entries(MAX_ENTRIES)? {
            let Some((number, ending)) = entry.name.to_str().and_then(parse) else {
                continue;
            };
            match ending {
                "pack" => listing.segments.push(number),
                _ => listing.indexes.push(number),
            }
        }
        Ok(listing)
    }

    /// What the segment with a number is at the moment, if it is a file that is ours.
    pub(super) fn look(&self, number: u64) -> Option<Looked> {
        let stat = self.dir.stat(pack(number)).ok()??;
        let index = self.dir.stat(index(number)).ok().flatten();
        self.is_believed(&stat).then(|| Looked {
            id: id(&stat),
            size: dir::size(&stat),
            index: index.as_ref().map(version),
        })
    }

    fn is_believed(&self, stat: &Stat) -> bool {
        let mode = Mode::from_raw_mode(stat.st_mode);
        dir::is_file(stat) && stat.st_uid == self.owner && !mode.intersects(OTHERS_WRITE)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> rustix::io::Result<(File, Stat)> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.dir, name, flags, FILE_MODE)?;
        let stat = rustix::fs::fstat(&file)?;
        Ok((file.into(), stat))
    }

    /// Opens a segment and what there is of its index. None if it is not one.
    pub(super) fn segment(&self, number: u64) -> Option<Segment> {
        let name = pack(number);
        // Who may not write may still read.
        let opened = self
            .open_file(&name, OFlags::RDWR)
            .or_else(|_| self.open_file(&name, OFlags::RDONLY));
        let (file, stat) = opened.ok()?;
        if !self.is_believed(&stat) || !Segment::is_one(&file, number) {
            return None;
        }
        let index_id = self.dir.stat(index(number)).ok().flatten();
        let mut segment = Segment::new(
            number,
            id(&stat),
            Arc::new(file),
            self.index(number, dir::size(&stat)),
        );
        segment.index_id = index_id.as_ref().map(version);
        Some(segment)
    }

    /// Opens the index of a segment that has so many bytes.
    pub(super) fn index(&self, number: u64, segment: u64) -> Option<Index> {
        let (file, stat) = self.open_file(&index(number), OFlags::RDONLY).ok()?;
        if !self.is_believed(&stat) {
            return None;
        }
        Index::open(&file, dir::size(&stat), number, segment)
    }

    /// How many bytes an index takes.
    pub(super) fn index_size(&self, number: u64) -> u64 {
        let stat = self.dir.stat(index(number)).ok().flatten();
        stat.as_ref().map_or(0, dir::size)
    }

    /// Makes a segment that is not there yet.
    pub(super) fn create(&self, number: u64) -> Result<Segment> {
        self.dir.remove(UNFINISHED)?;
        let name = pack(number);
        let failed = |errno| self.failed("make the file", &name, errno);
        let file = self.make(UNFINISHED).map_err(failed)?;
        segment::write(&file, &segment::start(number), 0).map_err(failed)?;
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        // Under its name nobody is to see it without its first bytes: that would be none of ours.
        let rename = |flags| rustix::fs::renameat_with(&self.dir, UNFINISHED, &self.dir, &name, flags);
        match rename(RenameFlags::NOREPLACE) {
            // Some network file systems cannot promise it.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rename(RenameFlags::empty()),
            result => result,
        }
        .map_err(failed)?;
        Ok(Segment::new(number, id(&stat), Arc::new(file), None))
    }

    fn make(&self, name: &str) -> rustix::io::Result<File> {
        let (file, stat) = self.open_file(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        if stat.st_uid != self.owner {
            // Whoever looks after somebody else's cache, as only root can, leaves it theirs.
            rustix::fs::fchown(&file, Some(rustix::fs::Uid::from_raw(self.owner)), None)?;
        }
        if Mode::from_raw_mode(stat.st_mode) != FILE_MODE {
            rustix::fs::fchmod(&file, FILE_MODE)?;
        }
        Ok(file)
    }

    /// Puts an index in its place.
    pub(super) fn write_index(&self, number: u64, bytes: &[u8]) -> Result<()> {
        self.dir.remove(UNFINISHED)?;
        let name = index(number);
        let failed = |errno| self.failed("write", &name, errno);
        let file = self.make(UNFINISHED).map_err(failed)?;
        match segment::write(&file, bytes, 0) {
            Ok(()) => self.dir.rename(UNFINISHED, &self.dir, &name),
            Err(errno) => {
                self.dir.remove(UNFINISHED)?;
                Err(failed(errno))
            }
        }
    }

    /// Removes a segment with its index. Whoever has it open can go on reading it.
    pub(super) fn remove(&self, number: u64) -> Result<()> {
        self.remove_index(number)?;
        self.unlink(&pack(number))
    }

    pub(super) fn remove_index(&self, number: u64) -> Result<()> {
        self.unlink(&index(number))
    }

    /// Removes a name of ours, unless it is a directory's: that is none of ours to empty.
    fn unlink(&self, name: &str) -> Result<()> {
        match rustix::fs::unlinkat(&self.dir, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => Ok(()),
            Err(errno) => Err(self.failed("remove", name, errno)),
        }
    }

    /// Waits until nobody else changes anything.
    pub(super) fn lock(&self) -> Result<Locked> {
        let failed = |errno| self.failed("lock", LOCK, errno);
        for _ in 0..8 {
            let opened = self.open_file(LOCK, OFlags::RDWR | OFlags::CREATE);
            let (file, stat) = match opened {
                Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => {
                    // Nothing that this program has made.
                    self.dir.remove(LOCK)?;
                    continue;
                }
                result => result.map_err(failed)?,
            };
            if !dir::is_file(&stat) {
                self.dir.remove(LOCK)?;
                continue;
            }
            if stat.st_uid != self.owner {
                let _ = rustix::fs::fchown(&file, Some(rustix::fs::Uid::from_raw(self.owner)), None);
            }
            loop {
                match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                    Ok(()) => break,
                    Err(Errno::INTR) => {}
                    Err(errno) => return Err(failed(errno)),
                }
            }
            // Whoever locked what was removed meanwhile would be alone with it.
            let now = self.dir.stat(LOCK)?;
            if now.is_some_and(|now| id(&now) == id(&stat)) {
                return Ok(Locked(file));
            }
        }
        Err(failed(Errno::BUSY))
    }
}

fn id(stat: &Stat) -> FileId {
    (stat.st_dev, stat.st_ino)
}

fn version(stat: &Stat) -> FileVersion {
    (
        stat.st_ino,
        stat.st_ctime,
        i64::try_from(stat.st_ctime_nsec).unwrap_or(0),
    )
}

fn pack(number: u64) -> String {
    format!("{number:010}.pack")
}

fn index(number: u64) -> String {
    format!("{number:010}.index")
}

/// The number in a name, and what it ends with.
fn parse(name: &str) -> Option<(u64, &str)> {
    let (digits, ending) = name.split_once('.')?;
    let number: u64 = digits.parse().ok()?;
    let is_ours = match ending {
        "pack" => pack(number) == name,
        "index" => index(number) == name,
        _ => false,
    };
    // There has to be another number after each.
    (is_ours && number < u64::MAX).then_some((number, ending))
}
