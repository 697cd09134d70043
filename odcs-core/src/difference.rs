//! What is in one compose and not in another.

mod view;

use std::collections::{BTreeMap, BTreeSet};

use odcs_rpm::evr::compare_versions;
use odcs_rpm::{Digest, Evr, Nevra, PackageKind, PackageName, TreeArch};

pub use self::view::DifferenceView;
use crate::manifest::{Manifest, ManifestPackage};

/// What has to happen to the packages of one compose so that it has those of another.
///
/// Packages are compared tree by tree: those of one kind, for one arch. Where a name has several versions, or
/// packages of several architectures, each package has one counterpart at most:
///
/// 1. the package with the same NEVRA;
/// 2. of what is left, those of the same architecture (`src` and `nosrc` count as one), the newest with the newest, the
///    next one with the next one;
/// 3. of what is left then, `noarch` packages with those of an architecture, in the same way: a package that
///    became `noarch` is no other one for that.
///
/// So a compose with `kernel` 1 and 2 followed by one with 2 and 3 has `kernel` upgraded from 1 to 3, and one of
/// `kernel` 3 alone has 2 upgraded and 1 removed. Whatever has no counterpart was added or removed. Comparing the other
/// way round gives the mirror image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// Sorted by kind, then by name. What is the same is left out.
    pub packages: Vec<PackageDifference>,
}

/// What became of one package.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct PackageDifference {
    /// Which of the trees.
    pub kind: PackageKind,
    /// Its name.
    pub name: PackageName,
    /// What became of it.
    pub change: Change,
    /// For which arches of the composes, sorted.
    pub arches: Vec<TreeArch>,
}

/// What became of a package. "Before" is the compose that is compared, "after" the one it is compared with.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Change {
    /// It was not there before.
    Added(PackageFile),
    /// It is not there any more.
    Removed(PackageFile),
    /// It is newer than before.
    Upgraded(PackageFile, PackageFile),
    /// It is older than before.
    Downgraded(PackageFile, PackageFile),
    /// It is the same version, but another file, another key, or another architecture.
    Changed(PackageFile, PackageFile),
}

/// A package and the file it was.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct PackageFile {
    /// The package.
    pub nevra: Nevra,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// The key that it was chosen for, if signatures mattered.
    pub sigkey: Option<String>,
}

impl Change {
    /// What it is called: `added`, `removed`, `upgraded`, `downgraded`, `changed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Removed(_) => "removed",
            Self::Upgraded(..) => "upgraded",
            Self::Downgraded(..) => "downgraded",
            Self::Changed(..) => "changed",
        }
    }

    /// What was there.
    pub fn before(&self) -> Option<&PackageFile> {
        match self {
            Self::Added(_) => None,
            Self::Removed(before)
            | Self::Upgraded(before, _)
            | Self::Downgraded(before, _)
            | Self::Changed(before, _) => Some(before),
        }
    }

    /// What is there instead.
    pub fn after(&self) -> Option<&PackageFile> {
        match self {
            Self::Removed(_) => None,
            Self::Added(after)
            | Self::Upgraded(_, after)
            | Self::Downgraded(_, after)
            | Self::Changed(_, after) => Some(after),
        }
    }

    /// `None` if there is no difference.
    fn between(before: Option<&ManifestPackage>, after: Option<&ManifestPackage>) -> Option<Self> {
        let (before, after) = match (before.map(file), after.map(file)) {
            (None, None) => return None,
            (None, Some(after)) => return Some(Self::Added(after)),
            (Some(before), None) => return Some(Self::Removed(before)),
            (Some(before), Some(after)) => (before, after),
        };
        // What is spelled differently is no newer for that.
        let order = |a: &Evr, b: &Evr| {
            a.epoch()
                .cmp(&b.epoch())
                .then_with(|| compare_versions(a.version(), b.version()))
                .then_with(|| compare_versions(a.release(), b.release()))
        };
        let order = order(before.nevra.evr(), after.nevra.evr());
        if order.is_lt() {
            Some(Self::Upgraded(before, after))
        } else if order.is_gt() {
            Some(Self::Downgraded(before, after))
        } else {
            (before != after).then_some(Self::Changed(before, after))
        }
    }
}

fn file(package: &ManifestPackage) -> PackageFile {
    PackageFile {
        nevra: package.nevra.clone(),
        size: package.size,
        digest: package.digest.clone(),
        sigkey: package.sigkey.clone(),
    }
}

/// The packages of one name in one tree.
type Versions<'a> = BTreeMap<&'a Nevra, &'a ManifestPackage>;

/// By kind, arch and name.
type Trees<'a> = BTreeMap<(PackageKind, &'a TreeArch, &'a PackageName), Versions<'a>>;

impl Difference {
    /// What is different after, compared with before.
    pub fn between(before: &Manifest, after: &Manifest) -> Self {
        let (before, after) = (trees(before), trees(after));
        let places: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let nothing = Versions::new();
        let mut found: BTreeMap<_, Vec<TreeArch>> = BTreeMap::new();
        for place in places {
            let (before, after) = (before.get(place), after.get(place));
            let (kind, arch, name) = *place;
            for (before, after) in pairs(before.unwrap_or(&nothing), after.unwrap_or(&nothing)) {
                if let Some(change) = Change::between(before, after) {
                    found.entry((kind, name, change)).or_default().push(arch.clone());
                }
            }
        }
        let packages = found
            .into_iter()
            .map(|((kind, name, change), arches)| PackageDifference {
                kind,
                name: name.clone(),
                change,
                arches,
            });
        Self {
            packages: packages.collect(),
        }
    }

    /// Whether both composes have the same packages.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }
}

fn trees(manifest: &Manifest) -> Trees<'_> {
    let mut trees = Trees::new();
    for package in &manifest.packages {
        for arch in &package.arches {
            let place = (package.kind, arch, package.nevra.name());
            let versions = trees.entry(place).or_default();
            versions.insert(&package.nevra, package);
        }
    }
    trees
}

type Pair<'a> = (Option<&'a ManifestPackage>, Option<&'a ManifestPackage>);

/// Each package with its counterpart, as [`Difference`] says.
fn pairs<'a>(before: &Versions<'a>, after: &Versions<'a>) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    let mut left = Left::default();
    for nevra in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        match (before.get(nevra).copied(), after.get(nevra).copied()) {
            (Some(before), Some(after)) => pairs.push((Some(before), Some(after))),
            (before, after) => {
                left.before.extend(before);
                left.after.extend(after);
            }
        }
    }
    let arches: BTreeSet<_> = left
        .before
        .iter()
        .chain(&left.after)
        .map(|it| class(it))
        .collect();
    for arch in arches {
        left.pair(&mut pairs, |it| class(it) == arch, |it| class(it) == arch);
    }
    let is_noarch = |it: &ManifestPackage| it.nevra.arch().is_noarch();
    left.pair(&mut pairs, is_noarch, |it| !is_noarch(it));
    left.pair(&mut pairs, |it| !is_noarch(it), is_noarch);
    pairs.extend(left.before.into_iter().map(|it| (Some(it), None)));
    pairs.extend(left.after.into_iter().map(|it| (None, Some(it))));
    pairs
}

/// Repodata calls every source package `src`.
fn class(package: &ManifestPackage) -> &str {
    let arch = package.nevra.arch();
    if arch.is_source() { "src" } else { arch.as_str() }
}

/// The packages of one name that have no counterpart yet.
#[derive(Default)]
struct Left<'a> {
    before: Vec<&'a ManifestPackage>,
    after: Vec<&'a ManifestPackage>,
}

impl<'a> Left<'a> {
    /// Makes pairs of some with some, newest first.
    fn pair(
        &mut self,
        pairs: &mut Vec<Pair<'a>>,
        of_before: impl Fn(&ManifestPackage) -> bool,
        of_after: impl Fn(&ManifestPackage) -> bool,
    ) {
        let mut before = taken(&mut self.before, of_before);
        let mut after = taken(&mut self.after, of_after);
        let surplus = before.len().abs_diff(after.len());
        // The oldest ones go without.
        if before.len() > after.len() {
            self.before.extend(before.drain(..surplus));
        } else {
            self.after.extend(after.drain(..surplus));
        }
        pairs.extend(before.into_iter().zip(after).map(|(a, b)| (Some(a), Some(b))));
    }
}

/// Those that fit, oldest first.
fn taken<'a>(
    left: &mut Vec<&'a ManifestPackage>,
    fits: impl Fn(&ManifestPackage) -> bool,
) -> Vec<&'a ManifestPackage> {
    let (mut taken, others): (Vec<_>, _) = std::mem::take(left).into_iter().partition(|it| fits(it));
    *left = others;
    taken.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    taken
}

#[cfg(test)]
mod tests;
