//! Specs that use every part of the format.

use rpmgen::{
    ChangelogSpec, FileSpec, GeneratorOptions, PackageKind, PackageSpec, Relation, RelationFlags,
    ed_repository, generate,
};

/// A package with something in every field.
pub(crate) fn everything() -> PackageSpec {
    let spec = PackageSpec::binary("every-thing", "1.2~rc1", "3.rg1", "x86_64").with_epoch(7);
    PackageSpec {
        summary: "Has it all: „quotes“, <tags> & ampersands".into(),
        description: "First line.\n\nThird line.".into(),
        group: "Applications/Text".into(),
        license: "MIT AND (BSD-3-Clause OR Zlib)".into(),
        url: Some("https://example.org/?a=1&b=2".into()),
        vendor: Some("Vendor".into()),
        packager: Some("Packager <p@example.org>".into()),
        requires: vec![
            Relation::from("zeta >= 1:2.0-1"),
            Relation::from("/bin/sh").with_flags(RelationFlags::SCRIPT_PRE),
            Relation::from("/bin/sh").with_flags(RelationFlags::SCRIPT_POST),
            Relation::from("alpha < 4").with_flags(RelationFlags::SCRIPT_POSTUN),
            Relation::from("(beta or gamma)"),
        ],
        conflicts: vec![Relation::from("rival > 2")],
        obsoletes: vec![Relation::from("former <= 1.0-1")],
        recommends: vec![Relation::from("helper")],
        suggests: vec![Relation::from("hint = 3")],
        supplements: vec![Relation::from("(delta and epsilon)")],
        enhances: vec![Relation::from("eta")],
        files: vec![
            FileSpec::filled("/usr/share/every/zz", 5000),
            FileSpec::new("/usr/bin/every", "#!/bin/sh\n"),
            FileSpec::new("/usr/bin/empty", ""),
            FileSpec::symlink("/usr/bin/other", "every"),
            FileSpec::directory("/usr/share/every"),
            FileSpec::new("/usr/share/every/sub/deep", "deep\n"),
            FileSpec::new("/usr/share/every-more", "more\n"),
            FileSpec::ghost("/var/log/every.log"),
            FileSpec {
                permissions: 0o600,
                ..FileSpec::new("/etc/every.secret", "s3cret\n")
            },
        ],
        changelogs: vec![
            ChangelogSpec {
                time: 1_650_000_000,
                author: "A <a@example.org> - 2".into(),
                text: "- two\n- lines".into(),
            },
            ChangelogSpec {
                time: 1_640_000_000,
                author: "B <b@example.org> - 1".into(),
                text: "- one".into(),
            },
        ],
        ..spec.built_from("every-1.2~rc1-3.rg1.src.rpm")
    }
}

/// One package of every kind and shape.
pub(crate) fn samples() -> Vec<PackageSpec> {
    let source = |name: &str| {
        PackageSpec::source(name, "1.2~rc1", "3.rg1", "x86_64")
            .with_requires("zlib-devel >= 1.2")
            .with_file("every.spec", "Name: every\n")
            .with(FileSpec::filled("every-1.2.tar.gz", 700))
    };
    let mut samples = vec![
        everything(),
        source("every"),
        PackageSpec {
            kind: PackageKind::NoSource,
            ..source("every-closed")
        },
        PackageSpec::binary("nothing", "0", "1", "noarch").built_from("nothing-0-1.src.rpm"),
        PackageSpec::binary("one-file", "1", "1", "i686").with_file("/a", "a"),
        PackageSpec::binary("arm", "1", "1", "aarch64").with_file("/usr/lib64/arm.so", "a"),
    ];
    samples.extend(ed_repository());
    samples.extend(generate(GeneratorOptions {
        packages: 120,
        seed: 11,
    }));
    samples
}

/// The relations as the header has them: sorted by name, those of the format included.
pub(crate) fn requires_in_header(spec: &PackageSpec) -> Vec<(String, u32, String)> {
    let rich = [
        &spec.requires,
        &spec.conflicts,
        &spec.recommends,
        &spec.suggests,
        &spec.supplements,
        &spec.enhances,
    ]
    .into_iter()
    .flatten()
    .any(|relation| relation.name.starts_with('('));
    let mut requires = tuples(&spec.requires);
    let mut rpmlib = vec![("CompressedFileNames", "3.0.4-1"), ("FileDigests", "4.6.0-1")];
    rpmlib.extend((!spec.is_source()).then_some(("PayloadFilesHavePrefix", "4.0-1")));
    rpmlib.extend(rich.then_some(("RichDependencies", "4.12.0-1")));
    requires.extend(
        rpmlib
            .iter()
            .map(|(name, evr)| (format!("rpmlib({name})"), 0x0100_000a, (*evr).to_owned())),
    );
    requires.sort_by(|a, b| a.0.cmp(&b.0));
    requires
}

/// Relations sorted by name.
pub(crate) fn tuples(relations: &[Relation]) -> Vec<(String, u32, String)> {
    let mut tuples: Vec<_> = relations
        .iter()
        .map(|of| (of.name.clone(), of.flags.bits(), of.evr.clone()))
        .collect();
    tuples.sort_by(|a, b| a.0.cmp(&b.0));
    tuples
}

/// Paths as the header has them.
pub(crate) fn paths(spec: &PackageSpec) -> Vec<String> {
    let mut paths: Vec<_> = spec.files.iter().map(|file| file.path.clone()).collect();
    paths.sort();
    paths
}
