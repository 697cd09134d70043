//! Directories of the target, held open.
//!
//! Everything below the target directory is reached through handles and names of one segment; no
//! symbolic link is followed on the way. A path is kept for messages only.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Whatever the umask says.
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// Directories one inside the other; no compose comes near it.
const MAX_DEPTH: usize = 64;

const OPEN_DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// An open directory at or below the target directory.
#[derive(Debug)]
pub(crate) struct Dir {
    handle: OwnedFd,
    root: Arc<Path>,
    path: PathBuf,
}

/// One entry of a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    pub(crate) kind: FileType,
}

impl Dir {
    /// Opens the target directory itself, which may be reached through links.
    pub(crate) fn open_root(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|errno| Error::target("open the directory", path, Path::new(""), errno))?;
        Ok(Self {
            handle,
            root: path.into(),
            path: PathBuf::new(),
        })
    }

    /// The target directory, for messages.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A failure with something in this directory.
    pub(crate) fn failed(&self, operation: &'static str, name: impl AsRef<Path>, errno: Errno) -> Error {
        Error::target(operation, &self.root, &self.path.join(name), errno)
    }

    /// A failure to read or write a file in this directory.
    pub(crate) fn io_failed(
        &self,
        operation: &'static str,
        name: impl AsRef<Path>,
        error: std::io::Error,
    ) -> Error {
        Error::target(operation, &self.root, &self.path.join(name), error)
    }

    /// Somebody else has changed this directory.
    pub(crate) fn tampered(&self, how: &'static str) -> Error {
        let path = self.root.join(&self.path);
        Error::Tampered { path, how }
    }

    /// What the directory itself is: device, inode and owner do not change with its name.
    pub(crate) fn itself(&self) -> Result<Stat> {
        rustix::fs::fstat(&self.handle).map_err(|errno| self.failed("look at", "", errno))
    }

    /// The same directory through another handle.
    pub(crate) fn duplicate(&self) -> Result<Self> {
        let handle = rustix::io::fcntl_dupfd_cloexec(&self.handle, 0);
        let handle = handle.map_err(|errno| self.failed("open the directory", "", errno))?;
        Ok(self.with(handle, OsStr::new("")))
    }

    fn with(&self, handle: OwnedFd, name: &OsStr) -> Self {
        Self {
            handle,
            root: Arc::clone(&self.root),
            path: self.path.join(name),
        }
    }

    /// Opens a directory in this one.
    pub(crate) fn open(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        let name = name.as_ref();
        match rustix::fs::openat(&self.handle, name, OPEN_DIR, Mode::empty()) {
            Ok(handle) => Ok(self.with(handle, name)),
            Err(errno) => Err(self.failed("open the directory", name, errno)),
        }
    }

    /// Opens a directory in this one if there is one of that name.
    pub(crate) fn try_open(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>> {
        match self.open(name) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.errno() == Some(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a directory that is not there yet, and opens it.
    pub(crate) fn make(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        let name = name.as_ref();
        rustix::fs::mkdirat(&self.handle, name, Mode::RWXU)
            .map_err(|errno| self.failed("make the directory", name, errno))?;
        let dir = self.open(name)?;
        rustix::fs::fchmod(&dir.handle, DIRECTORY_MODE)
            .map_err(|errno| self.failed("make the directory", name, errno))?;
        Ok(dir)
    }

    /// Opens a directory, making it if need be.
    pub(crate) fn make_or_open(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        match self.make(name.as_ref()) {
            Err(error) if error.errno() == Some(Errno::EXIST) => self.open(name),
            result => result,
        }
    }

    /// Opens a directory several levels down, making what is missing.
    pub(crate) fn make_path(&self, segments: &[&str]) -> Result<Self> {
        let mut dir = self.duplicate()?;
        for segment in segments {
            dir = dir.make_or_open(segment)?;
        }
        Ok(dir)
    }

    /// Opens a directory several levels down.
    pub(crate) fn open_path(&self, segments: &[&str]) -> Result<Self> {
        let mut dir = self.duplicate()?;
        for segment in segments {
            dir = dir.open(segment)?;
        }
        Ok(dir)
    }

    /// Makes a file that is not there yet.
    pub(crate) fn create(&self, name: impl AsRef<OsStr>) -> Result<File> {
        let name = name.as_ref();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |errno| self.failed("make the file", name, errno);
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        rustix::fs::fchmod(&file, FILE_MODE).map_err(failed)?;
        Ok(file.into())
    }

    /// Opens a file for adding to its end, making it if need be.
    pub(crate) fn append(&self, name: impl AsRef<OsStr>) -> Result<File> {
        let name = name.as_ref();
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let failed = |errno| self.failed("open the file", name, errno);
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        if !is_file(&stat) {
            return Err(failed(Errno::INVAL));
        }
        // Under another name it may be anybody's file.
        if stat.st_nlink > 1 {
            return Err(failed(Errno::MLINK));
        }
        rustix::fs::fchmod(&file, FILE_MODE).map_err(failed)?;
        Ok(file.into())
    }

    /// Makes a file with this content.
    pub(crate) fn write(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<()> {
        let name = name.as_ref();
        let mut file = self.create(name)?;
        file.write_all(bytes)
            .map_err(|error| Error::target("write", &self.root, &self.path.join(name), error))
    }

    /// Opens a regular file for reading, and says what it is.
    pub(crate) fn open_file(&self, name: impl AsRef<OsStr>) -> Result<(File, Stat)> {
        let name = name.as_ref();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let failed = |errno| self.failed("open the file", name, errno);
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map_err(failed)?;
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        if !is_file(&stat) {
            return Err(failed(Errno::INVAL));
        }
        Ok((file.into(), stat))
    }

    /// Reads a regular file of at most `limit` bytes.
    pub(crate) fn read(&self, name: impl AsRef<OsStr>, limit: u64) -> Result<Vec<u8>> {
        let name = name.as_ref();
        let (file, _) = self.open_file(name)?;
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| Error::target("read", &self.root, &self.path.join(name), error))?;
        if bytes.len() as u64 > limit {
            return Err(self.failed("read", name, Errno::FBIG));
        }
        Ok(bytes)
    }

    /// What a name stands for, links not followed; `None` if there is nothing.
    pub(crate) fn stat(&self, name: impl AsRef<OsStr>) -> Result<Option<Stat>> {
        let name = name.as_ref();
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed("look at", name, errno)),
        }
    }

    /// Renames something in this directory to a name in that one, replacing a file of that name.
    pub(crate) fn rename(&self, name: &str, to: &Self, new_name: &str) -> Result<()> {
        rustix::fs::renameat(&self.handle, name, &to.handle, new_name)
            .map_err(|errno| to.failed("rename a file to", new_name, errno))
    }

    /// Renames a directory with something in it to a name in that directory, unless something is there:
    /// then false.
    pub(crate) fn rename_if_free(&self, name: &str, to: &Self, new_name: &str) -> Result<bool> {
        let flags = RenameFlags::NOREPLACE;
        let mut result = rustix::fs::renameat_with(&self.handle, name, &to.handle, new_name, flags);
        if matches!(result, Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) {
            // Some network file systems cannot promise it. For directories, an ordinary rename does: it
            // replaces nothing but an empty directory.
            result = rustix::fs::renameat(&self.handle, name, &to.handle, new_name);
        }
        match result {
            Ok(()) => Ok(true),
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(to.failed("rename a directory to", new_name, errno)),
        }
    }

    /// Makes the entries of the directory last through a power cut.
    pub(crate) fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.handle).map_err(|errno| self.failed("save", "", errno))
    }

    /// The entries, sorted by name.
    pub(crate) fn entries(&self, limit: usize) -> Result<Vec<Entry>> {
        let failed = |errno| self.failed("read the directory", "", errno);
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if entries.len() >= limit {
                return Err(failed(Errno::TOOBIG));
            }
            let kind = match entry.file_type() {
                // Not every file system says so in the directory.
                FileType::Unknown => match self.stat(name)? {
                    Some(stat) => FileType::from_raw_mode(stat.st_mode),
                    None => continue,
                },
                kind => kind,
            };
            entries.push(Entry {
                name: name.to_owned(),
                kind,
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> Result<usize> {
        let failed = |errno| self.failed("read the directory", "", errno);
        let mut count = 0;
        for entry in rustix::fs::Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_entry = !matches!(entry.file_name().to_bytes(), b"." | b"..");
            count += usize::from(is_entry);
        }
        Ok(count)
    }

    /// Removes a file or a whole tree; nothing happens if it is not there. Links are removed, not
    /// followed.
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> Result<()> {
        self.remove_to_depth(name.as_ref(), MAX_DEPTH)
    }

    /// Removes a symbolic link; nothing happens if there is none. Anything else of that name stays.
    pub(crate) fn remove_link(&self, name: &str) -> Result<()> {
        match self.stat(name)? {
            Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {}
            _ => return Ok(()),
        }
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", name, errno)),
        }
    }

    /// Removes an empty directory; false if it is not empty.
    pub(crate) fn remove_empty(&self, name: &OsStr) -> Result<bool> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.failed("remove", name, errno)),
        }
    }

    fn remove_to_depth(&self, name: &OsStr, depth: usize) -> Result<()> {
        let failed = |errno| self.failed("remove", name, errno);
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            // Linux says EISDIR, POSIX EPERM.
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(failed(Errno::LOOP));
        };
        // Somebody may still be writing into it: a stale attempt, until it notices.
        for _ in 0..8 {
            let Some(dir) = self.try_open(name)? else {
                return Ok(());
            };
            for entry in dir.entries(usize::MAX)? {
                dir.remove_to_depth(&entry.name, deeper)?;
            }
            if self.remove_empty(name)? {
                return Ok(());
            }
        }
        Err(failed(Errno::NOTEMPTY))
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// Whether this is a regular file.
pub(crate) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// The size of a file.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// The time of a file as repodata says it, in seconds since 1970: what is from before then is from then.
pub(crate) fn modified(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use super::*;

    #[test]
    fn trees_are_removed_without_following_links() {
        let (outside, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("precious"), "x").unwrap();
        let root = Dir::open_root(target.path()).unwrap();
        let dir = root.make_path(&["a", "b", "c"]).unwrap();
        dir.write("file", b"1").unwrap();
        std::os::unix::fs::symlink(outside.path(), target.path().join("a/link")).unwrap();
        root.remove("a").unwrap();
        root.remove("a").unwrap();
        assert!(root.entries(10).unwrap().is_empty());
        assert!(outside.path().join("precious").exists());
    }

    #[test]
    fn links_are_not_followed() {
        let (outside, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("file"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), target.path().join("dir")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("file"), target.path().join("file")).unwrap();
        let root = Dir::open_root(target.path()).unwrap();
        assert!(root.open("dir").is_err());
        assert!(root.make_or_open("dir").is_err());
        assert!(root.read("file", 10).is_err());
        assert!(root.append("file").is_err());
        assert!(root.write("file", b"y").is_err());
    }

    #[test]
    fn what_has_another_name_is_not_added_to() {
        let target = tempfile::tempdir().unwrap();
        let root = Dir::open_root(target.path()).unwrap();
        root.append("log").unwrap();
        root.append("log").unwrap();
        std::fs::hard_link(target.path().join("log"), target.path().join("other")).unwrap();
        assert_eq!(root.append("log").unwrap_err().errno(), Some(Errno::MLINK));
    }

    #[test]
    fn a_name_that_is_taken_is_not_replaced() {
        let target = tempfile::tempdir().unwrap();
        let root = Dir::open_root(target.path()).unwrap();
        for name in ["first", "second"] {
            root.make(name).unwrap().write("x", name.as_bytes()).unwrap();
        }
        assert!(root.rename_if_free("first", &root, "there").unwrap());
        assert!(!root.rename_if_free("second", &root, "there").unwrap());
        assert_eq!(root.open("there").unwrap().read("x", 10).unwrap(), b"first");
        std::os::unix::fs::symlink("nowhere", target.path().join("link")).unwrap();
        assert!(!root.rename_if_free("second", &root, "link").unwrap());
    }

    #[test]
    fn limits_hold() {
        let target = tempfile::tempdir().unwrap();
        let root = Dir::open_root(target.path()).unwrap();
        root.write("a", b"123").unwrap();
        root.write("b", b"").unwrap();
        assert_eq!(root.read("a", 3).unwrap(), b"123");
        assert!(root.read("a", 2).is_err());
        assert_eq!(root.entries(2).unwrap().len(), 2);
        assert!(root.entries(1).is_err());
    }
}
