//! The packages that a compose can be made from, indexed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::index::{Index, Scope};
use super::pattern::NamePattern;
use super::table::{ArchId, Column, Id as _, NameId, PackageId, Rows, SourceId, VersionId};
use crate::{Arch, Error, Package, PackageKind, Result};

/// How many packages, requirements or provides a set may have: all are numbered with 32 bits.
pub(super) const MAX_ROWS: usize = u32::MAX as usize / 2;

/// Where a package of a set came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Origin {
    /// What the compose is made of.
    PackageSet,
    /// A lookaside repository, by its place among them: satisfies dependencies, never enters the
    /// compose.
    Lookaside(u32),
}

impl Origin {
    /// Whether this is a lookaside repository.
    pub fn is_lookaside(self) -> bool {
        matches!(self, Self::Lookaside(_))
    }
}

/// Everything that packages can be gathered from, of all architectures, with the indexes for it.
/// Built once, used for every tree arch.
///
/// A package is told apart by its NEVRA *and* its origin: the same one may be package set and
/// lookaside at once. Of packages that agree in both, the first one given stays.
///
/// ```
/// use odcs_rpm::gather::PackageSet;
///
/// let set = PackageSet::new(Vec::new(), Vec::new())?;
/// assert!(set.is_empty());
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Debug)]
pub struct PackageSet {
    entries: Column<PackageId, Entry>,
    /// The packages of each name; names ascend.
    names: Column<NameId, Range<u32>>,
    arches: Column<ArchId, Arch>,
    source_rpms: Column<SourceId, Box<str>>,
    /// Binary packages built from a source RPM.
    binaries: Rows<SourceId, PackageId>,
    /// Debug packages built from it.
    debug: Rows<SourceId, PackageId>,
    /// The source packages a source RPM's file name means.
    sources: Rows<SourceId, PackageId>,
    index: Index,
    /// The same with build requirements, made when somebody asks for them: few do.
    build_index: OnceLock<Index>,
    has_lookaside: bool,
}

/// A package of a set, with what gathering asks most.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) package: Arc<Package>,
    pub(super) origin: Origin,
    pub(super) kind: PackageKind,
    pub(super) arch: ArchId,
    pub(super) version: VersionId,
    /// What it was built from; none for source packages and where the package does not say.
    pub(super) source: Option<SourceId>,
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        self.package.nevra.name().as_str()
    }
}

impl PackageSet {
    /// Indexes the packages of the package set, and those of each lookaside repository.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than about two thousand million packages or dependencies.
    pub fn new(packages: Vec<Arc<Package>>, lookaside: Vec<Vec<Arc<Package>>>) -> Result<Self> {
        let has_lookaside = lookaside.iter().any(|repository| !repository.is_empty());
        let mut all: Vec<(Arc<Package>, Origin)> = packages
            .into_iter()
            .map(|package| (package, Origin::PackageSet))
            .collect();
        for (repository, number) in lookaside.into_iter().zip(0..) {
            let origin = Origin::Lookaside(number);
            all.extend(repository.into_iter().map(|package| (package, origin)));
        }
        check_size(&all)?;
        all.par_sort_by(|(left, left_origin), (right, right_origin)| {
            (&left.nevra, left_origin).cmp(&(&right.nevra, right_origin))
        });
        all.dedup_by(|later, first| later.1 == first.1 && later.0.nevra == first.0.nevra);

        let (entries, arches, source_rpms) = number(all);
        let built = |kind| {
            let of_kind = entries.iter().filter(|(_, entry)| entry.kind == kind);
            let pairs: Vec<_> = of_kind
                .filter_map(|(id, entry)| Some((entry.source?, id)))
                .collect();
            Rows::new(source_rpms.len(), &pairs)
        };
        let mut set = Self {
            index: Index::new(&entries, Scope::Installing),
            build_index: OnceLock::new(),
            names: ranges_of_names(&entries),
            binaries: built(PackageKind::Binary),
            debug: built(PackageKind::Debug),
            sources: Rows::new(0, &[]),
            entries,
            arches,
            source_rpms,
            has_lookaside,
        };
        let sources: Vec<_> = set
            .source_rpms
            .iter()
            .flat_map(|(source, file_name)| set.find_source(file_name).map(move |id| (source, id)))
            .collect();
        set.sources = Rows::new(set.source_rpms.len(), &sources);
        Ok(set)
    }

    /// How many packages it holds, of all kinds and origins.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no package.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All packages with their origins, sorted by NEVRA, then origin.
    pub fn packages(&self) -> impl Iterator<Item = (&Arc<Package>, Origin)> {
        self.entries.as_slice().iter().map(|e| (&e.package, e.origin))
    }

    pub(super) fn entry(&self, id: PackageId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn entries(&self) -> &Column<PackageId, Entry> {
        &self.entries
    }

    pub(super) fn arches(&self) -> &Column<ArchId, Arch> {
        &self.arches
    }

    /// Who requires and who provides what; with what source packages require to be built if asked.
    pub(super) fn index(&self, for_building: bool) -> &Index {
        if for_building {
            self.build_index
                .get_or_init(|| Index::new(&self.entries, Scope::Building))
        } else {
            &self.index
        }
    }

    pub(super) fn has_lookaside(&self) -> bool {
        self.has_lookaside
    }

    /// The file name of a source RPM.
    pub(super) fn source_rpm(&self, source: SourceId) -> &str {
        self.source_rpms.get(source).map_or("", |name| name)
    }

    /// Binary packages built from this source RPM.
    pub(super) fn binaries_built_from(&self, source: Option<SourceId>) -> &[PackageId] {
        source.map_or(&[], |source| self.binaries.row(source))
    }

    /// Debug packages built from this source RPM.
    pub(super) fn debug_built_from(&self, source: Option<SourceId>) -> &[PackageId] {
        source.map_or(&[], |source| self.debug.row(source))
    }

    /// The source packages, of any origin, that this source RPM is.
    pub(super) fn source_packages(&self, source: Option<SourceId>) -> &[PackageId] {
        source.map_or(&[], |source| self.sources.row(source))
    }

    /// All packages, grouped by their names.
    pub(super) fn names(
        &self,
    ) -> impl DoubleEndedIterator<Item = impl DoubleEndedIterator<Item = PackageId>> {
        self.names.iter().map(|(_, range)| ids(range))
    }

    /// The packages whose name matches, grouped by their names.
    pub(super) fn named<'a>(
        &'a self,
        pattern: NamePattern<'a>,
    ) -> impl Iterator<Item = impl DoubleEndedIterator<Item = PackageId>> + 'a {
        let names = self.names.as_slice();
        let prefix = pattern.literal_prefix();
        let is_literal = pattern.is_literal();
        let first = names.partition_point(|range| self.name_of(range) < prefix);
        let candidates = names.get(first..).unwrap_or_default();
        candidates
            .iter()
            .take_while(move |range| {
                let name = self.name_of(range);
                if is_literal {
                    name == prefix
                } else {
                    name.starts_with(prefix)
                }
            })
            .filter(move |range| pattern.matches(self.name_of(range)))
            .map(ids)
    }

    /// The packages of exactly this name.
    pub(super) fn exactly_named(&self, name: &str) -> impl DoubleEndedIterator<Item = PackageId> + use<> {
        let names = self.names.as_slice();
        let found = names.binary_search_by(|range| self.name_of(range).cmp(name));
        let range = found.ok().and_then(|at| names.get(at));
        range.map_or_else(|| ids(&(0..0)), ids)
    }

    fn name_of(&self, range: &Range<u32>) -> &str {
        let first = ids(range).next();
        first.and_then(|id| self.entry(id)).map_or("", Entry::name)
    }

    /// The source packages with the name, version and release of this file name. `nosrc` packages
    /// have the arch `src` in repodata, so the arch does not count.
    fn find_source(&self, file_name: &str) -> impl Iterator<Item = PackageId> {
        let (name, version, release) = split_source_rpm(file_name).unwrap_or_default();
        self.exactly_named(name).filter(move |&id| {
            self.entry(id).is_some_and(|entry| {
                let evr = entry.package.nevra.evr();
                entry.kind == PackageKind::Source && evr.version() == version && evr.release() == release
            })
        })
    }
}

fn ids(range: &Range<u32>) -> impl DoubleEndedIterator<Item = PackageId> + use<> {
    range.clone().map(|id| PackageId::from_index(id as usize))
}

fn check_size(all: &[(Arc<Package>, Origin)]) -> Result<()> {
    let rows = all.iter().map(|(package, _)| {
        1 + package
            .requires
            .len()
            .max(package.provides.len())
            .max(package.files.len())
    });
    if rows.fold(0, usize::saturating_add) > MAX_ROWS {
        return Err(Error::TooLarge {
            what: "the package set with its dependencies and files".into(),
            limit: MAX_ROWS as u64,
        });
    }
    Ok(())
}

/// Name, version and release out of `NAME-VERSION-RELEASE.src.rpm` (or `.nosrc.rpm`).
pub(super) fn split_source_rpm(file_name: &str) -> Option<(&str, &str, &str)> {
    let (stem, arch) = file_name.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    matches!(arch, "src" | "nosrc").then_some((name, version, release))
}

/// Numbers sorted packages, and the arches and source RPMs they name.
#[allow(clippy::type_complexity)]
fn number(
    all: Vec<(Arc<Package>, Origin)>,
) -> (
    Column<PackageId, Entry>,
    Column<ArchId, Arch>,
    Column<SourceId, Box<str>>,
) {
    let mut arches: Column<ArchId, Arch> = Column::new();
    let mut source_rpms: Column<SourceId, Box<str>> = Column::new();
    let mut source_ids: HashMap<Box<str>, SourceId> = HashMap::new();
    let mut entries: Column<PackageId, Entry> = Column::new();
    let mut version = 0;
    let mut previous: Option<Arc<Package>> = None;
    for (package, origin) in all {
        let nevra = &package.nevra;
        let is_next = previous
            .as_ref()
            .is_some_and(|p| p.nevra.name() != nevra.name() || p.nevra.evr() != nevra.evr());
        version += usize::from(is_next);
        let arch = arches
            .iter()
            .find(|(_, arch)| *arch == nevra.arch())
            .map(|(id, _)| id);
        let arch = arch.unwrap_or_else(|| arches.push(nevra.arch().clone()));
        let kind = package.kind();
        // Some repositories give source packages a source RPM, too: their own name.
        let source_rpm = package
            .source_rpm
            .as_ref()
            .filter(|_| kind != PackageKind::Source);
        let source = source_rpm.filter(|name| !name.is_empty()).map(|name| {
            source_ids.get(name).copied().unwrap_or_else(|| {
                let id = source_rpms.push(name.clone());
                source_ids.insert(name.clone(), id);
                id
            })
        });
        previous = Some(package.clone());
        entries.push(Entry {
            package,
            origin,
            kind,
            arch,
            version: VersionId::from_index(version),
            source,
        });
    }
    (entries, arches, source_rpms)
}

fn ranges_of_names(entries: &Column<PackageId, Entry>) -> Column<NameId, Range<u32>> {
    let mut end = 0;
    entries
        .as_slice()
        .chunk_by(|left, right| left.name() == right.name())
        .map(|chunk| {
            let start = end;
            // Cannot saturate: `check_size` has bounded the number of packages.
            end += u32::try_from(chunk.len()).unwrap_or(0);
            start..end
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_rpms_split_from_the_right() {
        assert_eq!(
            split_source_rpm("gcc-c++-9.5-1.fc1.nosrc.rpm"),
            Some(("gcc-c++", "9.5", "1.fc1"))
        );
        for odd in [
            "",
            "gcc.src.rpm",
            "gcc-9.src.rpm",
            "gcc-9-1.x86_64.rpm",
            "gcc-9-1.src",
        ] {
            assert_eq!(split_source_rpm(odd), None, "{odd}");
        }
    }
}
