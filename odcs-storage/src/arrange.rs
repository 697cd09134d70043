//! Which file goes where.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use odcs_core::plan::Plan;
use odcs_core::source::Candidate;
use odcs_rpm::{Nevra, PackageKind};

use crate::error::{Error, Result};
use crate::layout::{self, Tree};

/// Which file goes where.
#[derive(Debug)]
pub(crate) struct Layout {
    /// All trees of the compose, the empty ones included, sorted.
    pub(crate) trees: Vec<Tree>,
    /// Each file once, sorted by NEVRA.
    pub(crate) files: Vec<PlannedFile>,
    /// The names of the directories below `Packages`, sorted.
    pub(crate) letters: Vec<String>,
    /// For each package of each arch of the plan, in its order, the file that is taken for it.
    pub(crate) taken: Vec<Vec<usize>>,
}

/// A file and the trees it goes into: sources and `noarch` packages belong to several arches.
#[derive(Debug)]
pub(crate) struct PlannedFile {
    pub(crate) candidate: Arc<Candidate>,
    /// Other files for the same NEVRA.
    pub(crate) copies: Vec<Arc<Candidate>>,
    /// Many files share one.
    pub(crate) places: Arc<Places>,
    /// Its directory below `Packages`, by number.
    pub(crate) letter: usize,
}

/// Some trees of a compose.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Places {
    /// Their numbers in the list of all trees, sorted.
    pub(crate) numbers: Vec<usize>,
    pub(crate) trees: Vec<Tree>,
}

/// What tells one file of a package from another: its root, and its path below that.
type FileKey<'a> = (Option<&'a Path>, &'a str);

/// A package of the plan: where it stands there, and what tells its file from others.
struct Planned<'a> {
    nevra: &'a Nevra,
    file: FileKey<'a>,
    arch: usize,
    index: usize,
    tree: usize,
    candidate: &'a Arc<Candidate>,
    copies: &'a [Arc<Candidate>],
}

impl Layout {
    /// Sorts a plan by files. If the arches take one package from different files, the first is taken
    /// for a tree they share.
    pub(crate) fn of(plan: &Plan) -> Result<Self> {
        let mut trees = BTreeSet::from([Tree::Source]);
        for arch in &plan.arches {
            trees.extend([Tree::Os(arch.arch.clone()), Tree::Debug(arch.arch.clone())]);
        }
        let trees: Vec<Tree> = trees.into_iter().collect();
        let mut planned = planned(plan, &trees);
        check_names(&planned)?;
        // Stable: of one package, the arches keep their order.
        planned.sort_by(|one, other| one.nevra.cmp(other.nevra));
        let mut taken: Vec<Vec<usize>> = plan
            .arches
            .iter()
            .map(|arch| vec![0; arch.packages.len()])
            .collect();
        let (mut files, mut letters, mut places) = (Vec::new(), Letters::default(), AllPlaces::default());
        for same in planned.chunk_by(|one, other| one.nevra == other.nevra) {
            // Sorted by file, as the files of one package are in the result.
            let mut found: BTreeMap<FileKey<'_>, (&Planned<'_>, Vec<usize>)> = BTreeMap::new();
            let mut by_tree: Vec<(usize, &Planned<'_>)> = Vec::with_capacity(same.len());
            for package in same {
                if let Some((_, first)) = by_tree.iter().find(|(tree, _)| *tree == package.tree) {
                    check_same(first.candidate, package.candidate)?;
                    continue;
                }
                by_tree.push((package.tree, package));
                let (_, numbers) = found.entry(package.file).or_insert((package, Vec::new()));
                numbers.push(package.tree);
            }
            let begin = files.len();
            for (package, numbers) in found.values_mut() {
                numbers.sort_unstable();
                let numbers = std::mem::take(numbers);
                files.push(PlannedFile {
                    candidate: Arc::clone(package.candidate),
                    copies: package.copies.to_vec(),
                    places: places.of(numbers, &trees),
                    letter: letters.number(package.nevra),
                });
            }
            for package in same {
                let first = by_tree.iter().find(|(tree, _)| *tree == package.tree);
                let file = first.and_then(|(_, first)| found.keys().position(|file| *file == first.file));
                let place = taken
                    .get_mut(package.arch)
                    .and_then(|arch| arch.get_mut(package.index));
                if let (Some(file), Some(place)) = (file, place) {
                    *place = begin + file;
                }
            }
        }
        Ok(Self {
            trees,
            files,
            letters: letters.names,
            taken,
        })
    }

    /// For each tree, how many packages it is going to have, and which directories below `Packages` it needs.
    pub(crate) fn contents(&self) -> Vec<(u64, BTreeSet<usize>)> {
        let mut contents = vec![(0, BTreeSet::new()); self.trees.len()];
        for file in &self.files {
            for number in &file.places.numbers {
                if let Some((packages, letters)) = contents.get_mut(*number) {
                    *packages += 1;
                    letters.insert(file.letter);
                }
            }
        }
        contents
    }
}

/// All packages of a plan, in its order.
fn planned<'a>(plan: &'a Plan, trees: &[Tree]) -> Vec<Planned<'a>> {
    let mut all = Vec::with_capacity(plan.arches.iter().map(|arch| arch.packages.len()).sum());
    for (arch, of_arch) in plan.arches.iter().enumerate() {
        let number = |kind| {
            trees
                .binary_search(&Tree::of(kind, &of_arch.arch))
                .unwrap_or_default()
        };
        let [binary, debug, source] =
            [PackageKind::Binary, PackageKind::Debug, PackageKind::Source].map(number);
        for (index, package) in of_arch.packages.iter().enumerate() {
            let tree = match package.kind {
                PackageKind::Binary => binary,
                PackageKind::Debug => debug,
                PackageKind::Source => source,
            };
            all.push(Planned {
                nevra: &package.candidate.package.nevra,
                file: place(&package.candidate),
                arch,
                index,
                tree,
                candidate: &package.candidate,
                copies: &package.copies,
            });
        }
    }
    all
}

/// What tells a candidate's file from others.
fn place(candidate: &Candidate) -> FileKey<'_> {
    match candidate.file.here() {
        Some(file) => (Some(file.root.path()), file.path.as_str()),
        // It cannot be laid out, which is said when it is opened.
        None => (None, ""),
    }
}

/// Refuses packages of one tree that would have one file name: their epoch is not part of it.
fn check_names(planned: &[Planned<'_>]) -> Result<()> {
    let mut names = HashMap::with_capacity(planned.len());
    for package in planned {
        let nevra = package.nevra;
        let name = (
            nevra.name(),
            nevra.evr().version(),
            nevra.evr().release(),
            nevra.arch(),
        );
        let first = *names.entry((package.tree, name)).or_insert(package);
        if first.nevra.evr().epoch() != nevra.evr().epoch() {
            return Err(Error::SameName {
                name: nevra.file_name(),
                first: first.candidate.file.to_string(),
                second: package.candidate.file.to_string(),
            });
        }
    }
    Ok(())
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

/// The directories below `Packages` as they come up.
#[derive(Default)]
struct Letters {
    names: Vec<String>,
}

impl Letters {
    fn number(&mut self, nevra: &Nevra) -> usize {
        let name = layout::package_directory(nevra.name());
        // There are few, and packages are sorted by name: it is nearly always the last one.
        self.names
            .iter()
            .rposition(|known| *known == name)
            .unwrap_or_else(|| {
                self.names.push(name);
                self.names.len() - 1
            })
    }
}

/// The places that files share.
#[derive(Default)]
struct AllPlaces {
    known: Vec<Arc<Places>>,
}

impl AllPlaces {
    fn of(&mut self, numbers: Vec<usize>, trees: &[Tree]) -> Arc<Places> {
        // A few for each arch.
        if let Some(known) = self.known.iter().find(|known| known.numbers == numbers) {
            return Arc::clone(known);
        }
        let trees = numbers
            .iter()
            .filter_map(|number| trees.get(*number).cloned())
            .collect();
        let places = Arc::new(Places { numbers, trees });
        self.known.push(Arc::clone(&places));
        places
    }
}
