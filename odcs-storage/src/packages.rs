//! Reading, checking and placing the files of packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use odcs_core::plan::{Plan, SignaturePolicy};
use odcs_core::source::Candidate;
use odcs_core::{ComposeId, Phase, Progress};
use odcs_rpm::{Digest, DigestAlgorithm, Nevra, Package};
use rayon::prelude::*;
use rustix::fs::Stat;
use tokio_util::sync::CancellationToken;

use crate::choice::{Opened, fault};
use crate::dir::{self, Dir};
use crate::error::{Error, PackageFault, Result, UnsignedPackage};
use crate::layout::{self, Tree};
use crate::link::{self, Counts, PlaceError, Placed};
use crate::log;
use crate::settings::LinkFallback;

/// How many packages are done between two lines in the log.
const STEP: u64 = 1_000;

/// Which file goes where.
#[derive(Debug)]
pub(crate) struct Layout {
    /// All trees of the compose, the empty ones included.
    pub(crate) trees: BTreeSet<Tree>,
    /// Each file once, sorted by NEVRA.
    pub(crate) files: Vec<PlannedFile>,
}

/// A file and the trees it goes into: sources and `noarch` packages belong to several arches.
#[derive(Debug)]
pub(crate) struct PlannedFile {
    pub(crate) candidate: Arc<Candidate>,
    /// Other files for the same NEVRA.
    pub(crate) copies: Vec<Arc<Candidate>>,
    pub(crate) places: BTreeSet<Tree>,
}

impl Layout {
    /// Sorts a plan by files. If the arches take one package from different files, the first is taken
    /// for a tree they share.
    pub(crate) fn of(plan: &Plan) -> Result<Self> {
        let mut trees = BTreeSet::from([Tree::Source]);
        let mut files: BTreeMap<(&Nevra, Option<&Path>, &str), PlannedFile> = BTreeMap::new();
        let mut taken: BTreeMap<(Tree, &Nevra), &Arc<Candidate>> = BTreeMap::new();
        let mut names: BTreeMap<(Tree, String), &Arc<Candidate>> = BTreeMap::new();
        for arch in &plan.arches {
            trees.extend([Tree::Os(arch.arch.clone()), Tree::Debug(arch.arch.clone())]);
            for planned in &arch.packages {
                let candidate = &planned.candidate;
                let nevra = &candidate.package.nevra;
                let tree = Tree::of(planned.kind, &arch.arch);
                if let Some(first) = taken.get(&(tree.clone(), nevra)) {
                    check_same(first, candidate)?;
                    continue;
                }
                taken.insert((tree.clone(), nevra), candidate);
                // The epoch is not part of it.
                if let Some(first) = names.insert((tree.clone(), nevra.file_name()), candidate) {
                    return Err(Error::SameName {
                        name: nevra.file_name(),
                        first: first.file.to_string(),
                        second: candidate.file.to_string(),
                    });
                }
                files
                    .entry(place(nevra, candidate))
                    .or_insert_with(|| PlannedFile {
                        candidate: Arc::clone(candidate),
                        copies: planned.copies.clone(),
                        places: BTreeSet::new(),
                    })
                    .places
                    .insert(tree);
            }
        }
        Ok(Self {
            trees,
            files: files.into_values().collect(),
        })
    }

    /// The directories below `Packages` that a tree needs.
    pub(crate) fn package_directories(&self, tree: &Tree) -> BTreeSet<String> {
        let here = self.files.iter().filter(|file| file.places.contains(tree));
        here.map(|file| layout::package_directory(file.candidate.package.nevra.name()))
            .collect()
    }
}

/// What tells one file from another.
fn place<'a>(nevra: &'a Nevra, candidate: &'a Candidate) -> (&'a Nevra, Option<&'a Path>, &'a str) {
    match candidate.file.here() {
        Some(file) => (nevra, Some(file.root.path()), file.path.as_str()),
        // It cannot be laid out, which is said when it is opened.
        None => (nevra, None, ""),
    }
}

/// Refuses two files for one package if they are known to differ.
fn check_same(first: &Candidate, second: &Candidate) -> Result<()> {
    match (&first.checksum, &second.checksum) {
        (Some(one), Some(other)) if one.algorithm() == other.algorithm() && one != other => {
            Err(Error::Ambiguous {
                package: Box::new(second.package.nevra.clone()),
                first: first.file.to_string(),
                second: second.file.to_string(),
            })
        }
        _ => Ok(()),
    }
}

/// A package that is in its trees.
#[derive(Debug)]
pub(crate) struct PlacedPackage {
    /// As its source knows it.
    pub(crate) planned: Nevra,
    /// What its file says.
    pub(crate) package: Package,
    /// Its file, where the source has it.
    pub(crate) file: String,
    /// When the file was modified where it was fetched from, if it was.
    pub(crate) modified: Option<u64>,
    /// The size of its file in bytes.
    pub(crate) size: u64,
    /// SHA-256 of its file.
    pub(crate) sha256: Digest,
    /// The key it was chosen for.
    pub(crate) sigkey: Option<String>,
    /// Where it is in each of its trees.
    pub(crate) location: String,
    /// The trees that it is in.
    pub(crate) places: BTreeSet<Tree>,
}

/// Finds packages by tree and NEVRA, the one that their source knows them by.
pub(crate) fn by_place(packages: &[PlacedPackage]) -> BTreeMap<(&Tree, &Nevra), &PlacedPackage> {
    let mut places = BTreeMap::new();
    for package in packages {
        places.extend(
            package
                .places
                .iter()
                .map(|tree| ((tree, &package.planned), package)),
        );
    }
    places
}

/// What placing needs besides the files.
#[derive(Debug)]
pub(crate) struct Placing<'a> {
    /// The compose, for messages.
    pub(crate) id: ComposeId,
    /// The `Packages` directory of each tree, with its subdirectories made.
    pub(crate) directories: &'a BTreeMap<Tree, Dir>,
    /// Which signatures the packages must have.
    pub(crate) signatures: &'a SignaturePolicy,
    /// What happens to files that cannot be linked.
    pub(crate) fallback: LinkFallback,
    /// Told how far it is.
    pub(crate) progress: &'a dyn Progress,
    /// Says when to stop.
    pub(crate) cancel: &'a CancellationToken,
}

/// What became of a file.
enum Outcome {
    Placed(Box<PlacedPackage>, Vec<Placed>),
    Unsigned(UnsignedPackage),
    /// Not looked at, since another one failed.
    Skipped,
}

impl Placing<'_> {
    /// Reads, checks and places all files, in parallel on the current pool. The result is sorted as the
    /// layout is.
    pub(crate) fn run(&self, layout: Layout) -> Result<(Vec<PlacedPackage>, Counts)> {
        let total = layout.files.len() as u64;
        let (done, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let outcomes: Vec<Result<Outcome>> = layout
            .files
            .into_par_iter()
            .map(|file| {
                if failed.load(Ordering::Relaxed) {
                    return Ok(Outcome::Skipped);
                }
                let outcome = self.one(file);
                if outcome.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(STEP) && done < total {
                    let message = format!("{} of {}", log::grouped(done), log::packages(total));
                    self.progress.step(Phase::Link, &message);
                }
                outcome
            })
            .collect();
        let (mut packages, mut counts, mut unsigned) = (Vec::new(), Counts::default(), Vec::new());
        for outcome in outcomes {
            match outcome? {
                Outcome::Placed(package, placed) => {
                    packages.push(*package);
                    placed.into_iter().for_each(|placed| counts.add(placed));
                }
                Outcome::Unsigned(package) => unsigned.push(package),
                Outcome::Skipped => {}
            }
        }
        if !unsigned.is_empty() {
            return Err(Error::Unsigned {
                packages: unsigned,
                keys: self.signatures.demanded().cloned().collect(),
                verified: self.signatures.keyring().is_some(),
            });
        }
        Ok((packages, counts))
    }

    /// Everything is done to one open file, so that what was checked is what is placed.
    fn one(&self, planned: PlannedFile) -> Result<Outcome> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled { id: self.id });
        }
        let chosen = self.choose(&planned)?;
        let PlannedFile { places, .. } = planned;
        let sigkey = match self.signatures.choose(&chosen.keys) {
            Ok(key) => key.map(|key| key.short().to_owned()),
            Err(_) => return Ok(Outcome::Unsigned(chosen.unsigned())),
        };
        let Opened {
            candidate,
            file,
            stat,
            read,
            ..
        } = chosen;
        let nevra = &candidate.package.nevra;
        let fault = |reason| fault(&candidate, reason);
        let unreadable = |source: std::io::Error| fault(PackageFault::Unreadable(source));
        let package = read.package;
        let location = layout::package_location(&package.nevra);
        let mut placed = Vec::with_capacity(places.len());
        let (letter, name) = (
            layout::package_directory(package.nevra.name()),
            package.nevra.file_name(),
        );
        for (tree, directory) in self.directories {
            if !places.contains(tree) {
                continue;
            }
            // One segment at a time: in a path of two, the first could be a link by now.
            let directory = directory.open(&letter)?;
            let how = link::place(&file, &stat, &directory, &name, self.fallback);
            let how = how.map_err(|error| match error {
                PlaceError::Obstacle(obstacle) => fault(PackageFault::CannotLink(obstacle)),
                PlaceError::Io(source) => Error::target(
                    "place",
                    directory.root(),
                    Path::new(&tree.package_path(nevra)),
                    source,
                ),
            })?;
            if matches!(how, Placed::Copied(_)) && !is_copy(&directory, &name, &read.sha256)? {
                return Err(fault(PackageFault::Changed));
            }
            placed.push(how);
        }
        // What is linked, or shares its blocks, is what was read only if nobody wrote into it since.
        let now = rustix::fs::fstat(&file).map_err(|errno| unreadable(errno.into()))?;
        if !is_unchanged(&stat, &now) {
            return Err(fault(PackageFault::Changed));
        }
        let planned = nevra.clone();
        let package = PlacedPackage {
            planned,
            package,
            file: candidate.file.to_string(),
            modified: candidate.file.modified(),
            size: dir::size(&stat),
            sha256: read.sha256,
            sigkey,
            location,
            places,
        };
        Ok(Outcome::Placed(Box::new(package), placed))
    }
}

/// Whether a copy, read back, has the checksum of what was copied.
fn is_copy(directory: &Dir, path: &str, sha256: &Digest) -> Result<bool> {
    let (copy, _) = directory.open_file(path)?;
    let (found, _) = Digest::of_reader(DigestAlgorithm::Sha256, copy).map_err(|reason| Error::ReadBack {
        path: path.to_owned(),
        reason: reason.to_string(),
    })?;
    Ok(found == *sha256)
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
        assert!(is_copy(&dir, "copy", &of(b"an editor")).unwrap());
        assert!(!is_copy(&dir, "copy", &of(b"an edifor")).unwrap());
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
