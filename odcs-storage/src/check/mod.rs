//! Reading back what was written, before anybody is told that it is there.

mod lists;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use odcs_core::plan::Plan;
use odcs_rpm::compression::{Compression, WriteCompression, decoder};
use odcs_rpm::digest::Hasher;
use odcs_rpm::repodata::{Repomd, RepomdRecord};
use odcs_rpm::{Digest, DigestAlgorithm};
use rayon::join;
use rayon::prelude::*;

use self::lists::check_list;
use crate::dir::{self, Dir};
use crate::error::{Error, Result};
use crate::layout::{self, Tree};
use crate::packages::PlacedPackage;
use crate::settings::RepodataSettings;
use crate::tree::{WrittenFile, comps_of, updateinfo_of};

/// A `repomd.xml` of ours has seven entries at most.
const REPOMD_LIMIT: u64 = 1 << 20;

/// Bytes that are looked at at a time: large files are never in memory as a whole.
const BUFFER: usize = 64 << 10;

/// Entries of one directory that are looked at; no more packages begin with one letter.
const ENTRIES: usize = 1_000_000;

/// Nothing, or what is wrong.
type Checked = std::result::Result<(), String>;

/// What a file of repodata has to hold.
enum Expected {
    /// The packages of the tree.
    Packages,
    /// The document with this checksum, uncompressed.
    Document(Digest),
}

/// Checks one tree: `repomd.xml` names the files that are there, which are those that were meant to be; they have
/// the sizes and checksums it gives; they list exactly these packages, in this order; each package is there as it
/// was read, and nothing else.
pub(crate) fn check_tree(
    compose: &Dir,
    tree: &Tree,
    plan: &Plan,
    packages: &[&PlacedPackage],
    settings: RepodataSettings,
) -> Result<()> {
    let directory = compose.open_path(&tree.segments())?;
    let repodata = directory.open(layout::REPODATA)?;
    let failed = |name: &str, reason: String| Error::ReadBack {
        path: format!("{tree}/{name}"),
        reason,
    };
    let name = "repodata/repomd.xml";
    let repomd = Repomd::parse(&repodata.read("repomd.xml", REPOMD_LIMIT)?)
        .map_err(|error| failed(name, error.to_string()))?;
    let expected = expected(tree, plan, settings);
    let records = check_repomd(&repomd, plan, &expected).map_err(|reason| failed(name, reason))?;
    let found = repodata.entries(1_000)?.len();
    if found != repomd.records.len() + 1 {
        let named = repomd.records.len() + 1;
        return Err(failed(name, format!("it names {named} files of {found}")));
    }
    let check_record = |(record, expected): &(&RepomdRecord, &Expected)| {
        let checked = read_back(&repodata, record, |content| match expected {
            Expected::Packages => check_list(&record.kind, content, packages),
            Expected::Document(_) => Ok(()),
        });
        checked
            .and_then(|content| match expected {
                Expected::Document(document) if content != *document => {
                    Err("it is not the document that was meant".to_owned())
                }
                _ => Ok(()),
            })
            .map_err(|reason| failed(&record.location, reason))
    };
    let check_file = |package: &&PlacedPackage| {
        let stat = directory.stat(&package.location)?.filter(dir::is_file);
        let size = stat.as_ref().map(dir::size);
        if size != Some(package.package.sizes.package) {
            return Err(failed(&package.location, format!("its size is {size:?}")));
        }
        // Whoever writes into a file that is linked here changes its time, too.
        let time = stat.map(|stat| u64::try_from(stat.st_mtime).unwrap_or(0));
        if time != Some(package.package.file_time) {
            let reason = "it was written to after it had been read".to_owned();
            return Err(failed(&package.location, reason));
        }
        Ok(())
    };
    let (records, files) = join(
        || try_all(&records, check_record),
        || try_all(packages, check_file),
    );
    records.and(files)?;
    let found = count_packages(&directory)?;
    if found != packages.len() {
        let reason = format!("{found} files are there of {} packages", packages.len());
        return Err(failed(layout::PACKAGES, reason));
    }
    Ok(())
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

/// The files that a tree's repodata is to consist of, in the order of `repomd.xml`.
fn expected(tree: &Tree, plan: &Plan, settings: RepodataSettings) -> Vec<(&'static str, Expected)> {
    let mut expected: Vec<_> = ["primary", "filelists", "other"]
        .map(|kind| (kind, Expected::Packages))
        .into();
    if settings.filelists_ext {
        expected.push(("filelists-ext", Expected::Packages));
    }
    if let Some((_, xml)) = comps_of(tree, plan) {
        let compressed = match settings.compression {
            WriteCompression::Gzip => "group_gz",
            WriteCompression::Zstd => "group_zst",
        };
        for kind in ["group", compressed] {
            let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &xml);
            expected.push((kind, Expected::Document(digest)));
        }
    }
    if let Some(updates) = updateinfo_of(tree, plan) {
        expected.push(("updateinfo", Expected::Document(updates.digest().clone())));
    }
    expected
}

/// Checks that the records of a `repomd.xml` are those that were meant, each under the name of its checksum.
fn check_repomd<'a>(
    repomd: &'a Repomd,
    plan: &Plan,
    expected: &'a [(&'static str, Expected)],
) -> std::result::Result<Vec<(&'a RepomdRecord, &'a Expected)>, String> {
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
    let prefix = |record: &RepomdRecord| format!("{}/{}-", layout::REPODATA, record.checksum.hex());
    if let Some(record) = repomd
        .records
        .iter()
        .find(|record| !record.location.starts_with(&prefix(record)))
    {
        return Err(format!("it has {} under {}", record.kind, record.location));
    }
    let expected = expected.iter().map(|(_, expected)| expected);
    Ok(repomd.records.iter().zip(expected).collect())
}

/// Checks in parallel. Of several failures the first in order is reported.
fn try_all<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let failure = items.par_iter().find_map_first(|item| check(item).err());
    failure.map_or(Ok(()), Err)
}

/// How many files there are below `Packages`.
fn count_packages(tree: &Dir) -> Result<usize> {
    let packages = tree.open(layout::PACKAGES)?;
    let letters = packages.entries(ENTRIES)?;
    letters.into_iter().try_fold(0, |count, letter| {
        Ok(count + packages.open(&letter.name)?.entries(ENTRIES)?.len())
    })
}

/// Compares size and checksums of a file of repodata, and lets `check` read its content on the way. Returns the
/// checksum of the content.
fn read_back(
    repodata: &Dir,
    record: &RepomdRecord,
    check: impl FnOnce(&mut dyn BufRead) -> Checked,
) -> std::result::Result<Digest, String> {
    let name = record.location.rsplit('/').next().unwrap_or_default();
    let size = record.size.ok_or("it has no size")?;
    let open = record.open_checksum.as_ref().zip(record.open_size);
    let compression = Compression::of_file_name(name);
    if open.is_some() != (compression != Compression::None) {
        return Err("it is compressed, or it is not, against what is said of it".into());
    }
    let (file, _) = repodata.open_file(name).map_err(|error| error.to_string())?;
    let mut file: Hashing<File> = Hashing::new(file);
    let limit = open.map_or(size, |(_, open_size)| open_size);
    let decoder = decoder(
        BufReader::with_capacity(BUFFER, &mut file),
        compression,
        "repodata",
        limit,
    );
    let content = Hashing::new(decoder.map_err(|error| error.to_string())?.with_any_ratio());
    let mut content = BufReader::with_capacity(BUFFER, content);
    // What `check` and the decompressor say of a damaged file is not what is wrong with it.
    let checked = check(&mut content);
    let read = std::io::copy(&mut content, &mut std::io::sink()).map_err(|error| error.to_string());
    let (content, content_size) = content.into_inner().finish();
    std::io::copy(&mut file, &mut std::io::sink()).map_err(|error| error.to_string())?;
    let (checksum, file_size) = file.finish();
    if file_size != size || checksum != record.checksum {
        return Err("it has another checksum".into());
    }
    read?;
    if let Some((open_checksum, open_size)) = open
        && (content_size != open_size || content != *open_checksum)
    {
        return Err("its content has another checksum".into());
    }
    checked?;
    Ok(content)
}

/// Hashes what passes through.
struct Hashing<R> {
    reader: R,
    hasher: Hasher,
    size: u64,
}

impl<R> Hashing<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            hasher: Hasher::new(DigestAlgorithm::Sha256),
            size: 0,
        }
    }

    fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.size)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.size += read as u64;
        Ok(read)
    }
}
