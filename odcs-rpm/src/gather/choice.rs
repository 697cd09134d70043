//! The choice among candidates.

use std::cmp::Reverse;

use super::Greedy;
use super::run::Run;
use super::set::Entry;
use super::table::PackageId;
use crate::arch::ArchClass;

/// What a choice is made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// A name that was asked for.
    Name,
    /// A requirement.
    Requirement,
}

impl Run<'_> {
    /// The best of the candidates, or, gathering greedily, all that come with it. Empty only if there
    /// is no candidate.
    pub(super) fn best(&self, candidates: Vec<PackageId>, purpose: Purpose) -> Vec<PackageId> {
        // Most requirements have one candidate.
        if self.options.greedy == Greedy::All || candidates.len() <= 1 {
            return candidates;
        }
        let candidates = self.prefer_lookaside(candidates);
        let Some((best, winner)) = candidates
            .iter()
            .filter_map(|&id| Some((id, self.set.entry(id)?)))
            .min_by_key(|&(id, entry)| self.rank(id, entry))
        else {
            return Vec::new();
        };
        if self.options.greedy != Greedy::Build || purpose != Purpose::Requirement {
            return vec![best];
        }
        let is_multilib = self.view.is_multilib(winner);
        let comes_along = |id: PackageId| {
            id == best
                || self.set.entry(id).is_some_and(|entry| {
                    entry.source.is_some()
                        && entry.source == winner.source
                        && self.view.is_multilib(entry) == is_multilib
                })
        };
        candidates.into_iter().filter(|&id| comes_along(id)).collect()
    }

    /// Smaller is better. First what is already in the result, native before multilib, then native,
    /// then multilib; within that the best arch, the shortest name, the first name. The newest of
    /// what is left can only matter among debug packages: elsewhere one version is visible.
    fn rank(&self, id: PackageId, entry: Entry) -> impl Ord + use<> {
        let class = self.view.class(entry);
        let group = match (self.is_member(id), class) {
            (true, ArchClass::Native(_)) => 0,
            (true, _) => 1,
            (false, ArchClass::Native(_)) => 2,
            (false, _) => 3,
        };
        let length = self.set.name(entry).chars().count();
        (group, class, length, entry.name, Reverse(entry.version), id)
    }

    /// Drops candidates of which the same version is a candidate from lookaside: what lookaside has
    /// must not enter the compose.
    fn prefer_lookaside(&self, candidates: Vec<PackageId>) -> Vec<PackageId> {
        if !self.set.has_lookaside() {
            return candidates;
        }
        let entry = |id: &PackageId| self.set.entry(*id);
        let mut in_lookaside: Vec<_> = candidates
            .iter()
            .filter_map(entry)
            .filter(|entry| entry.origin.is_lookaside())
            .map(|entry| entry.version)
            .collect();
        in_lookaside.sort_unstable();
        let stays =
            |entry: Entry| entry.origin.is_lookaside() || in_lookaside.binary_search(&entry.version).is_err();
        candidates
            .into_iter()
            .filter(|id| entry(id).is_some_and(stays))
            .collect()
    }
}
