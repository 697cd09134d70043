//! From a package that was gathered back to its files.

use std::collections::HashMap;
use std::sync::Arc;

use odcs_rpm::gather::{Gathered, Member};
use odcs_rpm::{Nevra, Package, PackageKind, PackagePattern};

use super::reasons;
use crate::plan::PlannedPackage;
use crate::source::Candidate;
use crate::{Error, ErrorKind, Result};

/// What a source has, and the way from a package back to its file.
pub(super) struct Candidates {
    all: Vec<Candidate>,
    /// Those that have been gathered, by their places in `all`: arches share them.
    shared: HashMap<usize, Arc<Candidate>>,
}

impl Candidates {
    pub(super) fn new(candidates: Vec<Candidate>) -> Self {
        Self {
            all: candidates,
            shared: HashMap::new(),
        }
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

    /// What was gathered, with files. A repository may have several for one NEVRA: the first is taken, the others
    /// are copies.
    pub(super) fn planned(&mut self, gathered: &Gathered) -> Result<Vec<PlannedPackage>> {
        let kinds = [PackageKind::Binary, PackageKind::Debug, PackageKind::Source];
        let members: Vec<&Member> = kinds
            .into_iter()
            .flat_map(|kind| gathered.packages(kind))
            .collect();
        let by_nevra: HashMap<&Nevra, usize> = members
            .iter()
            .map(|member| &member.package.nevra)
            .zip(0..)
            .collect();
        // What was gathered is looked up, not what there is: it may be a hundred out of many thousand.
        let mut files: Vec<Vec<Arc<Candidate>>> = vec![Vec::new(); members.len()];
        for (at, candidate) in self.all.iter().enumerate() {
            let member = by_nevra.get(&candidate.package.nevra);
            if let Some(files) = member.and_then(|member| files.get_mut(*member)) {
                let shared = self.shared.entry(at);
                files.push(Arc::clone(shared.or_insert_with(|| Arc::new(candidate.clone()))));
            }
        }
        let planned = members.into_iter().zip(files).map(|(member, files)| {
            let mut files = files.into_iter();
            let candidate = files.next().ok_or_else(|| {
                let nevra = member.package.nevra.to_string();
                let message =
                    format!("{nevra} was gathered, but comes from nowhere; this is a fault in this program");
                Error::new(ErrorKind::Internal, "gather", nevra, message)
            })?;
            let copies = files.filter(|copy| copy.checksum.is_none() || copy.checksum != candidate.checksum);
            Ok(PlannedPackage {
                copies: copies.collect(),
                candidate,
                kind: member.kind,
                why: Some(reasons::of(member)),
            })
        });
        planned.collect()
    }

    pub(super) fn named<'a>(&'a self, pattern: &'a PackagePattern) -> impl Iterator<Item = &'a Package> {
        self.iter().filter(|package| {
            pattern.matches(package.nevra.name().as_str()) && package.kind() != PackageKind::Source
        })
    }
}
