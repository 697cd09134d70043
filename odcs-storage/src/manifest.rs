//! The record of what is in a compose, for making it again.

use std::ops::Range;

use odcs_core::manifest::{ManifestDocument, ManifestEntry, ManifestParts};
use odcs_core::request::SourceKind;
use odcs_core::why::Why;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Nevra, TreeArch};

use crate::error::{Error, Result};
use crate::layout::Tree;
use crate::packages::{PlacedPackage, Placement, Taken};

/// A file in a tree.
struct Entry<'a> {
    first: Taken<'a>,
    package: &'a PlacedPackage,
    /// Where its arches are in the list of all.
    arches: Range<usize>,
}

/// What was placed, and what for.
///
/// # Errors
/// [`Error::ReadBack`] if a package that was planned was not placed.
pub(crate) fn manifest(kind: &SourceKind, placement: Placement<'_>) -> Result<ManifestDocument> {
    let plan = placement.plan;
    let mut all: Vec<Taken<'_>> = placement.iter().collect();
    // The arches may take one package from different files; files are sorted by NEVRA. Stable: of one file, the arches
    // keep their order.
    all.sort_by_key(key);
    let mut arches: Vec<(&TreeArch, Option<&Why>)> = Vec::with_capacity(all.len());
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(all.len());
    for taken in all {
        let Some(package) = taken.placed else {
            return Err(missing(&taken));
        };
        let why = taken.planned.why.as_ref();
        match entries
            .last_mut()
            .filter(|entry| key(&entry.first) == key(&taken))
        {
            Some(entry) => {
                let of_entry = arches.get_mut(entry.arches.clone()).unwrap_or_default();
                if let Some((_, known)) = of_entry.iter_mut().find(|(arch, _)| *arch == taken.arch) {
                    *known = why.or(*known);
                } else {
                    arches.push((taken.arch, why));
                    entry.arches.end = arches.len();
                }
            }
            None => {
                arches.push((taken.arch, why));
                entries.push(Entry {
                    first: taken,
                    package,
                    arches: arches.len() - 1..arches.len(),
                });
            }
        }
    }
    let packages: Vec<_> = entries
        .iter()
        .map(|entry| ManifestEntry {
            kind: entry.first.planned.kind,
            nevra: nevra(&entry.first),
            arches: arches.get(entry.arches.clone()).unwrap_or_default(),
            file: &entry.package.candidate.file,
            size: entry.package.stamp.size,
            digest: &entry.package.sha256,
            sigkey: entry.package.sigkey.as_deref(),
            rpm_id: entry
                .package
                .candidate
                .record
                .as_ref()
                .and_then(|record| record.rpm_id),
        })
        .collect();
    let document = ManifestDocument::of_parts(&ManifestParts {
        source_type: kind.name(),
        description: &plan.source_description,
        timestamp: plan.timestamp,
        packages: &packages,
        updateinfo: plan.updateinfo.as_deref().map(UpdateInfo::digest),
        lookaside: &plan.lookaside(),
    });
    Ok(document?)
}

fn key(taken: &Taken<'_>) -> (odcs_rpm::PackageKind, usize) {
    (taken.planned.kind, taken.number)
}

fn nevra<'a>(taken: &Taken<'a>) -> &'a Nevra {
    &taken.planned.candidate.package.nevra
}

fn missing(taken: &Taken<'_>) -> Error {
    Error::ReadBack {
        path: Tree::of(taken.planned.kind, taken.arch).to_string(),
        reason: format!("{} is missing", nevra(taken)),
    }
}
