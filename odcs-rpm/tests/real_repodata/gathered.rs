//! Read, gathered from, written, read again: the packages are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::sync::Arc;

use odcs_rpm::compression::{WriteCompression, decoder};
use odcs_rpm::comps::{Level, read_comps};
use odcs_rpm::gather::{Options, PackageSet, Request, gather, select};
use odcs_rpm::repodata::{
    Entry, Limits, RepoPackage, RepodataFile, RepodataOptions, Repomd, read_primary, write_repodata,
};
use odcs_rpm::{Nevra, PackageKind};
use test_support::recordings;

use crate::common::open;
use crate::support::{entries, read_repository};

/// Reads a list out of files that were written.
fn content<'a>(files: &'a [RepodataFile], kind: &str) -> impl std::io::BufRead + 'a {
    let repomd = Repomd::parse(&files.last().unwrap().bytes).unwrap();
    let record = repomd.record(kind).unwrap();
    let name = record.location.strip_prefix("repodata/").unwrap();
    let file = files.iter().find(|file| file.name == name).unwrap();
    assert_eq!(Some(file.bytes.len() as u64), record.size);
    let compression = odcs_rpm::compression::Compression::of_file_name(name);
    let limit = record.open_size.or(record.size).unwrap();
    BufReader::with_capacity(
        1 << 16,
        decoder(&*file.bytes, compression, "test", limit).unwrap(),
    )
}

/// Writes some of the packages, and reads them again.
fn written_and_read(
    packages: &[&RepoPackage],
    compression: WriteCompression,
    comps: &[u8],
) -> Vec<RepoPackage> {
    let entries: Vec<_> = packages
        .iter()
        .map(|package| Entry {
            package: &package.package,
            checksum: &package.checksum,
            location: &package.location,
        })
        .collect();
    let options = RepodataOptions::new(7)
        .with_compression(compression)
        .with_comps("comps.xml", comps);
    let files = write_repodata(&entries, options).unwrap();
    let group = read_comps(content(&files, "group"), Limits::default()).unwrap();
    assert_eq!(group, read_comps(comps, Limits::default()).unwrap());
    read_primary(content(&files, "primary"), Limits::default()).unwrap()
}

#[test]
fn packages_gathered_from_appstream_are_written_as_they_were() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    let folder = real.join("cs9-appstream");
    let packages = read_repository(&folder);
    let repomd = Repomd::parse(&std::fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    let path = folder.join(&repomd.record("group").unwrap().location);
    let comps = read_comps(open(&path), Limits::default()).unwrap();
    let comps_xml = comps.to_xml();
    assert_eq!(
        read_comps(&*comps_xml, Limits::default()).unwrap(),
        comps,
        "comps are kept"
    );

    // Of several builds of one NEVRA the set has the first.
    let mut by_nevra: BTreeMap<&Nevra, &RepoPackage> = BTreeMap::new();
    for package in &packages {
        by_nevra.entry(&package.package.nevra).or_insert(package);
    }
    let set = packages
        .iter()
        .map(|package| Arc::new(package.package.clone()))
        .collect();
    let set = PackageSet::new(set, Vec::new()).unwrap();
    let arch: odcs_rpm::TreeArch = "x86_64".parse().unwrap();

    let mut names: BTreeSet<&str> = ["389-ds-base", "bind", "zsh", "gcc-c++", "python3-requests"].into();
    let desktop = comps.groups.iter().find(|group| &*group.id == "base-x").unwrap();
    let mandatory = desktop
        .packages
        .iter()
        .filter(|package| package.level == Level::Mandatory);
    names.extend(mandatory.map(|package| &*package.name));
    let asked: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();

    for (what, gathered) in [
        ("all, as they are", select(&set, &Request::Everything, &arch)),
        (
            "a handful, as they are",
            select(&set, &Request::Packages(asked.clone()), &arch),
        ),
        (
            "a handful, with what they require",
            gather(&set, &Request::Packages(asked), &Options::new(arch.clone())),
        ),
    ] {
        let found: Vec<_> = gathered.packages(PackageKind::Binary).collect();
        let chosen: Vec<_> = found
            .iter()
            .map(|member| by_nevra[&member.package.nevra])
            .collect();
        assert!(chosen.len() >= 5, "{what}: {}", chosen.len());
        // Everything is long, and compressed the same way.
        let compressions: &[_] = if chosen.len() > 10_000 {
            &[WriteCompression::Zstd]
        } else {
            &[WriteCompression::Gzip, WriteCompression::Zstd]
        };
        for compression in compressions {
            let read = written_and_read(&chosen, *compression, &comps_xml);
            assert_eq!(read.len(), chosen.len(), "{what}");
            for ((read, written), member) in read.iter().zip(&chosen).zip(&found) {
                assert!(
                    read == *written,
                    "{what}: {} is not what it was",
                    written.package.nevra
                );
                assert!(
                    read.package == *member.package,
                    "{what}: {}",
                    written.package.nevra
                );
            }
        }
        println!("ok cs9-appstream, {what}: {} packages", chosen.len());
    }
    assert_eq!(entries(&packages).len(), 17_649);
}
