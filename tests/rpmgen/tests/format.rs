//! An independent reader finds in the bytes what the spec said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod common;

use proptest::prelude::*;
use rpm::{Package, PackageMetadata};
use rpmgen::{ChangelogSpec, Error, FileKind, FileSpec, PackageKind, PackageSpec, Relation, write};

use common::{everything, paths, requires_in_header, samples, tuples};

fn parse(bytes: &[u8]) -> Package {
    Package::parse(&mut &bytes[..]).unwrap()
}

fn relations(read: Result<Vec<rpm::Dependency>, rpm::Error>) -> Vec<(String, u32, String)> {
    read.unwrap()
        .into_iter()
        .map(|read| (read.name, read.flags.bits(), read.version))
        .collect()
}

/// Missing strings are errors in the reader; here they are `None`.
fn text(read: Result<&str, rpm::Error>) -> Option<&str> {
    read.ok()
}

fn compare(spec: &PackageSpec, package: &PackageMetadata) {
    assert_eq!(package.get_name().unwrap(), spec.name);
    assert_eq!(package.get_epoch().ok(), spec.epoch);
    assert_eq!(package.get_version().unwrap(), spec.version);
    assert_eq!(package.get_release().unwrap(), spec.release);
    assert_eq!(package.get_arch().unwrap(), spec.arch);
    assert_eq!(package.is_source_package(), spec.is_source());
    assert_eq!(text(package.get_source_rpm()), spec.source_rpm.as_deref());
    assert_eq!(package.get_summary().unwrap(), spec.summary);
    assert_eq!(package.get_description().unwrap(), spec.description);
    assert_eq!(package.get_group().unwrap(), spec.group);
    assert_eq!(package.get_license().unwrap(), spec.license);
    assert_eq!(text(package.get_url()), spec.url.as_deref());
    assert_eq!(text(package.get_vendor()), spec.vendor.as_deref());
    assert_eq!(text(package.get_packager()), spec.packager.as_deref());
    assert_eq!(package.get_build_time().unwrap(), u64::from(spec.build_time));
    assert_eq!(package.get_build_host().unwrap(), spec.build_host);
    assert_eq!(relations(package.get_requires()), requires_in_header(spec));
    assert_eq!(relations(package.get_provides()), tuples(&spec.provides));
    assert_eq!(relations(package.get_conflicts()), tuples(&spec.conflicts));
    assert_eq!(relations(package.get_obsoletes()), tuples(&spec.obsoletes));
    assert_eq!(relations(package.get_recommends()), tuples(&spec.recommends));
    assert_eq!(relations(package.get_suggests()), tuples(&spec.suggests));
    assert_eq!(relations(package.get_supplements()), tuples(&spec.supplements));
    assert_eq!(relations(package.get_enhances()), tuples(&spec.enhances));

    let read: Vec<String> = package
        .get_file_paths_split()
        .unwrap_or_default()
        .into_iter()
        .map(|(directory, name)| format!("{directory}{name}"))
        .collect();
    assert_eq!(read, paths(spec));
    let changelogs = package.get_changelog_entries().unwrap_or_default();
    assert_eq!(changelogs.len(), spec.changelogs.len());
    for (read, written) in changelogs.iter().zip(&spec.changelogs) {
        assert_eq!(
            (read.name.as_ref(), read.timestamp),
            (written.author.as_str(), u64::from(written.time))
        );
        assert_eq!(read.description.as_ref() as &str, written.text);
    }
}

#[test]
fn every_kind_is_read_back() {
    for spec in samples() {
        let package = parse(&write(&spec).unwrap());
        compare(&spec, &package.metadata);
        package.verify_digests().unwrap();
        let report = package.check_digests().unwrap();
        assert!(
            report.header_sha256.is_verified() && report.payload_sha256.is_verified(),
            "{report:?}"
        );
    }
}

#[test]
fn files_have_sizes_modes_and_digests() {
    let spec = everything();
    let package = parse(&write(&spec).unwrap());
    let entries = package.metadata.get_file_entries().unwrap();
    assert_eq!(entries.len(), spec.files.len());
    for file in &spec.files {
        let entry = entries
            .iter()
            .find(|entry| entry.path().to_str() == Some(&file.path))
            .unwrap();
        let (size, target) = match &file.kind {
            FileKind::Content(content) => (content.len(), ""),
            FileKind::Filled(size) => (*size as usize, ""),
            FileKind::Directory => (0, ""),
            FileKind::Symlink(target) => (target.len(), target.as_str()),
        };
        assert_eq!(entry.size(), size, "{}", file.path);
        assert_eq!(entry.linkto().unwrap_or_default(), target);
        assert_eq!(
            entry.mode().permissions() & 0o7777,
            file.permissions,
            "{}",
            file.path
        );
    }
    let installed: u64 = 5000 + 10 + 5 + 5 + 7;
    assert_eq!(package.metadata.get_installed_size().unwrap(), installed);
}

#[test]
fn a_broken_byte_is_found() {
    let bytes = write(&everything()).unwrap();
    let offsets = parse(&bytes).metadata.get_package_segment_offsets();
    // The first bytes of the description's section, and one in the middle of the payload.
    for position in [
        offsets.payload as usize - 200,
        (offsets.payload as usize + bytes.len()) / 2,
    ] {
        let mut broken = bytes.clone();
        broken[position] ^= 1;
        let found = match Package::parse(&mut &broken[..]) {
            Ok(package) => package.verify_digests().is_err(),
            Err(_) => true,
        };
        assert!(found, "byte {position}");
    }
}

#[test]
fn impossible_specs_are_refused() {
    let spec = || PackageSpec::binary("a", "1", "1", "noarch");
    let refused = |spec: PackageSpec| write(&spec).unwrap_err();
    assert!(matches!(
        refused(spec().with_file("usr/bin/a", "")),
        Error::Path { .. }
    ));
    assert!(matches!(
        refused(spec().with_file("/usr/../a", "")),
        Error::Path { .. }
    ));
    assert!(matches!(refused(spec().with_file("/", "")), Error::Path { .. }));
    assert!(matches!(
        refused(spec().with_file("/a", "").with_file("/a", "")),
        Error::DuplicatePath { .. }
    ));
    assert!(matches!(
        refused(spec().with_requires("b\0c")),
        Error::Nul {
            what: "a requirement",
            ..
        }
    ));
    assert!(matches!(
        refused(PackageSpec::source("a", "1", "1", "noarch").with_file("/a", "")),
        Error::Path { .. }
    ));
    assert!(matches!(
        refused(PackageSpec::binary("a/b", "1", "1", "noarch")),
        Error::Nevra { what: "name", .. }
    ));
    assert!(matches!(
        refused(PackageSpec::binary("a", "1-2", "1", "noarch")),
        Error::Nevra { what: "version", .. }
    ));
    assert!(matches!(
        refused(spec().built_from("../a-1-1.src.rpm")),
        Error::Nevra {
            what: "source package",
            ..
        }
    ));
    let message = refused(spec().with_file("usr/bin/a", "")).to_string();
    assert!(
        message.contains("a-1-1.noarch.rpm") && message.contains("usr/bin/a"),
        "{message}"
    );
}

fn any_relations() -> impl Strategy<Value = Vec<Relation>> {
    proptest::collection::vec("[a-z]{1,8}( (<|<=|=|>=|>) [0-9]{1,3}(-[0-9])?)?", 0..6)
        .prop_map(|texts| texts.into_iter().map(Relation::from).collect())
}

prop_compose! {
    fn any_spec()(
        name in "[a-zA-Z0-9][a-zA-Z0-9+._-]{0,80}",
        version in "[0-9a-z.~^+_]{1,10}".prop_filter("dot", |text| !text.starts_with('.')),
        epoch in proptest::option::of(any::<u32>()),
        kind in prop_oneof![Just(PackageKind::Binary), Just(PackageKind::Source), Just(PackageKind::NoSource)],
        description in "[^\0]{0,60}",
        (requires, provides, suggests) in (any_relations(), any_relations(), any_relations()),
        names in proptest::collection::btree_set("[a-z]{1,6}", 0..12),
        sizes in proptest::collection::vec(0u32..300, 12),
        logs in proptest::collection::vec((any::<u32>(), "[^\0]{1,20}", "[^\0]{1,60}"), 0..4),
    ) -> PackageSpec {
        let source = kind != PackageKind::Binary;
        let files = names.into_iter().zip(sizes).map(|(name, size)| {
            let path = if source { name } else { format!("/usr/{}/{name}", size % 3) };
            FileSpec::filled(path, size)
        });
        PackageSpec {
            kind,
            epoch,
            description,
            requires,
            provides,
            suggests,
            files: files.collect(),
            changelogs: logs.into_iter().map(|(time, author, text)| ChangelogSpec { time, author, text }).collect(),
            ..PackageSpec::binary(name, version, "1", "x86_64")
        }
    }
}

proptest! {
    // A case that fails is printed whole; none is kept in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_spec_is_read_back(spec in any_spec()) {
        let bytes = write(&spec).unwrap();
        prop_assert_eq!(&bytes, &write(&spec).unwrap());
        let package = parse(&bytes);
        compare(&spec, &package.metadata);
        package.verify_digests().unwrap();
    }
}
