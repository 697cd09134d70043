//! Patterns, exclusions, and what is visible.

use super::*;
use crate::gather::{Flag, Greedy};

fn foo() -> PackageSet {
    set(&[
        make("foo-1-1.x86_64").from("foo-1-1"),
        make("foo-1-1.i686").from("foo-1-1"),
        make("foo-doc-1-1.noarch").from("foo-1-1"),
        make("foo-debuginfo-1-1.x86_64").from("foo-1-1"),
        make("foo-debuginfo-1-1.i686").from("foo-1-1"),
        make("foo-1-1.s390x").from("foo-1-1"),
        make("foo-1-1.src"),
    ])
}

#[test]
fn a_name_chooses_one_package_and_a_glob_one_for_each_name() {
    let options = with(|o| (o.exclude_source, o.exclude_debug) = (true, true));
    assert_eq!(gathered(&foo(), &["foo"], &options), ["foo-1-1.x86_64 input"]);
    assert_eq!(gathered(&foo(), &["fo[n-p]"], &options), ["foo-1-1.x86_64 input"]);
    assert_eq!(
        gathered(&foo(), &["f*"], &options),
        ["foo-1-1.x86_64 input", "foo-doc-1-1.noarch input"],
    );
    let s390x = with(|o| (o.arch, o.exclude_source) = ("s390x".parse().unwrap(), true));
    assert_eq!(gathered(&foo(), &["foo"], &s390x), ["foo-1-1.s390x input"]);
}

#[test]
fn a_plus_asks_for_the_multilib_build() {
    let options = with(|o| (o.exclude_source, o.exclude_debug) = (true, true));
    assert_eq!(gathered(&foo(), &["foo.+"], &options), ["foo-1-1.i686 input"]);
    let both = gathered(&foo(), &["f*.+", "foo"], &options);
    assert_eq!(
        both,
        ["foo-1-1.i686 input", "foo-1-1.x86_64 input"],
        "noarch is not multilib"
    );
    let debug = gathered(&foo(), &["foo-debuginfo.+"], &options);
    assert_eq!(debug, ["foo-debuginfo-1-1.i686 input"]);
}

#[test]
fn debug_packages_are_asked_for_by_debug_names_only() {
    let options = with(|o| (o.exclude_source, o.exclude_debug) = (true, true));
    assert_eq!(
        gathered(&foo(), &["foo-d*"], &options),
        ["foo-doc-1-1.noarch input"]
    );
    for pattern in ["foo-debuginfo", "*-debuginfo", "foo-debuginfo*"] {
        let found = gathered(&foo(), &[pattern], &options);
        assert_eq!(found, ["foo-debuginfo-1-1.x86_64 input"], "{pattern}");
    }
}

#[test]
fn what_matches_nothing_is_reported_in_order() {
    let found = gather(
        &foo(),
        &request(&["zoo*", "foo", "-nothing", "bar", "foo.src"]),
        &options(),
    );
    let unmatched: Vec<&str> = found.unmatched.iter().map(|pattern| pattern.as_str()).collect();
    assert_eq!(unmatched, ["zoo*", "bar", "foo.src"]);
    assert!(found.members[1].flags.contains(Flag::Input));
}

#[test]
fn exclusions_hide_what_their_text_says() {
    let all = [
        "foo-1-1.src",
        "foo-1-1.x86_64 input",
        "foo-debuginfo-1-1.x86_64",
        "foo-doc-1-1.noarch input",
    ];
    assert_eq!(gathered(&foo(), &["foo*"], &options()), all);
    let without = |patterns: &[&str]| {
        let found = gathered(&foo(), patterns, &options());
        let lost = all.iter().filter(|name| !found.contains(&(**name).to_owned()));
        let new = found.iter().filter(|name| !all.contains(&name.as_str()));
        (
            lost.copied().collect::<Vec<_>>(),
            new.cloned().collect::<Vec<_>>(),
        )
    };
    assert_eq!(without(&["foo*", "-foo.src"]), (vec![all[0]], vec![]));
    assert_eq!(without(&["-foo-doc", "foo*"]), (vec![all[3]], vec![]));
    assert_eq!(without(&["foo*", "-*-debuginfo"]), (vec![all[2]], vec![]));
    assert_eq!(without(&["foo*", "-foo*.+"]), (vec![], vec![]));
    // An exclusion of binaries takes all arches; their debug packages stay where something else is
    // built from the same source, but nothing brings them.
    assert_eq!(without(&["foo*", "-foo"]), (vec![all[1], all[2]], vec![]));
    assert_eq!(gathered(&foo(), &["foo.+", "-foo.+"], &options()), [""; 0]);
}

#[test]
fn exclusions_do_not_touch_lookaside() {
    let both = [make("foo-1-1.x86_64")];
    let set = set_with_lookaside(&both, &both);
    assert_eq!(
        gathered(&set, &["foo", "-foo"], &options()),
        ["foo-1-1.x86_64 from lookaside 0: input lookaside"],
    );
}

#[test]
fn the_multilib_blacklist_hides_multilib_builds() {
    let options = with(|o| {
        o.multilib_blacklist = vec!["f*".parse().unwrap()];
        (o.greedy, o.exclude_source, o.exclude_debug) = (Greedy::All, true, true);
    });
    assert_eq!(
        gathered(&foo(), &["foo*"], &options),
        ["foo-1-1.x86_64 input", "foo-doc-1-1.noarch input"],
    );
}

#[test]
fn only_the_newest_of_each_name_and_arch_is_seen() {
    let set = set(&[
        make("foo-1.9-1.x86_64"),
        make("foo-1.10-1.x86_64"),
        make("foo-1:0.1-1.i686"),
        make("bar-1-1.x86_64").requires("foo < 1.10"),
    ]);
    let greedy = with(|o| o.greedy = Greedy::All);
    assert_eq!(
        gathered(&set, &["foo"], &greedy),
        ["foo-1.10-1.x86_64 input", "foo-0.1-1.i686 input"],
    );
    let found = gather(&set, &request(&["bar"]), &options());
    assert_eq!(broken(&found), ["bar-1-1.x86_64: foo < 1.10"]);
}

#[test]
fn excluding_the_newest_in_the_set_shows_what_lookaside_has() {
    let set = set_with_lookaside(&[make("foo-2-1.x86_64")], &[make("foo-1-1.x86_64")]);
    assert_eq!(gathered(&set, &["foo"], &options()), ["foo-2-1.x86_64 input"]);
    assert_eq!(
        gathered(&set, &["foo", "-foo"], &options()),
        ["foo-1-1.x86_64 from lookaside 0: input lookaside"],
    );
}

#[test]
fn system_release_is_whatever_provides_it_when_all_is_taken() {
    let set = set(&[
        make("release-a-1-1.noarch").provides("system-release"),
        make("release-b-1-1.noarch").provides("system-release = 9"),
    ]);
    let greedy = with(|o| o.greedy = Greedy::All);
    assert_eq!(
        gathered(&set, &["system-release"], &greedy),
        ["release-a-1-1.noarch input", "release-b-1-1.noarch input"],
    );
    assert_eq!(
        gather(&set, &request(&["system-release"]), &options())
            .unmatched
            .len(),
        1
    );
}

#[test]
fn everything_asks_for_every_name() {
    let everything = gather(&foo(), &Request::Everything, &options());
    assert_eq!(
        members(&everything),
        [
            "foo-1-1.src",
            "foo-1-1.x86_64 input",
            "foo-debuginfo-1-1.x86_64 input",
            "foo-doc-1-1.noarch input",
        ],
    );
    let set = set_with_lookaside(
        &[make("a-1-1.i686").requires("b")],
        &[make("b-1-1.x86_64"), make("c-1-1.noarch")],
    );
    let found = gather(&set, &Request::Everything, &options());
    assert_eq!(
        members(&found),
        ["a-1-1.i686 input", "b-1-1.x86_64 from lookaside 0: lookaside"],
        "what only lookaside has is not asked for",
    );
}

#[test]
fn the_same_package_twice_is_one_but_not_from_another_origin() {
    let twice = [make("a-1-1.noarch").requires("b"), make("a-1-1.noarch")];
    let set = set_with_lookaside(&twice, &twice);
    let all: Vec<(usize, Origin)> = set
        .packages()
        .map(|(p, origin)| (p.requires.len(), origin))
        .collect();
    assert_eq!(
        all,
        [(1, Origin::PackageSet), (1, Origin::Lookaside(0))],
        "the first one stays"
    );
    let greedy = with(|o| o.greedy = Greedy::All);
    assert_eq!(
        gathered(&set, &["a"], &greedy),
        [
            "a-1-1.noarch input",
            "a-1-1.noarch from lookaside 0: input lookaside"
        ],
    );
}
