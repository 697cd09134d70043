//! The record of what is in a compose, for making it again.

use std::ops::Range;

use odcs_core::manifest::{ManifestDocument, ManifestEntry, ManifestParts};
use odcs_core::request::SourceKind;
use odcs_core::why::Why;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Nevra, TreeArch};

use crate::dir;
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
    let first_of = first_of_same(placement.packages);
    let key = |taken: &Taken<'_>| {
        let first = first_of.get(taken.number).copied();
        (taken.planned.kind, first.unwrap_or(taken.number))
    };
    let mut all: Vec<Taken<'_>> = placement.iter().collect();
    // The arches may take one package from different files; files are sorted by NEVRA. Stable: of one file, the arches
    // keep their order.
    all.sort_by_key(|taken| key(taken));
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
            modified: modified(entry.package),
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

/// What repodata says, if making it again could come to say something else: the file was elsewhere, or its source may
/// have made it anew by then.
fn modified(package: &PlacedPackage) -> Option<u64> {
    let candidate = &package.candidate;
    let of_file = || dir::modified(package.stamp.modified);
    candidate
        .modified()
        .or_else(|| candidate.record.is_some().then(of_file))
}

/// For each package, the number of the first one that is the same file for the same key: arches that want other
/// signatures may find them on one copy.
fn first_of_same(packages: &[PlacedPackage]) -> Vec<usize> {
    let mut first_of: Vec<usize> = (0..packages.len()).collect();
    let mut begin = 0;
    for of_nevra in packages.chunk_by(|one, other| one.nevra == other.nevra) {
        for (at, package) in of_nevra.iter().enumerate().skip(1) {
            let same = of_nevra.iter().position(|other| is_same(other, package));
            if let (Some(first), Some(same)) = (first_of.get_mut(begin + at), same) {
                *first = begin + same;
            }
        }
        begin += of_nevra.len();
    }
    first_of
}

fn is_same(one: &PlacedPackage, other: &PlacedPackage) -> bool {
    let file = |package: &PlacedPackage| package.candidate.file.to_string();
    one.sigkey == other.sigkey && one.sha256 == other.sha256 && file(one) == file(other)
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
