//! The plain selection.

use super::*;
use crate::gather::select;

fn packages() -> Vec<Make> {
    vec![
        make("foo-1-1.x86_64").from("foo-1-1").requires("bar"),
        make("foo-2-1.x86_64").from("foo-2-1"),
        make("foo-2-1.i686").from("foo-2-1"),
        make("foo-2-1.s390x").from("foo-2-1"),
        make("foo-doc-2-1.noarch").from("foo-2-1"),
        make("foo-debuginfo-2-1.x86_64").from("foo-2-1"),
        make("foo-debuginfo-2-1.i686").from("foo-2-1"),
        make("other-debuginfo-2-1.x86_64").from("foo-2-1"),
        make("foo-2-1.src"),
        make("bar-1-1.noarch").from("bar-1-1"),
        make("bar-debuginfo-1-1.x86_64").from("bar-1-1"),
        make("bar-1-1.src"),
    ]
}

fn selected(patterns: &[&str]) -> Vec<String> {
    let set = set_with_lookaside(&packages(), &[make("foo-3-1.x86_64"), make("foo-1-1.src")]);
    members(&select(&set, &request(patterns), &"x86_64".parse().unwrap()))
}

#[test]
fn takes_all_versions_of_the_tree_s_arch_and_what_was_built_with_them() {
    assert_eq!(
        selected(&["foo"]),
        [
            "foo-1-1.x86_64 input",
            "foo-2-1.src",
            "foo-2-1.x86_64 input",
            "foo-debuginfo-2-1.x86_64",
            "other-debuginfo-2-1.x86_64",
        ],
    );
    assert_eq!(
        selected(&["foo-doc", "bar"]),
        [
            "bar-1-1.noarch input",
            "bar-1-1.src",
            "foo-2-1.src",
            "foo-doc-2-1.noarch input"
        ],
        "noarch pulls no debug package",
    );
}

#[test]
fn only_stars_are_wildcards_and_debug_names_match_nothing() {
    assert_eq!(selected(&["b*r"]), ["bar-1-1.noarch input", "bar-1-1.src"]);
    assert_eq!(selected(&["ba"]), [""; 0]);
    let set = set(&packages());
    let patterns = ["fo?", "foo-debuginfo", "-foo", "foo.+", "*"];
    let found = select(&set, &request(&patterns), &"x86_64".parse().unwrap());
    let unmatched: Vec<&str> = found.unmatched.iter().map(|p| p.as_str()).collect();
    assert_eq!(unmatched, patterns[..4]);
}

#[test]
fn everything_is_all_arches_that_the_tree_may_hold() {
    let set = set_with_lookaside(&packages(), &[make("foo-3-1.x86_64")]);
    let found = members(&select(&set, &Request::Everything, &"x86_64".parse().unwrap()));
    assert_eq!(
        found,
        [
            "bar-1-1.noarch input",
            "bar-1-1.src",
            "foo-1-1.x86_64 input",
            "foo-2-1.i686 input",
            "foo-2-1.src",
            "foo-2-1.x86_64 input",
            "foo-debuginfo-2-1.i686",
            "foo-debuginfo-2-1.x86_64",
            "foo-doc-2-1.noarch input",
            "other-debuginfo-2-1.x86_64",
        ],
    );
}

#[test]
fn debug_packages_fit_the_family_of_an_arch() {
    let set = set(&[
        make("a-1-1.i586").from("a-1-1"),
        make("a-debuginfo-1-1.i686").from("a-1-1"),
        make("a-debuginfo-1-1.x86_64").from("a-1-1"),
        make("a-mingw-debuginfo-1-1.noarch").from("a-1-1"),
    ]);
    assert_eq!(
        members(&select(&set, &Request::Everything, &"x86_64".parse().unwrap())),
        [
            "a-1-1.i586 input",
            "a-debuginfo-1-1.i686",
            "a-mingw-debuginfo-1-1.noarch"
        ],
    );
}
