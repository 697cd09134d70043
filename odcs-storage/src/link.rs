//! Putting a package's file into a tree: as a hardlink, or else as a copy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::LinkObstacle;
use crate::log::grouped;
use crate::settings::LinkFallback;

/// How a file was placed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Placed {
    /// It is a link to the source.
    Linked,
    /// It shares the source's blocks.
    Cloned(LinkObstacle),
    /// It is a copy.
    Copied(LinkObstacle),
}

/// Why a file was not placed.
#[derive(Debug)]
pub(crate) enum PlaceError {
    /// It cannot be linked, and copying is not allowed.
    Obstacle(LinkObstacle),
    /// The tree cannot be written, or the source not read.
    Io(io::Error),
}

impl From<io::Error> for PlaceError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for PlaceError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// Places an open file under a name in a directory. What is linked is the file that is open, whatever its
/// name stands for by now.
pub(crate) fn place(
    source: &File,
    stat: &Stat,
    dir: &Dir,
    name: &str,
    fallback: LinkFallback,
) -> Result<Placed, PlaceError> {
    place_by(hardlink, source, stat, dir, name, fallback)
}

fn place_by(
    hardlink: impl FnOnce(&File, &Dir, &str) -> rustix::io::Result<()>,
    source: &File,
    stat: &Stat,
    dir: &Dir,
    name: &str,
    fallback: LinkFallback,
) -> Result<Placed, PlaceError> {
    let obstacle = match hardlink(source, dir, name) {
        Ok(()) => return Ok(Placed::Linked),
        Err(Errno::XDEV) => LinkObstacle::OtherFileSystem,
        Err(Errno::PERM | Errno::ACCESS) => LinkObstacle::NotPermitted,
        Err(Errno::MLINK) => LinkObstacle::TooManyLinks,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => LinkObstacle::NotSupported,
        // What is open can still be copied. If it is the tree that is gone, copying fails as well.
        Err(Errno::NOENT) => LinkObstacle::Removed,
        Err(errno) => return Err(errno.into()),
    };
    match fallback {
        LinkFallback::Fail => Err(PlaceError::Obstacle(obstacle)),
        LinkFallback::Copy => copy(source, stat, dir, name, obstacle),
    }
}

/// Whether the kernel has refused to link a descriptor: before Linux 6.10 that takes a privilege.
static BY_NAME: AtomicBool = AtomicBool::new(false);

/// Links the descriptor; where that is not permitted its name in `/proc`, which takes longer, and no privilege.
fn hardlink(source: &File, dir: &Dir, name: &str) -> rustix::io::Result<()> {
    if !BY_NAME.load(Ordering::Relaxed) {
        match rustix::fs::linkat(source, "", dir, name, AtFlags::EMPTY_PATH) {
            // Or else the file is gone, which its name says once more.
            Err(Errno::NOENT | Errno::INVAL | Errno::PERM) => {}
            linked => return linked,
        }
    }
    let open = format!("/proc/self/fd/{}", source.as_raw_fd());
    let linked = rustix::fs::linkat(CWD, open, dir, name, AtFlags::SYMLINK_FOLLOW);
    if linked.is_ok() {
        BY_NAME.store(true, Ordering::Relaxed);
    }
    linked
}

fn copy(
    mut source: &File,
    stat: &Stat,
    dir: &Dir,
    name: &str,
    obstacle: LinkObstacle,
) -> Result<Placed, PlaceError> {
    let mut target = dir.create(name).map_err(|error| match error.errno() {
        Some(errno) => PlaceError::from(errno),
        None => PlaceError::Io(io::Error::other(error)),
    })?;
    let placed = if rustix::fs::ioctl_ficlone(&target, source).is_ok() {
        Placed::Cloned(obstacle)
    } else {
        source.rewind()?;
        io::copy(&mut source, &mut target)?;
        Placed::Copied(obstacle)
    };
    rustix::fs::fchmod(&target, Mode::from_raw_mode(0o644))?;
    let modified = Timespec {
        tv_sec: stat.st_mtime,
        tv_nsec: stat.st_mtime_nsec.try_into().unwrap_or(0),
    };
    let times = Timestamps {
        last_access: modified,
        last_modification: modified,
    };
    rustix::fs::futimens(&target, &times)?;
    Ok(placed)
}

/// How many files were placed in which way.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    linked: u64,
    /// Copies by why they are copies; the second number says how many of them share blocks.
    copied: BTreeMap<LinkObstacle, (u64, u64)>,
}

impl Counts {
    /// Counts one.
    pub(crate) fn add(&mut self, placed: Placed) {
        match placed {
            Placed::Linked => self.linked += 1,
            Placed::Cloned(obstacle) => {
                let (copies, clones) = self.copied.entry(obstacle).or_default();
                *copies += 1;
                *clones += 1;
            }
            Placed::Copied(obstacle) => self.copied.entry(obstacle).or_default().0 += 1,
        }
    }

    /// Files that are links.
    pub(crate) fn linked(&self) -> u64 {
        self.linked
    }

    /// Files that are not.
    pub(crate) fn copied(&self) -> u64 {
        self.copied.values().map(|(copies, _)| copies).sum()
    }

    /// All of it as the end of a sentence.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{} linked", grouped(self.linked));
        for (obstacle, &(copies, clones)) in &self.copied {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {} copied ({obstacle}", grouped(copies));
            if clones > 0 {
                let _ = write!(text, "; {} of them share blocks with the source", grouped(clones));
            }
            text.push(')');
        }
        text
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    struct Case {
        source: File,
        stat: Stat,
        target: tempfile::TempDir,
        dir: Dir,
    }

    fn case(source_dir: &std::path::Path) -> Case {
        let path = source_dir.join("ed.rpm");
        std::fs::write(&path, "an editor").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let source = File::open(&path).unwrap();
        source
            .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_580_601_600, 500))
            .unwrap();
        let stat = rustix::fs::fstat(&source).unwrap();
        let target = tempfile::tempdir().unwrap();
        let dir = Dir::open_root(target.path()).unwrap();
        Case {
            source,
            stat,
            target,
            dir,
        }
    }

    #[test]
    fn what_is_linked_is_the_open_file() {
        let from = tempfile::tempdir().unwrap();
        let case = case(from.path());
        std::fs::rename(from.path().join("ed.rpm"), from.path().join("old")).unwrap();
        std::fs::write(from.path().join("ed.rpm"), "something else").unwrap();
        let placed = place(&case.source, &case.stat, &case.dir, "x", LinkFallback::Fail).unwrap();
        assert_eq!(placed, Placed::Linked);
        let meta = std::fs::metadata(case.target.path().join("x")).unwrap();
        assert_eq!((meta.ino(), meta.nlink()), (case.stat.st_ino, 2));
        assert_eq!((meta.mode() & 0o777, meta.mtime()), (0o600, 1_580_601_600));
    }

    #[test]
    fn what_was_removed_after_it_was_opened_is_copied() {
        let from = tempfile::tempdir().unwrap();
        let case = case(from.path());
        std::fs::remove_file(from.path().join("ed.rpm")).unwrap();
        let placed = place(&case.source, &case.stat, &case.dir, "x", LinkFallback::Copy).unwrap();
        assert!(
            matches!(
                placed,
                Placed::Copied(LinkObstacle::Removed) | Placed::Cloned(LinkObstacle::Removed)
            ),
            "{placed:?}"
        );
        assert_eq!(std::fs::read(case.target.path().join("x")).unwrap(), b"an editor");
        std::fs::remove_dir_all(case.target.path()).unwrap();
        let gone = place(&case.source, &case.stat, &case.dir, "y", LinkFallback::Copy);
        assert!(matches!(gone, Err(PlaceError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
    }

    #[test]
    fn every_obstacle_leads_to_a_copy_with_the_time_of_the_source() {
        let from = tempfile::tempdir().unwrap();
        for (errno, obstacle) in [
            (Errno::XDEV, LinkObstacle::OtherFileSystem),
            (Errno::PERM, LinkObstacle::NotPermitted),
            (Errno::ACCESS, LinkObstacle::NotPermitted),
            (Errno::MLINK, LinkObstacle::TooManyLinks),
            (Errno::OPNOTSUPP, LinkObstacle::NotSupported),
        ] {
            let case = case(from.path());
            // As after reading it all.
            (&case.source).seek(io::SeekFrom::End(0)).unwrap();
            let refuse = |_: &File, _: &Dir, _: &str| Err(errno);
            let placed = place_by(
                refuse,
                &case.source,
                &case.stat,
                &case.dir,
                "x",
                LinkFallback::Copy,
            )
            .unwrap();
            assert!(
                matches!(placed, Placed::Copied(o) | Placed::Cloned(o) if o == obstacle),
                "{placed:?}"
            );
            let path = case.target.path().join("x");
            let meta = std::fs::metadata(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"an editor");
            assert_eq!((meta.mode() & 0o777, meta.nlink()), (0o644, 1));
            assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_580_601_600, 500));
            let refused = place_by(
                refuse,
                &case.source,
                &case.stat,
                &case.dir,
                "y",
                LinkFallback::Fail,
            );
            assert!(matches!(refused, Err(PlaceError::Obstacle(o)) if o == obstacle));
            assert!(!case.target.path().join("y").exists());
        }
    }

    #[test]
    fn another_file_system_is_noticed() {
        let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
            println!("skipped: no /dev/shm");
            return;
        };
        let case = case(memory.path());
        if rustix::fs::fstat(&case.dir).unwrap().st_dev == case.stat.st_dev {
            println!("skipped: temporary files are in /dev/shm themselves");
            return;
        }
        let placed = place(&case.source, &case.stat, &case.dir, "x", LinkFallback::Copy).unwrap();
        assert_eq!(placed, Placed::Copied(LinkObstacle::OtherFileSystem));
    }

    #[test]
    fn other_failures_are_no_obstacles() {
        let from = tempfile::tempdir().unwrap();
        let case = case(from.path());
        let refuse = |_: &File, _: &Dir, _: &str| Err(Errno::NOSPC);
        let result = place_by(
            refuse,
            &case.source,
            &case.stat,
            &case.dir,
            "x",
            LinkFallback::Copy,
        );
        assert!(matches!(result, Err(PlaceError::Io(error)) if error.raw_os_error() == Some(28)));
    }

    #[test]
    fn counts_read_well() {
        let mut counts = Counts::default();
        for _ in 0..1_200 {
            counts.add(Placed::Linked);
        }
        counts.add(Placed::Copied(LinkObstacle::OtherFileSystem));
        counts.add(Placed::Cloned(LinkObstacle::OtherFileSystem));
        counts.add(Placed::Copied(LinkObstacle::NotPermitted));
        assert_eq!((counts.linked(), counts.copied()), (1_200, 3));
        assert_eq!(
            counts.describe(),
            "1,200 linked, 2 copied (it is on another file system; 1 of them share blocks with the source), 1 \
             copied (the system does not permit it)"
        );
    }
}
