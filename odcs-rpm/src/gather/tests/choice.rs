//! The choice among candidates.

use super::*;
use crate::gather::Greedy;

/// What a requirement of `tool` picks, besides `tool`.
fn picked(packages: &[Make], patterns: &[&str], options: &Options) -> Vec<String> {
    let mut all = packages.to_vec();
    all.push(make("tool-1-1.x86_64").requires("mail"));
    let mut found = gathered(&set(&all), &[&["tool"], patterns].concat(), options);
    found.retain(|name| !name.contains("input"));
    found
}

fn mail(nevra: &str) -> Make {
    make(nevra).provides("mail")
}

#[test]
fn native_before_multilib_then_the_best_arch_then_the_shortest_and_first_name() {
    let none = options();
    assert_eq!(
        picked(&[mail("a-1-1.i686"), mail("longer-1-1.x86_64")], &[], &none),
        ["longer-1-1.x86_64"]
    );
    assert_eq!(
        picked(&[mail("a-1-1.i386"), mail("longer-1-1.i686")], &[], &none),
        ["longer-1-1.i686"]
    );
    assert_eq!(
        picked(&[mail("a-1-1.noarch"), mail("longer-1-1.x86_64")], &[], &none),
        ["longer-1-1.x86_64"]
    );
    assert_eq!(
        picked(&[mail("a-1-1.noarch"), mail("longer-1-1.i686")], &[], &none),
        ["a-1-1.noarch"]
    );
    assert_eq!(
        picked(&[mail("aaa-1-1.x86_64"), mail("bb-1-1.x86_64")], &[], &none),
        ["bb-1-1.x86_64"]
    );
    assert_eq!(
        picked(&[mail("bb-1-1.x86_64"), mail("aa-1-1.x86_64")], &[], &none),
        ["aa-1-1.x86_64"]
    );
}

#[test]
fn what_is_in_already_is_chosen_again() {
    let none = options();
    let two = [mail("a-1-1.x86_64"), mail("longer-1-1.x86_64")];
    assert_eq!(picked(&two, &[], &none), ["a-1-1.x86_64"]);
    assert_eq!(picked(&two, &["longer"], &none), [""; 0]);
    let multilib = [mail("a-1-1.x86_64"), mail("b-1-1.i686")];
    assert_eq!(
        picked(&multilib, &["b.+"], &none),
        [""; 0],
        "multilib in the result before native outside"
    );
    let both = [mail("a-1-1.noarch"), mail("b-1-1.i686"), mail("c-1-1.x86_64")];
    assert_eq!(picked(&both, &["a", "b.+"], &none), [""; 0]);
}

#[test]
fn greedy_all_takes_all_candidates() {
    let all = with(|o| o.greedy = Greedy::All);
    let packages = [mail("a-1-1.x86_64"), mail("a-1-1.i686"), mail("b-1-1.noarch")];
    assert_eq!(
        picked(&packages, &[], &all),
        ["a-1-1.i686", "a-1-1.x86_64", "b-1-1.noarch"]
    );
}

#[test]
fn greedy_build_takes_the_candidates_of_the_same_build_and_class() {
    let build = with(|o| (o.greedy, o.exclude_source) = (Greedy::Build, true));
    let packages = [
        mail("a-1-1.x86_64").from("src-1-1"),
        mail("a-1-1.i686").from("src-1-1"),
        mail("a-doc-1-1.noarch").from("src-1-1"),
        mail("z-1-1.x86_64").from("other-1-1"),
        make("a-none-1-1.x86_64").from("src-1-1"),
    ];
    assert_eq!(
        picked(&packages, &[], &build),
        ["a-1-1.x86_64", "a-doc-1-1.noarch"]
    );
    let multilib = [
        mail("a-1-1.i686").from("src-1-1"),
        mail("b-1-1.i386").from("src-1-1"),
    ];
    assert_eq!(picked(&multilib, &[], &build), ["a-1-1.i686", "b-1-1.i386"]);
    let sourceless = [mail("a-1-1.x86_64"), mail("b-1-1.x86_64")];
    assert_eq!(
        picked(&sourceless, &[], &build),
        ["a-1-1.x86_64"],
        "no source is no common source"
    );
    assert_eq!(
        gathered(&set(&packages), &["a"], &build),
        ["a-1-1.x86_64 input"],
        "names asked for are not greedy",
    );
}

#[test]
fn what_lookaside_has_too_is_taken_from_there() {
    let ours = [mail("a-1-1.x86_64"), mail("b-2-1.x86_64")];
    let theirs = [mail("a-1-1.x86_64"), make("b-1-1.x86_64")];
    let set = set_with_lookaside(
        &[&ours[..], &[make("tool-1-1.x86_64").requires("mail")]].concat(),
        &theirs,
    );
    assert_eq!(
        gathered(&set, &["tool"], &options()),
        [
            "a-1-1.x86_64 from lookaside 0: lookaside",
            "tool-1-1.x86_64 input"
        ],
    );
    assert_eq!(
        gathered(&set, &["b"], &options()),
        ["b-2-1.x86_64 input"],
        "another version is another"
    );
}

#[test]
fn requirements_of_one_package_are_chosen_for_together() {
    // With `b` in for "b" first, it would do for "mail", too; neither order may let that happen.
    for order in [["b", "mail"], ["mail", "b"]] {
        let set = set(&[
            make("tool-1-1.x86_64").requires(order[0]).requires(order[1]),
            mail("a-1-1.x86_64"),
            mail("b-1-1.x86_64"),
        ]);
        assert_eq!(
            gathered(&set, &["tool"], &options()),
            ["a-1-1.x86_64", "b-1-1.x86_64", "tool-1-1.x86_64 input"],
        );
    }
}

#[test]
fn a_requirement_is_decided_once() {
    // "mail" is decided for `a`: `longer` is in. When `d` requires it, `m` is in, too, and would be the
    // better choice, with `m-extra` from the same build.
    let build = with(|o| (o.greedy, o.exclude_source) = (Greedy::Build, true));
    let mut packages = vec![
        make("a-1-1.x86_64").requires("mail"),
        make("b-1-1.x86_64").requires("m").requires("d"),
        make("d-1-1.x86_64").requires("mail"),
        mail("longer-1-1.x86_64"),
        mail("m-1-1.x86_64").from("m-1-1"),
        mail("m-extra-1-1.x86_64").from("m-1-1"),
    ];
    let extra = |packages: &[Make]| {
        let found = gathered(&set(packages), &["a", "b", "longer"], &build);
        found.iter().any(|name| name.starts_with("m-extra"))
    };
    assert!(!extra(&packages));
    packages[0] = make("a-1-1.x86_64");
    assert!(extra(&packages), "nobody decided it earlier");
}
