//! The plain selection by name, without dependencies.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Request;
use super::input::plainness;
use super::pattern::NamePattern;
use super::reason::{Brought, Reason, Why};
use super::result::{Flag, Flags, Gathered, Member};
use super::set::{Entry, Origin, PackageSet};
use super::table::{Column, Id as _, IdSet, PackageId};
use super::view::classes;
use crate::arch::ArchClass;
use crate::{Arch, PackageKind, PackagePattern, TreeArch};

/// Selects packages by name alone: the way of the request flag `no_deps`.
///
/// All versions in the package set are taken; lookaside plays no part. With [`Request::Packages`],
/// where `*` is the only wildcard and a debug package's name matches nothing, the binaries of exactly
/// the tree's arch or `noarch`; with [`Request::Everything`] those of every arch that can stand in the
/// tree. To them come their source packages, and the debug packages that were built together with one
/// of them for its arch, or for another of the same family (i586 and i686).
pub fn select(set: &PackageSet, request: &Request, arch: &TreeArch) -> Gathered {
    let mut selection = Selection {
        set,
        classes: classes(set, arch),
        found: IdSet::new(set.len()),
        members: Vec::new(),
        binaries: Vec::new(),
    };
    let mut unmatched = BTreeSet::new();
    match request {
        Request::Everything => {
            for (id, entry) in set.entries() {
                if set.arch(entry).is_some_and(|own| arch.admits(own)) {
                    selection.add_binary(id, entry, Why::Everything);
                }
            }
        }
        Request::Packages(patterns) => {
            // The first reason stays.
            let mut plainest: Vec<&PackagePattern> = patterns.iter().collect();
            plainest.sort_by_key(|pattern| plainness(pattern));
            for pattern in plainest {
                let mut any = false;
                for id in set.named(NamePattern::Star(pattern.as_str())).flatten() {
                    let Some(entry) = set.entry(id) else { continue };
                    let is_of_tree = |own: &Arch| own.is_noarch() || own.as_str() == arch.as_str();
                    if set.arch(entry).is_some_and(is_of_tree) {
                        any |= selection.add_binary(id, entry, Why::Asked(pattern.clone()));
                    }
                }
                if !any {
                    unmatched.insert(pattern);
                }
            }
        }
    }
    selection.binaries.sort_unstable();
    selection.add_built_together();
    selection.members.sort_by_key(|(id, _)| *id);
    let asked: &[PackagePattern] = match request {
        Request::Everything => &[],
        Request::Packages(patterns) => patterns,
    };
    Gathered {
        members: selection.members.into_iter().map(|(_, member)| member).collect(),
        unmatched: asked
            .iter()
            .filter(|pattern| unmatched.contains(pattern))
            .cloned()
            .collect(),
        ..Gathered::default()
    }
}

struct Selection<'a> {
    set: &'a PackageSet,
    classes: Column<super::table::ArchId, ArchClass>,
    found: IdSet<PackageId>,
    members: Vec<(PackageId, Member)>,
    binaries: Vec<PackageId>,
}

impl<'a> Selection<'a> {
    /// Selects a binary of the package set. Returns whether it is one.
    fn add_binary(&mut self, id: PackageId, entry: Entry, why: Why) -> bool {
        let is_one = entry.kind == PackageKind::Binary && entry.origin == Origin::PackageSet;
        if is_one && self.add(id, entry, why) {
            self.binaries.push(id);
        }
        is_one
    }

    fn add_built_together(&mut self) {
        let set = self.set;
        for by in std::mem::take(&mut self.binaries) {
            let Some(entry) = set.entry(by) else { continue };
            let Some(package) = set.made(by) else { continue };
            let why = |reason| {
                Why::Brought(Brought {
                    by: Arc::clone(package),
                    origin: entry.origin,
                    reason,
                })
            };
            for (id, source) in self.ours(set.source_packages(entry.source)) {
                self.add(id, source, why(Reason::SourceOf));
            }
            for (id, debug) in self.ours(set.debug_built_from(entry.source)) {
                if self.is_compatible(debug, entry) {
                    self.add(id, debug, why(Reason::DebugOf));
                }
            }
        }
    }

    /// Those of the package set.
    fn ours<I: Iterator<Item = PackageId>>(
        &self,
        ids: I,
    ) -> impl Iterator<Item = (PackageId, Entry)> + use<'a, I> {
        let set = self.set;
        ids.filter_map(|id| Some((id, set.entry(id)?)))
            .filter(|(_, entry)| entry.origin == Origin::PackageSet)
    }

    /// Whether a debug package fits a binary. One without an arch fits all that have one.
    fn is_compatible(&self, debug: Entry, binary: Entry) -> bool {
        if self.set.is_noarch(binary) {
            return false;
        }
        let class = |entry: Entry| self.classes.get(entry.arch);
        self.set.is_noarch(debug)
            || matches!(
                (class(debug), class(binary)),
                (Some(ArchClass::Native(_)), Some(ArchClass::Native(_)))
                    | (Some(ArchClass::Multilib(_)), Some(ArchClass::Multilib(_)))
            )
    }

    fn add(&mut self, id: PackageId, entry: Entry, why: Why) -> bool {
        let is_new = self.found.insert(id);
        if is_new && let Some(package) = self.set.made(id) {
            let mut flags = Flags::default();
            if why.brought().is_none() {
                flags.set(Flag::Input);
            }
            let member = Member {
                package: Arc::clone(package),
                number: id.number(),
                origin: entry.origin,
                kind: entry.kind,
                flags,
                why,
            };
            self.members.push((id, member));
        }
        is_new
    }
}
