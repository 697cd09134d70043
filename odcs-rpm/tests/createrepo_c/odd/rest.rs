//! Tags that are not there, changelogs, source packages.

use rpmgen::{FileSpec, PackageKind, PackageSpec, Relation, TagChange, TagValue};

use super::{changelog, package, tag};

pub(super) fn missing(all: &mut Vec<PackageSpec>) {
    let tags = [
        ("summary", tag::SUMMARY),
        ("description", tag::DESCRIPTION),
        ("build-time", tag::BUILD_TIME),
        ("build-host", tag::BUILD_HOST),
        ("license", tag::LICENSE),
        ("group", tag::GROUP),
        ("changelog-times", tag::CHANGELOG_TIME),
        ("changelog-names", tag::CHANGELOG_NAME),
        ("changelog-texts", tag::CHANGELOG_TEXT),
    ];
    for (name, number) in tags {
        all.push(package(&format!("no-{name}")).with_tag(TagChange::missing(number)));
    }
    let mut spec = package("nothing-but-a-name");
    spec.tags = tags.map(|(_, number)| TagChange::missing(number)).into();
    spec.tags
        .extend([tag::SIZE, TagChange::LANGUAGES, tag::ENCODING].map(TagChange::missing));
    all.push(spec);
    let mut spec = package("everything-there");
    spec.url = Some("https://example.org/?a=1&b=2#\u{e4}".into());
    spec.vendor = Some("Ven <d> or & sons".into());
    spec.packager = Some("\"P\" <p@example.org>".into());
    spec.group = "Applications/Text".into();
    all.push(spec);
    all.push(
        package("build-time-in-the-next-century")
            .with_tag(TagChange::main(tag::BUILD_TIME, TagValue::Int32(vec![u32::MAX]))),
    );
}

pub(super) fn changelogs(all: &mut Vec<PackageSpec>) {
    let of = |name: &str, times: &[u32]| {
        let mut spec = package(name);
        let numbered = times.iter().enumerate();
        spec.changelogs = numbered
            .map(|(number, time)| {
                changelog(
                    *time,
                    &format!("A B <a@b> - {number}"),
                    &format!("- entry {number}"),
                )
            })
            .collect();
        spec
    };
    all.push(of("one-entry", &[1]));
    all.push(of("ten-entries", &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]));
    all.push(of("eleven-entries", &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]));
    all.push(of("fifty-entries", &(0..50).rev().collect::<Vec<_>>()));
    all.push(of("all-of-one-second", &[5; 15]));
    all.push(of("runs-of-one-second", &[9, 9, 9, 8, 8, 5, 5, 5, 5, 1, 1, 1]));
    all.push(of(
        "seconds-that-run-into-each-other",
        &[7, 6, 6, 6, 6, 5, 5, 4, 3, 3],
    ));
    all.push(of("oldest-first", &[1, 2, 3, 3, 4]));
    all.push(of("no-order", &[5, 1, 5, 5, 9, 5, 1, 1]));
    all.push(of("seconds-of-zero", &[0, 0, 0]));
    all.push(of(
        "seconds-as-large-as-can-be",
        &[u32::MAX, u32::MAX, 1 << 31, (1 << 31) - 1, (1 << 31) - 1],
    ));
    let mut spec = package("odd-authors");
    spec.changelogs = vec![
        changelog(9, "", "- none"),
        changelog(8, "spaces after   ", ""),
        changelog(7, "   spaces before", "\n- lines\n\n- around \n"),
        changelog(6, "   ", "   "),
        changelog(5, " ", "-\ttab"),
        changelog(4, "tab after\t", "- x"),
        changelog(3, "a\nb ", "- CVE-2026-0001 <x> & \"y\""),
        changelog(2, "A  -  1-1", "- ü"),
    ];
    all.push(spec);
}

pub(super) fn sources(all: &mut Vec<PackageSpec>) {
    let mut spec = PackageSpec::source("a-source", "1", "1", "x86_64");
    spec.requires = ["make", "gcc >= 4", "(a or b)", "/usr/bin/x"]
        .map(Relation::from)
        .into();
    spec.files = vec![
        FileSpec::new("a-source.spec", "x"),
        FileSpec::new("a source & more.tar.gz", "x"),
    ];
    all.push(spec.clone());
    spec.kind = PackageKind::NoSource;
    spec.name = "a-source-without-sources".into();
    all.push(spec);
    let source = PackageSpec::source("a-source-of-noarch", "2", "2", "noarch").with_epoch(3);
    all.push(source);
    let old = PackageSpec::source("a-source-by-its-lead", "1", "1", "x86_64");
    all.push(old.with_tag(TagChange::missing(tag::SOURCE_PACKAGE)));
    all.push(PackageSpec::binary("of-no-source", "1", "1", "x86_64"));
    let of_a_source = TagValue::Text(b"another-1-1.src.rpm".to_vec());
    all.push(
        PackageSpec::source("a-source-with-a-source", "1", "1", "x86_64")
            .with_tag(TagChange::main(tag::SOURCE_RPM, of_a_source)),
    );
}
