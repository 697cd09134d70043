//! What a gather starts with.

use super::Greedy;
use super::choice::Purpose;
use super::index::SYSTEM_RELEASE;
use super::pattern::{NamePattern, Wanted};
use super::resolve::Domain;
use super::result::Flag;
use super::run::{Cause, Run};
use super::set::Entry;
use super::table::PackageId;
use crate::{PackageKind, PackagePattern};

impl<'a> Run<'a> {
    /// Adds what the patterns of a request choose. Returns those that matched nothing.
    ///
    /// All choices are made before the first of them is a member, so that the order of the patterns
    /// does not matter.
    pub(super) fn add_wanted(
        &mut self,
        patterns: &'a [PackagePattern],
        wanted: &[Wanted<'_>],
    ) -> Vec<PackagePattern> {
        let mut chosen = Vec::new();
        let mut unmatched = Vec::new();
        for (wanted, pattern) in wanted.iter().zip(patterns) {
            let found = self.choose(*wanted);
            if found.is_empty() && !matches!(wanted, Wanted::Exclude(_)) {
                unmatched.push(pattern.clone());
            }
            chosen.extend(found.into_iter().map(|id| (plainness(pattern), id)));
        }
        // The first reason stays.
        chosen.sort_unstable();
        for ((_, pattern), id) in chosen {
            self.add_input(id, Cause::Asked(pattern));
        }
        unmatched
    }

    /// What one entry of a request chooses.
    fn choose(&self, wanted: Wanted<'_>) -> Vec<PackageId> {
        let (pattern, kind, multilib_only) = match wanted {
            Wanted::Exclude(_) => return Vec::new(),
            Wanted::Binary(NamePattern::Shell(SYSTEM_RELEASE)) if self.options.greedy == Greedy::All => {
                return self.candidates(self.index.system_release(), Domain::Binary);
            }
            Wanted::Binary(pattern) => (pattern, PackageKind::Binary, false),
            Wanted::Multilib(pattern) => (pattern, PackageKind::Binary, true),
            Wanted::Debug(pattern) => (pattern, PackageKind::Debug, false),
            Wanted::MultilibDebug(pattern) => (pattern, PackageKind::Debug, true),
        };
        let fits = |id: &PackageId| {
            self.view.is_visible(*id)
                && self.set.entry(*id).is_some_and(|entry| {
                    entry.kind == kind && (!multilib_only || self.view.is_multilib(entry))
                })
        };
        self.set
            .named(pattern)
            .flat_map(|name| self.best(name.filter(fits).collect(), Purpose::Name))
            .collect()
    }

    /// Adds the packages of every name.
    pub(super) fn add_everything(&mut self) {
        let mut chosen = Vec::new();
        for name in self.set.names() {
            let visible = name.filter_map(|id| {
                let entry = self.set.entry(id).filter(|_| self.view.is_visible(id))?;
                let is_asked = match entry.kind {
                    PackageKind::Binary => true,
                    PackageKind::Debug => !self.options.exclude_debug,
                    PackageKind::Source => false,
                };
                is_asked.then_some((id, entry))
            });
            let visible: Vec<(PackageId, Entry)> = visible.collect();
            // Names that only lookaside has would bring nothing that enters the compose.
            if visible.iter().any(|(_, entry)| !entry.origin.is_lookaside()) {
                let candidates = visible.into_iter().map(|(id, _)| id).collect();
                chosen.extend(self.best(candidates, Purpose::Name));
            }
        }
        for id in chosen {
            self.add_input(id, Cause::Everything);
        }
    }

    fn add_input(&mut self, id: PackageId, cause: Cause<'a>) {
        self.flag(id, Flag::Input);
        self.add(id, cause);
    }

    /// Adds what an earlier compose had.
    pub(super) fn prepopulate(&mut self) {
        let mut chosen = Vec::new();
        for wanted in &self.options.prepopulate {
            let candidates = self.visible_binaries(wanted.name.as_str());
            let of_arch = candidates.into_iter().filter(|&id| {
                let entry = self.set.entry(id);
                entry.is_some_and(|entry| self.set.arch(entry) == Some(&wanted.arch))
            });
            chosen.extend(self.best(of_arch.collect(), Purpose::Name));
        }
        for id in chosen {
            self.flag(id, Flag::Prepopulate);
            self.add(id, Cause::Prepopulated);
        }
    }

    /// The binary packages of this name that may be chosen.
    pub(super) fn visible_binaries(&self, name: &str) -> Vec<PackageId> {
        let named = self.set.exactly_named(name);
        named.filter(|&id| self.fits(id, Domain::Binary)).collect()
    }
}

/// Sorts the patterns that tell most about why a package is there first.
pub(super) fn plainness(pattern: &PackagePattern) -> (bool, &PackagePattern) {
    (pattern.is_glob(), pattern)
}
