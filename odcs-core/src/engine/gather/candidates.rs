//! From a package that was gathered back to its files.

use std::collections::HashMap;
use std::sync::Arc;

use odcs_rpm::gather::Gathered;
use odcs_rpm::{Nevra, Package, PackageKind, PackagePattern};

use super::reasons;
use crate::plan::PlannedPackage;
use crate::source::Candidate;
use crate::{Error, ErrorKind, Result};

/// What a source has, and the way from a package back to its file.
pub(super) struct Candidates {
    all: Vec<Arc<Candidate>>,
    /// Where the packages of a NEVRA are in `all`: a repository may have several files for one.
    by_nevra: HashMap<Nevra, Vec<usize>>,
}

impl Candidates {
    pub(super) fn new(candidates: Vec<Candidate>) -> Self {
        let all: Vec<_> = candidates.into_iter().map(Arc::new).collect();
        let mut by_nevra: HashMap<Nevra, Vec<usize>> = HashMap::with_capacity(all.len());
        for (at, candidate) in all.iter().enumerate() {
            by_nevra
                .entry(candidate.package.nevra.clone())
                .or_default()
                .push(at);
        }
        Self { all, by_nevra }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Package> {
        self.all.iter().map(|candidate| &*candidate.package)
    }

    pub(super) fn packages(&self) -> Vec<Arc<Package>> {
        self.all
            .iter()
            .map(|candidate| Arc::clone(&candidate.package))
            .collect()
    }

    pub(super) fn planned(&self, gathered: &Gathered) -> Result<Vec<PlannedPackage>> {
        let kinds = [PackageKind::Binary, PackageKind::Debug, PackageKind::Source];
        let members = kinds.into_iter().flat_map(|kind| gathered.packages(kind));
        let planned = members.map(|member| {
            let of_nevra = self.by_nevra.get(&member.package.nevra).into_iter().flatten();
            let mut of_nevra = of_nevra.filter_map(|at| self.all.get(*at));
            let candidate = of_nevra.next().ok_or_else(|| {
                let nevra = member.package.nevra.to_string();
                let message =
                    format!("{nevra} was gathered, but comes from nowhere; this is a fault in this program");
                Error::new(ErrorKind::Internal, "gather", nevra, message)
            })?;
            Ok(PlannedPackage {
                candidate: Arc::clone(candidate),
                copies: of_nevra
                    .filter(|copy| copy.checksum.is_none() || copy.checksum != candidate.checksum)
                    .map(Arc::clone)
                    .collect(),
                kind: member.kind,
                why: Some(reasons::of(member)),
            })
        });
        planned.collect()
    }

    pub(super) fn named<'a>(&'a self, pattern: &'a PackagePattern) -> impl Iterator<Item = &'a Package> {
        self.iter().filter(|package| {
            package.kind() != PackageKind::Source && pattern.matches(package.nevra.name().as_str())
        })
    }
}
