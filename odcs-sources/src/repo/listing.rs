//! Listing a directory tree with RPMs: thousands of directories, most with a file or two.

use std::ffi::{CStr, CString};
use std::fmt::Write as _;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use odcs_core::FileStamp;
use odcs_rpm::digest::Hasher;
use odcs_rpm::{Digest, DigestAlgorithm};
use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::roots::Repository;
use super::trees::{Directory, Tree, Trees, stamp};

/// Directories deeper than this are a mistake or an attack.
const DEPTH: usize = 32;

/// Bytes of directory entries that are read at once: most directories are read with one call.
const BUFFER: usize = 16 << 10;

/// The RPMs of a directory, sorted by path.
#[derive(Debug)]
pub(super) struct Listing(Vec<Entry>);

/// An RPM as it was when it was listed.
#[derive(Debug)]
pub(super) struct Entry {
    /// Below the repository's directory.
    pub(super) path: Box<str>,
    /// Of the file itself, also where it is behind a link.
    pub(super) stamp: FileStamp,
}

impl Listing {
    /// Names, sizes and times in one checksum: what tells whether anything changed.
    pub(super) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        let mut line = String::new();
        for Entry { path, stamp } in &self.0 {
            let (seconds, nanoseconds) = stamp.modified;
            line.clear();
            // A string takes everything.
            let _ = writeln!(line, "{path}\0{}\0{seconds}.{nanoseconds}", stamp.size);
            hasher.update(line.as_bytes());
        }
        hasher.finish()
    }

    /// The numbers of the files: what tells, with the digest, whether one was replaced by one that looks the same.
    pub(super) fn numbers(&self) -> Vec<u8> {
        let numbers = self.0.iter().map(|entry| entry.stamp.inode.to_le_bytes());
        numbers.collect::<Vec<_>>().into_flattened()
    }

    /// The RPMs.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }
}

/// Lists the RPMs of a directory for its pins: their digest. The listing stays for who asks for the content of these
/// pins at once.
pub(super) fn pin(
    repository: &Repository,
    settings: &RepoSettings,
    trees: &Trees,
) -> Result<Digest, RepoError> {
    // Before it is begun: that is how old the listing is.
    let now = settings.clock.monotonic();
    let listing = list(repository, settings, trees)?;
    let digest = listing.digest();
    trees.pin(&repository.real_path(), digest.clone(), listing, now);
    Ok(digest)
}

/// The RPMs of a directory, if they are those that were pinned: as they were then, if that was a moment ago, else as
/// they are now. `None` if something has changed.
///
/// What changes in that moment is no other than what changes in the next one, before the packages are laid out: then
/// each file is opened. One that has become another package, or another build of the same one by its size or time, is
/// refused, one that is gone is missed, one that was added belongs to the next compose; and what is published of a file
/// is read from that very file, since what is known is known by its number, size and time.
pub(super) fn pinned(
    repository: &Repository,
    pinned: &Digest,
    settings: &RepoSettings,
    trees: &Trees,
) -> Result<Option<Listing>, RepoError> {
    let now = settings.clock.monotonic();
    if let Some(listing) = trees.take_pinned(&repository.real_path(), pinned, now) {
        return Ok(Some(listing));
    }
    let listing = list(repository, settings, trees)?;
    Ok((listing.digest() == *pinned).then_some(listing))
}

/// Lists the RPMs below the repository's directory. Directories behind symbolic links are not
/// entered; RPMs behind links count, and are opened beneath the root like all others.
pub(super) fn list(
    repository: &Repository,
    settings: &RepoSettings,
    trees: &Trees,
) -> Result<Listing, RepoError> {
    let (directory, path) = (repository.open()?, repository.real_path());
    let (most, cache) = (settings.directory_entries, settings.cache.as_deref());
    let known = trees.known(&path, cache).filter(|tree| tree.seen <= most);
    if let Some(tree) = known
        && let Some(stamps) = tree.look(directory.handle().as_fd())
    {
        let entries = tree.files.iter().zip(stamps);
        let entries = entries.map(|(path, stamp)| Entry {
            path: path.clone(),
            stamp,
        });
        return Ok(Listing(entries.collect()));
    }
    let began = settings.clock.now();
    let walk = Walk {
        name: &repository.path,
        most,
        // The directory itself counts.
        seen: AtomicUsize::new(1),
    };
    // The handle of a root may be good for nothing but finding what is below of it.
    let top = open_directory(directory.handle().as_fd(), c".").map_err(|errno| walk.failed(errno, b""))?;
    let Walked {
        mut entries,
        directories,
    } = walk.directory(top.as_fd(), b"", 1)?;
    if entries.is_empty() {
        return Err(RepoError::new(Reason::Empty, &repository.path));
    }
    entries.par_sort_unstable_by(|left, right| left.path.cmp(&right.path));
    let directories: Option<Vec<_>> = directories.into_iter().collect();
    if let Some(directories) = directories {
        let files = entries.iter().map(|entry| entry.path.clone()).collect();
        let tree = Tree::new(walk.seen.into_inner(), directories, files);
        trees.keep(&path, cache, tree, began);
    }
    Ok(Listing(entries))
}

fn open_directory(within: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    // Not through links: what has become one meanwhile is no directory any more.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(within, name, flags, Mode::empty())
}

/// A walk through a tree, in parallel.
struct Walk<'a> {
    /// What the top is called in messages.
    name: &'a str,
    /// How many files and directories there may be.
    most: usize,
    seen: AtomicUsize,
}

/// What there is in and below a directory.
struct Walked {
    entries: Vec<Entry>,
    /// In any order but that the top is the first; nothing for one whose name is not UTF-8.
    directories: Vec<Option<Directory>>,
}

/// What one directory has.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    /// Names of directories.
    below: Vec<CString>,
}

impl Walk<'_> {
    /// Everything below an open directory; `path` is empty for the top, and else ends in a slash.
    fn directory(&self, directory: BorrowedFd<'_>, path: &[u8], depth: usize) -> Result<Walked, RepoError> {
        // Before it is read: what changes meanwhile shows afterwards.
        let stat = rustix::fs::fstat(directory).map_err(|errno| self.failed(errno, path))?;
        let name = match path {
            [] => Ok("."),
            path => std::str::from_utf8(path),
        };
        let itself = name
            .ok()
            .map(|name| Directory::new(name.trim_end_matches('/').into(), &stat));
        let Found { entries, below } = self.read(directory, path)?;
        let mut walked = Walked {
            entries,
            directories: vec![itself],
        };
        if below.is_empty() {
            return Ok(walked);
        }
        if depth >= DEPTH {
            let limit = format!("{DEPTH} directories one inside the other");
            return Err(RepoError::new(Reason::Limit(limit), self.name));
        }
        let enter = |name: &CString| {
            let path = [path, name.to_bytes(), b"/"].concat();
            let opened = open_directory(directory, name).map_err(|errno| self.failed(errno, &path))?;
            self.directory(opened.as_fd(), &path, depth + 1)
        };
        let found: Vec<Walked> = match below.as_slice() {
            [only] => vec![enter(only)?],
            many => many.par_iter().map(enter).collect::<Result<_, _>>()?,
        };
        for mut more in found {
            walked.entries.append(&mut more.entries);
            walked.directories.append(&mut more.directories);
        }
        Ok(walked)
    }

    /// What is directly in a directory.
    fn read(&self, directory: BorrowedFd<'_>, path: &[u8]) -> Result<Found, RepoError> {
        let mut found = Found::default();
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut names = RawDir::new(directory, &mut buffer);
        while let Some(entry) = names.next() {
            let entry = entry.map_err(|errno| self.failed(errno, path))?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if self.seen.fetch_add(1, Ordering::Relaxed) >= self.most {
                return Err(RepoError::new(
                    Reason::Limit(format!("{} files", self.most)),
                    self.name,
                ));
            }
            let kind = match entry.file_type() {
                // Not all file systems tell.
                FileType::Unknown => self.kind(directory, name, path)?,
                kind => kind,
            };
            if kind == FileType::Directory {
                found.below.push(name.to_owned());
            } else if is_rpm(name) {
                found.entries.push(self.entry(directory, name, path)?);
            }
        }
        Ok(found)
    }

    fn kind(&self, directory: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<FileType, RepoError> {
        match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode)),
            Err(errno) => Err(self.failed(errno, &[path, name.to_bytes()].concat())),
        }
    }

    fn entry(&self, directory: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<Entry, RepoError> {
        let path = [path, name.to_bytes()].concat();
        let path = String::from_utf8(path).map_err(|error| {
            let shown = self.shown(error.as_bytes());
            RepoError::new(Reason::Damaged, shown).caused_by("its name is not UTF-8")
        })?;
        let stat = rustix::fs::statat(directory, name, AtFlags::empty());
        let stat = stat.map_err(|errno| self.failed(errno, path.as_bytes()))?;
        Ok(Entry {
            path: path.into(),
            stamp: stamp(&stat),
        })
    }

    /// Says what the operating system says of something in the tree.
    fn failed(&self, errno: Errno, path: &[u8]) -> RepoError {
        RepoError::io(io::Error::from(errno), self.shown(path).trim_end_matches('/'))
    }

    fn shown(&self, path: &[u8]) -> String {
        format!("{}/{}", self.name, String::from_utf8_lossy(path))
    }
}

/// Whether a file is called `*.rpm`, and more than that.
fn is_rpm(name: &CStr) -> bool {
    let stem = name.to_bytes().strip_suffix(b".rpm");
    stem.is_some_and(|stem| !stem.is_empty())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use std::sync::Arc;

    use odcs_core::Timestamp;
    use odcs_core::testing::{ManualClock, MemoryCache};

    use super::super::roots::Roots;
    use super::*;

    fn listed(top: &Path) -> Result<Listing, RepoError> {
        listed_with(top, RepoSettings::new([top]), &Trees::default())
    }

    fn listed_with(top: &Path, settings: RepoSettings, trees: &Trees) -> Result<Listing, RepoError> {
        let roots = Roots::open(&settings.roots, &[])?;
        list(&roots.locate(top.to_str().unwrap())?, &settings, trees)
    }

    #[test]
    fn rpms_are_listed_wherever_they_are() {
        let outer = tempfile::tempdir().unwrap();
        let top = outer.path().canonicalize().unwrap().join("top");
        let write = |path: &str| {
            fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
            fs::write(top.join(path), path).unwrap();
        };
        let rpms = [
            "a/b/c/d/e.rpm",
            "a/b.rpm",
            "a-b/c.rpm",
            "z.rpm",
            "..rpm",
            "é/ü.rpm",
            "x.rpm/y.rpm",
        ];
        for path in rpms
            .into_iter()
            .chain([".rpm", "a/e.rpm.part", "a/README", "rpm"])
        {
            write(path);
        }
        fs::create_dir(top.join("empty")).unwrap();
        // Nothing in it counts, so its name does not matter.
        fs::create_dir(top.join(OsStr::from_bytes(b"\xff"))).unwrap();
        fs::write(outer.path().join("outside.rpm"), "outside").unwrap();
        symlink("../outside.rpm", top.join("link.rpm")).unwrap();
        symlink("a", top.join("link")).unwrap();
        let listing = listed(&top).unwrap();
        let paths: Vec<_> = listing.entries().iter().map(|entry| &*entry.path).collect();
        let mut expected = [&rpms[..], &["link.rpm"]].concat();
        expected.sort_unstable();
        assert_eq!(paths, expected);
        for Entry { path, stamp } in listing.entries() {
            assert_eq!(
                *stamp,
                FileStamp::of(&fs::metadata(top.join(&**path)).unwrap()),
                "{path}"
            );
        }
        fs::write(top.join(OsStr::from_bytes(b"\xff/x.rpm")), "").unwrap();
        let error = listed(&top).unwrap_err().to_string();
        assert!(error.contains("its name is not UTF-8"), "{error}");
    }

    #[test]
    fn what_changes_shows() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let file = top.join("ed.rpm");
        fs::write(&file, "one").unwrap();
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        let said = |listing: Listing| (listing.digest(), listing.numbers());
        let (digest, numbers) = said(listed(&top).unwrap());
        assert_eq!(said(listed(&top).unwrap()), (digest.clone(), numbers.clone()));
        // Another file that looks the same.
        fs::write(top.join("other"), "two").unwrap();
        let other = fs::File::options().write(true).open(top.join("other")).unwrap();
        other.set_modified(time).unwrap();
        fs::rename(top.join("other"), &file).unwrap();
        let other = listed(&top).unwrap();
        assert_eq!(other.digest(), digest);
        assert_ne!(other.numbers(), numbers);
        fs::write(&file, "three").unwrap();
        assert_ne!(listed(&top).unwrap().digest(), digest);
    }

    #[test]
    fn known_trees_are_listed_as_they_are_now() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let write = |path: &str, bytes: &str| {
            fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
            fs::write(top.join(path), bytes).unwrap();
        };
        write("a/b/c.rpm", "one");
        write("a/d.rpm", "two");
        write("e/f/g/README", "three");
        symlink("a/d.rpm", top.join("link.rpm")).unwrap();
        let (cache, trees) = (Arc::new(MemoryCache::default()), Trees::default());
        let settings = || {
            let mut settings = RepoSettings::new([&top]).with_cache(cache.clone());
            // Long after all of this.
            settings.clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1 << 40)));
            settings
        };
        let changes: [(&str, &dyn Fn()); 8] = [
            ("nothing", &|| ()),
            ("written to", &|| write("a/d.rpm", "longer")),
            ("added", &|| write("a/b/e.rpm", "new")),
            ("added where there was none", &|| write("e/f/g/h.rpm", "new")),
            ("a directory", &|| write("i/j.rpm", "new")),
            ("replaced", &|| {
                fs::rename(top.join("i/j.rpm"), top.join("a/d.rpm")).unwrap();
            }),
            ("removed", &|| {
                fs::remove_file(top.join("a/b/c.rpm")).unwrap();
            }),
            ("a directory becomes a link", &|| {
                fs::rename(top.join("a"), top.join("away")).unwrap();
                symlink("away", top.join("a")).unwrap();
            }),
        ];
        for (what, change) in changes {
            // Within a tick of the clock nothing would be seen, which is what waiting in earnest is for.
            let wait = || std::thread::sleep(std::time::Duration::from_millis(20));
            change();
            wait();
            for is_other_process in [false, false, true] {
                if is_other_process {
                    trees.forget();
                }
                let expected = listed(&top).unwrap();
                let found = listed_with(&top, settings(), &trees).unwrap();
                assert!(trees.has_last(), "{what}");
                let said = |listing: &Listing| format!("{:?}", listing.entries());
                assert_eq!(said(&found), said(&expected), "{what}");
            }
        }
        // Limits hold for what is known, too.
        let mut few = settings();
        few.directory_entries = 3;
        let error = listed_with(&top, few, &trees).unwrap_err().to_string();
        assert!(error.contains("limit of 3 files"), "{error}");
        // What was changed a moment ago is listed anew.
        write("k.rpm", "new");
        listed_with(&top, RepoSettings::new([&top]), &trees).unwrap();
        assert!(!trees.has_last());
    }
}
