//! Reads repodata that real tools wrote for real repositories.
//!
//! `ODCS_REAL_REPODATA` names the folder; without it `../shared/fixtures/real` below the project's root
//! is taken. When neither exists the suite passes, saying so, except under `CI=true` with `../shared` at
//! hand.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use common::open;
use odcs_rpm::repodata::{self, Entry, Limits, RepoPackage, Repomd};
use odcs_rpm::{Digest, FileKind};
use test_support::recordings;

/// Reads all of a repository whose files are there, and checks them against `repomd.xml`.
fn read_repository(folder: &Path) -> Vec<RepoPackage> {
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

fn entries(packages: &[RepoPackage]) -> Vec<Entry<'_>> {
    let entries = packages.iter().map(|package| Entry {
        package: &package.package,
        checksum: &package.checksum,
        location: &package.location,
    });
    entries.collect()
}

#[test]
fn appstream_of_centos_stream_9() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    let packages = read_repository(&real.join("cs9-appstream"));
    assert_eq!(packages.len(), 17_649);
    let first = &packages[0];
    assert_eq!(
        first.package.nevra.to_string(),
        "389-ds-base-0:2.5.1-1.el9.x86_64"
    );
    assert_eq!(first.location, "Packages/389-ds-base-2.5.1-1.el9.x86_64.rpm");
    assert_eq!(first.package.sizes.package, 2_922_140);
    assert_eq!(first.package.header_range, (59_776, 132_493));
    let mut arches = BTreeMap::new();
    for package in &packages {
        *arches.entry(package.package.nevra.arch().as_str()).or_insert(0) += 1;
        let source = package.package.source_rpm.as_deref().unwrap();
        assert!(source.ends_with("src.rpm"), "{source}");
        assert!(!package.package.summary.is_empty());
        let provides = &package.package.provides;
        let name = package.package.nevra.name().as_str();
        assert!(
            provides.iter().any(|provide| *provide.name == *name),
            "{name} provides itself"
        );
    }
    println!("{arches:?}");
    assert_eq!(arches.values().sum::<usize>(), 17_649);
    assert!(arches.contains_key("noarch") && arches.contains_key("i686"));
    let epochs = packages
        .iter()
        .filter(|package| package.package.nevra.evr().epoch() > 0);
    assert!(epochs.count() > 100);
    let rich = packages.iter().flat_map(|package| &package.package.requires);
    assert!(rich.filter(|requirement| requirement.is_rich()).count() > 100);
    println!("ok cs9-appstream");

    let mut written = Vec::new();
    repodata::write_primary(&entries(&packages), &mut written).unwrap();
    let mut original = Vec::new();
    let repomd = real.join("cs9-appstream/repodata/repomd.xml");
    let repomd = Repomd::parse(&fs::read(repomd).unwrap()).unwrap();
    let path = real
        .join("cs9-appstream")
        .join(&repomd.record("primary").unwrap().location);
    open(&path).read_to_end(&mut original).unwrap();
    // Compared line by line: the whole files are too long for a message.
    let [written, original] = [written, original].map(|bytes| String::from_utf8(bytes).unwrap());
    for (number, (ours, theirs)) in written.lines().zip(original.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {number}");
    }
    assert!(written == original);
    println!("ok cs9-appstream, written again");
}

#[test]
fn filelists_of_centos_stream_9() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    // Its primary is not at hand: one is made of what filelists says of its packages.
    let path = real.join("cs9-baseos-filelists/filelists.xml.gz");
    let mut original = String::new();
    open(&path).read_to_string(&mut original).unwrap();
    let mut primary = String::from("<metadata>");
    let mut lines = original.lines();
    while let Some(line) = lines.next() {
        let Some(line) = line.strip_prefix("<package pkgid=\"") else {
            continue;
        };
        let [id, _, name, _, arch, _] = line.split('"').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let version = lines.next().unwrap();
        primary.push_str(&format!(
            "<package><name>{name}</name><arch>{arch}</arch>{version}<location href='x'/>\
             <checksum type='sha256'>{id}</checksum></package>"
        ));
    }
    primary.push_str("</metadata>");
    let mut packages = repodata::read_primary(primary.as_bytes(), Limits::default()).unwrap();
    let found = repodata::read_filelists(open(&path), &mut packages, Limits::default()).unwrap();
    assert_eq!(found, 4572);
    let mut written = Vec::new();
    repodata::write_filelists(&entries(&packages), &mut written).unwrap();
    assert!(
        written == original.as_bytes(),
        "what is written is not what was read"
    );
    let files = &packages[0].package.files;
    assert_eq!(
        &*files[0].path,
        "/etc/dbus-1/system.d/org.freedesktop.ModemManager1.conf"
    );
    let of_kind = |kind| files.iter().filter(|file| file.kind == kind).count();
    assert!(of_kind(FileKind::Directory) > 10 && of_kind(FileKind::File) > 10);
    println!("ok cs9-baseos-filelists: {} files", files.len());
}

#[test]
fn the_repositories_of_the_recorded_gather_runs() {
    let Some(repos) = recordings("ODCS_GATHER_REPOS", "gather/repos") else {
        return;
    };
    let mut names: Vec<_> = fs::read_dir(repos)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for path in names {
        let packages = read_repository(&path);
        assert!(!packages.is_empty(), "{}", path.display());
        let files: usize = packages.iter().map(|package| package.package.files.len()).sum();
        println!(
            "ok {}: {} packages, {files} files",
            path.display(),
            packages.len()
        );
    }
}
