//! What one gather sees of a package set.

use super::Options;
use super::pattern::{Excluded, NamePattern, Wanted};
use super::set::{Entry, PackageSet};
use super::table::{ArchId, Column, IdSet, PackageId};
use crate::arch::ArchClass;
use crate::{PackageKind, TreeArch};

/// The packages of a set as one tree arch and one request see them.
pub(super) struct View<'a> {
    set: &'a PackageSet,
    classes: Column<ArchId, ArchClass>,
    /// Fits the tree and is not excluded.
    present: IdSet<PackageId>,
    /// Of those, the newest of each name and arch.
    newest: IdSet<PackageId>,
}

impl<'a> View<'a> {
    pub(super) fn new(set: &'a PackageSet, options: &Options, wanted: &[Wanted<'_>]) -> Self {
        let mut view = Self {
            set,
            classes: classes(set, &options.arch),
            present: IdSet::new(set.len()),
            newest: IdSet::new(set.len()),
        };
        for (id, entry) in set.entries().iter() {
            if view.class(entry) != ArchClass::Foreign {
                view.present.insert(id);
            }
        }
        for wanted in wanted {
            if let Wanted::Exclude(excluded) = wanted {
                view.exclude(excluded);
            }
        }
        for pattern in &options.multilib_blacklist {
            view.hide(NamePattern::Shell(pattern.as_str()), |view, entry| {
                view.is_multilib(entry) && entry.kind == PackageKind::Binary
            });
        }
        view.find_newest();
        view
    }

    fn exclude(&mut self, excluded: &Excluded<'_>) {
        let (pattern, kind, multilib_only) = match *excluded {
            Excluded::Binary(pattern) => (pattern, PackageKind::Binary, false),
            Excluded::Multilib(pattern) => (pattern, PackageKind::Binary, true),
            Excluded::Source(pattern) => (pattern, PackageKind::Source, false),
            Excluded::Debug(pattern) => (pattern, PackageKind::Debug, false),
        };
        self.hide(pattern, |view, entry| {
            !entry.origin.is_lookaside() && entry.kind == kind && (!multilib_only || view.is_multilib(entry))
        });
    }

    fn hide(&mut self, pattern: NamePattern<'_>, is_hidden: impl Fn(&Self, &Entry) -> bool) {
        for id in self.set.named(pattern).flatten() {
            if self.set.entry(id).is_some_and(|entry| is_hidden(self, entry)) {
                self.present.remove(id);
            }
        }
    }

    fn find_newest(&mut self) {
        let mut seen = Vec::new();
        for name in self.set.names() {
            seen.clear();
            // Within a name, packages ascend by EVR.
            for id in name.rev().filter(|&id| self.present.contains(id)) {
                let Some(entry) = self.set.entry(id) else { continue };
                let newest = seen.iter().find(|(arch, _)| *arch == entry.arch);
                match newest {
                    Some((_, version)) if *version != entry.version => continue,
                    Some(_) => {}
                    None => seen.push((entry.arch, entry.version)),
                }
                self.newest.insert(id);
            }
        }
    }

    pub(super) fn class(&self, entry: &Entry) -> ArchClass {
        self.classes
            .get(entry.arch)
            .copied()
            .unwrap_or(ArchClass::Foreign)
    }

    pub(super) fn is_multilib(&self, entry: &Entry) -> bool {
        matches!(self.class(entry), ArchClass::Multilib(_))
    }

    /// Whether packages may be chosen from this one: the newest of its name and arch, and not
    /// excluded.
    pub(super) fn is_visible(&self, id: PackageId) -> bool {
        self.newest.contains(id)
    }

    /// Whether it fits the tree and is not excluded, be it the newest or not.
    pub(super) fn is_present(&self, id: PackageId) -> bool {
        self.present.contains(id)
    }
}

/// What each arch of a set is to a tree.
pub(super) fn classes(set: &PackageSet, tree: &TreeArch) -> Column<ArchId, ArchClass> {
    let arches = set.arches().as_slice();
    arches.iter().map(|arch| tree.class_of(arch)).collect()
}
