//! Which file goes where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use odcs_core::plan::{Plan, SignaturePolicy};
use odcs_core::source::Candidate;
use odcs_rpm::{Arch, Nevra, PackageKind};

use crate::error::{Error, Result};
use crate::layout::{self, Tree};

/// Which file goes where.
#[derive(Debug)]
pub(crate) struct Layout {
    /// All trees of the compose, the empty ones included, sorted.
    pub(crate) trees: Vec<Tree>,
    /// Each file once, sorted by NEVRA.
    pub(crate) files: Vec<PlannedFile>,
    /// The names of the directories below `Packages`, in the order of the files.
    pub(crate) letters: Vec<String>,
    /// The signatures that packages must have: the same for all arches, as a rule.
    pub(crate) policies: Vec<Arc<SignaturePolicy>>,
    /// For each package of each arch of the plan, in its order, the file that is taken for it.
    pub(crate) taken: Vec<Vec<usize>>,
    /// What each of the trees is going to have.
    pub(crate) contents: Vec<TreeContents>,
}

/// What a tree is going to have.
#[derive(Clone, Debug)]
pub(crate) struct TreeContents {
    /// How many packages.
    pub(crate) packages: u64,
    /// For each of the directories below `Packages`, whether it needs that one.
    pub(crate) letters: Vec<bool>,
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
    /// Which signatures it must have; it decides between this file and its copies, too.
    pub(crate) policy: Arc<SignaturePolicy>,
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

/// What tells those files of a package from others that are taken alike: arches that want other signatures may take
/// another copy.
type Key<'a> = (FileKey<'a>, usize);

/// A package of the plan, and where it stands there.
struct Planned<'a> {
    policy: &'a OfArch,
    name: &'a str,
    nevra: &'a Nevra,
    arch: usize,
    index: usize,
    tree: usize,
    candidate: &'a Arc<Candidate>,
    copies: &'a [Arc<Candidate>],
}

impl Layout {
    /// Sorts a plan by files. If the arches take one package from different files, or want other signatures, the first
    /// of them decides for a tree they share.
    pub(crate) fn of(plan: &Plan) -> Result<Self> {
        let mut trees = BTreeSet::from([Tree::Source]);
        for arch in &plan.arches {
            trees.extend([Tree::Os(arch.arch.clone()), Tree::Debug(arch.arch.clone())]);
        }
        let trees: Vec<Tree> = trees.into_iter().collect();
        let policies = Policies::of(plan);
        let mut planned = planned(plan, &trees, &policies.of_arches);
        // Stable: of one package, the arches keep their order.
        planned.sort_by(|one, other| one.name.cmp(other.name).then_with(|| one.nevra.cmp(other.nevra)));
        let taken = plan.arches.iter().map(|arch| vec![0; arch.packages.len()]);
        let mut layout = Arranging {
            trees: &trees,
            files: Vec::with_capacity(planned.len()),
            letters: Letters::default(),
            places: AllPlaces::default(),
            taken: taken.collect(),
        };
        for of_one_name in planned.chunk_by(|one, other| one.name == other.name) {
            check_names(of_one_name)?;
            for same in of_one_name.chunk_by(|one, other| one.nevra == other.nevra) {
                match same {
                    [only] => layout.add_only(only),
                    several => layout.add(several)?,
                }
            }
        }
        let Arranging {
            files,
            letters,
            taken,
            ..
        } = layout;
        let letters = letters.names;
        Ok(Self {
            contents: contents(&files, trees.len(), letters.len()),
            trees,
            files,
            letters,
            policies: policies.distinct,
            taken,
        })
    }
}

/// For each tree, what is going to be in it.
fn contents(files: &[PlannedFile], trees: usize, letters: usize) -> Vec<TreeContents> {
    let none = TreeContents {
        packages: 0,
        letters: vec![false; letters],
    };
    let mut contents = vec![none; trees];
    for file in files {
        for number in &file.places.numbers {
            let Some(tree) = contents.get_mut(*number) else {
                continue;
            };
            tree.packages += 1;
            if let Some(is_needed) = tree.letters.get_mut(file.letter) {
                *is_needed = true;
            }
        }
    }
    contents
}

/// A layout that is being made.
struct Arranging<'a> {
    trees: &'a [Tree],
    files: Vec<PlannedFile>,
    letters: Letters,
    places: AllPlaces,
    taken: Vec<Vec<usize>>,
}

impl Arranging<'_> {
    /// A package that is planned once, as most are.
    fn add_only(&mut self, package: &Planned<'_>) {
        self.take(package, self.files.len());
        self.push(package, &[package.tree]);
    }

    /// A package that is planned several times: for several arches, or with several files.
    fn add(&mut self, same: &[Planned<'_>]) -> Result<()> {
        // Sorted by file, as the files of one package are in the result.
        let mut found: BTreeMap<Key<'_>, (&Planned<'_>, Vec<usize>)> = BTreeMap::new();
        let mut by_tree: Vec<(usize, &Planned<'_>)> = Vec::with_capacity(same.len());
        for package in same {
            if let Some((_, first)) = by_tree.iter().find(|(tree, _)| *tree == package.tree) {
                check_same(first.candidate, package.candidate)?;
                continue;
            }
            by_tree.push((package.tree, package));
            let (_, numbers) = found.entry(key(package)).or_insert((package, Vec::new()));
            numbers.push(package.tree);
        }
        let begin = self.files.len();
        for (package, numbers) in found.values_mut() {
            numbers.sort_unstable();
            self.push(package, numbers);
        }
        for package in same {
            let first = by_tree.iter().find(|(tree, _)| *tree == package.tree);
            let file = first.and_then(|(_, first)| {
                let of_first = key(first);
                found.keys().position(|file| *file == of_first)
            });
            if let Some(file) = file {
                self.take(package, begin + file);
            }
        }
        Ok(())
    }

    /// Adds a file that goes into these trees.
    fn push(&mut self, package: &Planned<'_>, numbers: &[usize]) {
        self.files.push(PlannedFile {
            candidate: Arc::clone(package.candidate),
            copies: package.copies.to_vec(),
            places: self.places.of(numbers, self.trees),
            letter: self.letters.number(package.nevra),
            policy: Arc::clone(&package.policy.1),
        });
    }

    /// Says which file is taken for a package of the plan.
    fn take(&mut self, package: &Planned<'_>, file: usize) {
        let of_arch = self.taken.get_mut(package.arch);
        if let Some(place) = of_arch.and_then(|of_arch| of_arch.get_mut(package.index)) {
            *place = file;
        }
    }
}

/// The policies of a plan.
struct Policies {
    /// Each one once.
    distinct: Vec<Arc<SignaturePolicy>>,
    of_arches: Vec<OfArch>,
}

/// The policy of an arch, and its number among the distinct ones.
type OfArch = (usize, Arc<SignaturePolicy>);

impl Policies {
    fn of(plan: &Plan) -> Self {
        let mut distinct: Vec<Arc<SignaturePolicy>> = Vec::new();
        let number = |policy: &SignaturePolicy| {
            let mut known = distinct.iter().enumerate();
            if let Some((number, known)) = known.find(|(_, known)| ***known == *policy) {
                return (number, Arc::clone(known));
            }
            let policy = Arc::new(policy.clone());
            distinct.push(Arc::clone(&policy));
            (distinct.len() - 1, policy)
        };
        let of_arches = plan.arches.iter().map(|arch| &arch.signatures).map(number);
        Self {
            of_arches: of_arches.collect(),
            distinct,
        }
    }
}

/// All packages of a plan, in its order, with the policies of the arches.
fn planned<'a>(plan: &'a Plan, trees: &[Tree], policies: &'a [OfArch]) -> Vec<Planned<'a>> {
    let mut all = Vec::with_capacity(plan.arches.iter().map(|arch| arch.packages.len()).sum());
    for (arch, (of_arch, policy)) in plan.arches.iter().zip(policies).enumerate() {
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
            let nevra = &package.candidate.package.nevra;
            all.push(Planned {
                policy,
                name: nevra.name().as_str(),
                nevra,
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

fn key<'a>(package: &Planned<'a>) -> Key<'a> {
    (place(package.candidate), package.policy.0)
}

/// What tells a candidate's file from others.
fn place(candidate: &Candidate) -> FileKey<'_> {
    match candidate.file.here() {
        Some(file) => (Some(file.root.path()), file.path.as_str()),
        // It cannot be laid out, which is said when it is opened.
        None => (None, ""),
    }
}

/// What a package has in common with those that have its name, and the same file name in the same tree.
fn in_file_name<'a>(package: &Planned<'a>) -> (usize, &'a str, &'a str, &'a Arch) {
    let evr = package.nevra.evr();
    (package.tree, evr.version(), evr.release(), package.nevra.arch())
}

/// Refuses packages of one tree that would have one file name: their epoch is not part of it. All of these have one
/// name; they are sorted.
fn check_names(of_one_name: &[Planned<'_>]) -> Result<()> {
    let epoch = |package: &Planned<'_>| package.nevra.evr().epoch();
    if of_one_name
        .windows(2)
        .all(|pair| matches!(pair, [one, other] if epoch(one) == epoch(other)))
    {
        return Ok(());
    }
    let mut sorted: Vec<_> = of_one_name.iter().collect();
    sorted.sort_by(|one, other| in_file_name(one).cmp(&in_file_name(other)));
    for same in sorted.chunk_by(|one, other| in_file_name(one) == in_file_name(other)) {
        if let [first, .., last] = same
            && epoch(first) != epoch(last)
        {
            return Err(Error::SameName {
                name: first.nevra.file_name(),
                first: first.candidate.file.to_string(),
                second: last.candidate.file.to_string(),
            });
        }
    }
    Ok(())
}

/// Refuses two files for one package if they are known to differ: but for copies of one RPM, of which arches may want
/// different ones.
fn check_same(first: &Candidate, second: &Candidate) -> Result<()> {
    let number = |candidate: &Candidate| candidate.record.as_ref()?.rpm_id;
    if number(first).is_some() && number(first) == number(second) {
        return Ok(());
    }
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
    /// The first character of the last name that was asked for, and the number of its directory.
    last: Option<(char, usize)>,
}

impl Letters {
    fn number(&mut self, nevra: &Nevra) -> usize {
        let first = nevra.name().as_str().chars().next();
        // Packages are sorted by name.
        if let Some((character, number)) = self.last
            && first == Some(character)
        {
            return number;
        }
        let name = layout::package_directory(nevra.name());
        let known = self.names.iter().rposition(|known| *known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        self.last = first.map(|character| (character, number));
        number
    }
}

/// The places that files share.
#[derive(Default)]
struct AllPlaces {
    known: Vec<Arc<Places>>,
}

impl AllPlaces {
    fn of(&mut self, numbers: &[usize], trees: &[Tree]) -> Arc<Places> {
        // A few for each arch.
        if let Some(known) = self.known.iter().find(|known| known.numbers == numbers) {
            return Arc::clone(known);
        }
        let of_numbers = numbers.iter().filter_map(|number| trees.get(*number).cloned());
        let places = Arc::new(Places {
            numbers: numbers.to_vec(),
            trees: of_numbers.collect(),
        });
        self.known.push(Arc::clone(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use odcs_core::plan::{ArchPlan, PlannedPackage, SignaturePolicy};
    use odcs_core::source::{RemoteFile, Site};

    use super::*;

    fn package(nevra: &str, kind: PackageKind) -> PlannedPackage {
        let site = Site::new("https://example.com/".parse().unwrap()).unwrap();
        let path = format!("{nevra}.rpm").parse().unwrap();
        PlannedPackage {
            candidate: Arc::new(Candidate::new(
                Arc::new(odcs_rpm::Package::new(nevra.parse().unwrap())),
                RemoteFile::new(Arc::new(site), path),
            )),
            copies: Vec::new(),
            kind,
            why: None,
        }
    }

    fn layout(arches: &[(&str, &[(&str, PackageKind)])]) -> Result<Layout> {
        let arches = arches.iter().map(|(arch, packages)| ArchPlan {
            arch: arch.parse().unwrap(),
            packages: packages
                .iter()
                .map(|(nevra, kind)| package(nevra, *kind))
                .collect(),
            signatures: SignaturePolicy::default(),
            lookaside: Vec::new(),
        });
        Layout::of(&Plan {
            arches: arches.collect(),
            timestamp: 0,
            comps_packages: Vec::new(),
            updateinfo: None,
            source_description: String::new(),
        })
    }

    use PackageKind::{Binary, Debug, Source};

    #[test]
    fn each_file_stands_once_with_all_its_trees() {
        let x86_64: &[_] = &[
            ("Ed-0:1-1.x86_64", Binary),
            ("a-0:2-1.noarch", Binary),
            ("ed-debuginfo-0:1-1.x86_64", Debug),
            ("ed-0:1-1.src", Source),
        ];
        let aarch64: &[_] = &[("a-0:2-1.noarch", Binary), ("ed-0:1-1.src", Source)];
        let layout = layout(&[("x86_64", x86_64), ("aarch64", aarch64)]).unwrap();
        let tree = |number: &usize| layout.trees[*number].to_string();
        let files: Vec<_> = layout
            .files
            .iter()
            .map(|file| {
                let trees: Vec<_> = file.places.numbers.iter().map(tree).collect();
                let letter = &layout.letters[file.letter];
                format!("{letter}/{}: {}", file.candidate.package.nevra, trees.join(" "))
            })
            .collect();
        let expected = [
            "e/Ed-0:1-1.x86_64: Temporary/x86_64/os",
            "a/a-0:2-1.noarch: Temporary/aarch64/os Temporary/x86_64/os",
            "e/ed-0:1-1.src: Temporary/source/tree",
            "e/ed-debuginfo-0:1-1.x86_64: Temporary/x86_64/debug/tree",
        ];
        assert_eq!(files, expected);
        assert_eq!(layout.taken, [vec![0, 1, 3, 2], vec![1, 2]]);
        assert_eq!(layout.letters, ["e", "a"]);
        let contents: Vec<_> = layout
            .trees
            .iter()
            .zip(&layout.contents)
            .map(|(tree, contents)| format!("{tree} {} {:?}", contents.packages, contents.letters))
            .collect();
        let expected = [
            "Temporary/aarch64/os 1 [false, true]",
            "Temporary/x86_64/os 2 [true, true]",
            "Temporary/aarch64/debug/tree 0 [false, false]",
            "Temporary/x86_64/debug/tree 1 [true, false]",
            "Temporary/source/tree 1 [true, false]",
        ];
        assert_eq!(contents, expected);
    }

    #[test]
    fn only_what_would_have_one_file_name_in_one_tree_is_refused() {
        let of = |packages: &[_]| layout(&[("x86_64", packages)]).map(|layout| layout.files.len());
        let error = of(&[
            ("a-0:1-1.noarch", Binary),
            ("a-0:2-1.noarch", Binary),
            ("a-1:1-1.noarch", Binary),
        ])
        .unwrap_err();
        let message = error.to_string();
        for word in ["a-1-1.noarch.rpm", "a-0:1-1.noarch.rpm", "a-1:1-1.noarch.rpm"] {
            assert!(message.contains(word), "{word}: {message}");
        }
        for packages in [
            [("a-0:1-1.noarch", Binary), ("a-1:1-2.noarch", Binary)],
            [("a-0:1-1.noarch", Binary), ("a-1:1-1.x86_64", Binary)],
            [("a-0:1-1.noarch", Binary), ("a-1:1-1.noarch", Debug)],
            [("a-0:1-1.noarch", Binary), ("b-1:1-1.noarch", Binary)],
        ] {
            assert_eq!(of(&packages).unwrap(), 2, "{packages:?}");
        }
    }
}
