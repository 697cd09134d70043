//! Packages of all shapes there and back, and bytes that nobody wrote.

use proptest::prelude::*;

use super::write::{number, text};
use super::*;
use crate::{
    ChangelogEntry, Comparison, Dependency, DependencyVersion, Error, Evr, FileEntry, FileKind, Nevra,
    Package, Sizes,
};

fn encoded(package: &Package) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(package, &mut bytes);
    bytes
}

/// What is left of a package.
fn without_texts(package: Package) -> Package {
    Package {
        summary: Box::default(),
        description: Box::default(),
        packager: Box::default(),
        url: Box::default(),
        license: Box::default(),
        vendor: Box::default(),
        group: Box::default(),
        build_host: Box::default(),
        changelogs: Vec::new(),
        ..package
    }
}

fn without_lists(package: Package) -> Package {
    Package {
        source_rpm: package.source_rpm,
        build_time: package.build_time,
        file_time: package.file_time,
        sizes: package.sizes,
        header_range: package.header_range,
        signatures: package.signatures,
        ..Package::new(package.nevra)
    }
}

fn version() -> impl Strategy<Value = DependencyVersion> {
    let comparison = prop::sample::select(vec![
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Equal,
        Comparison::GreaterOrEqual,
        Comparison::Greater,
    ]);
    // Often what the package itself has, or nearly.
    let own = (0..3_u32, "[12]", prop::option::of("[12]?"));
    let any = (any::<u32>(), "\\PC{0,5}", prop::option::of("\\PC{0,200}"));
    (comparison, prop_oneof![own, any]).prop_map(|(comparison, (epoch, version, release))| {
        DependencyVersion {
            comparison,
            epoch,
            version: version.into(),
            release: release.map(Into::into),
        }
    })
}

fn dependencies() -> impl Strategy<Value = Vec<Dependency>> {
    let one = ("\\PC{0,12}", prop::option::of(version()), any::<bool>());
    let one = one.prop_map(|(name, version, is_pre)| Dependency {
        name: name.into(),
        version,
        is_pre,
    });
    prop::collection::vec(one, 0..5)
}

fn files() -> impl Strategy<Value = Vec<FileEntry>> {
    let kind = prop::sample::select(vec![FileKind::File, FileKind::Directory, FileKind::Ghost]);
    // Letters of which some have their first bytes in common.
    let path = prop_oneof!["/usr/(share|lib)/[aäöü/]{0,20}", "\\PC{0,9}", "[äöœ]{8,12}"];
    let one = (path, kind).prop_map(|(path, kind)| FileEntry {
        path: path.into(),
        kind,
    });
    prop::collection::vec(one, 0..12)
}

prop_compose! {
    fn package()(
        name in "[a-zä]{1,40}",
        epoch in prop_oneof![0..3_u32, any::<u32>()],
        evr in ("[12]", "[12]"),
        source_rpm in prop::option::of("\\PC{0,9}"),
        numbers in prop::array::uniform7(prop_oneof![0..300_u64, any::<u64>()]),
        keys in prop::collection::vec("[0-9a-f]{1,64}", 0..3),
        lists in (prop::array::uniform8(dependencies()), files()),
        text in "\\PC{1,9}",
    ) -> Package {
        let nevra = Nevra::new(name.parse().unwrap(), Evr::new(epoch, evr.0, evr.1).unwrap(), "noarch".parse().unwrap());
        let [build_time, file_time, package, installed, archive, start, end] = numbers;
        let ([provides, requires, conflicts, obsoletes, recommends, suggests, supplements, enhances], files) = lists;
        Package {
            source_rpm: source_rpm.map(Into::into),
            build_time,
            file_time,
            sizes: Sizes { package, installed, archive },
            header_range: (start, end),
            signatures: keys.iter().map(|key| key.parse().unwrap()).collect(),
            provides, requires, conflicts, obsoletes, recommends, suggests, supplements, enhances, files,
            summary: (&*text).into(),
            description: (&*text).into(),
            license: (&*text).into(),
            changelogs: vec![ChangelogEntry { author: (&*text).into(), time: 1, text: (&*text).into() }],
            ..Package::new(nevra)
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(package in package()) {
        let bytes = encoded(&package);
        let kept = without_texts(package);
        prop_assert_eq!(&decode(&bytes).unwrap(), &kept);
        prop_assert_eq!(decode_brief(&bytes).unwrap(), without_lists(kept));
    }

    #[test]
    fn cut_bytes_and_longer_ones_are_errors(package in package(), at in any::<prop::sample::Index>()) {
        let mut bytes = encoded(&package);
        let cut = at.index(bytes.len());
        let is_refused = matches!(decode(&bytes[..cut]), Err(Error::Encoded { .. }));
        prop_assert!(is_refused);
        bytes.push(0);
        prop_assert!(decode(&bytes).is_err());
        prop_assert!(decode_brief(&bytes).is_ok(), "what follows is not looked at");
    }

    #[test]
    fn damaged_bytes_do_not_panic(
        package in package(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = encoded(&package);
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let _ = decode(&bytes);
        let _ = decode_brief(&bytes);
    }

    #[test]
    fn garbage_does_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = FORMAT;
        }
        let _ = decode(&bytes);
    }
}

fn ed() -> Package {
    Package::new(Nevra::new(
        "ed".parse().unwrap(),
        Evr::new(0, "1", "2").unwrap(),
        "x86_64".parse().unwrap(),
    ))
}

#[test]
fn it_is_appended() {
    let mut bytes = b"before".to_vec();
    encode(&ed(), &mut bytes);
    assert_eq!(decode(bytes.strip_prefix(b"before").unwrap()).unwrap(), ed());
}

#[test]
fn another_format_is_an_error() {
    let mut bytes = encoded(&ed());
    bytes[0] += 1;
    let message = decode(&bytes).unwrap_err().to_string();
    assert_eq!(
        message,
        "facts of a package: they are damaged, or of another version"
    );
    assert!(decode_brief(&bytes).is_err());
}

/// Of a few bytes for each file any amount of paths could be made.
#[test]
fn few_bytes_ask_for_no_memory() {
    let long = "d".repeat(1 << 20);
    let mut package = ed();
    package.files = (0..100)
        .map(|number| FileEntry {
            path: format!("/{long}/{number}").into(),
            kind: FileKind::File,
        })
        .collect();
    let bytes = encoded(&package);
    assert_eq!(decode(&bytes).unwrap(), package);
    assert!(bytes.len() > 30 << 20, "past the limit paths are whole");

    let repeated = |files: u64| {
        let mut bytes = encoded(&ed());
        bytes.pop();
        number(files, &mut bytes);
        number(0, &mut bytes);
        text(&long, &mut bytes);
        for _ in 1..files {
            number((long.len() as u64) << 2, &mut bytes);
            text("", &mut bytes);
        }
        bytes
    };
    assert_eq!(decode(&repeated(65)).unwrap().files.len(), 65);
    assert!(decode(&repeated(66)).is_err(), "64 MiB and a bit more");
}
