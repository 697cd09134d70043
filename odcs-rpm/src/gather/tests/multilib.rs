//! Multilib builds by methods and by name.

use super::*;
use crate::gather::{Greedy, MultilibRule, Reason};
use crate::multilib::Method;

fn by(methods: &[Method]) -> Options {
    with(|o| o.multilib_methods = methods.iter().copied().collect())
}

fn whitelist(options: &mut Options, patterns: &[&str]) {
    options.multilib_whitelist = patterns.iter().map(|text| text.parse().unwrap()).collect();
}

fn library(nevra: &str) -> Make {
    make(nevra).file("/usr/lib/libz.so.1", FileKind::File)
}

fn packages() -> Vec<Make> {
    vec![
        make("z-1-1.x86_64"),
        library("z-1-1.i686").requires("base"),
        make("z-devel-1-1.x86_64"),
        make("z-devel-1-1.i686"),
        make("tool-1-1.x86_64"),
        make("tool-1-1.i686"),
        make("base-1-1.x86_64"),
        make("base-1-1.i686"),
    ]
}

#[test]
fn the_methods_decide_on_the_multilib_package() {
    let asked = &["z", "z-devel", "tool"];
    let multilib = |options: &Options| {
        let mut found = gathered(&set(&packages()), asked, options);
        found.retain(|name| name.ends_with(" multilib"));
        found
    };
    assert_eq!(multilib(&options()), [""; 0]);
    assert_eq!(multilib(&by(&[Method::Runtime])), ["z-1-1.i686 multilib"]);
    assert_eq!(
        multilib(&by(&[Method::Devel])),
        ["z-1-1.i686 multilib", "z-devel-1-1.i686 multilib"],
    );
    assert_eq!(
        multilib(&by(&[Method::All])),
        [
            "base-1-1.i686 multilib",
            "tool-1-1.i686 multilib",
            "z-1-1.i686 multilib",
            "z-devel-1-1.i686 multilib",
        ],
        "what they bring brings its multilib builds, too",
    );
    let found = gather(
        &set(&packages()),
        &request(asked),
        &by(&[Method::Devel, Method::Runtime]),
    );
    let reason = |name: &str| {
        let member = found.members.iter().find(|m| m.package.nevra.nvra() == name);
        member.unwrap().why.brought().unwrap().reason.clone()
    };
    let runtime = Reason::Multilib(MultilibRule::Method(Method::Runtime));
    assert_eq!(reason("z-1-1.i686"), runtime, "the first that selects it");
    let devel = Reason::Multilib(MultilibRule::Method(Method::Devel));
    assert_eq!(reason("z-devel-1-1.i686"), devel);
}

#[test]
fn the_whitelist_decides_without_methods() {
    let mut options = options();
    whitelist(&mut options, &["too*", "tool", "z-dev*"]);
    let found = gather(&set(&packages()), &request(&["tool"]), &options);
    assert_eq!(
        members(&found),
        ["tool-1-1.i686 multilib", "tool-1-1.x86_64 input"]
    );
    assert_eq!(
        why(&found, "tool-1-1.i686"),
        "multilib build of tool-1-1.x86_64, which the whitelist has as tool"
    );
}

#[test]
fn the_blacklist_goes_before_the_whitelist() {
    let mut options = by(&[Method::All]);
    whitelist(&mut options, &["tool"]);
    options.multilib_blacklist = vec!["to*".parse().unwrap()];
    assert_eq!(
        gathered(&set(&packages()), &["tool"], &options),
        ["tool-1-1.x86_64 input"]
    );
}

#[test]
fn only_native_packages_of_a_real_arch_have_multilib_builds_of_the_same_version() {
    let set = set(&[
        make("a-1-1.noarch"),
        make("a-1-1.i686"),
        make("b-1-2.x86_64"),
        make("b-1-1.i686"),
        make("c-1:1-1.x86_64"),
        make("c-1-1.i686"),
        make("c-1-1.noarch"),
        make("d-1-1.i686"),
    ]);
    assert_eq!(
        gathered(&set, &["a", "b", "c", "d"], &by(&[Method::All])),
        [
            "a-1-1.noarch input",
            "b-1-2.x86_64 input",
            "c-1-1.i686 multilib",
            "c-1-1.x86_64 input",
            "d-1-1.i686 input",
        ],
    );
}

#[test]
fn of_several_multilib_arches_the_best_is_taken_and_greedily_all() {
    let set = set(&[make("a-1-1.x86_64"), make("a-1-1.i686"), make("a-1-1.i386")]);
    let mut options = by(&[Method::All]);
    assert_eq!(
        gathered(&set, &["a"], &options),
        ["a-1-1.i686 multilib", "a-1-1.x86_64 input"],
    );
    options.greedy = Greedy::All;
    assert_eq!(
        gathered(&set, &["a"], &options),
        [
            "a-1-1.i386 input multilib",
            "a-1-1.i686 input multilib",
            "a-1-1.x86_64 input",
        ],
        "what is selected is flagged, though it was in already",
    );
}

#[test]
fn it_works_without_dependencies_and_brings_sources() {
    let mut options = by(&[Method::Runtime]);
    options.resolve_deps = false;
    let set = set(&[
        make("z-1-1.x86_64"),
        library("z-1-1.i686").requires("base").from("z32-1-1"),
        make("z32-1-1.src"),
        make("base-1-1.i686"),
    ]);
    assert_eq!(
        gathered(&set, &["z"], &options),
        ["z-1-1.i686 multilib", "z-1-1.x86_64 input", "z32-1-1.src"],
    );
}

#[test]
fn what_lookaside_has_too_is_taken_from_there() {
    let both = [library("z-1-1.i686")];
    let app = make("app-1-1.x86_64").requires("z()(64bit)");
    let native = make("z-1-1.x86_64").provides("z()(64bit)");
    let set = set_with_lookaside(&[&[app, native], &both[..]].concat(), &both);
    assert_eq!(
        gathered(&set, &["app"], &by(&[Method::All])),
        [
            "app-1-1.x86_64 input",
            "z-1-1.i686 from lookaside 0: lookaside multilib",
            "z-1-1.x86_64"
        ],
    );
}
