//! Holds the closure check against `rpm`, which looks at the dependencies of all packages that are to be installed
//! at once: the same evaluation over the same packages.
//!
//! Without `rpm` the suite passes, saying so, except under `CI=true`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use common::open;
use odcs_rpm::repodata::{self, Limits, Repomd};
use odcs_rpm::{Package, closure, header};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rpmgen::{Layout, PackageSpec, Relation, write_repository};
use test_support::{has, recordings};

/// What somebody might ask for; not all of it is there.
fn capabilities() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c", "d", "cap", "cap(64bit)", "lib.so.1()(64bit)"]),
        1 => prop::sample::select(vec!["/usr/bin/x", "/usr/bin/y", "/usr/share/x"]),
        3 => prop::sample::select(vec!["missing", "none", "z"]),
    ];
    let version = prop::sample::select(vec![
        "",
        "",
        "",
        " >= 2",
        " < 2",
        " = 1",
        " = 1-1",
        " <= 2-0",
        " > 1:0",
        " >= 1:2-1",
    ]);
    (name, version).prop_map(|(name, version)| match name.starts_with('/') {
        true => name.to_owned(),
        false => format!("{name}{version}"),
    })
}

/// Expressions, also some that `rpmbuild` lets into no package: `unless` among requirements, `if` below `or`, `and`
/// below `with`.
fn requirements() -> impl Strategy<Value = String> {
    let alternatives = || {
        prop_oneof![
            4 => capabilities(),
            1 => (capabilities(), capabilities()).prop_map(|(a, b)| format!("({a} or {b})")),
        ]
    };
    let one_package = || {
        (
            alternatives(),
            prop::sample::select(vec!["with", "without"]),
            alternatives(),
        )
            .prop_map(|(a, operator, b)| format!("({a} {operator} {b})"))
    };
    let plain = || {
        let operand = prop_oneof![3 => capabilities(), 1 => one_package()];
        let operand = operand.boxed();
        prop_oneof![
            3 => capabilities(),
            1 => (operand.clone(), operand.clone(), operand.clone())
                .prop_map(|(a, b, c)| format!("(({a} or {b}) and {c})")),
            1 => (operand.clone(), operand.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            1 => (operand.clone(), operand).prop_map(|(a, b)| format!("({a} and {b})")),
        ]
        .boxed()
    };
    prop_oneof![
        2 => capabilities(),
        2 => plain(),
        2 => one_package(),
        2 => (plain(), plain()).prop_map(|(a, b)| format!("({a} if {b})")),
        2 => (plain(), plain(), plain()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
        1 => (plain(), plain(), plain()).prop_map(|(a, b, c)| format!("(({a} if {b}) and {c})")),
        2 => (plain(), plain()).prop_map(|(a, b)| format!("({a} unless {b})")),
        2 => (plain(), plain(), plain()).prop_map(|(a, b, c)| format!("({a} unless {b} else {c})")),
        2 => (plain(), plain(), plain()).prop_map(|(a, b, c)| format!("(({a} if {b}) or {c})")),
        2 => (plain(), plain(), plain()).prop_map(|(a, b, c)| format!("({a} with ({b} and {c}))")),
    ]
}

fn specs(runner: &mut TestRunner) -> Vec<PackageSpec> {
    let offers = [
        ("a", "1", "1", &["cap = 1"][..]),
        ("b", "2", "1", &["cap", "cap(64bit) = 2-1"]),
        ("c", "1.5", "3", &["lib.so.1()(64bit)", "a = 2"]),
        ("d", "2", "1", &["cap(64bit) = 1:1-1", "b < 2"]),
    ];
    let mut specs: Vec<_> = offers
        .into_iter()
        .map(|(name, version, release, provides)| {
            let spec = PackageSpec::binary(name, version, release, "noarch").built_from("x-1-1.src.rpm");
            provides
                .iter()
                .fold(spec, |spec, provide| spec.with_provides(*provide))
        })
        .collect();
    specs[1] = specs[1].clone().with_file("/usr/bin/x", "x");
    specs[3] = specs[3].clone().with_epoch(1);
    for number in 0..1500 {
        let mut spec =
            PackageSpec::binary(format!("asks{number}"), "1", "1", "noarch").built_from("x-1-1.src.rpm");
        for _ in 0..2 {
            let text = requirements().new_tree(runner).unwrap().current();
            // What is rich has its name only.
            spec = match text.starts_with('(') {
                true => spec.with_requires(Relation::new(text, rpmgen::RelationFlags::ANY, "")),
                false => spec.with_requires(&*text),
            };
        }
        specs.push(spec);
    }
    specs
}

/// What `rpm` finds to be missing: name of a package, requirement.
fn of_rpm(folder: &Path) -> BTreeSet<(String, String)> {
    let root = tempfile::tempdir().unwrap();
    let mut packages: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    packages.sort();
    let is_patched = Command::new("rpm")
        .arg("--help")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--force-debian"));
    let output = Command::new("rpm")
        .arg("--root")
        .arg(root.path())
        .args(["-i", "--test", "--nosignature", "--nodigest"])
        .args(is_patched.then_some("--force-debian"))
        .args(&packages)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines()
        .filter_map(|line| line.trim().split_once(" is needed by "))
        .map(|(requirement, package)| (package.to_owned(), requirement.to_owned()))
        .collect()
}

#[test]
fn what_is_unmet_is_what_rpm_misses() {
    if !has("rpm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&mut TestRunner::deterministic());
    let packages: Vec<Package> = specs
        .iter()
        .map(|spec| {
            let bytes = rpmgen::write(spec).unwrap();
            let facts = header::FileFacts {
                size: bytes.len() as u64,
                modified: 0,
            };
            header::read_file(&bytes[..], facts, None).unwrap().package
        })
        .collect();
    write_repository(folder.path(), specs, Layout::Flat).unwrap();
    let ours: BTreeSet<_> = closure::check(&packages, [], [])
        .into_iter()
        .map(|unmet| (unmet.package.nvra(), unmet.requirement.to_string()))
        .collect();
    let theirs = of_rpm(&folder.path().join("Packages"));
    let only = |left: &BTreeSet<_>, right| left.difference(right).take(20).cloned().collect::<Vec<_>>();
    assert_eq!(
        (only(&ours, &theirs), only(&theirs, &ours)),
        (Vec::<(String, String)>::new(), Vec::new()),
        "only ours, only theirs"
    );
    println!("ok {} unmet of {} packages", ours.len(), packages.len());
    assert!((500..2500).contains(&ours.len()));
}

#[test]
fn centos_stream_9_lacks_what_another_repository_of_it_has() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    let folder = real.join("cs9-appstream");
    let repomd = Repomd::parse(&std::fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    let primary = open(&folder.join(&repomd.record("primary").unwrap().location));
    let listed = repodata::read_primary(primary, Limits::default()).unwrap();
    let packages: Vec<_> = listed.into_iter().map(|listed| listed.package).collect();
    let start = Instant::now();
    let unmet = closure::check(&packages, [], &packages);
    println!(
        "ok cs9-appstream: {} unmet of {} packages in {:?}",
        unmet.len(),
        packages.len(),
        start.elapsed()
    );
    // The C library is in BaseOS; that the package set is the compose itself leaves nothing to hint at.
    assert!(
        unmet
            .iter()
            .any(|unmet| unmet.requirement.name.starts_with("libc.so.6("))
    );
    assert!(unmet.iter().all(|unmet| unmet.could_be_met_by.is_empty()));
    let names: BTreeSet<_> = packages
        .iter()
        .map(|package| package.nevra.name().as_str())
        .collect();
    for unmet in unmet.iter().filter(|unmet| unmet.requirement.version.is_none()) {
        assert!(!names.contains(&*unmet.requirement.name), "{unmet}");
    }
}
