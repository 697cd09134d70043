//! The rest of what was built from a source RPM.

use super::*;
use crate::gather::{Greedy, Reason};

fn fulltree() -> Options {
    with(|o| (o.fulltree, o.exclude_source, o.exclude_debug) = (true, true, true))
}

/// Packages built from `src-1-1`.
fn built(names: &[&str]) -> Vec<Make> {
    let names = names.iter();
    names.map(|name| make(name).from("src-1-1")).collect()
}

fn all() -> Vec<Make> {
    built(&[
        "a-1-1.x86_64",
        "b-1-1.x86_64",
        "doc-1-1.noarch",
        "a-1-1.i686",
        "b-1-1.i686",
        "a-debuginfo-1-1.x86_64",
        "c-1-1.s390x",
    ])
}

#[test]
fn a_native_package_brings_the_native_and_noarch_ones() {
    let found = gather(&set(&all()), &request(&["a"]), &fulltree());
    assert_eq!(
        members(&found),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64 fulltree",
            "doc-1-1.noarch fulltree"
        ],
    );
    let reason = &found.members[1].why.brought().unwrap().reason;
    assert_eq!(*reason, Reason::Fulltree("src-1-1.src.rpm".into()));
    assert_eq!(
        why(&found, "doc"),
        "built from src-1-1.src.rpm, as was a-1-1.x86_64"
    );
}

#[test]
fn a_noarch_package_alone_brings_the_native_ones() {
    assert_eq!(
        gathered(&set(&all()), &["doc"], &fulltree()),
        [
            "a-1-1.x86_64 fulltree",
            "b-1-1.x86_64 fulltree",
            "doc-1-1.noarch input"
        ],
    );
}

#[test]
fn a_multilib_package_alone_brings_the_multilib_and_noarch_ones() {
    assert_eq!(
        gathered(&set(&all()), &["a.+"], &fulltree()),
        [
            "a-1-1.i686 input",
            "b-1-1.i686 fulltree",
            "doc-1-1.noarch fulltree"
        ],
    );
    assert_eq!(
        gathered(&set(&all()), &["a.+", "b"], &fulltree()),
        [
            "a-1-1.i686 input",
            "a-1-1.x86_64 fulltree",
            "b-1-1.x86_64 input",
            "doc-1-1.noarch fulltree",
        ],
        "native ones come first",
    );
}

#[test]
fn a_source_with_multilib_packages_only_brings_those() {
    let packages = built(&["a-1-1.i686", "doc-1-1.noarch"]);
    assert_eq!(
        gathered(&set(&packages), &["doc"], &fulltree()),
        ["a-1-1.i686 fulltree", "doc-1-1.noarch input"],
    );
}

#[test]
fn gathering_greedily_brings_all_of_them() {
    let mut options = fulltree();
    options.greedy = Greedy::All;
    assert_eq!(
        gathered(&set(&all()), &["doc"], &options),
        [
            "a-1-1.i686 fulltree",
            "a-1-1.x86_64 fulltree",
            "b-1-1.i686 fulltree",
            "b-1-1.x86_64 fulltree",
            "doc-1-1.noarch input",
        ],
    );
}

#[test]
fn packages_that_others_require_bring_the_rest_but_what_fulltree_added_does_not() {
    let mut packages = built(&["a-1-1.x86_64", "b-1-1.x86_64"]);
    packages[1] = packages[1].clone().requires("lib");
    packages.extend([
        make("lib-1-1.x86_64").from("lib-1-1"),
        make("lib-devel-1-1.x86_64").from("lib-1-1"),
    ]);
    assert_eq!(
        gathered(&set(&packages), &["a"], &fulltree()),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64 fulltree",
            "lib-1-1.x86_64",
            "lib-devel-1-1.x86_64 fulltree",
        ],
    );
    // The multilib build of what fulltree added is in, and its native build: no other multilib one is.
    let mut options = fulltree();
    options.multilib_whitelist = vec!["b".parse().unwrap()];
    assert_eq!(
        gathered(&set(&all()), &["a"], &options),
        [
            "a-1-1.x86_64 input",
            "b-1-1.i686 multilib",
            "b-1-1.x86_64 fulltree",
            "doc-1-1.noarch fulltree",
        ],
    );
}

#[test]
fn binaries_of_an_excluded_source_bring_nothing() {
    let mut options = fulltree();
    options.fulltree_excludes = vec!["src".parse().unwrap(), "other".parse().unwrap()];
    assert_eq!(
        gathered(&set(&all()), &["a"], &options),
        ["a-1-1.x86_64 input fulltree_exclude"],
    );
    let mut off = options.clone();
    off.fulltree = false;
    assert_eq!(
        gathered(&set(&all()), &["a"], &off),
        ["a-1-1.x86_64 input fulltree_exclude"],
        "the flag tells of the source, not of what was done",
    );
    options.fulltree_excludes = vec!["a".parse().unwrap()];
    assert_eq!(
        gathered(&set(&all()), &["a"], &options).len(),
        3,
        "sources count, not packages"
    );
}

#[test]
fn it_works_without_dependencies_and_keeps_to_the_newest() {
    let mut options = fulltree();
    options.resolve_deps = false;
    let mut packages = all();
    packages.push(make("b-2-1.x86_64").from("src-2-1"));
    packages.push(make("e-1-1.x86_64").from("src-1-1").requires("lib"));
    packages.push(make("lib-1-1.x86_64"));
    assert_eq!(
        gathered(&set(&packages), &["a"], &options),
        [
            "a-1-1.x86_64 input",
            "doc-1-1.noarch fulltree",
            "e-1-1.x86_64 fulltree"
        ],
    );
}

#[test]
fn what_lookaside_has_too_stays_out() {
    let set = set_with_lookaside(&all(), &built(&["b-1-1.x86_64"]));
    assert_eq!(
        gathered(&set, &["a"], &fulltree()),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64 from lookaside 0: lookaside fulltree",
            "doc-1-1.noarch fulltree",
        ],
    );
}

#[test]
fn what_lookaside_has_for_another_arch_comes_in() {
    let set = set_with_lookaside(&all(), &built(&["b-1-1.i686"]));
    assert_eq!(
        gathered(&set, &["a"], &fulltree()),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64 fulltree",
            "doc-1-1.noarch fulltree"
        ],
    );
}
