//! The published composes, for whoever serves them.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use odcs_core::files::{ComposeFiles, DirectoryEntry, OpenedFile, OpenedPath, RelativePath};
use odcs_core::{ComposeId, Error as CoreError, ErrorKind};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::dir::{self, Dir};
use crate::error::Result;
use crate::layout;
use crate::targets::Targets;

/// Entries in one listing.
const MAX_ENTRIES: usize = 200_000;

/// Opens what is published below a target directory: `odcs-N/` with everything in it, and the links
/// `latest-odcs-N-1`. Nothing else at the top is visible, and nothing outside a compose's directory can
/// be reached from within it, whatever links it holds.
#[derive(Debug)]
pub struct PublishedComposes {
    target: Arc<Dir>,
}

impl PublishedComposes {
    /// Opens a target directory, which must exist.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if it cannot be opened.
    pub fn open(target_dir: impl AsRef<Path>) -> Result<Self> {
        let target = Arc::new(Dir::open_root(target_dir.as_ref())?);
        Ok(Self { target })
    }

    /// What is published in one of several target directories.
    ///
    /// # Errors
    /// [`Error::UnknownTarget`](crate::Error::UnknownTarget) if there is none of this name.
    pub fn of(targets: &Targets, name: &str) -> Result<Self> {
        let target = targets.find(name)?;
        Ok(Self { target })
    }

    /// The id that a name at the top stands for.
    fn resolve(&self, name: &str) -> Option<ComposeId> {
        layout::parse_compose_name(name).or_else(|| {
            let id = layout::parse_latest_link(name)?;
            let found = rustix::fs::readlinkat(&self.target, name, Vec::new()).ok()?;
            layout::parse_compose_name(found.to_str().ok()?).filter(|found| *found == id)
        })
    }

    fn list_top(&self) -> Result<Vec<DirectoryEntry>> {
        let mut list = Vec::new();
        for entry in self.target.entries(MAX_ENTRIES)? {
            let Some(name) = entry.name.to_str() else { continue };
            let Some(id) = self.resolve(name) else { continue };
            if let Some(stat) = self.target.stat(id.name())?
                && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            {
                list.push(directory_entry(name, &stat));
            }
        }
        Ok(list)
    }

    fn open_inside(&self, path: &RelativePath) -> io::Result<OpenedPath> {
        let (top, inside) = path.as_str().split_once('/').unwrap_or((path.as_str(), "."));
        let id = self.resolve(top).ok_or(Errno::NOENT)?;
        let compose = self.target.open(id.name()).map_err(io_error)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let handle = open_beneath(&compose, inside, flags)?;
        let stat = rustix::fs::fstat(&handle)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(OpenedPath::File(OpenedFile {
                file: File::from(handle),
                size: dir::size(&stat),
                modified: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)),
                identity: (stat.st_dev, stat.st_ino),
            })),
            FileType::Directory => Ok(OpenedPath::Directory(list_inside(&compose, inside, &handle)?)),
            _ => Err(Errno::NOENT.into()),
        }
    }
}

impl ComposeFiles for PublishedComposes {
    fn open(&self, path: Option<&RelativePath>) -> odcs_core::Result<OpenedPath> {
        let Some(path) = path else {
            return Ok(OpenedPath::Directory(self.list_top()?));
        };
        self.open_inside(path).map_err(|error| {
            let errno = Errno::from_io_error(&error);
            let hidden = [
                Errno::NOENT,
                Errno::NOTDIR,
                Errno::XDEV,
                Errno::LOOP,
                Errno::NXIO,
                Errno::NAMETOOLONG,
            ];
            let (kind, message) = if errno.is_some_and(|errno| hidden.contains(&errno)) {
                (ErrorKind::NotFound, format!("there is no {path}"))
            } else {
                (ErrorKind::Internal, format!("{path} cannot be read"))
            };
            CoreError::new(kind, "open", path.as_str(), message).with_source(error)
        })
    }
}

/// The entries of a directory inside a compose; `inside` is its path there, for following links.
fn list_inside(compose: &Dir, inside: &str, handle: &OwnedFd) -> io::Result<Vec<DirectoryEntry>> {
    let mut list = Vec::new();
    for entry in rustix::fs::Dir::read_from(handle)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if matches!(name, "." | "..") {
            continue;
        }
        // Through the compose's own directory, so that a link may lead up, but not out.
        let path = format!("{inside}/{name}");
        let Ok(opened) = open_beneath(compose, &path, OFlags::PATH | OFlags::CLOEXEC) else {
            continue;
        };
        let stat = rustix::fs::fstat(&opened)?;
        if !matches!(
            FileType::from_raw_mode(stat.st_mode),
            FileType::RegularFile | FileType::Directory
        ) {
            continue;
        }
        if list.len() >= MAX_ENTRIES {
            return Err(Errno::TOOBIG.into());
        }
        list.push(directory_entry(name, &stat));
    }
    list.sort();
    Ok(list)
}

fn open_beneath(compose: &Dir, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    // EAGAIN: the kernel could not rule out a race with a rename; a few more tries settle it.
    for _ in 0..16 {
        match rustix::fs::openat2(compose, OsStr::new(path), flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

fn directory_entry(name: &str, stat: &Stat) -> DirectoryEntry {
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    DirectoryEntry {
        name: name.into(),
        is_directory,
        size: if is_directory { 0 } else { dir::size(stat) },
        modified: stat.st_mtime,
    }
}

fn io_error(error: crate::Error) -> io::Error {
    error
        .errno()
        .map_or_else(|| io::Error::other(error.to_string()), io::Error::from)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    fn case() -> (tempfile::TempDir, PublishedComposes) {
        let temporary = tempfile::tempdir().unwrap();
        let base = temporary.path();
        for path in [
            "odcs-1/compose/Temporary",
            "odcs-2",
            ".staging/odcs-1.1",
            "odcs-x",
            "other",
            ".git",
        ] {
            std::fs::create_dir_all(base.join(path)).unwrap();
            std::fs::write(base.join(path).join("file"), "content").unwrap();
        }
        std::fs::write(base.join("odcs-1/compose/.treeinfo"), "x").unwrap();
        std::fs::write(base.join("odcs-3"), "not a compose").unwrap();
        std::fs::write(base.join("top"), "x").unwrap();
        symlink("odcs-1", base.join("latest-odcs-1-1")).unwrap();
        symlink(".staging", base.join("latest-odcs-2-1")).unwrap();
        symlink("odcs-1", base.join("latest-odcs-9-1")).unwrap();
        symlink("../odcs-2/file", base.join("odcs-1/out")).unwrap();
        symlink("/etc/passwd", base.join("odcs-1/absolute")).unwrap();
        symlink("compose/.treeinfo", base.join("odcs-1/in")).unwrap();
        symlink("../in", base.join("odcs-1/compose/up")).unwrap();
        symlink("compose", base.join("odcs-1/dir")).unwrap();
        symlink(".", base.join("odcs-4")).unwrap();
        symlink("loop", base.join("odcs-1/loop")).unwrap();
        let fifo = rustix::fs::mknodat(
            rustix::fs::CWD,
            base.join("odcs-1/fifo"),
            FileType::Fifo,
            Mode::RUSR,
            0,
        );
        fifo.unwrap();
        let files = PublishedComposes::open(base).unwrap();
        (temporary, files)
    }

    fn open(files: &PublishedComposes, path: &str) -> odcs_core::Result<OpenedPath> {
        files.open(Some(&path.parse().unwrap()))
    }

    fn names(opened: OpenedPath) -> Vec<String> {
        let OpenedPath::Directory(list) = opened else {
            panic!("not a directory")
        };
        list.into_iter()
            .map(|entry| entry.name + if entry.is_directory { "/" } else { "" })
            .collect()
    }

    #[test]
    fn only_composes_are_visible() {
        let (_temporary, files) = case();
        assert_eq!(
            names(files.open(None).unwrap()),
            ["latest-odcs-1-1/", "odcs-1/", "odcs-2/"]
        );
        for hidden in [
            ".staging",
            ".staging/odcs-1.1/file",
            "odcs-x/file",
            "other/file",
            ".git/file",
            "top",
            "odcs-3",
            "odcs-4",
            "odcs-4/top",
            "latest-odcs-2-1",
            "latest-odcs-2-1/odcs-1.1",
            "latest-odcs-9-1/compose",
            "odcs-1/out",
            "odcs-1/absolute",
            "odcs-1/loop",
            "odcs-1/fifo",
            "odcs-1/none",
            "odcs-1/in/below",
            "odcs-01/compose",
            "odcs-7",
        ] {
            let error = open(&files, hidden).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{hidden}");
            assert_eq!(error.message(), format!("there is no {hidden}"));
        }
    }

    #[test]
    fn inside_a_compose_links_work_as_long_as_they_stay() {
        let (_temporary, files) = case();
        assert_eq!(names(open(&files, "odcs-1").unwrap()), ["compose/", "dir/", "in"]);
        assert_eq!(
            names(open(&files, "latest-odcs-1-1/compose").unwrap()),
            [".treeinfo", "Temporary/", "up"]
        );
        for path in [
            "odcs-1/in",
            "odcs-1/compose/.treeinfo",
            "odcs-1/compose/up",
            "odcs-1/dir/up",
        ] {
            let OpenedPath::File(mut opened) = open(&files, path).unwrap() else {
                panic!("{path}")
            };
            let mut text = String::new();
            opened.file.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), opened.size), ("x", 1), "{path}");
        }
    }
}
