//! The files of the content store, held by handles: finding, placing and dropping them.

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use odcs_core::files::{Root, SourceFile};
use odcs_rpm::{Digest, DigestAlgorithm};
use rustix::fs::{AtFlags, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::address::{ALIASES, Address, Alias, PARTIAL, SHA256, USAGE};
use super::room::Room;
use super::settings::ContentsSettings;
use crate::dir::{self, Dir};
use crate::error::Result;
use crate::layout;
use crate::targets::Targets;

/// Whatever the umask says.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// The directory of the content store. Everything here blocks.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) dir: Dir,
    pub(super) files: Dir,
    pub(super) partial: Dir,
    pub(super) room: Room,
    pub(super) settings: ContentsSettings,
    root: Arc<Root>,
}

/// A file that is there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) address: Address,
    pub(super) size: u64,
}

impl Shelf {
    pub(super) fn open(targets: &Targets, settings: ContentsSettings) -> Result<Self> {
        let target = targets.find(odcs_core::request::TargetDirName::DEFAULT)?;
        let dir = target.make_or_open(layout::CONTENT)?;
        let (files, partial) = (dir.make_or_open(SHA256)?, dir.make_or_open(PARTIAL)?);
        let usage = open_to_write(&dir, USAGE, OFlags::empty())?;
        let usage_stat = rustix::fs::fstat(&usage).map_err(|errno| dir.failed("look at", USAGE, errno))?;
        must_be_single(&dir, USAGE, &usage_stat)?;
        // Whoever owns a directory can put other files in the place of those that were verified.
        for dir in [&dir, &files, &partial] {
            if dir.itself()?.st_uid != usage_stat.st_uid {
                return Err(dir.tampered("belongs to another user"));
            }
        }
        let root = Root::open(target.root().join(layout::CONTENT));
        let root = root.map_err(|error| dir.io_failed("open the directory", "", error))?;
        // Opened by its path once more, so that it is a root like others.
        let (itself, again) = (dir.itself()?, rustix::fs::fstat(root.handle()));
        let again = again.map_err(|errno| dir.failed("look at", "", errno))?;
        if (itself.st_dev, itself.st_ino) != (again.st_dev, again.st_ino) {
            return Err(dir.tampered("is another directory by now"));
        }
        Ok(Self {
            room: Room::new(usage),
            dir,
            files,
            partial,
            settings,
            root: Arc::new(root),
        })
    }

    /// What time it is, in seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.settings.clock.now().seconds()
    }

    /// The file at a place, for whoever reads it.
    pub(super) fn source(&self, address: &Address) -> Result<SourceFile> {
        Ok(SourceFile {
            root: Arc::clone(&self.root),
            path: address.path().parse()?,
        })
    }

    /// Looks for a file by its checksum. It counts as used now.
    pub(super) fn find(&self, digest: &Digest, alias: Option<&Alias>) -> Result<Option<Found>> {
        let address = match (Address::of(digest), alias) {
            (Some(address), _) => address,
            (None, Some(alias)) => match self.follow(alias)? {
                Some(address) => address,
                None => return Ok(None),
            },
            (None, None) => return Ok(None),
        };
        let Some(shard) = self.files.try_open(address.shard())? else {
            return Ok(None);
        };
        let Some(stat) = shard.stat(address.rest())? else {
            return Ok(None);
        };
        let size = dir::size(&stat);
        if !dir::is_file(&stat) || !address.may_have(size) {
            return Ok(None);
        }
        self.touch(&shard, address.rest(), &stat)?;
        Ok(Some(Found { address, size }))
    }

    /// Notes that a file is used now, unless that was noted lately.
    fn touch(&self, shard: &Dir, name: &str, stat: &Stat) -> Result<()> {
        let refresh = i64::try_from(self.settings.refresh().as_secs()).unwrap_or(i64::MAX);
        let now = self.now();
        if now.saturating_sub(stat.st_atime) < refresh && stat.st_atime <= now {
            return Ok(());
        }
        let times = Timestamps {
            last_access: seconds(now),
            last_modification: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
        };
        match rustix::fs::utimensat(shard, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
            // It has just been evicted: whoever opens it is going to see.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(shard.failed("set the time of", name, errno)),
        }
    }

    /// Where another name leads to.
    fn follow(&self, alias: &Alias) -> Result<Option<Address>> {
        match self.aliases(alias.kind, &alias.shard)? {
            Some(dir) => read_alias(&dir, &alias.name),
            None => Ok(None),
        }
    }

    /// The directory of other names.
    pub(super) fn aliases(&self, kind: &str, shard: &str) -> Result<Option<Dir>> {
        match self.dir.try_open(kind)? {
            Some(dir) => dir.try_open(shard),
            None => Ok(None),
        }
    }

    /// All places that a checksum leads to: several for a SHA-1, as [`Alias`] says.
    pub(super) fn all(&self, digest: &Digest) -> Result<Vec<Address>> {
        if let Some(address) = Address::of(digest) {
            return Ok(vec![address]);
        }
        if let Some(alias) = Alias::of(digest) {
            return Ok(self.follow(&alias)?.into_iter().collect());
        }
        let mut all = Vec::new();
        if let Some(prefix) = Alias::all_of_sha1(digest)
            && let Some(dir) = self.aliases(prefix.kind, &prefix.shard)?
        {
            for entry in dir.entries(super::MAX_ENTRIES)? {
                if let Some(name) = entry.name.to_str().filter(|name| name.starts_with(&prefix.name)) {
                    all.extend(read_alias(&dir, name)?);
                }
            }
            all.sort_unstable();
            all.dedup();
        }
        Ok(all)
    }

    /// Puts a file that was made, and is open, in its place, under its other name, too. What is in that place stays if
    /// it is the same: composes may have it, or be about to link to it. Else it gives way. How many bytes that freed.
    pub(super) fn place(
        &self,
        name: &str,
        file: &File,
        address: &Address,
        alias: Option<&Alias>,
        modified: Option<u64>,
    ) -> Result<u64> {
        let failed = |errno| self.partial.failed("finish", name, errno);
        let stat = rustix::fs::fstat(file).map_err(failed)?;
        if Mode::from_raw_mode(stat.st_mode) != FILE_MODE {
            rustix::fs::fchmod(file, FILE_MODE).map_err(failed)?;
        }
        self.set_times(file, modified).map_err(failed)?;
        if let Some(alias) = alias {
            // First: one that leads nowhere does not count, but a file without it would be fetched again.
            self.add_alias(alias, address)?;
        }
        let shard = match self.files.try_open(address.shard())? {
            Some(shard) => shard,
            None => self.files.make_or_open(address.shard())?,
        };
        let there = shard.stat(address.rest())?;
        let freed = there.as_ref().map_or(0, dir::size);
        match there {
            Some(there) if freed == dir::size(&stat) && self.is_right(address) => {
                self.touch(&shard, address.rest(), &there)?;
                unlink(&self.partial, name)?;
            }
            _ => self.partial.rename(name, &shard, address.rest())?,
        }
        Ok(freed)
    }

    /// Whether the file at a place is the one that should be there, read whole.
    fn is_right(&self, address: &Address) -> bool {
        let read = || -> Result<bool> {
            let Some((file, _, shard)) = self.open_quietly(address)? else {
                return Ok(false);
            };
            let (found, _) = read_whole(&shard, address, DigestAlgorithm::Sha256, file)?;
            Ok(address.digest().as_ref() == Some(&found))
        };
        // One that cannot be read is of no use, whatever the reason.
        read().unwrap_or(false)
    }

    /// Says when a file was modified where it comes from, and that it is used now.
    pub(super) fn set_times(&self, file: &File, modified: Option<u64>) -> rustix::io::Result<()> {
        let now = self.now();
        let modified = modified.and_then(|modified| i64::try_from(modified).ok());
        let times = Timestamps {
            last_access: seconds(now),
            last_modification: seconds(modified.unwrap_or(now)),
        };
        rustix::fs::futimens(file, &times)
    }

    fn add_alias(&self, alias: &Alias, address: &Address) -> Result<()> {
        let dir = self.dir.make_or_open(alias.kind)?.make_or_open(&alias.shard)?;
        let failed = |errno| dir.failed("make the link", &alias.name, errno);
        // What is there may lead to a file that turned out damaged, or be none of ours.
        for _ in 0..8 {
            match rustix::fs::symlinkat(address.target(), &dir, &*alias.name) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) if read_alias(&dir, &alias.name)?.as_ref() == Some(address) => {
                    return Ok(());
                }
                Err(Errno::EXIST) => dir.remove(&*alias.name)?,
                Err(errno) => return Err(failed(errno)),
            }
        }
        Err(failed(Errno::EXIST))
    }

    /// Opens a file to read all of it, without that counting as a use.
    pub(super) fn open_quietly(&self, address: &Address) -> Result<Option<(File, Stat, Dir)>> {
        let Some(shard) = self.files.try_open(address.shard())? else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let open = |flags| rustix::fs::openat(&shard, address.rest(), flags, Mode::empty());
        let file = match open(flags | OFlags::NOATIME) {
            // Only the owner may.
            Err(Errno::PERM) => open(flags),
            result => result,
        };
        let failed = |errno| shard.failed("open the file", address.rest(), errno);
        let file = match file {
            Err(Errno::NOENT) => return Ok(None),
            result => File::from(result.map_err(failed)?),
        };
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        if !dir::is_file(&stat) {
            return Err(failed(Errno::INVAL));
        }
        Ok(Some((file, stat, shard)))
    }

    /// Reads a file whole and drops it if it is damaged; whether it was, or is not there.
    pub(super) fn recheck(&self, address: &Address, digest: &Digest) -> Result<bool> {
        let Some((file, stat, shard)) = self.open_quietly(address)? else {
            return Ok(true);
        };
        let (found, size) = read_whole(&shard, address, digest.algorithm(), file)?;
        if found == *digest {
            return Ok(false);
        }
        self.drop_file(&shard, address, &stat)?;
        tracing::warn!(%digest, %found, size, "a file of the content store is damaged, and was dropped");
        Ok(true)
    }

    /// Drops a file, if it still is the one that was looked at. How many bytes that freed.
    pub(super) fn drop_file(&self, shard: &Dir, address: &Address, seen: &Stat) -> Result<u64> {
        match shard.stat(address.rest())? {
            Some(now) if (now.st_dev, now.st_ino) == (seen.st_dev, seen.st_ino) => {
                let size = dir::size(&now);
                unlink(shard, address.rest())?;
                self.note_freed(size)?;
                Ok(size)
            }
            _ => Ok(0),
        }
    }

    /// Removes other names that lead nowhere and are not being made. How many that were.
    pub(super) fn remove_stray_aliases(&self) -> Result<u64> {
        let mut removed = 0;
        let before = self.before(self.settings.grace);
        for kind in ALIASES {
            let Some(kind) = self.dir.try_open(kind.as_str())? else {
                continue;
            };
            for shard in kind.entries(super::MAX_ENTRIES)? {
                let Some(dir) = kind.try_open(&shard.name)? else {
                    continue;
                };
                for entry in dir.entries(super::MAX_ENTRIES)? {
                    let Some(name) = entry.name.to_str() else { continue };
                    let Some(stat) = dir.stat(name)? else { continue };
                    let leads = match read_alias(&dir, name)? {
                        Some(address) => self.is_there(&address)?,
                        None => false,
                    };
                    if !leads && stat.st_mtime < before {
                        dir.remove(name)?;
                        removed += 1;
                    }
                }
            }
        }
        Ok(removed)
    }

    fn is_there(&self, address: &Address) -> Result<bool> {
        match self.files.try_open(address.shard())? {
            Some(shard) => Ok(shard.stat(address.rest())?.is_some()),
            None => Ok(false),
        }
    }

    /// The time so long ago, in seconds since 1970.
    pub(super) fn before(&self, age: std::time::Duration) -> i64 {
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.now().saturating_sub(age)
    }
}

/// The checksum of a file and its size.
pub(super) fn read_whole(
    shard: &Dir,
    address: &Address,
    algorithm: DigestAlgorithm,
    file: File,
) -> Result<(Digest, u64)> {
    Digest::of_reader(algorithm, file).map_err(|error| {
        let error = match error {
            odcs_rpm::Error::Io(error) => error,
            other => std::io::Error::other(other),
        };
        shard.io_failed("read", address.rest(), error)
    })
}

/// What a name in a directory of other names leads to; nothing if it is not as this program writes it.
fn read_alias(dir: &Dir, name: &str) -> Result<Option<Address>> {
    match rustix::fs::readlinkat(dir, name, Vec::new()) {
        Ok(target) => Ok(target.to_str().ok().and_then(Address::parse_target)),
        Err(Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(errno) => Err(dir.failed("read the link", name, errno)),
    }
}

/// Opens a regular file for reading and writing, making it if need be.
pub(super) fn open_to_write(dir: &Dir, name: &str, flags: OFlags) -> Result<File> {
    let flags = flags | OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let failed = |errno| dir.failed("open the file", name, errno);
    let file = rustix::fs::openat(dir, name, flags, FILE_MODE).map_err(failed)?;
    let stat = rustix::fs::fstat(&file).map_err(failed)?;
    if !dir::is_file(&stat) {
        return Err(failed(Errno::INVAL));
    }
    Ok(file.into())
}

/// Refuses to write to a file that has another name: by that, it may be anybody's.
pub(super) fn must_be_single(dir: &Dir, name: &str, stat: &Stat) -> Result<()> {
    match stat.st_nlink {
        0 | 1 => Ok(()),
        _ => Err(dir.failed("open the file", name, Errno::MLINK)),
    }
}

/// Removes a file; nothing happens if it is not there.
pub(super) fn unlink(dir: &Dir, name: &str) -> Result<()> {
    match rustix::fs::unlinkat(dir.as_fd(), name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(dir.failed("remove", name, errno)),
    }
}

fn seconds(seconds: i64) -> Timespec {
    Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    }
}
