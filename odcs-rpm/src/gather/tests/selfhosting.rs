//! Build requirements.

use super::*;

fn selfhosting() -> Options {
    with(|o| o.selfhosting = true)
}

fn buildable() -> Vec<Make> {
    vec![
        make("a-1-1.x86_64").from("a-1-1").requires("lib"),
        make("a-1-1.src")
            .requires("compiler >= 2")
            .requires("lib")
            .requires("nothing")
            .requires("rpmlib(X) <= 1"),
        make("compiler-2-1.x86_64")
            .from("compiler-2-1")
            .requires("linker"),
        make("compiler-2-1.src").requires("compiler"),
        make("linker-1-1.x86_64"),
        make("lib-1-1.x86_64"),
    ]
}

#[test]
fn source_packages_bring_what_they_need_to_be_built() {
    let set = set(&buildable());
    let found = gather(&set, &request(&["a"]), &selfhosting());
    assert_eq!(
        members(&found),
        [
            "a-1-1.src self_hosting",
            "a-1-1.x86_64 input",
            "compiler-2-1.src",
            "compiler-2-1.x86_64",
            "lib-1-1.x86_64",
            "linker-1-1.x86_64",
        ],
        "the flag is that of source packages for which something was added",
    );
    assert_eq!(
        why(&found, "compiler-2-1.x86_64"),
        "building a-1-1.src requires compiler >= 2"
    );
    assert_eq!(broken(&found), ["a-1-1.src: nothing"]);
    let chain = found.members.iter().find(|m| describe(m).starts_with("linker"));
    let chain = found.chain(chain.unwrap()).map(|m| m.package.nevra.nvra());
    assert_eq!(
        chain.collect::<Vec<_>>(),
        [
            "linker-1-1.x86_64",
            "compiler-2-1.x86_64",
            "a-1-1.src",
            "a-1-1.x86_64"
        ],
    );
}

#[test]
fn build_requirements_are_nobody_s_without_selfhosting_sources_or_dependencies() {
    let set = set(&buildable());
    for options in [
        options(),
        with(|o| (o.selfhosting, o.exclude_source) = (true, true)),
        with(|o| (o.selfhosting, o.resolve_deps) = (true, false)),
    ] {
        let found = gather(&set, &request(&["a"]), &options);
        assert!(members(&found).iter().all(|name| !name.starts_with("compiler")));
        assert_eq!(broken(&found), [""; 0]);
    }
}

#[test]
fn source_packages_of_lookaside_need_nothing() {
    let a = make("a-1-1.x86_64").from("a-1-1");
    let source = make("a-1-1.src").requires("compiler");
    let compiler = make("compiler-1-1.x86_64");
    let set = set_with_lookaside(std::slice::from_ref(&compiler), &[a, source]);
    assert_eq!(
        gathered(&set, &["a"], &selfhosting()),
        [
            "a-1-1.src from lookaside 0: lookaside",
            "a-1-1.x86_64 from lookaside 0: input lookaside",
        ],
    );
}

#[test]
fn conditions_of_build_requirements_are_looked_at_again() {
    let set = set(&[
        make("a-1-1.x86_64").from("a-1-1"),
        make("a-1-1.src")
            .requires("(b if c)")
            .requires("c")
            .requires("(d if e else f)"),
        make("b-1-1.x86_64"),
        make("c-1-1.x86_64"),
        make("f-1-1.x86_64"),
    ]);
    assert_eq!(
        gathered(&set, &["a"], &selfhosting()),
        [
            "a-1-1.src self_hosting",
            "a-1-1.x86_64 input",
            "b-1-1.x86_64",
            "c-1-1.x86_64",
            "f-1-1.x86_64"
        ],
    );
}
