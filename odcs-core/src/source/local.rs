//! For sources whose packages are files of this machine: listing, pinning, reading and replaying them
//! beneath a [`Root`].
//!
//! Everything here blocks; [`blocking`] takes it off the async threads.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use odcs_rpm::header::read_header;
use rustix::fs::Dir;
use serde::{Deserialize, Serialize};

use super::{Candidate, Content, PackageContent};
use crate::files::{RelativePath, Root, SourceFile};
use crate::manifest::{Manifest, ManifestPackage};
use crate::{Error, ErrorKind, FileStamp, Result};

/// Package files that one directory may have.
pub const MAX_FILES: usize = 100_000;

/// Packages that a message names; more of them are counted.
const SHOWN: usize = 10;

/// Runs work that blocks on a thread of its own.
///
/// # Errors
/// What the work says; `Internal` if it panics.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let message = "the source could not be read because of a fault in this program";
        Err(Error::new(ErrorKind::Internal, "read source", "source", message).with_source(error))
    })
}

/// Says what the operating system says of a file or directory as a sentence for people.
///
/// ```
/// use odcs_core::{ErrorKind, source::local::io_error};
/// let error = io_error(std::io::ErrorKind::NotFound.into(), "/srv/inbox/7");
/// assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "/srv/inbox/7 is not there"));
/// ```
pub fn io_error(error: io::Error, subject: impl fmt::Display) -> Error {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            (ErrorKind::NotFound, format!("{subject} is not there"))
        }
        io::ErrorKind::PermissionDenied => (
            ErrorKind::Forbidden,
            format!("{subject} may not be read by the server"),
        ),
        io::ErrorKind::CrossesDevices => (
            ErrorKind::Forbidden,
            format!(
                "{subject} is, or lies behind, a symbolic link that leads out of the directory it should be in; it was \
                 not followed"
            ),
        ),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => (
            ErrorKind::Invalid,
            format!("{subject} is a symbolic link that leads in circles"),
        ),
        _ => {
            let cause = without_number(&error.to_string()).to_owned();
            (
                ErrorKind::Unavailable,
                format!("{subject} cannot be read at the moment: {cause}"),
            )
        }
    };
    Error::new(kind, "read source", subject.to_string(), message).with_source(error)
}

impl Candidate {
    /// A package file as a candidate, by its header; the payload is not read, and no checksum is known.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` (a link leads out of the root, or the file may not be read), `Invalid` (no package,
    /// or a damaged one), `Unavailable`; each names the file.
    pub fn read(file: SourceFile) -> Result<Self> {
        let (opened, stamp) = open_package(&file)?;
        let package = read_header(&opened, stamp.facts()).map_err(|error| package_error(error, &file))?;
        Ok(Self::new(Arc::new(package), file))
    }

    /// A package file as a candidate, if it still is what a manifest recorded, as far as header and size tell.
    /// The candidate has the recorded checksum, by which whoever lays it out verifies the whole file.
    ///
    /// # Errors
    /// As [`Candidate::read`], and `Gone` if the file has become something else.
    pub fn read_recorded(recorded: &ManifestPackage, file: SourceFile) -> Result<Self> {
        let mut candidate = Self::read(file)?;
        // The record may not say when the file was modified, and the time that it has now proves nothing: whoever finds
        // the two to be the same must not take the recorded checksum for that of the file.
        Arc::make_mut(&mut candidate.package).file_time = 0;
        candidate.recorded_as(recorded)
    }

    /// The candidate, if it is what a manifest recorded, as far as header and size tell; it has the recorded
    /// checksum then.
    ///
    /// # Errors
    /// `Gone`.
    pub(super) fn recorded_as(mut self, recorded: &ManifestPackage) -> Result<Self> {
        let (found, size) = (&self.package.nevra, self.package.sizes.package);
        let now = if !found.is_listed_as(&recorded.nevra) {
            format!("{found} by now")
        } else if size != recorded.size {
            format!(
                "another file by now, of {size} bytes instead of {}",
                recorded.size
            )
        } else {
            // Known by the name that its source listed it by, as when it was recorded.
            Arc::make_mut(&mut self.package).nevra.clone_from(&recorded.nevra);
            self.checksum = Some(recorded.digest.clone());
            return Ok(self);
        };
        let message = format!("{} is {now}", self.file);
        Err(Error::new(
            ErrorKind::Gone,
            "replay manifest",
            self.file.to_string(),
            message,
        ))
    }
}

/// Opens a package file, and says what the file system says of it.
///
/// # Errors
/// `NotFound`, `Forbidden` (a link leads out of the root, or the file may not be read), `Invalid` (no regular file),
/// `Unavailable`; each names the file.
pub fn open_package(file: &SourceFile) -> Result<(File, FileStamp)> {
    let opened = file.open().map_err(|error| io_error(error, file))?;
    let metadata = opened.metadata().map_err(|error| io_error(error, file))?;
    if !metadata.is_file() {
        return Err(invalid(file, format!("{file} is not a regular file")));
    }
    Ok((opened, FileStamp::of(&metadata)))
}

/// Says what is wrong with a package file as a sentence for people: `Invalid` for a damaged one, else as
/// [`io_error`].
pub fn package_error(error: odcs_rpm::Error, file: &SourceFile) -> Error {
    match error {
        odcs_rpm::Error::Io(error) if error.raw_os_error().is_some() => io_error(error, file),
        error => {
            let message = format!("{file} is damaged: {}", without_number(&error.to_string()));
            invalid(file, message).with_source(error)
        }
    }
}

fn invalid(file: &SourceFile, message: String) -> Error {
    Error::new(ErrorKind::Invalid, "read source", file.to_string(), message)
}

/// What the operating system says, without its number for it.
fn without_number(text: &str) -> &str {
    text.split(" (os error").next().unwrap_or(text)
}

impl Manifest {
    /// What [`ComposeSource::replay`](super::ComposeSource::replay) answers, from what became of each package.
    /// `found` is asked for every package of the manifest: [`Candidate::read_recorded`] answers for a file.
    ///
    /// # Errors
    /// `Gone`, with the first few packages that there was an error for, why, and how many more there are. An
    /// error that is retryable is returned as it is: nothing is known then.
    pub fn replayed(
        &self,
        mut found: impl FnMut(&ManifestPackage) -> Result<Candidate>,
    ) -> Result<PackageContent> {
        let mut candidates = Vec::with_capacity(self.packages.len());
        let (mut missing, mut shown) = (0_usize, Vec::new());
        for package in &self.packages {
            match found(package) {
                Ok(candidate) => candidates.push(candidate),
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    missing += 1;
                    if shown.len() < SHOWN {
                        shown.push((package.nevra.to_string(), error));
                    }
                }
            }
        }
        if missing > 0 {
            return Err(self.gone(missing, &shown));
        }
        Ok(PackageContent {
            candidates,
            timestamp: Some(self.timestamp),
            description: self.description.clone(),
            ..PackageContent::default()
        })
    }

    fn gone(&self, missing: usize, shown: &[(String, Error)]) -> Error {
        let named: Vec<_> = shown
            .iter()
            .map(|(nevra, error)| {
                let why: String = error.message().chars().take(400).collect();
                format!("{nevra} ({why})")
            })
            .collect();
        let more = match missing.saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "the compose cannot be made again as it was: of its {} packages, these are not there any more as they \
             were: {}{more}; ask for a new compose",
            self.packages.len(),
            named.join(", ")
        );
        let subject: Vec<_> = shown.iter().map(|(nevra, _)| nevra.as_str()).collect();
        Error::new(ErrorKind::Gone, "replay manifest", subject.join(" "), message)
    }
}

/// Beneath one of these roots, the file of a path that a manifest recorded. Roots are compared by the paths they
/// were opened by.
///
/// # Errors
/// `Forbidden` if the path is below none of them.
pub fn recorded_file(roots: &[Arc<Root>], path: &str) -> Result<SourceFile> {
    let below = |root: &Arc<Root>| {
        let below = path.strip_prefix(root.path().to_str()?.trim_end_matches('/'))?;
        let path = below.strip_prefix('/')?.parse().ok()?;
        Some(SourceFile {
            root: Arc::clone(root),
            path,
        })
    };
    roots.iter().find_map(below).ok_or_else(|| {
        let shown: String = path.chars().take(200).collect();
        let message = format!("{shown:?} is not below a directory that this source takes packages from");
        Error::new(ErrorKind::Forbidden, "replay manifest", shown, message)
    })
}

/// All that [`ComposeSource::replay`](super::ComposeSource::replay) has to do for a source whose packages lie
/// below roots, and stay where they are.
///
/// # Errors
/// As [`Manifest::replayed`].
pub async fn replay(roots: Vec<Arc<Root>>, manifest: &Manifest) -> Result<Content> {
    let manifest = manifest.clone();
    let replaying = blocking(move || {
        manifest.replayed(|package| Candidate::read_recorded(package, recorded_file(&roots, &package.file)?))
    });
    Ok(Content::Packages(replaying.await?))
}

/// The package files of a directory as they were when they were listed: path, size and modification time of
/// each, sorted by path. What comes later changes nothing; what is changed or removed makes it `Gone`.
///
/// This is what a source of plain files pins.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinnedFiles(Vec<PinnedFile>);

#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
struct PinnedFile {
    /// Below the root.
    path: RelativePath,
    size: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
}

impl PinnedFiles {
    /// Lists the files that end in `.rpm` directly in a directory below a root. The paths are those below the
    /// root, not below the directory.
    ///
    /// # Errors
    /// `NotFound` if the directory is not there, or has no such file; `Forbidden` if a link leads out of the
    /// root; `Invalid` for more than [`MAX_FILES`] files, or a name that is not UTF-8; `Unavailable`.
    pub fn list(root: &Root, directory: &RelativePath) -> Result<Self> {
        let opened = root.open_dir(directory);
        let shown = || format!("{}/{directory}", root.path().display());
        let opened = opened.map_err(|error| io_error(error, shown()))?;
        let entries = Dir::read_from(opened.handle()).map_err(|error| io_error(error.into(), shown()))?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| io_error(error.into(), shown()))?;
            let name = entry.file_name();
            if !name.to_bytes().ends_with(b".rpm") {
                continue;
            }
            let refuse = |message| Error::new(ErrorKind::Invalid, "list packages", shown(), message);
            if files.len() >= MAX_FILES {
                return Err(refuse(format!("{} has more than {MAX_FILES} packages", shown())));
            }
            let path = name.to_str().ok().and_then(|name| directory.join(name).ok());
            let path =
                path.ok_or_else(|| refuse(format!("{} has a file whose name is not UTF-8", shown())))?;
            files.push(PinnedFile::now(root, path)?);
        }
        if files.is_empty() {
            let message = format!("{} has no .rpm files", shown());
            return Err(Error::new(ErrorKind::NotFound, "list packages", shown(), message));
        }
        files.sort_unstable();
        Ok(Self(files))
    }

    /// Reads the packages that are pinned.
    ///
    /// # Errors
    /// `Gone` if one of them is not there any more as it was; else as [`Candidate::read`].
    pub fn read(&self, root: &Arc<Root>) -> Result<Vec<Candidate>> {
        let read = |pinned: &PinnedFile| {
            let path = pinned.path.clone();
            let file = SourceFile {
                root: Arc::clone(root),
                path,
            };
            let gone = |what: &str| {
                let message = format!("{file} {what} since the compose was begun; ask for it again");
                Error::new(ErrorKind::Gone, "read source", file.to_string(), message)
            };
            match PinnedFile::now(root, pinned.path.clone()) {
                Ok(now) if now == *pinned => Candidate::read(file),
                Ok(_) => Err(gone("was changed")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Err(gone("was removed").with_source(error))
                }
                Err(error) => Err(error),
            }
        };
        self.0.iter().map(read).collect()
    }
}

impl PinnedFile {
    fn now(root: &Root, path: RelativePath) -> Result<Self> {
        let shown = || format!("{}/{path}", root.path().display());
        let file = root.open_file(&path).map_err(|error| io_error(error, shown()))?;
        let metadata = file.metadata().map_err(|error| io_error(error, shown()))?;
        Ok(Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            path,
        })
    }
}
