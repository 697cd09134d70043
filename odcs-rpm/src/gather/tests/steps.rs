//! The steps of the loop.

use super::*;
use crate::gather::{Flag, Reason};

#[test]
fn requirements_are_followed_to_the_end() {
    let set = set(&[
        make("a-1-1.x86_64")
            .requires("libb.so()(64bit)")
            .requires("/etc/ghost"),
        make("b-1-1.x86_64")
            .provides("libb.so()(64bit)")
            .requires("c >= 1:2"),
        make("c-1:2-3.x86_64")
            .requires("/usr/bin/d")
            .requires("rpmlib(X) <= 1"),
        make("d-1-1.x86_64")
            .file("/usr/bin/d", FileKind::File)
            .requires("a"),
        make("e-1-1.noarch").file("/etc/ghost", FileKind::Ghost),
        make("f-1-1.x86_64"),
    ]);
    let found = gather(&set, &request(&["a"]), &options());
    assert_eq!(
        members(&found),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64",
            "c-2-3.x86_64",
            "d-1-1.x86_64",
            "e-1-1.noarch"
        ],
    );
    assert_eq!(broken(&found), [""; 0]);
    let why: Vec<String> = found
        .members
        .iter()
        .filter_map(|m| m.why.brought())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        why,
        [
            "a-1-1.x86_64 requires libb.so()(64bit)",
            "b-1-1.x86_64 requires c >= 1:2",
            "c-2-3.x86_64 requires /usr/bin/d",
            "a-1-1.x86_64 requires /etc/ghost",
        ],
    );
    let d = &found.members[3];
    let chain: Vec<&str> = found.chain(d).map(|m| m.package.nevra.name().as_str()).collect();
    assert_eq!(chain, ["d", "c", "b", "a"]);
    let without = with(|o| o.resolve_deps = false);
    assert_eq!(gathered(&set, &["a"], &without), ["a-1-1.x86_64 input"]);
}

#[test]
fn versions_decide_who_satisfies_a_requirement() {
    let cases = [
        ("cap = 2", "cap >= 1", true),
        ("cap = 2", "cap > 2", false),
        ("cap = 2-1", "cap = 2", true),
        ("cap = 2-1", "cap = 2-2", false),
        ("cap", "cap > 2", true),
        ("cap = 2", "cap", true),
        ("cap < 2", "cap > 1", true),
        ("cap = 1:1", "cap >= 2", true),
        // A package provides its own name in its own version.
        ("other", "b = 1-1", true),
        ("other", "b > 1-1", false),
    ];
    for (provide, require, satisfied) in cases {
        let set = set(&[
            make("a-1-1.x86_64").requires(require),
            make("b-1-1.x86_64").provides(provide),
        ]);
        let found = gather(&set, &request(&["a"]), &options());
        assert_eq!(broken(&found).is_empty(), satisfied, "{provide} for {require}");
        assert_eq!(
            found.members.len(),
            1 + usize::from(satisfied),
            "{provide} for {require}"
        );
    }
}

#[test]
fn broken_dependencies_are_recorded_for_every_package_that_has_them() {
    let set = set(&[
        make("a-1-1.x86_64").requires("nothing >= 2").requires("none"),
        make("b-1-1.x86_64").requires("nothing >= 2"),
        make("c-1-1.s390x").provides("none"),
        make("d-1-1.src").provides("none"),
        make("d-debuginfo-1-1.x86_64").provides("none"),
    ]);
    let found = gather(&set, &request(&["a", "b"]), &options());
    assert_eq!(members(&found), ["a-1-1.x86_64 input", "b-1-1.x86_64 input"]);
    assert_eq!(
        broken(&found),
        [
            "a-1-1.x86_64: none",
            "a-1-1.x86_64: nothing >= 2",
            "b-1-1.x86_64: nothing >= 2"
        ],
    );
}

#[test]
fn lookaside_satisfies_and_asks_for_nothing() {
    let set = set_with_lookaside(
        &[make("a-1-1.x86_64").requires("b"), make("c-1-1.x86_64")],
        &[make("b-1-1.x86_64").requires("c").requires("nothing")],
    );
    let found = gather(&set, &request(&["a"]), &options());
    assert_eq!(
        members(&found),
        ["a-1-1.x86_64 input", "b-1-1.x86_64 from lookaside 0: lookaside"]
    );
    assert_eq!(broken(&found), [""; 0]);
    let in_compose: Vec<String> = found
        .packages(PackageKind::Binary)
        .map(Member::file_name)
        .collect();
    assert_eq!(in_compose, ["a-1-1.x86_64.rpm"]);
    let nevra = &found.members[1].package.nevra;
    assert!(found.member(nevra, Origin::Lookaside(0)).is_some());
    assert!(found.member(nevra, Origin::PackageSet).is_none());
}

#[test]
fn binaries_bring_their_source_packages() {
    let set = set(&[
        make("a-1-1.x86_64").from("src-1-1"),
        make("a-libs-1-1.x86_64").from("src-1-1"),
        make("b-1-1.x86_64").from("gone-1-1"),
        make("c-1-1.x86_64"),
        make("src-1-1.src").requires("compiler"),
        make("src-2-1.i686"),
    ]);
    let all = &["a", "a-libs", "b", "c"];
    let found = gather(&set, &request(all), &options());
    let sources: Vec<String> = found.packages(PackageKind::Source).map(describe).collect();
    assert_eq!(sources, ["src-1-1.src"]);
    assert_eq!(broken(&found), [""; 0], "build requirements are not looked at");
    let source = found.packages(PackageKind::Source).next().unwrap();
    let why = source.why.brought().unwrap();
    assert_eq!(
        (why.by.nevra.name().as_str(), &why.reason),
        ("a", &Reason::SourceOf)
    );
    let excluded = with(|o| o.exclude_source = true);
    assert_eq!(
        gather(&set, &request(all), &excluded)
            .packages(PackageKind::Source)
            .count(),
        0
    );
}

#[test]
fn source_packages_without_their_sources_have_a_name_of_their_own() {
    let mut reader = make("reader-1-1.x86_64");
    reader.0.source_rpm = Some("reader-1-1.nosrc.rpm".into());
    // Some repositories name a source package as built from itself.
    let set = set(&[reader, make("reader-1-1.src").from("reader-1-1")]);
    let found = gather(&set, &request(&["reader"]), &options());
    let names: Vec<String> = found.members.iter().map(Member::file_name).collect();
    assert_eq!(names, ["reader-1-1.nosrc.rpm", "reader-1-1.x86_64.rpm"]);
}

#[test]
fn sources_come_from_the_repository_of_the_binary_if_they_are_there() {
    let a = make("a-1-1.x86_64").from("src-1-1");
    let b = make("b-1-1.x86_64").from("src-1-1");
    let src = make("src-1-1.src");
    let both = set_with_lookaside(&[a.clone(), src.clone()], &[b.clone(), src.clone()]);
    assert_eq!(
        gathered(&both, &["a", "b"], &options()),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64 from lookaside 0: input lookaside",
            "src-1-1.src lookaside",
            "src-1-1.src from lookaside 0: lookaside",
        ],
        "who has a package in lookaside gets its source there",
    );
    assert_eq!(
        gathered(&both, &["a"], &options()),
        ["a-1-1.x86_64 input", "src-1-1.src"]
    );
    let elsewhere = set_with_lookaside(std::slice::from_ref(&a), std::slice::from_ref(&src));
    assert_eq!(
        gathered(&elsewhere, &["a"], &options()),
        ["a-1-1.x86_64 input", "src-1-1.src from lookaside 0: lookaside"],
    );
    let ours = set_with_lookaside(&[src], &[b]);
    assert_eq!(
        gathered(&ours, &["b"], &options()),
        [
            "b-1-1.x86_64 from lookaside 0: input lookaside",
            "src-1-1.src lookaside"
        ],
        "the source of a lookaside package is lookaside's, wherever it is",
    );
}

fn debuggable() -> Vec<Make> {
    let mut packages: Vec<Make> = ["x86_64", "i686"]
        .iter()
        .flat_map(|arch| {
            [
                "a",
                "a-libs",
                "a-debuginfo",
                "a-libs-debuginfo",
                "a-debugsource",
                "a-debuginfo-common",
            ]
            .map(|name| make(&format!("{name}-1-1.{arch}")).from("a-1-1"))
        })
        .collect();
    packages.push(make("b-debuginfo-1-1.x86_64").from("b-1-1"));
    packages
}

#[test]
fn binaries_bring_the_debug_packages_of_their_name_build_and_arch() {
    let set = set(&debuggable());
    assert_eq!(
        gathered(&set, &["a"], &options()),
        [
            "a-1-1.x86_64 input",
            "a-debuginfo-1-1.x86_64",
            "a-debugsource-1-1.x86_64"
        ],
    );
    assert_eq!(
        gathered(&set, &["a-libs.+"], &options()),
        [
            "a-debugsource-1-1.i686",
            "a-libs-1-1.i686 input",
            "a-libs-debuginfo-1-1.i686"
        ],
    );
    let excluded = with(|o| o.exclude_debug = true);
    assert_eq!(gathered(&set, &["a"], &excluded), ["a-1-1.x86_64 input"]);
    let asked = gathered(&set, &["a-debuginfo-common"], &options());
    assert_eq!(
        asked,
        ["a-debuginfo-common-1-1.x86_64 input"],
        "debug packages bring no others"
    );
}

#[test]
fn debug_packages_that_lookaside_has_too_stay_out() {
    let ours = [
        make("a-1-1.x86_64").from("a-1-1"),
        make("a-debuginfo-1-1.x86_64").from("a-1-1"),
    ];
    let set = set_with_lookaside(&ours, &ours[1..]);
    let found = gather(&set, &request(&["a"]), &options());
    assert_eq!(
        members(&found),
        [
            "a-1-1.x86_64 input",
            "a-debuginfo-1-1.x86_64 from lookaside 0: lookaside"
        ],
    );
    assert!(found.members[1].flags.contains(Flag::Lookaside));
    let binary_elsewhere = set_with_lookaside(&ours[1..], &ours[..1]);
    assert_eq!(
        gathered(&binary_elsewhere, &["a"], &options()),
        [
            "a-1-1.x86_64 from lookaside 0: input lookaside",
            "a-debuginfo-1-1.x86_64 lookaside"
        ],
        "nor do those of what is in lookaside enter the compose",
    );
}

#[test]
fn excluded_debug_packages_are_not_missed() {
    let set = set(&[
        make("a-1-1.x86_64").from("a-1-1"),
        make("a-debuginfo-1-1.x86_64")
            .from("a-1-1")
            .requires("common-debuginfo")
            .requires("nothing"),
        make("common-debuginfo-1-1.x86_64"),
    ]);
    let found = gather(&set, &request(&["a", "-common-debuginfo"]), &options());
    assert_eq!(members(&found), ["a-1-1.x86_64 input", "a-debuginfo-1-1.x86_64"]);
    assert_eq!(broken(&found), ["a-debuginfo-1-1.x86_64: nothing"]);
}

#[test]
fn debug_packages_require_debug_packages_even_old_ones() {
    let set = set(&[
        make("a-1-1.x86_64").from("a-1-1"),
        make("a-debuginfo-1-1.x86_64")
            .from("a-1-1")
            .requires("common-debuginfo = 1-1")
            .requires("a")
            .requires("tool")
            .requires("nothing"),
        make("common-debuginfo-1-1.x86_64").requires("extra-debuginfo"),
        make("common-debuginfo-2-1.x86_64"),
        make("extra-debuginfo-1-1.x86_64"),
        make("extra-debuginfo-2-1.x86_64"),
        make("tool-1-1.x86_64"),
    ]);
    let found = gather(&set, &request(&["a"]), &options());
    assert_eq!(
        members(&found),
        [
            "a-1-1.x86_64 input",
            "a-debuginfo-1-1.x86_64",
            "common-debuginfo-1-1.x86_64",
            "extra-debuginfo-2-1.x86_64",
        ],
    );
    assert_eq!(
        broken(&found),
        ["a-debuginfo-1-1.x86_64: nothing", "a-debuginfo-1-1.x86_64: tool"],
        "a binary satisfies them only if it is in",
    );
    let without = with(|o| o.resolve_deps = false);
    assert_eq!(gathered(&set, &["a"], &without).len(), 2);
}
