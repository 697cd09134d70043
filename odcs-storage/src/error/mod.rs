//! What can go wrong with trees on disk.

mod iso;
mod unsigned;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use odcs_core::{ComposeId, ErrorKind};
use odcs_rpm::{Digest, Nevra};
use rustix::io::Errno;

pub use iso::{IsoError, IsoFault};
pub use unsigned::UnsignedPackage;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, as a sentence for the person who asked for the compose or who runs the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no room left.
    #[error("the disk that holds {} is full", directory.display())]
    DiskFull {
        /// What was being done.
        operation: &'static str,
        /// The target directory.
        directory: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There would not be room enough.
    #[error(
        "the disk that holds {} is too full: the compose needs about {} MiB, and {} MiB are free",
        directory.display(), needed.div_ceil(1 << 20), free >> 20
    )]
    NoSpace {
        /// The target directory.
        directory: PathBuf,
        /// Bytes needed, those that are to stay free included.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The content store may not hold more.
    #[error("{}", full_sentence(*cap, *needed, *linked, *recent))]
    StoreFull {
        /// The most bytes that it may hold.
        cap: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes of files that composes use.
        linked: u64,
        /// Bytes of files that were asked for lately, or are being fetched.
        recent: u64,
    },
    /// Something in the target directory could not be read or written.
    #[error("cannot {operation} {}: {}", path.display(), plain(source))]
    Target {
        /// What was being done, as a verb.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Two names lead to one target directory.
    #[error("the target directories {first:?} and {second:?} are one and the same: {}", path.display())]
    SameDirectory {
        /// One of the names.
        first: String,
        /// The other.
        second: String,
        /// The path of the other.
        path: PathBuf,
    },
    /// There is no target directory of this name.
    #[error("there is no target directory {name:?} (any more); there is: {}", known.join(", "))]
    UnknownTarget {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Somebody else is at work in the target directory.
    #[error(
        "{} {how}: somebody else changes the directory of the composes; only the service should be able to \
         write there", path.display()
    )]
    Tampered {
        /// What is not as it was left.
        path: PathBuf,
        /// In which way.
        how: &'static str,
    },
    /// The threads that read packages could not be started.
    #[error("the threads that read packages cannot be started: {reason}")]
    Threads {
        /// Why.
        reason: String,
    },
    /// Something is wrong with the file of a package.
    #[error("{}", .0.sentence())]
    Package(Box<PackageError>),
    /// One package, two different files.
    #[error("{package} is there twice with different content: {first} and {second}")]
    Ambiguous {
        /// The package.
        package: Box<Nevra>,
        /// One of the files.
        first: String,
        /// The other.
        second: String,
    },
    /// Two packages that differ in their epoch alone.
    #[error(
        "{first} and {second} differ in their epoch alone, and cannot both be {name} in one compose; leave one \
         out of the repository"
    )]
    SameName {
        /// The name of their files in the compose.
        name: String,
        /// One of the files.
        first: String,
        /// The other.
        second: String,
    },
    /// Packages lack the signatures asked for.
    #[error("{}", unsigned::sentence(packages, *verified))]
    Unsigned {
        /// The packages.
        packages: Vec<UnsignedPackage>,
        /// Whether signatures were verified, rather than taken for what they claim.
        verified: bool,
    },
    /// A compose with this id is already there, and it is another one.
    #[error("a compose {} is already there, and it is not the same: {difference}", id.name())]
    Occupied {
        /// The compose.
        id: ComposeId,
        /// The first difference.
        difference: String,
    },
    /// What an attempt had made is gone.
    #[error(
        "what was made of {} was removed before it could be published; ask for the compose again",
        id.name()
    )]
    ClearedAway {
        /// The compose.
        id: ComposeId,
    },
    /// What was written is not what can be read.
    #[error("what was written to {path} is not what can be read from it: {reason}")]
    ReadBack {
        /// The file, below `compose/`.
        path: String,
        /// The difference.
        reason: String,
    },
    /// Repodata could not be written.
    #[error("the repodata of {tree} cannot be written: {reason}")]
    Repodata {
        /// The tree.
        tree: String,
        /// Why.
        reason: odcs_rpm::Error,
    },
    /// An ISO image could not be made.
    #[error("{}", .0.sentence())]
    Iso(Box<IsoError>),
    /// Metadata could not be written.
    #[error(transparent)]
    Metadata(odcs_core::Error),
    /// The work was asked to stop.
    #[error("the work on {} was stopped", id.name())]
    Cancelled {
        /// The compose.
        id: ComposeId,
    },
    /// The work ended in a fault of this program.
    #[error("the work on {} ended unexpectedly", id.name())]
    Broken {
        /// The compose.
        id: ComposeId,
        /// What the runtime said.
        source: tokio::task::JoinError,
    },
}

/// What is wrong with the file of a package.
#[derive(Debug)]
pub struct PackageError {
    /// The package, as its source knows it.
    pub package: Nevra,
    /// Its file.
    pub file: String,
    /// What is wrong.
    pub fault: PackageFault,
}

/// What can be wrong with the file of a package.
#[derive(Debug)]
#[non_exhaustive]
pub enum PackageFault {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is a directory, FIFO, device, …
    NotAFile,
    /// It is cut off, garbage, or no package at all.
    Damaged(odcs_rpm::Error),
    /// It holds another package.
    OtherPackage(Nevra),
    /// It has another checksum than the source says.
    OtherChecksum {
        /// What the source says.
        expected: Digest,
        /// What the file has.
        found: Digest,
    },
    /// It has another size than the source says.
    OtherSize {
        /// What the source says, in bytes.
        expected: u64,
        /// What the file has.
        found: u64,
    },
    /// Somebody wrote into it after it had been read.
    Changed,
    /// It cannot be hardlinked, and copying is not allowed.
    CannotLink(LinkObstacle),
}

impl PackageError {
    fn sentence(&self) -> String {
        let Self { package, file, fault } = self;
        match fault {
            PackageFault::Unreadable(source) => {
                format!(
                    "the file {file} of the package {package} cannot be read: {}",
                    plain(source)
                )
            }
            PackageFault::NotAFile => {
                format!("{file}, where the package {package} should be, is not a regular file")
            }
            PackageFault::Damaged(reason) => {
                format!("the file {file} of the package {package} is damaged: {reason}")
            }
            PackageFault::OtherPackage(found) => {
                format!("the file {file} should be the package {package}, but it is {found}")
            }
            PackageFault::OtherChecksum { expected, found } => format!(
                "the file {file} of the package {package} has the wrong checksum: {expected} is recorded, it has {found}"
            ),
            PackageFault::OtherSize { expected, found } => format!(
                "the file {file} of the package {package} is damaged, or still being written: {expected} bytes are \
                 recorded, it has {found}"
            ),
            PackageFault::Changed => {
                format!(
                    "the file {file} of the package {package} changed while it was put into the compose; ask for \
                     the compose again"
                )
            }
            PackageFault::CannotLink(obstacle) => {
                format!(
                    "the file {file} of the package {package} cannot be hardlinked into the compose: {obstacle}"
                )
            }
        }
    }

    fn kind(&self) -> ErrorKind {
        match &self.fault {
            PackageFault::Unreadable(source) => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                // The account of the service must be able to read its sources: nothing the one who
                // asked could change.
                io::ErrorKind::PermissionDenied => ErrorKind::Internal,
                _ if leads_out(source) => ErrorKind::Invalid,
                _ => ErrorKind::Unavailable,
            },
            PackageFault::Changed => ErrorKind::Gone,
            PackageFault::CannotLink(_) => ErrorKind::Internal,
            PackageFault::NotAFile
            | PackageFault::Damaged(_)
            | PackageFault::OtherPackage(_)
            | PackageFault::OtherSize { .. }
            | PackageFault::OtherChecksum { .. } => ErrorKind::Invalid,
        }
    }

    fn operation(&self) -> &'static str {
        match &self.fault {
            PackageFault::Unreadable(_) | PackageFault::NotAFile | PackageFault::Damaged(_) => "read package",
            PackageFault::OtherPackage(_)
            | PackageFault::OtherSize { .. }
            | PackageFault::OtherChecksum { .. }
            | PackageFault::Changed => "check package",
            PackageFault::CannotLink(_) => "link package",
        }
    }
}

/// Why a file cannot be hardlinked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum LinkObstacle {
    /// Another file system, or another project of one with project quotas.
    OtherFileSystem,
    /// The kernel only lets owners link, or the file is immutable.
    NotPermitted,
    /// It has as many links as the file system can count.
    TooManyLinks,
    /// The file system has no hardlinks.
    NotSupported,
    /// Its last name was removed after it was opened.
    Removed,
}

impl fmt::Display for LinkObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherFileSystem => "it is on another file system",
            Self::NotPermitted => "the system does not permit it",
            Self::TooManyLinks => "it has too many links already",
            Self::NotSupported => "the file system has no hardlinks",
            Self::Removed => "it was removed meanwhile",
        })
    }
}

impl Error {
    /// A failure in the target directory; a full disk is told from everything else.
    pub(crate) fn target(
        operation: &'static str,
        root: &Path,
        path: &Path,
        source: impl Into<io::Error>,
    ) -> Self {
        let source = source.into();
        if is_full(&source) {
            let directory = root.to_owned();
            return Self::DiskFull {
                operation,
                directory,
                source,
            };
        }
        let path = root.join(path);
        Self::Target {
            operation,
            path,
            source,
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DiskFull { .. } | Self::NoSpace { .. } | Self::StoreFull { .. } => ErrorKind::Unavailable,
            Self::Package(error) => error.kind(),
            Self::Ambiguous { .. }
            | Self::SameName { .. }
            | Self::Unsigned { .. }
            | Self::SameDirectory { .. } => ErrorKind::Invalid,
            Self::UnknownTarget { .. } => ErrorKind::NotFound,
            Self::Occupied { .. } => ErrorKind::Conflict,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Metadata(error) => error.kind(),
            Self::Target { .. }
            | Self::Tampered { .. }
            | Self::Threads { .. }
            | Self::ClearedAway { .. }
            | Self::ReadBack { .. }
            | Self::Repodata { .. }
            | Self::Iso(_)
            | Self::Broken { .. } => ErrorKind::Internal,
        }
    }

    /// Whether the same may work when tried again.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::DiskFull { operation, .. } | Self::Target { operation, .. } => operation,
            Self::NoSpace { .. } | Self::StoreFull { .. } => "look for room",
            Self::SameDirectory { .. } | Self::UnknownTarget { .. } => "open target directory",
            Self::Threads { .. } => "start threads",
            Self::Package(error) => error.operation(),
            Self::Ambiguous { .. } | Self::SameName { .. } => "check package",
            Self::Unsigned { .. } => "check signatures",
            Self::Occupied { .. } | Self::ClearedAway { .. } | Self::Tampered { .. } => "publish",
            Self::ReadBack { .. } => "read back",
            Self::Repodata { .. } => "write repodata",
            Self::Iso(error) => error.operation(),
            Self::Metadata(error) => error.operation(),
            Self::Cancelled { .. } | Self::Broken { .. } => "build compose",
        }
    }

    /// What it was done to.
    pub fn subject(&self) -> String {
        match self {
            Self::DiskFull { directory, .. } | Self::NoSpace { directory, .. } => {
                directory.display().to_string()
            }
            Self::Target { path, .. } | Self::SameDirectory { path, .. } | Self::Tampered { path, .. } => {
                path.display().to_string()
            }
            Self::StoreFull { .. } => "content store".into(),
            Self::UnknownTarget { name, .. } => name.clone(),
            Self::Threads { .. } => "threads".into(),
            Self::Package(error) => error.file.clone(),
            Self::Ambiguous { package, .. } => package.to_string(),
            Self::SameName { name, .. } => name.clone(),
            Self::Unsigned { .. } => "packages".into(),
            Self::Occupied { id, .. }
            | Self::ClearedAway { id }
            | Self::Cancelled { id }
            | Self::Broken { id, .. } => id.name(),
            Self::ReadBack { path, .. } => path.clone(),
            Self::Repodata { tree, .. } => tree.clone(),
            Self::Iso(error) => error.image.clone(),
            Self::Metadata(error) => error.subject().into(),
        }
    }

    /// The number of the operating system's error in the target directory, if that is what it is.
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self {
            Self::Target { source, .. } | Self::DiskFull { source, .. } => Errno::from_io_error(source),
            _ => None,
        }
    }
}

impl From<odcs_core::Error> for Error {
    fn from(error: odcs_core::Error) -> Self {
        Self::Metadata(error)
    }
}

impl From<Error> for odcs_core::Error {
    fn from(error: Error) -> Self {
        if let Error::Metadata(error) = error {
            return error;
        }
        Self::new(
            error.kind(),
            error.operation(),
            error.subject(),
            error.to_string(),
        )
        .with_retryable(error.is_retryable())
        .with_source(error)
    }
}

/// Whether a disk or a quota is full.
fn is_full(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOSPC | Errno::DQUOT))
}

/// Whether a link leads out of a root (`EXDEV` from `openat2`) or in circles.
fn leads_out(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::XDEV | Errno::LOOP))
}

/// An error of the operating system without its number.
fn plain(error: &io::Error) -> String {
    if leads_out(error) {
        return "a symbolic link leads out of its directory".into();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Says why nothing more can be fetched, and what would help.
fn full_sentence(cap: u64, needed: u64, linked: u64, recent: u64) -> String {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    if needed > cap {
        return format!(
            "{} MiB would have to be fetched, and the content store may hold {} MiB (store_bytes); ask for fewer \
             packages, or have store_bytes raised",
            mib(needed),
            cap >> 20
        );
    }
    format!(
        "the content store is full: {} MiB more are needed; of the {} MiB that it may hold (store_bytes), composes use \
         {} MiB, and {} MiB were asked for lately; try again when composes have expired, or have store_bytes raised",
        mib(needed),
        cap >> 20,
        mib(linked),
        mib(recent)
    )
}
