//! The record of what is in a compose, for making it again.

use std::collections::BTreeMap;

use odcs_core::Manifest;
use odcs_core::manifest::ManifestPackage;
use odcs_core::request::SourceKind;
use odcs_rpm::PackageKind;

use crate::error::{Error, Result};
use crate::layout::Tree;
use crate::packages::Placement;

/// What was placed, and what for.
///
/// # Errors
/// [`Error::ReadBack`] if a package that was planned was not placed.
pub(crate) fn manifest(kind: &SourceKind, placement: Placement<'_>) -> Result<Manifest> {
    let plan = placement.plan;
    // The arches may take one package from different files; files are sorted by NEVRA.
    let mut entries: BTreeMap<(PackageKind, usize), ManifestPackage> = BTreeMap::new();
    for taken in placement.iter() {
        let (arch, planned) = (taken.arch, taken.planned);
        let nevra = &planned.candidate.package.nevra;
        let Some(package) = taken.placed else {
            return Err(Error::ReadBack {
                path: Tree::of(planned.kind, arch).to_string(),
                reason: format!("{nevra} is missing"),
            });
        };
        let entry = entries
            .entry((planned.kind, taken.number))
            .or_insert_with(|| ManifestPackage {
                kind: planned.kind,
                nevra: nevra.clone(),
                arches: Vec::new(),
                file: package.candidate.file.to_string(),
                modified: package.candidate.file.modified(),
                size: package.stamp.size,
                digest: package.sha256.clone(),
                sigkey: package.sigkey.clone(),
                why: BTreeMap::new(),
            });
        if !entry.arches.contains(arch) {
            entry.arches.push(arch.clone());
        }
        if let Some(why) = &planned.why {
            entry.why.insert(arch.clone(), why.clone());
        }
    }
    Ok(Manifest {
        source_type: kind.to_string(),
        description: plan.source_description.clone(),
        timestamp: plan.timestamp,
        packages: entries.into_values().collect(),
        updateinfo: plan.updateinfo.as_ref().map(|updates| updates.digest().clone()),
        lookaside: plan.lookaside(),
    })
}
