//! What a finished compose of the reference server has, byte for byte.

use odcs_rpm::{Nevra, TreeArch};

use super::*;

fn ident(short: &str) -> ComposeIdent {
    ComposeIdent {
        short: short.into(),
        version: "1".into(),
        date: "20261121".into(),
        kind: ComposeKind::Test,
        respin: 0,
    }
}

fn arches(names: &[&str]) -> Vec<TreeArch> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn composeinfo_is_that_of_the_reference() {
    let written = ComposeInfo::new(&ident("odcs-1"), &arches(&["x86_64"]));
    assert_eq!(
        text(written.to_json().unwrap()),
        include_str!("testdata/composeinfo.json")
    );
    let written = ComposeInfo::new(&ident("odcs-7"), &arches(&["x86_64", "ppc64le"]));
    let expected = include_str!("testdata/composeinfo-two-arches.json");
    assert_eq!(text(written.to_json().unwrap()), expected);
    assert_eq!(ComposeInfo::from_json(expected.as_bytes()).unwrap(), written);
}

#[test]
fn rpms_are_those_of_the_reference() {
    let mut rpms = Rpms::new(&ident("odcs-1"));
    let source = source_nevra("ed-1.14.1-2.module_fd8ca23e.src.rpm").unwrap();
    let binary = |name: &str| {
        Nevra::new(
            name.parse().unwrap(),
            source.evr().clone(),
            "x86_64".parse().unwrap(),
        )
    };
    for (nevra, category, tree) in [
        (source.clone(), Category::Source, "source/tree"),
        (binary("ed-debuginfo"), Category::Debug, "x86_64/debug/tree"),
        (binary("ed"), Category::Binary, "x86_64/os"),
    ] {
        let path = format!("{VARIANT}/{tree}/Packages/e/{}", nevra.file_name());
        let rpm = Rpm {
            category,
            path,
            sigkey: None,
        };
        rpms.add(VARIANT, "x86_64", &source.to_string(), &nevra, rpm);
    }
    let expected = include_str!("testdata/rpms.json");
    assert_eq!(text(rpms.to_json().unwrap()), expected);
    assert_eq!(Rpms::from_json(expected.as_bytes()).unwrap(), rpms);
    let empty = Rpms::new(&ident("odcs-3"));
    assert_eq!(
        text(empty.to_json().unwrap()),
        include_str!("testdata/rpms-empty.json")
    );
}

#[test]
fn modules_are_those_of_the_reference() {
    let modules = Modules::none(&ident("odcs-1"));
    let expected = include_str!("testdata/modules.json");
    assert_eq!(text(modules.to_json().unwrap()), expected);
    assert_eq!(Modules::from_json(expected.as_bytes()).unwrap(), modules);
    assert!(Modules::from_json(include_bytes!("testdata/rpms.json")).is_err());
}

#[test]
fn the_files_of_a_tree_are_those_of_the_reference() {
    let ident = ident("odcs-1");
    let treeinfo = TreeInfo::new(&ident, "x86_64", 1_795_254_151);
    assert_eq!(treeinfo.to_text().unwrap(), include_str!("testdata/treeinfo"));
    let discinfo = DiscInfo {
        timestamp: 1_795_254_151,
        description: ident.release_text(),
        arch: "x86_64".into(),
    };
    // Microseconds are the one thing we do not have: timestamps are those of the content.
    let whole_seconds = |text: &str| text.replace(".453745", ".000000");
    assert_eq!(
        discinfo.to_text(),
        whole_seconds(include_str!("testdata/discinfo"))
    );
    let media = MediaRepo {
        name: ident.release_text(),
        media_id: discinfo.media_id(),
    };
    assert_eq!(
        media.to_text().unwrap(),
        whole_seconds(include_str!("testdata/media.repo"))
    );
    let broken = TreeInfo {
        release: "odcs-1\n[x]".into(),
        ..treeinfo
    };
    assert!(broken.to_text().is_err());
}
