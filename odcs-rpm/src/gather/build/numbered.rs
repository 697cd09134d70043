//! Numbering sorted packages, and what they have in common.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Added;
use super::assemble::Indexed;
use super::kept::Kept;
use crate::gather::codec::Tables;
use crate::gather::set::{Entry, Name, PackageSet, split_source_rpm};
use crate::gather::table::{
    ArchId, Column, Id as _, NameId, PackageId, RangeId, Rows, SourceId, TextId, VersionId,
};
use crate::gather::texts::Texts;
use crate::gather::varints;
use crate::{Arch, Package, PackageKind};

/// Packages in the order of a set. Texts and ranges are those of the set, except where something is called `old`.
pub(super) struct Numbered {
    entries: Column<PackageId, Entry>,
    /// Packages that were given.
    given: Vec<(PackageId, Arc<Package>)>,
    /// Each a [`Brief`], then the keys it is signed with.
    briefs: Rows<PackageId, u8>,
    /// The version and release of each source package, and what it is.
    built: Vec<(PackageId, NameId, TextId, TextId)>,
    names: Column<NameId, Name>,
    arches: Column<ArchId, Arch>,
    source_rpms: Column<SourceId, TextId>,
    source_ids: HashMap<TextId, SourceId>,
    versions: usize,
    /// Name and version of the package before, as the builder numbered them.
    old_version: Option<(TextId, RangeId)>,
}

impl Numbered {
    pub(super) fn new() -> Self {
        Self {
            entries: Column::new(),
            given: Vec::new(),
            briefs: Rows::empty(),
            built: Vec::new(),
            names: Column::new(),
            arches: Column::new(),
            source_rpms: Column::new(),
            source_ids: HashMap::new(),
            versions: 0,
            old_version: None,
        }
    }

    pub(super) fn add(&mut self, package: &Added, arch: &Arch, signatures: &[TextId], kept: &mut Kept<'_>) {
        let id = PackageId::from_index(self.entries.len());
        let name = self.name(id, kept.text(package.name));
        let version = (package.name, package.own);
        if self
            .old_version
            .replace(version)
            .is_some_and(|old| old != version)
        {
            self.versions += 1;
        }
        let known = self
            .arches
            .iter()
            .find(|(_, known)| *known == arch)
            .map(|(id, _)| id);
        let arch = known.unwrap_or_else(|| self.arches.push(arch.clone()));
        let brief = kept.brief(package.brief);
        // Some repositories give source packages a source RPM, too: their own name.
        let source_rpm = brief.source_rpm.filter(|_| package.kind != PackageKind::Source);
        let source = source_rpm.filter(|text| !kept.texts.get(*text).is_empty());
        let source = source.map(|text| {
            let Self {
                source_ids,
                source_rpms,
                ..
            } = self;
            *source_ids.entry(text).or_insert_with(|| source_rpms.push(text))
        });
        brief.write(&mut self.briefs);
        for &key in signatures {
            varints::push(&mut self.briefs, kept.text(key).number().into());
        }
        self.briefs.end_row();
        if package.kind == PackageKind::Source {
            self.built.push((id, name, brief.version, brief.release));
        }
        if let Some(package) = &package.kept {
            self.given.push((id, Arc::clone(package)));
        }
        self.entries.push(Entry {
            name,
            origin: package.origin,
            kind: package.kind,
            multilib: package.multilib,
            arch,
            version: VersionId::from_index(self.versions),
            source,
        });
    }

    fn name(&mut self, id: PackageId, text: TextId) -> NameId {
        let last = self.names.len().checked_sub(1).map(NameId::from_index);
        if let Some(last) = last
            && let Some(name) = self.names.get_mut(last)
            && name.text == text
        {
            name.end = id.number() + 1;
            return last;
        }
        self.names.push(Name {
            text,
            end: id.number() + 1,
        })
    }

    /// The set; `None` only if there is a mistake here.
    pub(super) fn finish(self, index: &Indexed, is_brief: bool) -> Option<PackageSet> {
        let built = |kind| {
            let of_kind = self.entries.iter().filter(|(_, entry)| entry.kind == kind);
            let pairs: Vec<_> = of_kind
                .filter_map(|(id, entry)| Some((entry.source?, id)))
                .collect();
            Rows::new(self.source_rpms.len(), &pairs)
        };
        let tables = Tables {
            texts: &index.texts,
            arches: &self.arches,
            source_rpms: &self.source_rpms,
            names: &self.names,
            entries: &self.entries,
            briefs: &self.briefs,
            binaries: &built(PackageKind::Binary),
            debug: &built(PackageKind::Debug),
            sources: &self.sources(&index.texts),
            ranges: &index.ranges,
            requirements: &index.requirements,
            operands: &index.operands,
            requires: &index.requires,
            offers: &index.offers,
        };
        let mut set = PackageSet::from_encoded(tables.encode()).ok()?;
        for (id, package) in self.given {
            set.made.put(id, package);
        }
        set.is_brief = is_brief;
        Some(set)
    }

    /// The source packages with the name, version and release of each source RPM's file name. `nosrc` packages have
    /// the arch `src` in repodata, so the arch does not count.
    fn sources(&self, texts: &Texts) -> Rows<SourceId, PackageId> {
        let mut known: HashMap<_, Vec<PackageId>> = HashMap::new();
        for &(id, name, version, release) in &self.built {
            if let Some(name) = self.names.get(name) {
                let key = (texts.get(name.text), texts.get(version), texts.get(release));
                known.entry(key).or_default().push(id);
            }
        }
        let mut sources = Rows::empty();
        for file_name in self.source_rpms.as_slice() {
            let found = split_source_rpm(texts.get(*file_name)).and_then(|key| known.get(&key));
            found.into_iter().flatten().for_each(|id| sources.push(*id));
            sources.end_row();
        }
        sources
    }
}
