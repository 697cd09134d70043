//! Package sets, requests and options made at random.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::comps::{Conditional, Langpack};
use crate::gather::Greedy;
use crate::multilib::Method;

/// A package of few names, versions and arches, with requirements that some others satisfy.
fn package() -> impl Strategy<Value = Make> {
    let name = select(vec![
        "a",
        "a-lang-de",
        "b",
        "b-devel",
        "c",
        "d",
        "e",
        "a-debuginfo",
        "b-debugsource",
        "c-debuginfo-common",
    ]);
    let arch = select(vec!["x86_64", "x86_64", "i686", "i386", "noarch", "s390x", "src"]);
    let capability = || select(vec!["a", "b", "c", "d", "e", "cap", "mail", "nothing"]);
    let operand = (capability(), select(vec!["", " >= 1", " < 2", " = 2-1"]));
    let operand = operand.prop_map(|(name, version)| format!("{name}{version}"));
    let path = || select(vec!["/usr/bin/x", "/usr/lib/libx.so.1", "/etc/x"]);
    let requirement = prop_oneof![
        4 => operand.clone(),
        1 => path().prop_map(str::to_owned),
        1 => (
            operand.clone(),
            select(vec!["and", "or", "with", "without", "if", "unless"]),
            operand.clone(),
        )
            .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
        1 => (operand.clone(), operand.clone(), operand)
            .prop_map(|(then, condition, other)| format!("({then} if {condition} else {other})")),
    ];
    (
        (name, 1..3u8, arch),
        proptest::collection::vec(requirement, 0..4),
        proptest::collection::vec((capability(), 1..3u8), 0..3),
        proptest::option::weighted(0.2, path()),
        proptest::option::of(select(vec!["a", "b", "c"])),
    )
        .prop_map(|((name, version, arch), requires, provides, path, source)| {
            let mut package = make(&format!("{name}-{version}-1.{arch}"));
            for requirement in requires {
                package = package.requires(&requirement);
            }
            for (capability, version) in provides {
                package = package.provides(&format!("{capability} = {version}"));
            }
            if let Some(path) = path {
                package = package.file(path, FileKind::File);
            }
            match source {
                Some(source) => package.from(&format!("{source}-{version}-1")),
                None => package,
            }
        })
}

/// Packages of one origin, each NEVRA once.
pub(super) fn packages(most: usize) -> impl Strategy<Value = Vec<Make>> {
    proptest::collection::vec(package(), 0..most).prop_map(|mut packages| {
        packages.sort_by(|left, right| left.0.nevra.cmp(&right.0.nevra));
        packages.dedup_by(|left, right| left.0.nevra == right.0.nevra);
        packages
    })
}

/// Some of these, parsed.
fn some_of<T: std::str::FromStr + std::fmt::Debug>(texts: &[&'static str]) -> impl Strategy<Value = Vec<T>>
where
    T::Err: std::fmt::Debug,
{
    let chosen = subsequence(texts.to_vec(), 0..=texts.len());
    chosen.prop_map(|texts| texts.iter().map(|text| text.parse().unwrap()).collect())
}

pub(super) fn any_options() -> impl Strategy<Value = Options> {
    let conditional = [("a", "d"), ("b", "c"), ("b", "e"), ("nothing", "a")];
    let conditional = conditional.map(|(requires, package)| Conditional {
        requires: requires.into(),
        package: package.into(),
    });
    let langpacks = [("a", "a-lang-%s"), ("b", "%s-devel"), ("b", "a-l*")];
    let langpacks = langpacks.map(|(name, install)| Langpack {
        name: name.into(),
        install: install.into(),
    });
    let switches = (
        select(vec![Greedy::None, Greedy::All, Greedy::Build]),
        proptest::bool::weighted(0.8),
        any::<[bool; 2]>(),
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.2),
    );
    let lists = (
        some_of(&["a", "c", "x"]),
        subsequence(Method::ALL.to_vec(), 0..=3),
        some_of(&["a", "b*"]),
        some_of(&["b-devel", "c"]),
        some_of(&["e.x86_64", "b.i686", "c.noarch", "nothing.x86_64"]),
        subsequence(conditional.to_vec(), 0..=4),
        subsequence(langpacks.to_vec(), 0..=3),
    );
    (switches, lists).prop_map(|(switches, lists)| {
        with(|options| {
            let [selfhosting, fulltree] = switches.2;
            (options.greedy, options.resolve_deps) = (switches.0, switches.1);
            (options.selfhosting, options.fulltree) = (selfhosting, fulltree);
            (options.exclude_source, options.exclude_debug) = (switches.3, switches.4);
            options.fulltree_excludes = lists.0;
            options.multilib_methods = lists.1.into_iter().collect();
            options.multilib_whitelist = lists.2;
            options.multilib_blacklist = lists.3;
            options.prepopulate = lists.4;
            options.conditional = lists.5;
            options.langpacks = lists.6;
        })
    })
}

pub(super) fn any_request() -> impl Strategy<Value = Request> {
    let patterns = vec![
        "a",
        "a*",
        "b*",
        "c.+",
        "-d",
        "a-debuginfo",
        "e",
        "*",
        "-b.src",
        "-c.+",
    ];
    prop_oneof![
        1 => Just(Request::Everything),
        4 => subsequence(patterns, 0..7).prop_map(|patterns| request(&patterns)),
    ]
}
