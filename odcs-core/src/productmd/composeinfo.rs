//! `composeinfo.json`: what the compose consists of, and where its parts are.

use std::collections::BTreeMap;

use odcs_rpm::TreeArch;
use serde::{Deserialize, Serialize};

use super::{ComposeIdent, ComposeInfoSection, VARIANT, json};
use crate::Result;

const KIND: &str = "productmd.composeinfo";

/// The payload of `composeinfo.json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ComposeInfo {
    /// Which compose.
    pub compose: ComposeInfoSection,
    /// The release it is a compose of.
    pub release: Release,
    /// Its variants by their unique names.
    pub variants: BTreeMap<String, Variant>,
}

/// The section `release`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Whether it is not for the public.
    #[serde(default)]
    pub internal: bool,
    /// Name.
    pub name: String,
    /// Short name.
    pub short: String,
    /// Type: `ga`, `updates`, …
    #[serde(rename = "type", default = "general_availability")]
    pub kind: String,
    /// Version.
    pub version: String,
}

fn general_availability() -> String {
    "ga".into()
}

/// One variant.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its arches, sorted.
    pub arches: Vec<String>,
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Where its parts are.
    pub paths: VariantPaths,
    /// Type: `variant`, `optional`, `addon`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Unique id.
    pub uid: String,
}

/// Paths by arch, below `compose/`.
pub type ArchPaths = BTreeMap<String, String>;

/// Where the parts of a variant are. Parts that other composes have besides are not kept.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are those of the format")]
pub struct VariantPaths {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub debug_packages: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub debug_repository: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub debug_tree: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub isos: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub os_tree: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub repository: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_isos: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_packages: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_repository: ArchPaths,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_tree: ArchPaths,
}

impl ComposeInfo {
    /// The metadata of a compose with one variant of these arches, in the layout of this service:
    /// `Temporary/ARCH/os`, `Temporary/ARCH/debug/tree` and `Temporary/source/tree`.
    pub fn new<'a>(ident: &ComposeIdent, arches: impl IntoIterator<Item = &'a TreeArch>) -> Self {
        let mut arches: Vec<&str> = arches.into_iter().map(TreeArch::as_str).collect();
        arches.sort_unstable();
        arches.dedup();
        let by_arch = |path: fn(&str) -> String| -> ArchPaths {
            arches.iter().map(|&arch| (arch.to_owned(), path(arch))).collect()
        };
        let variant = Variant {
            arches: arches.iter().map(|&arch| arch.to_owned()).collect(),
            id: VARIANT.into(),
            name: VARIANT.into(),
            paths: VariantPaths {
                debug_packages: by_arch(|arch| format!("{VARIANT}/{arch}/debug/tree/Packages")),
                debug_repository: by_arch(|arch| format!("{VARIANT}/{arch}/debug/tree")),
                debug_tree: by_arch(|arch| format!("{VARIANT}/{arch}/debug/tree")),
                os_tree: by_arch(|arch| format!("{VARIANT}/{arch}/os")),
                packages: by_arch(|arch| format!("{VARIANT}/{arch}/os/Packages")),
                repository: by_arch(|arch| format!("{VARIANT}/{arch}/os")),
                source_packages: by_arch(|_| format!("{VARIANT}/source/tree/Packages")),
                source_repository: by_arch(|_| format!("{VARIANT}/source/tree")),
                source_tree: by_arch(|_| format!("{VARIANT}/source/tree")),
                ..VariantPaths::default()
            },
            kind: "variant".into(),
            uid: VARIANT.into(),
        };
        Self {
            compose: ident.section(),
            release: Release {
                internal: false,
                name: ident.short.clone(),
                short: ident.short.clone(),
                kind: general_availability(),
                version: ident.version.clone(),
            },
            variants: BTreeMap::from([(VARIANT.to_owned(), variant)]),
        }
    }

    /// Adds the directories of ISO images: `Temporary/ARCH/iso` of the arches that have one, and
    /// `Temporary/source/iso`, which belongs to all arches, if there is one of the source packages.
    #[must_use]
    pub fn with_isos<'a>(mut self, arches: impl IntoIterator<Item = &'a TreeArch>, sources: bool) -> Self {
        if let Some(variant) = self.variants.get_mut(VARIANT) {
            let isos = arches.into_iter();
            let isos = isos.map(|arch| (arch.to_string(), format!("{VARIANT}/{arch}/iso")));
            variant.paths.isos.extend(isos);
            let all = variant.arches.iter().filter(|_| sources);
            let source_isos = all.map(|arch| (arch.clone(), format!("{VARIANT}/source/iso")));
            variant.paths.source_isos.extend(source_isos);
        }
        self
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
