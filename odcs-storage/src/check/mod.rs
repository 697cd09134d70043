//! Reading back what was written, before anybody is told that it is there.

mod files;
mod lists;
#[cfg(test)]
mod tests;

use std::fs::File;

use odcs_core::plan::Plan;
use odcs_rpm::compression::WriteCompression;
use odcs_rpm::repodata::{Finished, FinishedFile, Repomd};
use odcs_rpm::{Digest, DigestAlgorithm};
use rayon::join;
use rayon::prelude::*;

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::layout::{self, Tree};
use crate::packages::PlacedPackage;
use crate::repodata::REPOMD;
use crate::settings::RepodataSettings;
use crate::tree::{WrittenFile, comps_of, updateinfo_of};

/// A `repomd.xml` of ours has seven entries at most.
const REPOMD_LIMIT: u64 = 1 << 20;

/// Checks one tree: `repomd.xml` is what was written, and names the files that are there, which are those that were
/// meant to be; they have the sizes and checksums that they were written with, compressed and uncompressed; they list
/// these packages, in this order; each package is there as the file that it was, and nothing else.
pub(crate) fn check_tree(
    compose: &Dir,
    tree: &Tree,
    plan: &Plan,
    packages: &[&PlacedPackage],
    settings: RepodataSettings,
    written: &Finished<File>,
) -> Result<()> {
    let directory = compose.open_path(&tree.segments())?;
    let repodata = directory.open(layout::REPODATA)?;
    let failed = |name: &str, reason: String| Error::ReadBack {
        path: format!("{tree}/{name}"),
        reason,
    };
    let name = "repodata/repomd.xml";
    let bytes = repodata.read(REPOMD, REPOMD_LIMIT)?;
    let repomd = Repomd::parse(&bytes).map_err(|error| failed(name, error.to_string()))?;
    check_repomd(&repomd, plan, &expected(tree, plan, settings)).map_err(|reason| failed(name, reason))?;
    if bytes != written.repomd {
        return Err(failed(name, "it is not what was written".to_owned()));
    }
    let found = repodata.count()?;
    if found != repomd.records.len() + 1 {
        let named = repomd.records.len() + 1;
        return Err(failed(name, format!("it names {named} files of {found}")));
    }
    let check_file = |file: &FinishedFile<File>| {
        let written = &file.written;
        let checked = lists::check(&repodata, written, packages);
        checked.map_err(|reason| failed(&format!("{}/{}", layout::REPODATA, written.name), reason))
    };
    let (lists, files) = join(
        || try_all(&written.files, check_file),
        || files::check(&directory, packages, |name, reason| failed(name, reason)),
    );
    lists.and(files)
}

/// Checks that the small files around the packages are what was written.
pub(crate) fn check_files(compose: &Dir, files: &[WrittenFile]) -> Result<()> {
    for file in files {
        let segments: Vec<&str> = file.segments.iter().map(String::as_str).collect();
        let failed = |reason: String| Error::ReadBack {
            path: format!("{}/{}", segments.join("/"), file.name),
            reason,
        };
        let (content, _) = compose.open_path(&segments)?.open_file(&file.name)?;
        let (found, _) =
            Digest::of_reader(DigestAlgorithm::Sha256, content).map_err(|error| failed(error.to_string()))?;
        if found != file.digest {
            return Err(failed("it is not what was written".to_owned()));
        }
    }
    Ok(())
}

/// The files that a tree's repodata is to consist of, in the order of `repomd.xml`, and the checksum of what they
/// hold, uncompressed, where that is known.
fn expected(tree: &Tree, plan: &Plan, settings: RepodataSettings) -> Vec<(&'static str, Option<Digest>)> {
    let mut expected: Vec<_> = ["primary", "filelists", "other"].map(|kind| (kind, None)).into();
    if settings.filelists_ext {
        expected.push(("filelists-ext", None));
    }
    if let Some((_, xml)) = comps_of(tree, plan) {
        let compressed = match settings.compression {
            WriteCompression::Gzip => "group_gz",
            WriteCompression::Zstd => "group_zst",
        };
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &xml);
        expected.extend(["group", compressed].map(|kind| (kind, Some(digest.clone()))));
    }
    if let Some(updates) = updateinfo_of(tree, plan) {
        expected.push(("updateinfo", Some(updates.digest().clone())));
    }
    expected
}

/// Checks that the records of a `repomd.xml` are those that were meant, each under the name of its checksum.
fn check_repomd(
    repomd: &Repomd,
    plan: &Plan,
    expected: &[(&'static str, Option<Digest>)],
) -> std::result::Result<(), String> {
    if repomd.revision != Some(plan.timestamp.to_string()) {
        return Err(format!(
            "its revision is {:?} instead of {}",
            repomd.revision, plan.timestamp
        ));
    }
    let kinds = repomd.records.iter().map(|record| record.kind.as_str());
    if !kinds.clone().eq(expected.iter().map(|(kind, _)| *kind)) {
        let kinds: Vec<_> = kinds.collect();
        return Err(format!("it names {}", kinds.join(", ")));
    }
    for (record, (kind, document)) in repomd.records.iter().zip(expected) {
        let prefix = format!("{}/{}-", layout::REPODATA, record.checksum.hex());
        if !record.location.starts_with(&prefix) {
            return Err(format!("it has {kind} under {}", record.location));
        }
        let content = record.open_checksum.as_ref().unwrap_or(&record.checksum);
        if document.as_ref().is_some_and(|document| document != content) {
            return Err(format!("{kind} is not the document that was meant"));
        }
    }
    Ok(())
}

/// Checks in parallel. Of several failures the first in order is reported.
fn try_all<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let failure = items.par_iter().find_map_first(|item| check(item).err());
    failure.map_or(Ok(()), Err)
}
