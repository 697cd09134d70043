//! Rich dependencies.

use super::*;
use crate::gather::Greedy;

/// What a requirement of `tool` picks besides what was asked for, or what is broken.
fn picked(requirement: &str, asked: &[&str]) -> Vec<String> {
    let set = set(&[
        make("tool-1-1.x86_64").requires(requirement),
        make("a-1-1.x86_64").provides("cap = 1"),
        make("b-1-1.x86_64").provides("cap = 2").provides("extra"),
        make("c-1-1.x86_64")
            .provides("cap = 3")
            .provides("extra")
            .requires("d"),
        make("d-1-1.x86_64"),
        make("e-1-1.x86_64").requires("(d if b)"),
    ]);
    let found = gather(&set, &request(&[&["tool"], asked].concat()), &options());
    let mut texts = members(&found);
    texts.retain(|text| !text.contains("input"));
    let names = texts.iter().map(|text| text.replace("-1-1.x86_64", ""));
    names.chain(broken(&found)).collect()
}

#[test]
fn and_takes_one_provider_for_each_part() {
    assert_eq!(picked("(a and b)", &[]), ["a", "b"]);
    assert_eq!(picked("(a and (b and d))", &["d"]), ["a", "b"]);
    assert_eq!(
        picked("(a and nothing)", &[]),
        ["tool-1-1.x86_64: (a and nothing)"]
    );
}

#[test]
fn or_prefers_what_is_in_the_result_then_what_is_first() {
    assert_eq!(picked("(b or a)", &[]), ["b"]);
    assert_eq!(picked("(b or a)", &["a"]), [""; 0]);
    assert_eq!(picked("(nothing or a)", &[]), ["a"]);
    assert_eq!(picked("((a and nothing) or (b and d))", &[]), ["b", "d"]);
    assert_eq!(
        picked("(nothing or none)", &[]),
        ["tool-1-1.x86_64: (nothing or none)"]
    );
}

#[test]
fn with_and_without_are_about_one_package() {
    assert_eq!(picked("(cap with extra)", &[]), ["b"]);
    assert_eq!(picked("(cap >= 1 with cap < 2)", &[]), ["a"]);
    assert_eq!(picked("(cap without a)", &[]), ["b"]);
    assert_eq!(picked("(cap with extra with c)", &[]), ["c", "d"]);
    assert_eq!(picked("(extra with (a or c))", &[]), ["c", "d"]);
    assert_eq!(picked("(cap with d)", &[]), ["tool-1-1.x86_64: (cap with d)"]);
    assert_eq!(
        picked("(cap with (a and b))", &[]),
        ["tool-1-1.x86_64: (cap with (a and b))"]
    );
}

#[test]
fn if_holds_once_its_condition_is_met() {
    assert_eq!(picked("(a if b)", &[]), [""; 0]);
    assert_eq!(picked("(a if b)", &["b"]), ["a"]);
    assert_eq!(
        picked("(a if d)", &["c"]),
        ["a", "d"],
        "looked at again after d came"
    );
    assert_eq!(picked("(nothing if b)", &[]), [""; 0]);
    assert_eq!(
        picked("(nothing if b)", &["b"]),
        ["tool-1-1.x86_64: (nothing if b)"]
    );
    assert_eq!(picked("(a if (b and d))", &["b"]), [""; 0]);
    assert_eq!(picked("(a if (b or d))", &["b"]), ["a"]);
    assert_eq!(picked("(a if (cap without b))", &["b"]), [""; 0]);
    assert_eq!(
        picked("(b and (a if b))", &[]),
        ["a", "b"],
        "met by its own other half"
    );
}

#[test]
fn alternatives_wait_until_nothing_more_can_meet_the_condition() {
    assert_eq!(picked("(a if b else d)", &[]), ["d"]);
    assert_eq!(picked("(a if b else d)", &["b"]), ["a"]);
    assert_eq!(
        picked("(a if d else b)", &["c"]),
        ["a", "d"],
        "d comes with c, so b is not needed"
    );
    assert_eq!(picked("(a unless b)", &[]), ["a"]);
    assert_eq!(picked("(a unless b)", &["b"]), [""; 0]);
    assert_eq!(picked("(a unless b else d)", &["b"]), ["d"]);
    assert_eq!(
        picked("(b unless a)", &["e"]),
        ["b", "d"],
        "what is decided last meets other conditions"
    );
}

#[test]
fn malformed_expressions_are_broken() {
    for text in ["(a and", "(a xor b)", "()"] {
        assert_eq!(picked(text, &[]), [format!("tool-1-1.x86_64: {text}")]);
    }
    let deep = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(picked(&deep, &[]).len(), 1);
}

#[test]
fn greedy_gathering_goes_for_their_parts_too() {
    let set = set(&[
        make("tool-1-1.x86_64").requires("(cap and d)"),
        make("a-1-1.x86_64").provides("cap").from("src-1-1"),
        make("b-1-1.x86_64").provides("cap").from("src-1-1"),
        make("d-1-1.x86_64"),
    ]);
    let build = with(|o| o.greedy = Greedy::Build);
    assert_eq!(gathered(&set, &["tool"], &build).len(), 4);
}

#[test]
fn debug_packages_may_have_them() {
    let set = set(&[
        make("a-1-1.x86_64").from("a-1-1"),
        make("a-debuginfo-1-1.x86_64")
            .from("a-1-1")
            .requires("(a and (b-debuginfo if a))"),
        make("b-debuginfo-1-1.x86_64"),
    ]);
    let found = gather(&set, &request(&["a"]), &options());
    assert_eq!(found.members.len(), 3);
    assert_eq!(broken(&found), [""; 0]);
}
