//! Files on this machine, opened beneath a root that they cannot leave.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A path below some root: segments that are neither empty nor `.` or `..`, without NUL; not empty.
///
/// ```
/// use odcs_core::files::RelativePath;
/// let path: RelativePath = "Packages/e/ed-1-1.x86_64.rpm".parse()?;
/// assert_eq!(path.file_name(), "ed-1-1.x86_64.rpm");
/// assert!("../etc/passwd".parse::<RelativePath>().is_err());
/// assert!("/etc/passwd".parse::<RelativePath>().is_err());
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(Box<str>);

impl RelativePath {
    /// The path as text, segments parted by `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    fn check(text: &str) -> Result<()> {
        let fits = text.len() <= 4096
            && !text.contains('\0')
            && text.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
        if fits {
            return Ok(());
        }
        let shown: String = text.chars().take(120).collect();
        let message = format!("{shown:?} is not a path below its directory");
        Err(Error::invalid("path", message))
    }

    /// A path further down. What is joined goes through the same checks.
    ///
    /// # Errors
    /// `Invalid` if `below` is not a relative path.
    pub fn join(&self, below: &str) -> Result<Self> {
        Self::check(below)?;
        Ok(Self([&self.0, "/", below].concat().into()))
    }
}

impl FromStr for RelativePath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map(|()| Self(text.into()))
    }
}

impl TryFrom<String> for RelativePath {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0.into()
    }
}

impl AsRef<Path> for RelativePath {
    fn as_ref(&self) -> &Path {
        Path::new(&*self.0)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A directory that files are opened beneath, and never outside of: `..` and links that lead out are
/// refused by the kernel (`openat2` with `RESOLVE_BENEATH`), whatever happens to the tree meanwhile.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    handle: OwnedFd,
}

impl Root {
    /// Opens a directory as a root. The path itself is trusted: it comes from the configuration.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, &path, flags, Mode::empty())?;
        Ok(Self { path, handle })
    }

    /// The path it was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The handle, for calls relative to it.
    pub fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// Opens a file below the root for reading. Never blocks on a FIFO or a device.
    ///
    /// # Errors
    /// `EXDEV` if a link leads out of the root; else what the operating system says.
    pub fn open_file(&self, path: &RelativePath) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(File::from(self.open_beneath(path.as_str(), flags)?))
    }

    /// Opens a directory below the root as a root of its own: from then on nothing above it can be
    /// reached.
    ///
    /// # Errors
    /// As [`Root::open_file`], and `ENOTDIR`.
    pub fn open_dir(&self, path: &RelativePath) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = self.open_beneath(path.as_str(), flags)?;
        Ok(Self {
            path: self.path.join(path.as_str()),
            handle,
        })
    }

    fn open_beneath(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        // EAGAIN: the kernel could not rule out a race with a rename; a few more tries settle it.
        for _ in 0..16 {
            match openat2(&self.handle, path, flags, Mode::empty(), resolve) {
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
        Err(rustix::io::Errno::AGAIN.into())
    }
}

/// A package file of a source: a path below a root.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// What it cannot leave.
    pub root: Arc<Root>,
    /// Where it is.
    pub path: RelativePath,
}

impl SourceFile {
    /// Opens it for reading.
    ///
    /// # Errors
    /// As [`Root::open_file`].
    pub fn open(&self) -> io::Result<File> {
        self.root.open_file(&self.path)
    }
}

impl fmt::Display for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As `Path::join` does, without a copy.
        let root = self.root.path.as_os_str().as_encoded_bytes();
        let slash = if root.ends_with(b"/") { "" } else { "/" };
        write!(f, "{}{slash}{}", self.root.path.display(), self.path)
    }
}

/// The published composes, for whoever serves them.
///
/// Implementations are blocking: call them on a blocking pool. Nothing outside the tree is reachable
/// through them, whatever the path says and whatever links the tree holds.
pub trait ComposeFiles: fmt::Debug + Send + Sync + 'static {
    /// Opens what is at a path below the target directory; `None` is that directory itself.
    ///
    /// # Errors
    /// `NotFound` for everything that is not there, not published, or leads outside.
    fn open(&self, path: Option<&RelativePath>) -> Result<OpenedPath>;
}

/// Something below the target directory.
#[derive(Debug)]
pub enum OpenedPath {
    /// A regular file, open for reading.
    File(OpenedFile),
    /// A directory, sorted by name.
    Directory(Vec<DirectoryEntry>),
}

/// An open file and what is known of it.
#[derive(Debug)]
pub struct OpenedFile {
    /// The open file.
    pub file: File,
    /// Its size in bytes when it was opened.
    pub size: u64,
    /// Modification time, in seconds and nanoseconds since 1970.
    pub modified: (i64, u32),
    /// Device and inode: with size and time, what tells one content from another.
    pub identity: (u64, u64),
}

/// One entry of a directory.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct DirectoryEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a directory (a link to one counts as one).
    pub is_directory: bool,
    /// Size in bytes; 0 for directories.
    pub size: u64,
    /// Modification time in seconds since 1970.
    pub modified: i64,
}
