//! The packages of a compose as the API shows them, and why they are there.

mod filter;

use std::collections::BTreeMap;

pub use filter::PackageFilter;
use odcs_rpm::{Digest, DigestAlgorithm, Nevra, PackageKind, TreeArch};
use serde::Serialize;

use crate::manifest::{LookasidePackage, ManifestPackage};
use crate::service::PreviewPackage;
use crate::why::{Reasons, Step, Why};

/// A package as the API shows it. Fields are in alphabetical order, as in all answers; the reasons are by arch, each
/// with its sentence, and with `by_lookaside` if what pulled the package in is not in the compose.
#[derive(Clone, Debug, Serialize)]
pub struct PackageView<'a> {
    arches: Vec<&'a TreeArch>,
    kind: Kind,
    nevra: &'a Nevra,
    sha256: Option<&'a str>,
    sigkey: Option<&'a str>,
    size: Option<u64>,
    why: BTreeMap<&'a TreeArch, WhyView<'a>>,
}

/// Which of the trees of a compose a package is in, or that it is in none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Binary,
    Debug,
    Source,
    /// In a lookaside repository, and not in the compose.
    Lookaside,
}

impl Kind {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("binary", Self::Binary),
        ("debug", Self::Debug),
        ("source", Self::Source),
        ("lookaside", Self::Lookaside),
    ];
}

impl From<PackageKind> for Kind {
    fn from(kind: PackageKind) -> Self {
        match kind {
            PackageKind::Binary => Self::Binary,
            PackageKind::Debug => Self::Debug,
            PackageKind::Source => Self::Source,
        }
    }
}

/// Why it is there, for one arch.
#[derive(Clone, Debug, Serialize)]
struct WhyView<'a> {
    /// Where to look for what pulled it in: without it, in the compose.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_lookaside: bool,
    text: String,
    #[serde(flatten)]
    why: &'a Why,
}

impl<'a> PackageView<'a> {
    /// Of what is recorded of a compose.
    pub fn of(package: &'a ManifestPackage, reasons: &Reasons<'_>) -> Self {
        Self {
            arches: package.arches.iter().collect(),
            kind: package.kind.into(),
            nevra: &package.nevra,
            sha256: sha256(&package.digest),
            sigkey: package.sigkey.as_deref(),
            size: Some(package.size),
            why: why(&package.nevra, &package.why, reasons, false),
        }
    }

    /// Of what would be in a compose.
    pub fn of_preview(package: &'a PreviewPackage, reasons: &Reasons<'_>) -> Self {
        Self {
            arches: package.arches.iter().collect(),
            kind: package.kind.into(),
            nevra: &package.nevra,
            sha256: package.digest.as_ref().and_then(sha256),
            sigkey: None,
            size: Some(package.size),
            why: why(&package.nevra, &package.why, reasons, false),
        }
    }

    /// Of what is in a lookaside repository.
    pub fn of_lookaside(package: &'a LookasidePackage, reasons: &Reasons<'_>) -> Self {
        Self {
            arches: package.why.keys().collect(),
            kind: Kind::Lookaside,
            nevra: &package.nevra,
            sha256: None,
            sigkey: None,
            size: None,
            why: why(&package.nevra, &package.why, reasons, true),
        }
    }
}

/// Other checksums are not told: nobody looks for them.
pub(crate) fn sha256(digest: &Digest) -> Option<&str> {
    (digest.algorithm() == DigestAlgorithm::Sha256).then(|| digest.hex())
}

fn why<'a>(
    nevra: &'a Nevra,
    why: &'a BTreeMap<TreeArch, Why>,
    reasons: &Reasons<'_>,
    is_lookaside: bool,
) -> BTreeMap<&'a TreeArch, WhyView<'a>> {
    let views = why.iter().map(|(arch, why)| {
        let by = why.by.as_ref();
        let by_lookaside = by.is_some_and(|by| reasons.is_lookaside(by, arch));
        let step = Step {
            nevra,
            is_lookaside,
            why,
            by_lookaside,
        };
        let text = step.to_string();
        let view = WhyView {
            by_lookaside,
            text,
            why,
        };
        (arch, view)
    });
    views.collect()
}
