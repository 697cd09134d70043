//! What went into a compose, file by file: recorded before it is published, and kept for ever, so that
//! it can be made again when its tree is long gone.

mod document;

use std::collections::BTreeMap;
use std::fmt;

pub use document::{ManifestDocument, ManifestEntry, ManifestParts};
use odcs_rpm::{Digest, Nevra, PackageKind, TreeArch};
use serde::{Deserialize, Serialize};

use crate::why::Why;

/// What went into a compose.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the source type.
    pub source_type: String,
    /// What the packages are from, as people call it: "the repository /srv/repo".
    pub description: String,
    /// The time that published files carry, in seconds since 1970.
    pub timestamp: u64,
    /// The packages, sorted by kind and NEVRA.
    pub packages: Vec<ManifestPackage>,
    /// SHA-256 of the document with the updates that was handed on with the packages, uncompressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updateinfo: Option<Digest>,
    /// The packages of lookaside repositories that gathering met: something requires them, or is there because of
    /// them. Sorted by NEVRA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookaside: Vec<LookasidePackage>,
}

/// A package of a lookaside repository: not in the compose, but part of the reasons for what is.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct LookasidePackage {
    /// The package.
    pub nevra: Nevra,
    /// Why gathering met it, for each arch that it did so for.
    pub why: BTreeMap<TreeArch, Why>,
}

/// A package of a compose, and the file it was.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct ManifestPackage {
    /// Which tree it is in.
    pub kind: PackageKind,
    /// The package, as the source listed it.
    pub nevra: Nevra,
    /// The arches of the compose that it is there for.
    pub arches: Vec<TreeArch>,
    /// Where its file was, as the source names it: an absolute path for files of this machine, the URL of one that
    /// was fetched.
    pub file: String,
    /// The time that repodata says the file was modified at, in seconds since 1970: where it was fetched from, or, of
    /// files that their source has on record, on this machine. Missing for other files, and where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// The key that it was chosen for; `None` if signatures did not matter, or it goes as unsigned.
    pub sigkey: Option<String>,
    /// The number of the RPM in Koji, for packages that are from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm_id: Option<i64>,
    /// Why it is there, for each of its arches. Empty in records of the time before reasons were kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub why: BTreeMap<TreeArch, Why>,
}

/// Composes with the same fingerprint would be the same: the packages with the identity of their files and
/// their signatures, and everything of the request that shows in the compose.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Box<str>);

impl Fingerprint {
    /// From a checksum over all of that.
    pub fn new(digest: &Digest) -> Self {
        Self(digest.hex().into())
    }

    /// As text: hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
