//! What holds for every package set.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::gather::{Flag, Greedy};

/// A package of few names, versions and arches, with requirements that some others satisfy.
fn package() -> impl Strategy<Value = Make> {
    let name = select(vec![
        "a",
        "b",
        "c",
        "d",
        "e",
        "a-debuginfo",
        "b-debugsource",
        "c-debuginfo-common",
    ]);
    let arch = select(vec!["x86_64", "x86_64", "i686", "noarch", "s390x", "src"]);
    let capability = || select(vec!["a", "b", "c", "d", "e", "cap", "mail", "nothing"]);
    let operand = (capability(), select(vec!["", " >= 1", " < 2", " = 2-1"]));
    let operand = operand.prop_map(|(name, version)| format!("{name}{version}"));
    let requirement = prop_oneof![
        4 => operand.clone(),
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
        proptest::option::of(select(vec!["a", "b", "c"])),
    )
        .prop_map(|((name, version, arch), requires, provides, source)| {
            let mut package = make(&format!("{name}-{version}-1.{arch}"));
            for requirement in requires {
                package = package.requires(&requirement);
            }
            for (capability, version) in provides {
                package = package.provides(&format!("{capability} = {version}"));
            }
            match source {
                Some(source) => package.from(&format!("{source}-{version}-1")),
                None => package,
            }
        })
}

/// Packages of one origin, each NEVRA once.
fn packages(most: usize) -> impl Strategy<Value = Vec<Make>> {
    proptest::collection::vec(package(), 0..most).prop_map(|mut packages| {
        packages.sort_by(|left, right| left.0.nevra.cmp(&right.0.nevra));
        packages.dedup_by(|left, right| left.0.nevra == right.0.nevra);
        packages
    })
}

fn any_options() -> impl Strategy<Value = Options> {
    let greedy = select(vec![Greedy::None, Greedy::All, Greedy::Build]);
    (greedy, any::<bool>()).prop_map(|(greedy, exclude_debug)| {
        with(|options| (options.greedy, options.exclude_debug) = (greedy, exclude_debug))
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    let patterns = vec!["a", "b*", "c.+", "-d", "a-debuginfo", "e", "*", "-b.src"];
    prop_oneof![
        1 => Just(Request::Everything),
        4 => proptest::sample::subsequence(patterns, 0..6).prop_map(|patterns| request(&patterns)),
    ]
}

/// All there is to see of a result.
fn summary(gathered: &Gathered) -> (Vec<String>, Vec<String>, Vec<String>) {
    let why = |member: &Member| member.why.as_ref().map(ToString::to_string);
    let members = gathered
        .members
        .iter()
        .map(|m| format!("{} {:?}", describe(m), why(m)));
    let unmatched = gathered.unmatched.iter().map(ToString::to_string);
    (members.collect(), broken(gathered), unmatched.collect())
}

/// Whether the packages satisfy a simple requirement.
fn satisfied<'a>(requirement: &str, mut packages: impl Iterator<Item = &'a Package>) -> bool {
    let requirement = dependency(requirement);
    packages.any(|package| {
        let evr = package.nevra.evr();
        let own = format!("{} = {evr}", package.nevra.name());
        dependency(&own).satisfies(&requirement)
            || package
                .provides
                .iter()
                .any(|provide| provide.satisfies(&requirement))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_of_packages_and_patterns_does_not_matter(
        packages in packages(30),
        lookaside in packages(6),
        request in any_request(),
        options in any_options(),
        swaps in proptest::collection::vec(any::<(Index, Index)>(), 30),
    ) {
        let first = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        let mut shuffled = packages;
        let mut shuffled_request = request;
        for (from, to) in swaps {
            if !shuffled.is_empty() {
                let (from, to) = (from.index(shuffled.len()), to.index(shuffled.len()));
                shuffled.swap(from, to);
                let (requires, last) = (&mut shuffled[to].0.requires, from);
                if !requires.is_empty() {
                    let middle = last % requires.len();
                    requires.rotate_left(middle);
                }
            }
            if let Request::Packages(patterns) = &mut shuffled_request
                && !patterns.is_empty()
            {
                let (from, to) = (from.index(patterns.len()), to.index(patterns.len()));
                patterns.swap(from, to);
            }
        }
        let second = gather(&set_with_lookaside(&shuffled, &lookaside), &shuffled_request, &options);
        let names = |gathered: &Gathered| {
            let unmatched: BTreeSet<_> = gathered.unmatched.iter().cloned().collect();
            (members(gathered), broken(gathered), unmatched)
        };
        prop_assert_eq!(names(&first), names(&second));
    }

    #[test]
    fn an_unrelated_package_changes_nothing(
        packages in packages(30),
        request in any_request().prop_filter("asks for all", |request| match request {
            Request::Everything => false,
            Request::Packages(patterns) => patterns.iter().all(|pattern| pattern.as_str() != "*"),
        }),
        options in any_options(),
    ) {
        let before = gather(&set(&packages), &request, &options);
        let mut more = packages;
        more.push(make("unrelated-1-1.x86_64").requires("a").from("unrelated-1-1"));
        more.push(make("unrelated-1-1.src"));
        let after = gather(&set(&more), &request, &options);
        prop_assert_eq!(summary(&before), summary(&after));
    }

    #[test]
    fn the_result_is_closed_but_for_what_is_broken(
        packages in packages(30),
        lookaside in packages(6),
        request in any_request(),
        options in any_options(),
    ) {
        let found = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        let mut binaries: Vec<&Member> = found.members.iter().collect();
        binaries.retain(|member| member.kind == PackageKind::Binary);
        for member in binaries.iter().filter(|member| !member.origin.is_lookaside()) {
            for requirement in &member.package.requires {
                let text = requirement.to_string();
                let is_met = |text: &str| satisfied(text, binaries.iter().map(|m| &*m.package));
                let inner = text.trim_matches(['(', ')']);
                let split = |operator: &str| {
                    inner.split_once(&format!(" {operator} ")).filter(|_| text.starts_with('('))
                };
                let holds = if let Some((left, right)) = split("and") {
                    is_met(left) && is_met(right)
                } else if let Some((left, right)) = split("or") {
                    is_met(left) || is_met(right)
                } else if let Some((then, rest)) = split("if") {
                    match rest.split_once(" else ") {
                        Some((condition, _)) if is_met(condition) => is_met(then),
                        Some((_, other)) => is_met(other),
                        None => !is_met(rest) || is_met(then),
                    }
                } else if let Some((left, right)) = split("unless") {
                    is_met(right) || is_met(left)
                } else if let Some((left, right)) = split("with") {
                    binaries.iter().any(|m| {
                        satisfied(left, [&*m.package].into_iter()) && satisfied(right, [&*m.package].into_iter())
                    })
                } else if let Some((left, right)) = split("without") {
                    binaries.iter().any(|m| {
                        satisfied(left, [&*m.package].into_iter()) && !satisfied(right, [&*m.package].into_iter())
                    })
                } else {
                    is_met(&text)
                };
                let of_package = found.broken.get(&member.package.nevra);
                let is_broken = of_package.is_some_and(|broken| broken.contains(&text));
                prop_assert!(holds || is_broken, "{} requires {text}", describe(member));
                if !text.starts_with('(') {
                    prop_assert!(!(holds && is_broken), "{} has {text}", describe(member));
                }
            }
        }
    }

    #[test]
    fn whatever_is_there_was_brought_by_what_was_asked_for(
        packages in packages(30),
        lookaside in packages(6),
        request in any_request(),
        options in any_options(),
    ) {
        let found = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        prop_assert!(found.members.is_sorted_by_key(|member| (&member.package.nevra, member.origin)));
        for member in &found.members {
            prop_assert_eq!(member.why.is_none(), member.flags.contains(Flag::Input));
            let length = found.chain(member).take(found.members.len() + 1).count();
            prop_assert!(length <= found.members.len(), "{} goes round in circles", describe(member));
            let last = found.chain(member).last().unwrap();
            prop_assert!(last.flags.contains(Flag::Input), "{} ends nowhere", describe(member));
            prop_assert!(!member.origin.is_lookaside() || member.flags.contains(Flag::Lookaside));
        }
    }

    #[test]
    fn a_plain_selection_is_what_was_named_and_built_with_it(packages in packages(30), star in any::<bool>()) {
        let wanted = if star { "a*" } else { "a" };
        let found = super::super::select(&set(&packages), &request(&[wanted]), &"x86_64".parse().unwrap());
        for package in packages.iter().map(|make| &make.0) {
            let nevra = &package.nevra;
            let fits = package.kind() == PackageKind::Binary
                && ["x86_64", "noarch"].contains(&nevra.arch().as_str())
                && nevra.name().as_str() == "a";
            let is_in = found.member(nevra, Origin::PackageSet).is_some();
            prop_assert!(!fits || is_in);
            prop_assert!(package.kind() != PackageKind::Binary || fits == is_in);
        }
        for member in &found.members {
            let chain: Vec<_> = found.chain(member).collect();
            prop_assert_eq!(chain.len(), if member.kind == PackageKind::Binary { 1 } else { 2 });
        }
    }
}
