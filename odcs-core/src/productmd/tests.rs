//! What a finished compose of the reference server has, byte for byte.

use odcs_rpm::{Nevra, TreeArch};
use proptest::prelude::*;

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
fn images_are_those_of_the_reference() {
    let mut images = Images::new(&ident("odcs-9"));
    // Added in no particular order.
    for (arch, tree, sha256, md5) in [
        (
            "x86_64",
            "x86_64",
            "69b4542ed8a628ba25e8bca9a403b2aaeb0dd69ce66693e45dc79eed31f15684",
            "e312b560c51f03439b3db38e9e5c436e",
        ),
        (
            "src",
            "source",
            "f1ebc91eb2d9bc1c8ce150a6a4377184843aef8ca409d51c471650eed704bb0c",
            "66d043d96feb1838c2789bbc5e32d573",
        ),
    ] {
        let image = Image {
            arch: arch.into(),
            bootable: false,
            checksums: [("sha256".to_owned(), sha256.to_owned())].into(),
            disc_count: 1,
            disc_number: 1,
            format: "iso".into(),
            implant_md5: Some(md5.into()),
            mtime: 1_795_255_852,
            path: format!("{VARIANT}/{tree}/iso/odcs-9-1-20261121.t.0-{VARIANT}-{tree}-dvd1.iso"),
            size: 493_568,
            subvariant: VARIANT.into(),
            kind: "dvd".into(),
            volume_id: Some(format!("odcs-9-1 {VARIANT}.{arch}")),
        };
        images.add(VARIANT, "x86_64", image);
    }
    let expected = include_str!("testdata/images.json");
    assert_eq!(text(images.to_json().unwrap()), expected);
    assert_eq!(Images::from_json(expected.as_bytes()).unwrap(), images);
    let arches = arches(&["x86_64"]);
    let info = ComposeInfo::new(&ident("odcs-9"), &arches).with_isos(&arches, true);
    let expected = include_str!("testdata/composeinfo-iso.json");
    assert_eq!(text(info.to_json().unwrap()), expected);
    assert_eq!(ComposeInfo::from_json(expected.as_bytes()).unwrap(), info);
    let plain = ComposeInfo::new(&ident("odcs-9"), &arches);
    assert_eq!(plain.clone().with_isos([], false), plain);
}

#[test]
fn the_files_of_a_tree_on_a_medium_say_which_one_it_is() {
    let ident = ident("odcs-1");
    let disc = Disc { number: 1, total: 1 };
    let plain = TreeInfo::new(&ident, "x86_64", 1_795_254_151);
    let on_disc = plain.clone().on_disc(disc).to_text().unwrap();
    let media = "[media]\ndiscnum = 1\ntotaldiscs = 1\n\n[release]\n";
    assert_eq!(on_disc, plain.to_text().unwrap().replace("[release]\n", media));
    let discinfo = DiscInfo {
        timestamp: 1_795_254_151,
        description: ident.release_text(),
        arch: "src".into(),
        disc: Some(1),
    };
    assert_eq!(discinfo.to_text(), "1795254151.000000\nodcs-1 1\nsrc\n1\n");
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
        disc: None,
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

proptest! {
    #[test]
    fn entries_of_rpms_are_written_as_if_they_had_been_added(
        packages in prop::collection::vec(
            (
                prop::sample::select(vec!["x86_64", "aarch64"]),
                prop::sample::select(vec!["a-0:1-1.src", "a+-0:1-1.src", "\u{fc}-0:1-1.src"]),
                prop::sample::select(vec!["a", "a+", "a-b", "\u{fc}"]),
                prop::sample::select(vec!["1", "9", "10", "1:9"]),
                prop::sample::select(vec![None, Some("fd431d51")]),
            ),
            0..12,
        ),
    ) {
        let nevras: Vec<Nevra> = packages
            .iter()
            .map(|(_, _, name, version, _)| format!("{name}-{version}-1.noarch").parse().unwrap())
            .collect();
        let mut rpms = Rpms::new(&ident("odcs-1"));
        let mut entries = Vec::new();
        for ((arch, source, .., sigkey), nevra) in packages.iter().zip(&nevras) {
            let (category, location) = (Category::Binary, nevra.name().as_str());
            entries.push(RpmEntry { arch, source, nevra, category, tree: "t \"", location, sigkey: *sigkey });
            let path = format!("t \"/{location}");
            let rpm = Rpm { category, path, sigkey: sigkey.map(ToOwned::to_owned) };
            rpms.add(VARIANT, arch, source, nevra, rpm);
        }
        let json = Rpms::json_of(&ident("odcs-1"), VARIANT, &entries).unwrap();
        prop_assert_eq!(text(json), text(rpms.to_json().unwrap()));
    }
}
