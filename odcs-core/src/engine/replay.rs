//! What a manifest says, as a plan: nothing is chosen anew.

use std::collections::HashMap;
use std::sync::Arc;

use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, Nevra};

use crate::build::{Phase, Progress};
use crate::manifest::{Manifest, ManifestPackage};
use crate::plan::{ArchPlan, Plan, PlannedPackage, SignatureRules};
use crate::request::ComposeRequest;
use crate::source::{Candidate, PackageContent};
use crate::{Error, ErrorKind, Result};

/// Packages that a message names.
const SHOWN: usize = 20;

/// Lays out what was in a compose once more: the same files in the same trees.
///
/// # Errors
/// `Gone`, naming the packages that the source does not have any more as they were.
pub(super) fn plan(
    request: &ComposeRequest,
    manifest: &Manifest,
    content: PackageContent,
    rules: &SignatureRules,
    progress: &dyn Progress,
) -> Result<Plan> {
    let updateinfo = updates_as_recorded(manifest, content.updateinfo)?;
    let found: HashMap<(Nevra, Digest), Arc<Candidate>> = content
        .candidates
        .into_iter()
        .filter_map(|candidate| {
            let digest = candidate.checksum.clone()?;
            Some(((candidate.package.nevra.clone(), digest), Arc::new(candidate)))
        })
        .collect();
    let find = |package: &ManifestPackage| found.get(&(package.nevra.clone(), package.digest.clone()));
    let missing: Vec<_> = manifest
        .packages
        .iter()
        .filter(|package| find(package).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(gone(&missing, &manifest.description));
    }
    let mut arches = Vec::new();
    for arch in &request.arches {
        let here = manifest
            .packages
            .iter()
            .filter(|package| package.arches.contains(arch));
        let packages: Vec<_> = here
            .filter_map(|package| {
                Some(PlannedPackage {
                    candidate: Arc::clone(find(package)?),
                    copies: Vec::new(),
                    kind: package.kind,
                    why: package.why.get(arch).cloned(),
                })
            })
            .collect();
        progress.step(
            Phase::Gather,
            &format!("{arch}: {} packages as recorded", packages.len()),
        );
        arches.push(ArchPlan {
            arch: arch.clone(),
            packages,
            signatures: rules.policy(request.sigkeys_for(arch), content.trust),
            lookaside: manifest
                .lookaside
                .iter()
                .filter_map(|package| Some((package.nevra.clone(), package.why.get(arch)?.clone())))
                .collect(),
        });
    }
    Ok(Plan {
        arches,
        timestamp: manifest.timestamp,
        comps_packages: request.packages().to_vec(),
        updateinfo,
        source_description: manifest.description.clone(),
    })
}

/// The document with the updates as it was.
fn updates_as_recorded(
    manifest: &Manifest,
    found: Option<Arc<UpdateInfo>>,
) -> Result<Option<Arc<UpdateInfo>>> {
    let Some(recorded) = &manifest.updateinfo else {
        return Ok(None);
    };
    let found = found.filter(|found| found.digest() == recorded);
    found.map(Some).ok_or_else(|| {
        let message = format!(
            "the compose cannot be made again as it was: {} does not have the updateinfo any more that it had; ask for \
             a new compose",
            manifest.description
        );
        Error::new(ErrorKind::Gone, "replay manifest", "updateinfo", message)
    })
}

fn gone(missing: &[&ManifestPackage], description: &str) -> Error {
    let names: Vec<_> = missing
        .iter()
        .take(SHOWN)
        .map(|package| package.nevra.to_string())
        .collect();
    let more = match missing.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "the compose cannot be made again as it was: {description} does not have these packages any more as they \
         were: {}{more}; ask for a new compose",
        names.join(", ")
    );
    Error::new(ErrorKind::Gone, "replay manifest", names.join(" "), message)
}
