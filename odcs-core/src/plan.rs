//! What is going to be in a compose: the outcome of gathering, before anything is on disk.

mod signatures;

pub use signatures::{Required, SignatureIdentity, SignatureMissing, SignaturePolicy, SignatureRules};

use std::collections::BTreeMap;
use std::sync::Arc;

use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Nevra, PackageKind, PackagePattern, TreeArch};

use crate::manifest::LookasidePackage;
use crate::source::Candidate;
use crate::why::Why;

/// The packages of a compose, arch by arch.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One entry for each arch of the request, in its order.
    pub arches: Vec<ArchPlan>,
    /// The time that published files carry, in seconds since 1970.
    pub timestamp: u64,
    /// What comps lists: the packages as they were asked for, globs included. Empty for everything.
    pub comps_packages: Vec<PackagePattern>,
    /// The updates that the packages belong to, handed on as the source has them.
    pub updateinfo: Option<Arc<UpdateInfo>>,
    /// What the packages are from, for messages.
    pub source_description: String,
}

impl Plan {
    /// The same, with packages that must have these signatures, whatever their arch.
    #[must_use]
    pub fn with_signatures(mut self, policy: &SignaturePolicy) -> Self {
        for arch in &mut self.arches {
            arch.signatures.clone_from(policy);
        }
        self
    }

    /// The packages of lookaside repositories that gathering met, with the reasons of all arches, sorted by
    /// NEVRA.
    pub fn lookaside(&self) -> Vec<LookasidePackage> {
        let mut packages: BTreeMap<&Nevra, LookasidePackage> = BTreeMap::new();
        for arch in &self.arches {
            for (nevra, why) in &arch.lookaside {
                let package = packages.entry(nevra).or_insert_with(|| LookasidePackage {
                    nevra: nevra.clone(),
                    why: BTreeMap::new(),
                });
                package.why.insert(arch.arch.clone(), why.clone());
            }
        }
        packages.into_values().collect()
    }
}

/// The packages for one arch.
#[derive(Clone, Debug)]
pub struct ArchPlan {
    /// The arch.
    pub arch: TreeArch,
    /// Its packages, sorted by kind and NEVRA.
    pub packages: Vec<PlannedPackage>,
    /// Which signatures they must have. Of a package in a tree that several arches share, the first of them decides.
    pub signatures: SignaturePolicy,
    /// Packages of lookaside repositories that gathering met, and why.
    pub lookaside: Vec<(Nevra, Why)>,
}

/// A package that goes into the compose.
#[derive(Clone, Debug)]
pub struct PlannedPackage {
    /// The package and its file.
    pub candidate: Arc<Candidate>,
    /// Other files that the source has for the same NEVRA: copies with other signatures, usually. Where
    /// signatures matter, the one with the most preferred signature is taken; else the first.
    pub copies: Vec<Arc<Candidate>>,
    /// Which tree it goes into.
    pub kind: PackageKind,
    /// Why it is there; `None` where that was not recorded.
    pub why: Option<Why>,
}
