//! What `rpms.json` of a compose says of one variant.

use std::collections::{BTreeMap, BTreeSet};

use odcs_core::request::Nvr;
use odcs_rpm::{Nevra, Sigkey, TreeArch};
use serde::{Deserialize, Serialize};

use super::error::{PungiComposeError, Reason};

/// The packages of a variant, as productmd's `rpms.json` has them: by arch, by source package.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct VariantRpms {
    /// Each package once, by the build it is of.
    pub builds: BTreeMap<Nvr, Vec<VariantRpm>>,
    /// The arches that the variant has, sorted.
    pub arches: Vec<TreeArch>,
}

/// A package of a variant.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct VariantRpm {
    /// What it is.
    pub nevra: Nevra,
    /// The key of the copy that it is; none for the unsigned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigkey: Option<Sigkey>,
    /// The arches whose trees have it.
    pub arches: BTreeSet<TreeArch>,
}

#[derive(Deserialize)]
struct Document {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    rpms: BTreeMap<String, Arches>,
}

/// By arch, by source package, by package.
type Arches = BTreeMap<String, BTreeMap<String, BTreeMap<String, Entry>>>;

#[derive(Deserialize)]
struct Entry {
    sigkey: Option<String>,
}

impl VariantRpms {
    /// Reads what the document says of a variant.
    ///
    /// # Errors
    /// If it is no such document, does not have the variant, or something in it is no package, key or arch.
    pub(super) fn read(document: &[u8], variant: &str) -> Result<Self, PungiComposeError> {
        let damaged = |what: String| PungiComposeError::new(Reason::Damaged(what), "rpms.json");
        let document: Document =
            serde_json::from_slice(document).map_err(|error| damaged(error.to_string()))?;
        let mut variants = document.payload.rpms;
        let Some(arches) = variants.remove(variant) else {
            let known: Vec<_> = variants.into_keys().take(SHOWN).collect();
            return Err(PungiComposeError::new(Reason::NoVariant(known), variant));
        };
        let mut found: BTreeMap<(Nvr, Nevra, Option<Sigkey>), BTreeSet<TreeArch>> = BTreeMap::new();
        let mut there = BTreeSet::new();
        for (arch, sources) in arches {
            let arch: TreeArch = arch.parse().map_err(|error| damaged(format!("{error}")))?;
            for (source, packages) in sources {
                let build = build_of(&source).ok_or_else(|| {
                    let shown: String = source.chars().take(200).collect();
                    damaged(format!("{shown:?} is not a source package"))
                })?;
                for (nevra, Entry { sigkey }) in packages {
                    let nevra: Nevra = nevra.parse().map_err(|error| damaged(format!("{error}")))?;
                    let key = sigkey.filter(|key| !key.is_empty());
                    let key = key.map(|key| key.parse::<Sigkey>()).transpose();
                    let key = key.map_err(|error| damaged(format!("{nevra}: {error}")))?;
                    found
                        .entry((build.clone(), nevra, key))
                        .or_default()
                        .insert(arch.clone());
                }
            }
            there.insert(arch);
        }
        let mut builds: BTreeMap<Nvr, Vec<VariantRpm>> = BTreeMap::new();
        for ((build, nevra, sigkey), arches) in found {
            let rpm = VariantRpm {
                nevra,
                sigkey,
                arches,
            };
            builds.entry(build).or_default().push(rpm);
        }
        if builds.is_empty() {
            return Err(PungiComposeError::new(Reason::Empty, variant));
        }
        Ok(Self {
            builds,
            arches: there.into_iter().collect(),
        })
    }

    /// All packages.
    pub(super) fn rpms(&self) -> impl Iterator<Item = &VariantRpm> {
        self.builds.values().flatten()
    }
}

/// Variants that a message names.
const SHOWN: usize = 20;

/// The build that a source package is of.
fn build_of(source: &str) -> Option<Nvr> {
    let nevra: Nevra = source.parse().ok()?;
    let (name, evr) = (nevra.name(), nevra.evr());
    let is_source = nevra.arch().is_source();
    let nvr = format!("{name}-{}-{}", evr.version(), evr.release());
    nvr.parse().ok().filter(|_| is_source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
        "header": {"type": "productmd.rpms", "version": "1.2"},
        "payload": {
            "compose": {"date": "20220101", "id": "F-36-20220101.n.0", "respin": 0, "type": "nightly"},
            "rpms": {"Server": {
                "x86_64": {"ed-1:1.14-1.src": {
                    "ed-1:1.14-1.src": {"category": "source", "path": "p", "sigkey": null},
                    "ed-1:1.14-1.x86_64": {"category": "binary", "path": "p", "sigkey": "94d22493"},
                    "ed-doc-1:1.14-1.noarch": {"category": "binary", "path": "p", "sigkey": ""}}},
                "aarch64": {"ed-1:1.14-1.src": {
                    "ed-1:1.14-1.src": {"category": "source", "path": "p", "sigkey": null},
                    "ed-doc-1:1.14-1.noarch": {"category": "binary", "path": "p", "sigkey": null}}}},
            "Empty": {}}}}"#;

    #[test]
    fn a_variant_is_read() {
        let read = VariantRpms::read(DOCUMENT.as_bytes(), "Server").unwrap();
        let shown: Vec<_> = read
            .rpms()
            .map(|rpm| {
                let key = rpm.sigkey.as_ref().map_or("-", Sigkey::as_str);
                let arches: Vec<_> = rpm.arches.iter().map(TreeArch::as_str).collect();
                format!("{} {key} {}", rpm.nevra, arches.join(","))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "ed-1:1.14-1.src - aarch64,x86_64",
                "ed-1:1.14-1.x86_64 94d22493 x86_64",
                "ed-doc-1:1.14-1.noarch - aarch64,x86_64",
            ]
        );
        let builds: Vec<_> = read.builds.keys().map(Nvr::as_str).collect();
        assert_eq!(builds, ["ed-1.14-1"]);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let refused = |document: &str, variant: &str| {
            let error = VariantRpms::read(document.as_bytes(), variant).unwrap_err();
            error.to_string()
        };
        assert!(refused(DOCUMENT, "Client").contains("Empty, Server"));
        assert!(refused(DOCUMENT, "Empty").contains("no packages"));
        assert!(refused("<html>", "Server").contains("rpms.json"));
        for (from, to) in [
            ("ed-1:1.14-1.x86_64", "../etc-1-1.x86_64"),
            ("94d22493", "../key"),
            ("aarch64", "pdp11"),
            ("\"ed-1:1.14-1.src\": {\n", "\"ed-1:1.14-1.x86_64\": {\n"),
        ] {
            assert_ne!(DOCUMENT.replace(from, to), DOCUMENT);
            refused(&DOCUMENT.replace(from, to), "Server");
        }
    }
}
