//! What is going to be in a compose: the outcome of gathering, before anything is on disk.

use std::sync::Arc;

use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Nevra, PackageKind, PackagePattern, Sigkey, TreeArch};

use crate::request::KeyOrUnsigned;
use crate::source::Candidate;
use crate::why::Why;

/// The packages of a compose, arch by arch.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One entry for each arch of the request, in its order.
    pub arches: Vec<ArchPlan>,
    /// Which signatures the packages must have.
    pub signatures: SignaturePolicy,
    /// The time that published files carry, in seconds since 1970.
    pub timestamp: u64,
    /// What comps lists: the packages as they were asked for, globs included. Empty for everything.
    pub comps_packages: Vec<PackagePattern>,
    /// The updates that the packages belong to, handed on as the source has them.
    pub updateinfo: Option<Arc<UpdateInfo>>,
    /// What the packages are from, for messages.
    pub source_description: String,
}

/// The packages for one arch.
#[derive(Clone, Debug)]
pub struct ArchPlan {
    /// The arch.
    pub arch: TreeArch,
    /// Its packages, sorted by kind and NEVRA.
    pub packages: Vec<PlannedPackage>,
    /// Packages of lookaside repositories that others are there for, and why gathering met them.
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

/// Which signatures packages must have: keys in order of preference.
///
/// ```
/// use odcs_core::plan::SignaturePolicy;
/// let policy = SignaturePolicy::new(vec!["fd431d51".parse()?, "".parse()?]);
/// assert_eq!(policy.choose(&["199e2f91fd431d51".parse().unwrap()]).unwrap().unwrap().short(), "fd431d51");
/// assert_eq!(policy.choose(&[]), Ok(None));
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SignaturePolicy {
    accepted: Vec<KeyOrUnsigned>,
}

/// A package has none of the signatures asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignatureMissing;

impl SignaturePolicy {
    /// A policy that accepts these, in order of preference; an empty list accepts everything.
    pub fn new(accepted: Vec<KeyOrUnsigned>) -> Self {
        Self { accepted }
    }

    /// Whether signatures matter at all.
    pub fn accepts_everything(&self) -> bool {
        self.accepted.is_empty()
    }

    /// The keys asked for, without the permission to be unsigned.
    pub fn keys(&self) -> impl Iterator<Item = &Sigkey> {
        self.accepted.iter().filter_map(|accepted| match accepted {
            KeyOrUnsigned::Key(key) => Some(key.key()),
            KeyOrUnsigned::Unsigned => None,
        })
    }

    /// How well a package with these signatures fits, 0 being best; `None` if it does not.
    pub fn rank(&self, signatures: &[Sigkey]) -> Option<usize> {
        if self.accepted.is_empty() {
            return Some(0);
        }
        self.accepted.iter().position(|accepted| match accepted {
            KeyOrUnsigned::Unsigned => true,
            KeyOrUnsigned::Key(key) => signatures
                .iter()
                .any(|signature| signature.is_same_key(key.key())),
        })
    }

    /// Decides about a package with these signatures: which of them is the preferred one, `None` if
    /// the package goes as unsigned or if signatures do not matter.
    ///
    /// "Unsigned" means that no signature is asked of the package, so one signed with a key nobody
    /// asked for goes as unsigned, too: it is the same package.
    ///
    /// # Errors
    /// [`SignatureMissing`] if the policy has no place for it.
    pub fn choose<'a>(&self, signatures: &'a [Sigkey]) -> Result<Option<&'a Sigkey>, SignatureMissing> {
        let rank = self.rank(signatures).ok_or(SignatureMissing)?;
        Ok(match self.accepted.get(rank) {
            Some(KeyOrUnsigned::Key(key)) => signatures
                .iter()
                .find(|signature| signature.is_same_key(key.key())),
            Some(KeyOrUnsigned::Unsigned) | None => None,
        })
    }
}
