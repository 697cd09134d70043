//! `rpms.json`: every package of the compose, and where it is.

use std::collections::BTreeMap;

use odcs_rpm::{Arch, Evr, Nevra, PackageKind, PackageName};
use serde::{Deserialize, Serialize};

use super::{ComposeIdent, ComposeInfoSection, json};
use crate::Result;

const KIND: &str = "productmd.rpms";

/// The payload of `rpms.json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Rpms {
    /// Which compose.
    pub compose: ComposeInfoSection,
    /// Variant → arch of the tree → NEVRA of the source package → NEVRA → package.
    pub rpms: BTreeMap<String, BTreeMap<String, Builds>>,
}

/// NEVRA of the source package → NEVRA → package.
pub type Builds = BTreeMap<String, BTreeMap<String, Rpm>>;

/// One package.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Rpm {
    /// What it is.
    pub category: Category,
    /// Where it is below `compose/`.
    pub path: String,
    /// The key it was chosen for, as eight lower-case hex digits; `None` if signatures did not matter or
    /// it goes as unsigned.
    pub sigkey: Option<String>,
}

/// What a package is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the format")]
pub enum Category {
    Binary,
    Debug,
    Source,
}

impl From<PackageKind> for Category {
    fn from(kind: PackageKind) -> Self {
        match kind {
            PackageKind::Binary => Self::Binary,
            PackageKind::Debug => Self::Debug,
            PackageKind::Source => Self::Source,
        }
    }
}

impl Rpms {
    /// The metadata of an empty compose.
    pub fn new(ident: &ComposeIdent) -> Self {
        Self {
            compose: ident.section(),
            rpms: BTreeMap::new(),
        }
    }

    /// Adds a package. `source` is the NEVRA of its source package, its own for a source package.
    pub fn add(&mut self, variant: &str, arch: &str, source: &str, nevra: &Nevra, rpm: Rpm) {
        self.rpms
            .entry(variant.into())
            .or_default()
            .entry(arch.into())
            .or_default()
            .entry(source.into())
            .or_default()
            .insert(nevra.to_string(), rpm);
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the type has a JSON form.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        json::write(KIND, self)
    }

    /// Reads a file. Its size is for the caller to limit.
    ///
    /// # Errors
    /// `Invalid` if it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::read(KIND, bytes)
    }
}

/// The NEVRA that a package's source package has, as far as the package itself knows: a source file
/// name has no epoch, so that one is 0. `None` for a package that names no source package, or none
/// that can be taken apart.
///
/// ```
/// use odcs_core::productmd::source_nevra;
/// assert_eq!(source_nevra("ed-1.14.1-2.src.rpm").unwrap().to_string(), "ed-0:1.14.1-2.src");
/// assert!(source_nevra("(none)").is_none());
/// ```
pub fn source_nevra(file_name: &str) -> Option<Nevra> {
    let (nvr, arch) = file_name.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (name_version, release) = nvr.rsplit_once('-')?;
    let (name, version) = name_version.rsplit_once('-')?;
    let arch = arch.parse::<Arch>().ok().filter(Arch::is_source)?;
    Some(Nevra::new(
        name.parse::<PackageName>().ok()?,
        Evr::new(0, version, release).ok()?,
        arch,
    ))
}
