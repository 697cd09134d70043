//! What holds for every package set.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::generated::{any_options, any_request, packages};
use super::*;
use crate::arch::ArchClass;
use crate::gather::{Flag, Reason, Why};

/// All there is to see of a result.
fn summary(gathered: &Gathered) -> (Vec<String>, Vec<String>, BTreeSet<String>) {
    let members = gathered.members.iter();
    let members = members.map(|m| format!("{}, {}", describe(m), m.why));
    let unmatched = gathered.unmatched.iter().map(ToString::to_string);
    (members.collect(), broken(gathered), unmatched.collect())
}

/// Whether the packages satisfy a simple requirement.
fn satisfied<'a>(requirement: &str, mut packages: impl Iterator<Item = &'a Package>) -> bool {
    let requirement = dependency(requirement);
    packages.any(|package| {
        let own = format!("{} = {}", package.nevra.name(), package.nevra.evr());
        let mut provides = package.provides.iter();
        dependency(&own).satisfies(&requirement)
            || provides.any(|provide| provide.satisfies(&requirement))
            || package.files.iter().any(|file| *file.path == *requirement.name)
    })
}

/// Whether the packages satisfy a requirement, of which at most one part is rich.
fn holds(text: &str, packages: &[&Package]) -> bool {
    let is_met = |text: &str| satisfied(text, packages.iter().copied());
    let one = |fits: &dyn Fn(&Package) -> bool| packages.iter().any(|package| fits(package));
    let inner = text.trim_matches(['(', ')']);
    let split = |operator: &str| {
        let parts = inner.split_once(&format!(" {operator} "));
        parts.filter(|_| text.starts_with('('))
    };
    if let Some((left, right)) = split("and") {
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
        one(&|p| satisfied(left, [p].into_iter()) && satisfied(right, [p].into_iter()))
    } else if let Some((left, right)) = split("without") {
        one(&|p| satisfied(left, [p].into_iter()) && !satisfied(right, [p].into_iter()))
    } else {
        is_met(text)
    }
}

/// Swaps what is at places that were drawn at random.
pub(super) fn shuffle<T>(list: &mut [T], swaps: &[(Index, Index)]) {
    if !list.is_empty() {
        for (from, to) in swaps {
            list.swap(from.index(list.len()), to.index(list.len()));
        }
    }
}

fn is_multilib(package: &Package) -> bool {
    let tree = options().arch;
    matches!(tree.class_of(package.nevra.arch()), ArchClass::Multilib(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_of_packages_patterns_and_options_does_not_matter(
        packages in packages(40),
        lookaside in packages(8),
        request in any_request(),
        options in any_options(),
        swaps in proptest::collection::vec(any::<(Index, Index)>(), 30),
    ) {
        let first = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        let (mut packages, mut request, mut options) = (packages, request, options);
        shuffle(&mut packages, &swaps);
        for package in &mut packages {
            shuffle(&mut package.0.requires, &swaps);
            shuffle(&mut package.0.provides, &swaps);
        }
        if let Request::Packages(patterns) = &mut request {
            shuffle(patterns, &swaps);
        }
        shuffle(&mut options.fulltree_excludes, &swaps);
        shuffle(&mut options.multilib_whitelist, &swaps);
        shuffle(&mut options.multilib_blacklist, &swaps);
        shuffle(&mut options.prepopulate, &swaps);
        shuffle(&mut options.conditional, &swaps);
        shuffle(&mut options.langpacks, &swaps);
        let set = set_with_lookaside(&packages, &lookaside);
        let second = gather(&set, &request, &options);
        prop_assert_eq!(summary(&first), summary(&second));
        // The set keeps nothing from one gather to the next.
        prop_assert_eq!(summary(&second), summary(&gather(&set, &request, &options)));
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
        more.push(make("unrelated-1-1.src").requires("b"));
        let after = gather(&set(&more), &request, &options);
        prop_assert_eq!(summary(&before), summary(&after));
    }

    #[test]
    fn the_result_is_closed_but_for_what_is_broken(
        packages in packages(40),
        lookaside in packages(8),
        request in any_request(),
        options in any_options(),
    ) {
        let found = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        let of_kind = |kind| found.members.iter().filter(move |member| member.kind == kind);
        let binaries: Vec<&Package> = of_kind(PackageKind::Binary).map(|m| &*m.package).collect();
        let sources = of_kind(PackageKind::Source).filter(|_| options.selfhosting);
        let closed = of_kind(PackageKind::Binary).chain(sources);
        for member in closed.filter(|member| options.resolve_deps && !member.origin.is_lookaside()) {
            for requirement in &member.package.requires {
                let text = requirement.to_string();
                let holds = holds(&text, &binaries);
                let of_package = found.broken.get(&member.package.nevra);
                let is_broken = of_package.is_some_and(|broken| broken.contains(&text));
                prop_assert!(holds || is_broken, "{} requires {text}", describe(member));
                if !text.starts_with('(') {
                    prop_assert!(!(holds && is_broken), "{} has {text}", describe(member));
                }
            }
        }
        if !options.resolve_deps {
            prop_assert!(found.broken.is_empty());
        }
    }

    #[test]
    fn whatever_is_there_was_brought_by_what_was_asked_for(
        packages in packages(40),
        lookaside in packages(8),
        request in any_request(),
        options in any_options(),
    ) {
        let found = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        prop_assert!(found.members.is_sorted_by_key(|member| (&member.package.nevra, member.origin)));
        for member in &found.members {
            let length = found.chain(member).take(found.members.len() + 1).count();
            prop_assert!(length <= found.members.len(), "{} goes round in circles", describe(member));
            let last = found.chain(member).last().unwrap();
            let expected = match &last.why {
                Why::Asked(pattern) => {
                    let Request::Packages(patterns) = &request else {
                        panic!("nothing was asked for by name");
                    };
                    prop_assert!(patterns.contains(pattern));
                    Flag::Input
                }
                Why::Everything => {
                    prop_assert_eq!(&request, &Request::Everything);
                    Flag::Input
                }
                Why::Prepopulated => Flag::Prepopulate,
                Why::Brought(_) => panic!("{} ends nowhere", describe(member)),
            };
            prop_assert!(last.flags.contains(expected), "{}", describe(last));
            prop_assert_eq!(
                member.why.brought().is_none(),
                member.flags.contains(Flag::Input) || member.flags.contains(Flag::Prepopulate),
            );
            prop_assert!(!member.origin.is_lookaside() || member.flags.contains(Flag::Lookaside));
        }
    }

    #[test]
    fn options_hold(
        packages in packages(40),
        lookaside in packages(8),
        request in any_request(),
        options in any_options(),
    ) {
        let found = gather(&set_with_lookaside(&packages, &lookaside), &request, &options);
        for member in &found.members {
            let has = |flag| member.flags.contains(flag);
            let name = member.package.nevra.name().as_str();
            let of_set = !member.origin.is_lookaside();
            let text = format!("{}, {}", describe(member), member.why);
            match member.kind {
                PackageKind::Source => prop_assert!(!options.exclude_source, "{}", text),
                PackageKind::Debug => prop_assert!(!options.exclude_debug || has(Flag::Input), "{}", text),
                PackageKind::Binary => {}
            }
            let is_binary = member.kind == PackageKind::Binary;
            if is_binary && is_multilib(&member.package) {
                let mut hidden = options.multilib_blacklist.iter();
                prop_assert!(!hidden.any(|pattern| pattern.matches(name)), "{}", text);
            }
            if let Request::Packages(patterns) = &request && of_set {
                let excludes = |text: &str| patterns.iter().any(|pattern| pattern.as_str() == text);
                prop_assert!(!(is_binary && name == "d" && excludes("-d")), "{}", text);
                let multilib_c = is_binary && name == "c" && is_multilib(&member.package);
                prop_assert!(!(multilib_c && excludes("-c.+")), "{}", text);
                let is_source = member.kind == PackageKind::Source;
                prop_assert!(!(is_source && name == "b" && excludes("-b.src")), "{}", text);
            }
            prop_assert!(!has(Flag::Conditional) || options.resolve_deps, "{}", text);
            prop_assert!(!has(Flag::SelfHosting) || options.resolve_deps && options.selfhosting, "{}", text);
            prop_assert!(!has(Flag::Fulltree) || options.fulltree, "{}", text);
            let reason = member.why.brought().map(|brought| &brought.reason);
            if let Some(Reason::Fulltree(source)) = reason {
                prop_assert!(has(Flag::Fulltree), "{}", text);
                let mut excludes = options.fulltree_excludes.iter();
                let excluded = excludes.any(|name| source.starts_with(&format!("{name}-")));
                prop_assert!(!excluded, "{}", text);
            }
            if let Some(Reason::Requires(_) | Reason::BuildRequires(_)) = reason {
                prop_assert!(options.resolve_deps, "{}", text);
            }
            // In no tree there are two versions of a package, but for what old debug packages need.
            if member.kind != PackageKind::Debug {
                let twin = found.members.iter().find(|other| {
                    let (own, its) = (&member.package.nevra, &other.package.nevra);
                    (own.name(), own.arch()) == (its.name(), its.arch()) && own.evr() != its.evr()
                });
                prop_assert!(twin.is_none(), "{}", text);
            }
        }
    }

    #[test]
    fn a_plain_selection_is_what_was_named_and_built_with_it(packages in packages(30), star in any::<bool>()) {
        let wanted: &[&str] = if star { &["a*", "a"] } else { &["a"] };
        let found = super::super::select(&set(&packages), &request(wanted), &"x86_64".parse().unwrap());
        for package in packages.iter().map(|make| &make.0) {
            let nevra = &package.nevra;
            let name = nevra.name().as_str();
            let fits = package.kind() == PackageKind::Binary
                && ["x86_64", "noarch"].contains(&nevra.arch().as_str())
                && (name == "a" || (star && name.starts_with('a')));
            let is_in = found.member(nevra, Origin::PackageSet).is_some();
            prop_assert!(!fits || is_in);
            prop_assert!(package.kind() != PackageKind::Binary || fits == is_in);
        }
        for member in &found.members {
            let chain: Vec<_> = found.chain(member).collect();
            prop_assert_eq!(chain.len(), if member.kind == PackageKind::Binary { 1 } else { 2 });
            let pattern = if chain.last().unwrap().package.nevra.name().as_str() == "a" { "a" } else { "a*" };
            prop_assert_eq!(chain.last().unwrap().why.to_string(), format!("asked for by {pattern}"));
        }
    }
}
