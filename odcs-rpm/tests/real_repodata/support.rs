//! What the rooms of this suite have in common.

use std::fs::{self, File};
use std::path::Path;

use odcs_rpm::Digest;
use odcs_rpm::repodata::{self, Entry, Limits, RepoPackage, Repomd};

use crate::common::open;

/// Reads all of a repository whose files are there, and checks them against `repomd.xml`.
pub(crate) fn read_repository(folder: &Path) -> Vec<RepoPackage> {
    let repomd = Repomd::parse(&fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    for record in &repomd.records {
        let path = folder.join(&record.location);
        let Ok(file) = File::open(&path) else { continue };
        let (digest, size) = Digest::of_reader(record.checksum.algorithm(), file).unwrap();
        assert_eq!(digest, record.checksum, "{}", path.display());
        assert_eq!(Some(size), record.size, "{}", path.display());
        let Some(open_checksum) = &record.open_checksum else {
            continue;
        };
        let (digest, size) = Digest::of_reader(open_checksum.algorithm(), open(&path)).unwrap();
        assert_eq!(digest, *open_checksum, "{}", path.display());
        assert_eq!(Some(size), record.open_size, "{}", path.display());
    }
    let path_of = |kind: &str| folder.join(&repomd.record(kind).unwrap().location);
    let mut packages = repodata::read_primary(open(&path_of("primary")), Limits::default()).unwrap();
    for kind in ["filelists", "other"] {
        let path = path_of(kind);
        if !path.exists() {
            continue;
        }
        let found = match kind {
            "filelists" => repodata::read_filelists(open(&path), &mut packages, Limits::default()),
            _ => repodata::read_other(open(&path), &mut packages, Limits::default()),
        };
        assert!(found.unwrap() <= packages.len());
    }
    packages
}

pub(crate) fn entries(packages: &[RepoPackage]) -> Vec<Entry<'_>> {
    let entries = packages.iter().map(|package| Entry {
        package: &package.package,
        checksum: &package.checksum,
        location: &package.location,
    });
    entries.collect()
}

/// Compares texts line by line: whole files are too long for a message.
pub(crate) fn assert_same_lines(ours: &[u8], theirs: &[u8]) {
    let [ours, theirs] = [ours, theirs].map(|bytes| std::str::from_utf8(bytes).unwrap());
    for (number, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {number}");
    }
    assert!(ours == theirs, "one is longer");
}
