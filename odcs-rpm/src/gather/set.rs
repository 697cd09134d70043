//! The packages that a compose can be made from, indexed.

use std::sync::Arc;

use super::brief::Brief;
use super::build::{Multilib, SetBuilder};
use super::index::Index;
use super::made::Made;
use super::pattern::NamePattern;
use super::stored::{Part, Stored, StoredRows, StoredVarints};
use super::table::{ArchId, Column, Id as _, NameId, PackageId, SourceId, TextId, VersionId};
use crate::{Arch, Nevra, Package, PackageKind, Result};

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
/// What packages require and offer is all in the indexes: the packages themselves may be
/// [brief](Self::is_brief). [`encode`](Self::encode) writes a set down.
///
/// ```
/// use odcs_rpm::gather::PackageSet;
///
/// let set = PackageSet::new(Vec::new(), Vec::new())?;
/// assert!(set.is_empty());
/// assert!(PackageSet::decode(&set.encode())?.is_empty());
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Debug)]
pub struct PackageSet {
    /// What [`encode`](Self::encode) gives, and all tables but the smallest stand on.
    pub(super) bytes: Part,
    /// Without their origins.
    pub(super) entries: Stored<PackageId, Entry>,
    /// Nothing if there is no lookaside.
    pub(super) origins: Stored<PackageId, Origin>,
    pub(super) made: Made,
    /// Of each package a [`Brief`], then the keys it is signed with.
    pub(super) briefs: StoredVarints<PackageId>,
    /// In order of names.
    pub(super) names: Stored<NameId, Name>,
    pub(super) arches: Column<ArchId, Arch>,
    /// File names.
    pub(super) source_rpms: Stored<SourceId, TextId>,
    /// Binary packages built from a source RPM.
    pub(super) binaries: StoredRows<SourceId, PackageId>,
    /// Debug packages built from it.
    pub(super) debug: StoredRows<SourceId, PackageId>,
    /// The source packages a source RPM's file name means.
    pub(super) sources: StoredRows<SourceId, PackageId>,
    pub(super) index: Index,
    pub(super) is_brief: bool,
}

/// A package of a set, with what gathering asks most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: NameId,
    pub(super) origin: Origin,
    pub(super) kind: PackageKind,
    pub(super) multilib: Multilib,
    pub(super) arch: ArchId,
    pub(super) version: VersionId,
    /// What it was built from; none for source packages and where the package does not say.
    pub(super) source: Option<SourceId>,
}

/// A name. The packages that have it follow each other, from where those of the name before it end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) text: TextId,
    pub(super) end: u32,
}

impl PackageSet {
    /// Indexes the packages of the package set, and those of each lookaside repository.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) for more than about two thousand million packages or dependencies.
    pub fn new(packages: Vec<Arc<Package>>, lookaside: Vec<Vec<Arc<Package>>>) -> Result<Self> {
        let mut builder = Self::builder();
        let origins = std::iter::once(Origin::PackageSet).chain((0..).map(Origin::Lookaside));
        for (packages, origin) in std::iter::once(packages).chain(lookaside).zip(origins) {
            for package in packages {
                builder.add_of(&package, Some(Arc::clone(&package)), origin);
            }
        }
        builder.finish()
    }

    /// Builds a set from packages that are known one at a time.
    pub fn builder() -> SetBuilder {
        SetBuilder::new()
    }

    /// How many packages it holds, of all kinds and origins.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no package.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its packages lack their dependencies and files. Gathering does without; checks of what was gathered
    /// do not.
    pub fn is_brief(&self) -> bool {
        self.is_brief
    }

    /// All packages with their origins, sorted by NEVRA, then origin.
    pub fn packages(&self) -> impl Iterator<Item = (&Arc<Package>, Origin)> {
        self.entries()
            .filter_map(|(id, entry)| Some((self.made(id)?, entry.origin)))
    }

    /// The package with this number: its place in the order of [`packages`](Self::packages). Numbers are below
    /// [`len`](Self::len).
    pub fn package(&self, number: u32) -> Option<&Arc<Package>> {
        self.made(PackageId::from_number(number))
    }

    /// The number of a package that is of no lookaside repository.
    pub fn number(&self, nevra: &Nevra) -> Option<u32> {
        let evr = nevra.evr();
        let wanted = (evr.epoch(), evr.version(), evr.release());
        let mut ids = self.exactly_named(nevra.name().as_str());
        let id = ids.find(|&id| {
            self.evr(id) == wanted
                && self.entry(id).is_some_and(|entry| {
                    entry.origin == Origin::PackageSet && self.arch(entry) == Some(nevra.arch())
                })
        });
        id.map(PackageId::number)
    }

    pub(super) fn made(&self, id: PackageId) -> Option<&Arc<Package>> {
        self.made.get_or_make(id, || self.make(id).map(Arc::new))
    }

    fn make(&self, id: PackageId) -> Option<Package> {
        let entry = self.entry(id)?;
        let name = self.name(entry).parse().ok()?;
        let arch = self.arch(entry)?.clone();
        let mut numbers = self.briefs.row(id);
        Brief::read(&mut numbers)?.package(name, arch, numbers, &self.index.texts)
    }

    pub(super) fn entry(&self, id: PackageId) -> Option<Entry> {
        let entry = self.entries.get(id)?;
        Some(match self.origins.get(id) {
            Some(origin) => Entry { origin, ..entry },
            None => entry,
        })
    }

    /// All entries with their ids.
    pub(super) fn entries(&self) -> impl Iterator<Item = (PackageId, Entry)> {
        let ids = (0..self.entries.len()).map(PackageId::from_index);
        ids.filter_map(|id| Some((id, self.entry(id)?)))
    }

    pub(super) fn name(&self, entry: Entry) -> &str {
        self.names.get(entry.name).map_or("", |name| self.text(name))
    }

    pub(super) fn arch(&self, entry: Entry) -> Option<&Arch> {
        self.arches.get(entry.arch)
    }

    pub(super) fn is_noarch(&self, entry: Entry) -> bool {
        self.arch(entry).is_some_and(Arch::is_noarch)
    }

    pub(super) fn evr(&self, id: PackageId) -> (u32, &str, &str) {
        let text = |id| self.index.texts.get(id);
        let brief = Brief::read(&mut self.briefs.row(id));
        brief.map_or((0, "", ""), |brief| {
            (brief.epoch, text(brief.version), text(brief.release))
        })
    }

    pub(super) fn arches(&self) -> &Column<ArchId, Arch> {
        &self.arches
    }

    /// Who requires and who provides what.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    pub(super) fn has_lookaside(&self) -> bool {
        self.origins.len() > 0
    }

    /// The file name of a source RPM.
    pub(super) fn source_rpm(&self, source: SourceId) -> &str {
        let name = self.source_rpms.get(source);
        name.map_or("", |name| self.index.texts.get(name))
    }

    /// Binary packages built from this source RPM.
    pub(super) fn binaries_built_from(&self, source: Option<SourceId>) -> impl Iterator<Item = PackageId> {
        let source = source.into_iter();
        source.flat_map(|source| self.binaries.row(source))
    }

    /// Debug packages built from this source RPM.
    pub(super) fn debug_built_from(&self, source: Option<SourceId>) -> impl Iterator<Item = PackageId> {
        source.into_iter().flat_map(|source| self.debug.row(source))
    }

    /// The source packages, of any origin, that this source RPM is.
    pub(super) fn source_packages(&self, source: Option<SourceId>) -> impl Iterator<Item = PackageId> {
        let source = source.into_iter();
        source.flat_map(|source| self.sources.row(source))
    }

    /// How many names there are.
    pub(super) fn name_count(&self) -> usize {
        self.names.len()
    }

    /// All packages, grouped by their names.
    pub(super) fn names(&self) -> impl Iterator<Item = impl DoubleEndedIterator<Item = PackageId>> {
        let names = (0..self.names.len()).map(NameId::from_index);
        names.map(|name| self.of_name(name))
    }

    /// The packages that have a name.
    pub(super) fn of_name(&self, name: NameId) -> impl DoubleEndedIterator<Item = PackageId> + use<> {
        let before = name.index().checked_sub(1).map(NameId::from_index);
        let end = |name| self.names.get(name).map_or(0, |name| name.end);
        (before.map_or(0, end)..end(name)).map(PackageId::from_number)
    }

    /// The packages whose name matches, grouped by their names.
    pub(super) fn named<'a>(
        &'a self,
        pattern: NamePattern<'a>,
    ) -> impl Iterator<Item = impl DoubleEndedIterator<Item = PackageId>> + 'a {
        let prefix = pattern.literal_prefix();
        let is_literal = pattern.is_literal();
        let first = self
            .names
            .partition_point(|name| self.bytes_of(name) < prefix.as_bytes());
        let candidates = (first..self.names.len()).map(NameId::from_index);
        candidates
            .map_while(move |id| {
                let name = self.text(self.names.get(id)?);
                let is_one = if is_literal {
                    name == prefix
                } else {
                    name.starts_with(prefix)
                };
                is_one.then_some((id, name))
            })
            .filter(move |(_, name)| pattern.matches(name))
            .map(|(id, _)| self.of_name(id))
    }

    /// The packages of exactly this name.
    pub(super) fn exactly_named(&self, name: &str) -> impl DoubleEndedIterator<Item = PackageId> + use<> {
        let first = self
            .names
            .partition_point(|own| self.bytes_of(own) < name.as_bytes());
        let found = Some(NameId::from_index(first));
        let found = found.filter(|id| self.names.get(*id).is_some_and(|own| self.text(own) == name));
        let ids = found.map(|id| self.of_name(id));
        ids.into_iter().flatten()
    }

    /// The bytes of a name, which are ordered as names are.
    fn bytes_of(&self, name: Name) -> &[u8] {
        self.index.texts.bytes(name.text)
    }

    fn text(&self, name: Name) -> &str {
        self.index.texts.get(name.text)
    }
}

/// Name, version and release out of `NAME-VERSION-RELEASE.src.rpm` (or `.nosrc.rpm`).
pub(super) fn split_source_rpm(file_name: &str) -> Option<(&str, &str, &str)> {
    let (stem, arch) = file_name.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    matches!(arch, "src" | "nosrc").then_some((name, version, release))
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
