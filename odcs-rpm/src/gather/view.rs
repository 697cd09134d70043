//! What one gather sees of a package set.

use super::Options;
use super::pattern::{Excluded, NamePattern, Wanted};
use super::set::{Entry, PackageSet};
use super::table::{ArchId, Column, IdSet, NameId, PackageId};
use crate::arch::ArchClass;
use crate::{PackageKind, TreeArch};

/// The packages of a set as one tree arch and one request see them. What nobody asks about is not looked at.
pub(super) struct View<'a> {
    set: &'a PackageSet,
    classes: Column<ArchId, ArchClass>,
    /// What is excluded.
    hidden: IdSet<PackageId>,
    /// Of these names it is known which packages are the newest.
    known: IdSet<NameId>,
    /// Of the packages of known names that are present, the newest of each arch.
    newest: IdSet<PackageId>,
}

impl<'a> View<'a> {
    pub(super) fn new(set: &'a PackageSet, options: &Options, wanted: &[Wanted<'_>]) -> Self {
        let view = Self {
            set,
            classes: classes(set, &options.arch),
            hidden: IdSet::new(set.len()),
            known: IdSet::new(set.name_count()),
            newest: IdSet::new(set.len()),
        };
        for wanted in wanted {
            if let Wanted::Exclude(excluded) = wanted {
                view.exclude(excluded);
            }
        }
        for pattern in &options.multilib_blacklist {
            view.hide(NamePattern::Shell(pattern.as_str()), |entry| {
                view.is_multilib(entry) && entry.kind == PackageKind::Binary
            });
        }
        view
    }

    fn exclude(&self, excluded: &Excluded<'_>) {
        let (pattern, kind, multilib_only) = match *excluded {
            Excluded::Binary(pattern) => (pattern, PackageKind::Binary, false),
            Excluded::Multilib(pattern) => (pattern, PackageKind::Binary, true),
            Excluded::Source(pattern) => (pattern, PackageKind::Source, false),
            Excluded::Debug(pattern) => (pattern, PackageKind::Debug, false),
        };
        self.hide(pattern, |entry| {
            !entry.origin.is_lookaside() && entry.kind == kind && (!multilib_only || self.is_multilib(entry))
        });
    }

    fn hide(&self, pattern: NamePattern<'_>, is_hidden: impl Fn(Entry) -> bool) {
        for id in self.set.named(pattern).flatten() {
            if self.set.entry(id).is_some_and(&is_hidden) {
                self.hidden.insert(id);
            }
        }
    }

    /// Finds the newest packages of a name.
    fn find_newest(&self, name: NameId) {
        let mut seen = Vec::new();
        // Within a name, packages ascend by EVR.
        for id in self.set.of_name(name).rev() {
            let Some(entry) = self.present(id) else { continue };
            let newest = seen.iter().find(|(arch, _)| *arch == entry.arch);
            match newest {
                Some((_, version)) if *version != entry.version => continue,
                Some(_) => {}
                None => seen.push((entry.arch, entry.version)),
            }
            self.newest.insert(id);
        }
    }

    /// A package, if it fits the tree and is not excluded.
    fn present(&self, id: PackageId) -> Option<Entry> {
        let entry = self.set.entry(id).filter(|_| !self.hidden.contains(id))?;
        (self.class(entry) != ArchClass::Foreign).then_some(entry)
    }

    pub(super) fn class(&self, entry: Entry) -> ArchClass {
        self.classes
            .get(entry.arch)
            .copied()
            .unwrap_or(ArchClass::Foreign)
    }

    pub(super) fn is_multilib(&self, entry: Entry) -> bool {
        matches!(self.class(entry), ArchClass::Multilib(_))
    }

    /// Whether packages may be chosen from this one: the newest of its name and arch, and not
    /// excluded.
    pub(super) fn is_visible(&self, id: PackageId) -> bool {
        let Some(entry) = self.set.entry(id) else {
            return false;
        };
        if self.known.insert(entry.name) {
            self.find_newest(entry.name);
        }
        self.newest.contains(id)
    }

    /// Whether it fits the tree and is not excluded, be it the newest or not.
    pub(super) fn is_present(&self, id: PackageId) -> bool {
        self.present(id).is_some()
    }
}

/// What each arch of a set is to a tree.
pub(super) fn classes(set: &PackageSet, tree: &TreeArch) -> Column<ArchId, ArchClass> {
    let arches = set.arches().as_slice();
    arches.iter().map(|arch| tree.class_of(arch)).collect()
}
