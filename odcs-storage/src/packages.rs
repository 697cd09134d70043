//! Checking and placing the files of packages.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use odcs_core::plan::{Plan, PlannedPackage};
use odcs_core::source::Candidate;
use odcs_core::{ComposeId, MetadataCache};
use odcs_rpm::header::HeaderReader;
use odcs_rpm::{Digest, DigestAlgorithm, Nevra, TreeArch};
use rustix::fs::Stat;
use tokio_util::sync::CancellationToken;

use crate::arrange::{Places, PlannedFile};
use crate::choice::{Opened, fault};
use crate::dir::{self, Dir};
use crate::error::{Error, PackageFault, Result, UnsignedPackage};
use crate::known;
use crate::layout::{self, Tree};
use crate::link::{self, PlaceError, Placed};
use crate::pass::Slot;
use crate::settings::{LinkFallback, Verification};
use crate::unsigned;

/// A package that is in its trees.
#[derive(Debug)]
pub(crate) struct PlacedPackage {
    /// As its source knows it.
    pub(crate) candidate: Arc<Candidate>,
    /// What its file says.
    pub(crate) nevra: Nevra,
    /// The file name of its source package, as its file says.
    pub(crate) source_rpm: Option<Box<str>>,
    /// SHA-256 of its file.
    pub(crate) sha256: Digest,
    /// The key it was chosen for.
    pub(crate) sigkey: Option<String>,
    /// Where it is in each of its trees.
    pub(crate) location: String,
    /// The trees that it is in.
    pub(crate) places: Arc<Places>,
    /// What its file was.
    pub(crate) stamp: Stamp,
}

/// What a file was when it was placed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was last modified, in seconds since 1970.
    pub(crate) modified: i64,
    /// Device and inode, if every place has a link to it.
    pub(crate) inode: Option<(u64, u64)>,
}

/// The packages of a tree, in the order of the list.
pub(crate) fn packages_of<'a>(
    tree: &'a Tree,
    packages: &'a [PlacedPackage],
) -> impl Iterator<Item = &'a PlacedPackage> {
    packages
        .iter()
        .filter(|placed| placed.places.trees.contains(tree))
}

/// The packages of a plan, and what became of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement<'a> {
    pub(crate) plan: &'a Plan,
    /// For each package of each arch of the plan, the number of the one that was placed for it.
    pub(crate) taken: &'a [Vec<usize>],
    pub(crate) packages: &'a [PlacedPackage],
}

/// A package of the plan.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    /// The arch that it is planned for.
    pub(crate) arch: &'a TreeArch,
    pub(crate) planned: &'a PlannedPackage,
    /// Which of the placed packages it is.
    pub(crate) number: usize,
    /// That one.
    pub(crate) placed: Option<&'a PlacedPackage>,
}

impl<'a> Placement<'a> {
    /// The packages of the plan in its order, arch by arch.
    pub(crate) fn iter(self) -> impl Iterator<Item = Taken<'a>> {
        self.plan
            .arches
            .iter()
            .zip(self.taken)
            .flat_map(move |(arch, taken)| {
                let planned = arch.packages.iter().zip(taken);
                planned.map(move |(planned, &number)| Taken {
                    arch: &arch.arch,
                    planned,
                    number,
                    placed: self.packages.get(number),
                })
            })
    }
}

/// What placing needs besides the files.
#[derive(Debug)]
pub(crate) struct Placing<'a> {
    /// The compose, for messages.
    pub(crate) id: ComposeId,
    /// For each tree, its directories below `Packages` by number, as far as it needs them.
    pub(crate) directories: &'a [Vec<Option<Dir>>],
    /// What happens to files that cannot be linked.
    pub(crate) fallback: LinkFallback,
    /// What is known from before, if that is kept.
    pub(crate) cache: Option<&'a dyn MetadataCache>,
    /// What is read in spite of that.
    pub(crate) verification: Verification,
    /// What files are read with.
    pub(crate) readers: Readers,
    /// Whether the digests of the files in packages are needed.
    pub(crate) wants_digests: bool,
    /// The time, in seconds since 1970: what is being written to is not kept.
    pub(crate) now: i64,
    /// Says when to stop.
    pub(crate) cancel: &'a CancellationToken,
}

/// As many readers as there are threads that read; their buffers are used again.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<Vec<HeaderReader>>);

impl Readers {
    /// Reads something.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut HeaderReader) -> T) -> T {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reader = idle().pop().unwrap_or_default();
        let result = read(&mut reader);
        idle().push(reader);
        result
    }
}

/// What became of a file.
pub(crate) enum Outcome {
    /// It is in its trees, and this is how. Its XML is in its slot.
    Placed(Box<PlacedPackage>, Vec<Placed>),
    Unsigned(UnsignedPackage),
    /// It is good, but is not needed any more: others are not.
    Passed,
}

impl Placing<'_> {
    /// Everything is done to one open file, so that what was checked is what is placed. Without `go_on`, nothing
    /// is placed: its signatures are looked at, and that is all.
    pub(crate) fn one(&self, planned: &PlannedFile, slot: &mut Slot, go_on: bool) -> Result<Outcome> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled { id: self.id });
        }
        slot.clear();
        let chosen = match self.choose(planned, slot) {
            Ok(chosen) => chosen,
            Err(error) => return unsigned::absent(planned, error).map(Outcome::Unsigned),
        };
        let sigkey = match unsigned::sigkey(&planned.policy, &chosen) {
            Ok(key) => key.map(|key| key.short().to_owned()),
            Err(wanted) => return Ok(Outcome::Unsigned(chosen.unsigned(wanted))),
        };
        if !go_on {
            return Ok(Outcome::Passed);
        }
        let candidate = Arc::clone(&chosen.candidate);
        let fault = |reason| fault(&candidate, reason);
        let unreadable = |source: std::io::Error| fault(PackageFault::Unreadable(source));
        let placed = self.place(planned, &chosen)?;
        let Opened {
            file,
            stat,
            known,
            package,
            identity,
            ..
        } = chosen;
        let digests = if self.wants_digests && package.is_some() {
            let digests = std::io::Seek::rewind(&mut &file)
                .map_err(odcs_rpm::Error::Io)
                .and_then(|()| self.readers.with(|reader| reader.read_file_digests(&file)));
            Some(digests.map_err(|reason| match reason {
                odcs_rpm::Error::Io(source) => unreadable(source),
                reason => fault(PackageFault::Damaged(reason)),
            })?)
        } else {
            None
        };
        // What is linked, or shares its blocks, is what was read only if nobody wrote into it since.
        let now = rustix::fs::fstat(&file).map_err(|errno| unreadable(errno.into()))?;
        if !is_unchanged(&stat, &now) {
            return Err(fault(PackageFault::Changed));
        }
        if let Some(package) = package {
            match &digests {
                Some(digests) => slot.pieces.render_with_digests(&package, digests),
                None => slot.pieces.render(&package),
            }
            if let (Some(cache), Some(identity)) = (self.cache, &identity)
                && known::is_settled(&candidate, &stat, self.now)
            {
                known.put(cache, identity, &slot.pieces);
            }
        }
        let all_linked = placed.iter().all(|placed| *placed == Placed::Linked);
        let nevra = named(&candidate, &known).clone();
        let package = PlacedPackage {
            location: layout::package_location(&nevra),
            nevra,
            source_rpm: known.source_rpm,
            sha256: known.sha256,
            sigkey,
            places: Arc::clone(&planned.places),
            stamp: Stamp {
                size: dir::size(&stat),
                modified: stat.st_mtime,
                inode: all_linked.then_some((stat.st_dev, stat.st_ino)),
            },
            candidate,
        };
        Ok(Outcome::Placed(Box::new(package), placed))
    }

    /// Puts an open file into its trees.
    fn place(&self, planned: &PlannedFile, chosen: &Opened) -> Result<Vec<Placed>> {
        let (known, candidate) = (&chosen.known, &chosen.candidate);
        let name = named(candidate, known).file_name();
        let mut placed = Vec::with_capacity(planned.places.numbers.len());
        let places = planned.places.numbers.iter().zip(&planned.places.trees);
        for (number, tree) in places {
            let of_tree = self.directories.get(*number);
            let Some(Some(directory)) = of_tree.and_then(|of_tree| of_tree.get(planned.letter)) else {
                // All that the layout needs were made.
                continue;
            };
            let how = link::place(&chosen.file, &chosen.stat, directory, &name, self.fallback);
            let how = how.map_err(|error| match error {
                PlaceError::Obstacle(obstacle) => fault(candidate, PackageFault::CannotLink(obstacle)),
                PlaceError::Io(source) => Error::target(
                    "place",
                    directory.root(),
                    Path::new(&tree.package_path(&candidate.package.nevra)),
                    source,
                ),
            })?;
            if matches!(how, Placed::Copied(_)) {
                let found = digest_of(directory, &name)?;
                if found != known.sha256 {
                    return Err(fault(candidate, another_copy(known, found)));
                }
            }
            placed.push(how);
        }
        Ok(placed)
    }
}

/// What a package is called in the compose: as its header says, or where its source has it on record, as it is called
/// there. Of source packages without their sources, Koji's files are called `.src.rpm`.
fn named<'a>(candidate: &'a Candidate, known: &'a known::Known) -> &'a Nevra {
    match &candidate.record {
        Some(_) => &candidate.package.nevra,
        None => &known.nevra,
    }
}

/// A copy has another checksum than its file should have: that it was not read, or has changed since.
fn another_copy(known: &known::Known, found: Digest) -> PackageFault {
    if known.is_read {
        return PackageFault::Changed;
    }
    let expected = known.sha256.clone();
    PackageFault::OtherChecksum { expected, found }
}

/// The checksum of a copy, read back.
fn digest_of(directory: &Dir, name: &str) -> Result<Digest> {
    let (copy, _) = directory.open_file(name)?;
    let read = Digest::of_reader(DigestAlgorithm::Sha256, copy);
    let (found, _) = read.map_err(|reason| Error::ReadBack {
        path: name.to_owned(),
        reason: reason.to_string(),
    })?;
    Ok(found)
}

/// Whether a file has not been written to between two looks at it.
fn is_unchanged(before: &Stat, after: &Stat) -> bool {
    (before.st_size, before.st_mtime, before.st_mtime_nsec)
        == (after.st_size, after.st_mtime, after.st_mtime_nsec)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn copies_are_read_back() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open_root(temporary.path()).unwrap();
        dir.write("copy", b"an editor").unwrap();
        let of = |bytes: &[u8]| Digest::of_bytes(DigestAlgorithm::Sha256, bytes);
        assert_eq!(digest_of(&dir, "copy").unwrap(), of(b"an editor"));
    }

    #[test]
    fn what_is_written_to_is_noticed_and_another_link_is_not() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("ed.rpm");
        std::fs::write(&path, "an editor").unwrap();
        let mut file = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let before = rustix::fs::fstat(&file).unwrap();
        std::fs::hard_link(&path, temporary.path().join("link")).unwrap();
        assert!(is_unchanged(&before, &rustix::fs::fstat(&file).unwrap()));
        file.write_all(b"AN").unwrap();
        assert!(!is_unchanged(&before, &rustix::fs::fstat(&file).unwrap()));
    }
}
