//! From a package that was gathered back to its files.

use std::sync::Arc;

use hashbrown::HashMap;
use odcs_rpm::gather::{Flag, Gathered, Origin};
use odcs_rpm::{Package, PackageKind, PackagePattern};

use super::reasons;
use crate::plan::PlannedPackage;
use crate::source::Candidate;
use crate::why::Why;
use crate::{Error, ErrorKind, Result};

/// What a source has, and the way from a package back to its file.
pub(super) struct Candidates {
    all: Vec<Candidate>,
}

/// A package that was gathered for an arch.
pub(super) struct Chosen {
    /// The number of its file among the candidates.
    pub(super) candidate: usize,
    /// Those of other files for it.
    pub(super) copies: Vec<usize>,
    pub(super) kind: PackageKind,
    pub(super) why: Why,
}

impl Candidates {
    pub(super) fn new(candidates: Vec<Candidate>) -> Self {
        Self { all: candidates }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Package> {
        self.all.iter().map(|candidate| &*candidate.package)
    }

    /// The package of a candidate, by its number.
    pub(super) fn package(&self, number: usize) -> Option<&Package> {
        self.all.get(number).map(|candidate| &*candidate.package)
    }

    pub(super) fn packages(&self) -> Vec<Arc<Package>> {
        self.all
            .iter()
            .map(|candidate| Arc::clone(&candidate.package))
            .collect()
    }

    /// What was gathered, with files. A repository may have several for one NEVRA: the first is taken, the others
    /// are copies.
    pub(super) fn choose(&self, gathered: &Gathered) -> Result<Vec<Chosen>> {
        let members = &gathered.members;
        // A set that was made beforehand shares its packages with the candidates: then most are found without a look
        // at their names.
        let of_set = members
            .iter()
            .zip(0..)
            .filter(|(member, _)| member.origin == Origin::PackageSet);
        let by_package: HashMap<*const Package, usize> = of_set
            .map(|(member, number)| (Arc::as_ptr(&member.package), number))
            .collect();
        let find = |package: &Arc<Package>| {
            let known = by_package.get(&Arc::as_ptr(package)).copied();
            known.or_else(|| {
                let wanted = (&package.nevra, Origin::PackageSet);
                let found =
                    members.binary_search_by(|member| (&member.package.nevra, member.origin).cmp(&wanted));
                found.ok()
            })
        };
        // What was gathered is looked up, not what there is: it may be a hundred out of many thousand.
        let mut first: Vec<Option<usize>> = vec![None; members.len()];
        // Few have any.
        let mut others: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, candidate) in self.all.iter().enumerate() {
            let Some(member) = find(&candidate.package) else {
                continue;
            };
            match first.get_mut(member) {
                Some(first @ None) => *first = Some(number),
                _ => others.entry(member).or_default().push(number),
            }
        }
        let checksum = |number: usize| self.all.get(number)?.checksum.as_ref();
        let of_kind = |kind| {
            let numbered = members.iter().zip(&first).enumerate();
            numbered.filter(move |(_, (member, _))| {
                member.kind == kind && !member.flags.contains(Flag::Lookaside)
            })
        };
        let kinds = [PackageKind::Binary, PackageKind::Debug, PackageKind::Source];
        let chosen = kinds.into_iter().flat_map(of_kind);
        let chosen = chosen.map(|(at, (member, candidate))| {
            let candidate = candidate.ok_or_else(|| {
                let nevra = member.package.nevra.to_string();
                let message =
                    format!("{nevra} was gathered, but comes from nowhere; this is a fault in this program");
                Error::new(ErrorKind::Internal, "gather", nevra, message)
            })?;
            let mut copies = others.remove(&at).unwrap_or_default();
            copies.retain(|&copy| checksum(copy).is_none() || checksum(copy) != checksum(candidate));
            Ok(Chosen {
                candidate,
                copies,
                kind: member.kind,
                why: reasons::of(member),
            })
        });
        chosen.collect()
    }

    /// What was chosen for each of the arches, which share files. What was chosen for none is let go.
    pub(super) fn into_planned(self, chosen: Vec<Vec<Chosen>>) -> Vec<Vec<PlannedPackage>> {
        let mut is_chosen = vec![false; self.all.len()];
        for one in chosen.iter().flatten() {
            for &number in std::iter::once(&one.candidate).chain(&one.copies) {
                if let Some(is_chosen) = is_chosen.get_mut(number) {
                    *is_chosen = true;
                }
            }
        }
        let all = self.all.into_iter().zip(is_chosen);
        let files: Vec<Option<Arc<Candidate>>> = all
            .map(|(candidate, is_chosen)| is_chosen.then(|| Arc::new(candidate)))
            .collect();
        let file = |number: usize| files.get(number)?.clone();
        let planned = |one: Chosen| {
            Some(PlannedPackage {
                candidate: file(one.candidate)?,
                copies: one.copies.into_iter().filter_map(file).collect(),
                kind: one.kind,
                why: Some(one.why),
            })
        };
        let arches = chosen.into_iter();
        arches
            .map(|arch| arch.into_iter().filter_map(planned).collect())
            .collect()
    }

    pub(super) fn named<'a>(&'a self, pattern: &'a PackagePattern) -> impl Iterator<Item = &'a Package> {
        self.iter().filter(|package| {
            pattern.matches(package.nevra.name().as_str()) && package.kind() != PackageKind::Source
        })
    }
}
