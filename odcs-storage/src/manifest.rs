//! The record of what is in a compose, for making it again.

use std::collections::BTreeMap;

use odcs_core::Manifest;
use odcs_core::manifest::ManifestPackage;
use odcs_core::plan::Plan;
use odcs_core::request::SourceKind;
use odcs_rpm::{Nevra, PackageKind};

use crate::error::{Error, Result};
use crate::layout::Tree;
use crate::packages::{PlacedPackage, by_place};

/// What was placed, and what for.
///
/// # Errors
/// [`Error::ReadBack`] if a package that was planned is not in its tree.
pub(crate) fn manifest(kind: &SourceKind, plan: &Plan, packages: &[PlacedPackage]) -> Result<Manifest> {
    let placed = by_place(packages);
    // The arches may take one package from different files.
    let mut entries: BTreeMap<(PackageKind, &Nevra, &str), ManifestPackage> = BTreeMap::new();
    for arch in &plan.arches {
        for planned in &arch.packages {
            let tree = Tree::of(planned.kind, &arch.arch);
            let nevra = &planned.candidate.package.nevra;
            let Some(package) = placed.get(&(&tree, nevra)) else {
                return Err(Error::ReadBack {
                    path: tree.to_string(),
                    reason: format!("{nevra} is missing"),
                });
            };
            let entry = entries
                .entry((planned.kind, nevra, &package.file))
                .or_insert_with(|| ManifestPackage {
                    kind: planned.kind,
                    nevra: nevra.clone(),
                    arches: Vec::new(),
                    file: package.file.clone(),
                    modified: package.modified,
                    size: package.size,
                    digest: package.sha256.clone(),
                    sigkey: package.sigkey.clone(),
                    why: BTreeMap::new(),
                });
            if !entry.arches.contains(&arch.arch) {
                entry.arches.push(arch.arch.clone());
            }
            if let Some(why) = &planned.why {
                entry.why.insert(arch.arch.clone(), why.clone());
            }
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
