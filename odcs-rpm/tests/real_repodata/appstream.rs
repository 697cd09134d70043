//! A whole repository: what is read is written as it was.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use odcs_rpm::repodata::{self, Repomd};
use test_support::recordings;

use crate::common::open;
use crate::support::{assert_same_lines, entries, read_repository};

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
    assert_same_lines(&written, &original);
    println!("ok cs9-appstream, written again");
}
