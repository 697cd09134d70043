use super::*;
use proptest::prelude::*;

use crate::{Comparison, DependencyVersion, Evr, FileEntry, FileKind};

/// `NAME-VERSION`, of x86_64 unless an arch follows.
fn package(name: &str) -> Package {
    let (rest, arch) = name.split_once(' ').unwrap_or((name, "x86_64"));
    let (name, version) = rest.rsplit_once('-').unwrap_or((rest, "1"));
    let evr = Evr::new(0, version, "1").unwrap();
    Package::new(Nevra::new(name.parse().unwrap(), evr, arch.parse().unwrap()))
}

/// `NAME`, `NAME OPERATOR VERSION` or an expression.
fn dependency(text: &str) -> Dependency {
    let words: Vec<_> = text.split(' ').collect();
    let [name, operator, version] = words[..] else {
        return Dependency::unversioned(text);
    };
    let comparison = match operator {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        "=" => Comparison::Equal,
        ">=" => Comparison::GreaterOrEqual,
        ">" => Comparison::Greater,
        _ => return Dependency::unversioned(text),
    };
    Dependency {
        name: name.into(),
        version: Some(DependencyVersion::parse(comparison, version)),
        is_pre: false,
    }
}

fn asking(name: &str, requirements: &[&str]) -> Package {
    let mut package = package(name);
    package.requires = requirements.iter().map(|text| dependency(text)).collect();
    package
}

fn providing(name: &str, provides: &[&str]) -> Package {
    let mut package = package(name);
    package.provides = provides.iter().map(|text| dependency(text)).collect();
    package
}

/// Whether a requirement holds over packages of these names.
#[track_caller]
fn is_met(requirement: &str, there: &[&str]) -> bool {
    let there: Vec<_> = there.iter().map(|name| package(name)).collect();
    let asking = asking("asking", &[requirement]);
    let unmet = check([&asking], &there, []);
    assert!(
        unmet
            .iter()
            .all(|unmet| unmet.requirement == dependency(requirement))
    );
    unmet.is_empty()
}

#[test]
fn names_provides_and_files_meet_requirements() {
    let mut lib = providing("lib-2", &["virtual", "versioned = 3-1"]);
    lib.files.push(FileEntry {
        path: "/usr/bin/x".into(),
        kind: FileKind::Ghost,
    });
    let met = [
        "lib",
        "lib >= 2",
        "lib = 2-1",
        "lib < 3",
        "virtual",
        "virtual > 9",
        "versioned = 3",
        "versioned <= 3-1",
        "/usr/bin/x",
        "/usr/bin/x > 1",
        "rpmlib(Anything) <= 1",
        "asking",
        "asking = 1-1",
    ];
    let unmet = [
        "lib > 2",
        "lib = 2-2",
        "versioned < 3",
        "/usr/bin",
        "Lib",
        "lib x",
    ];
    let package = asking("asking", &[&met[..], &unmet[..]].concat());
    let found = check([&package], [&lib], []);
    let mut expected: Vec<_> = unmet.iter().map(|text| dependency(text)).collect();
    expected.sort();
    assert_eq!(
        found
            .into_iter()
            .map(|unmet| unmet.requirement)
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn every_operator_is_evaluated_as_rpm_does() {
    let there = ["a-1", "b-2"];
    for met in [
        "(a and b)",
        "(a or z)",
        "(z or y or b >= 2)",
        "(a if b)",
        "(z if y)",
        "(a if b else z)",
        "(z if y else a)",
        "(a without b)",
        "((a or b) without a)",
        "(a with a)",
        "(a unless z)",
        "(z unless a else b)",
        "((z if y) and (a if b))",
        "(a)",
    ] {
        assert!(is_met(met, &there), "{met}");
    }
    for unmet in [
        "(a and z)",
        "(y or z)",
        "(a >= 2 or b < 2)",
        "(z if a)",
        "(z if a else b)",
        "(a if z else y)",
        "(a with b)",
        "(a without a)",
        "((a or b) without (b or a))",
        "(a unless b)",
        "(z unless y)",
        "(a unless b else z)",
        "(a and",
        "(a with (a and b))",
    ] {
        assert!(!is_met(unmet, &there), "{unmet}");
    }
}

#[test]
fn with_asks_one_package() {
    let both = providing("both", &["a", "b = 2"]);
    let (a, b) = (providing("one", &["a"]), providing("two", &["b = 2"]));
    let asking = asking("asking", &["(a with b >= 2)"]);
    assert_eq!(check([&asking], [&a, &b], []).len(), 1);
    assert!(check([&asking], [&a, &both], []).is_empty());
}

#[test]
fn hints_come_from_the_package_set_and_are_sorted() {
    let mut asking = asking("asking", &["lib >= 2", "(a and b)", "nothing"]);
    asking.requires.push(Dependency {
        is_pre: true,
        ..dependency("lib >= 2")
    });
    let set = ["lib-3", "lib-2", "lib-1", "a-1", "b-1", "b-debuginfo-1"].map(package);
    let a = package("a-1");
    let found = check([&asking, &a], [], set.iter().chain([&asking, &a]));
    let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "asking-0:1-1.x86_64 requires (a and b), which b-0:1-1.x86_64 would provide",
            "asking-0:1-1.x86_64 requires lib >= 2, which lib-0:2-1.x86_64, lib-0:3-1.x86_64 would provide",
            "asking-0:1-1.x86_64 requires nothing, which nothing provides",
        ]
    );
    let many: Vec<_> = (2..9).map(|number| package(&format!("lib-{number}"))).collect();
    let found = check([&asking, &a, &set[4]], [], &many);
    assert!(
        found[0].to_string().ends_with(" and 4 more would provide"),
        "{}",
        found[0]
    );
}

#[test]
fn debug_packages_have_a_world_of_their_own() {
    let debug = asking("x-debuginfo-1", &["x-debugsource", "x"]);
    let source = package("x-debugsource-1");
    let binary = asking("x-1", &["x-debugsource"]);
    let found = check([&debug, &source, &binary], [], []);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].package, binary.nevra);
}

#[test]
fn source_packages_neither_ask_nor_offer() {
    let source = asking("x-1 src", &["make"]);
    let needs_source = asking("y-1", &["x"]);
    let found = check([&source, &needs_source], [], []);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].package, needs_source.nevra);
}

/// Packages that ask for each other; `plain` leaves out what more packages can break.
fn packages(plain: bool) -> impl Strategy<Value = Vec<Package>> {
    let name = || prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]);
    let leaf = (name(), prop::sample::select(vec!["", " >= 2", " < 2", " = 1"]))
        .prop_map(|(name, version)| format!("{name}{version}"));
    let operators = if plain {
        vec!["and", "or", "with", "without"]
    } else {
        vec!["and", "or", "with", "without", "if", "unless"]
    };
    let requirement = prop_oneof![
        leaf.clone(),
        (leaf.clone(), prop::sample::select(operators), leaf)
            .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
    ];
    let one = (name(), 1..4u8, prop::collection::vec(requirement, 0..3)).prop_map(
        |(name, version, requirements)| {
            let texts: Vec<_> = requirements.iter().map(|text| &**text).collect();
            asking(&format!("{name}-{version}"), &texts)
        },
    );
    prop::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn without_conditions_more_packages_never_break_anything(all in packages(true), more in packages(true)) {
        let before = check(&all, [], []);
        let after = check(&all, &more, []);
        prop_assert!(after.iter().all(|unmet| before.contains(unmet)));
        prop_assert!(check(&all, &all, []) == before, "what is there already adds nothing");
    }

    #[test]
    fn the_hints_together_meet_what_they_are_for(all in packages(true), set in packages(true)) {
        for unmet in check(&all, [], &set) {
            let hinted: Vec<_> = set.iter().filter(|p| unmet.could_be_met_by.contains(&p.nevra)).collect();
            prop_assert_eq!(hinted.is_empty(), unmet.could_be_met_by.is_empty());
            let can_be_met = !check(&all, &set, []).iter().any(|left| left.requirement == unmet.requirement);
            let met = !check(&all, hinted, []).iter().any(|left| left.requirement == unmet.requirement);
            prop_assert_eq!(met, can_be_met);
        }
    }

    #[test]
    fn the_order_of_packages_and_where_they_are_found_do_not_matter(
        all in packages(false).prop_shuffle(), split in 0usize..8, set in packages(false)
    ) {
        let found = check(&all, [], &set);
        let mut reversed = all.clone();
        reversed.reverse();
        prop_assert_eq!(&check(&reversed, [], set.iter().rev()), &found);
        let (left, right) = all.split_at(split.min(all.len()));
        let mut halves = check(left, right, &set);
        halves.extend(check(right, left, &set));
        halves.sort();
        halves.dedup();
        prop_assert_eq!(halves, found);
    }
}
