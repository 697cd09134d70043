//! Runs recorded gathers of Pungi again and compares packages, flags and broken dependencies exactly.
//!
//! `ODCS_GATHER_CASES` names the file with the cases and `ODCS_GATHER_REPOS` the folder with their
//! repositories; without them `../shared/fixtures/gather` below the project's root is taken. When there
//! are none the suite passes, saying so, except under `CI=true` with `../shared` at hand.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::open;
use odcs_rpm::comps::{self, Comps};
use odcs_rpm::gather::{Gathered, Greedy, Options, PackageSet, Request, gather};
use odcs_rpm::multilib::Method;
use odcs_rpm::repodata::{self, Limits, Repomd};
use odcs_rpm::{Package, PackageKind, PackageName, PackagePattern};
use serde::Deserialize;
use test_support::recordings;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    input: Input,
    result: Expected,
    flags: BTreeMap<String, BTreeSet<String>>,
    broken_deps: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    repo: String,
    lookaside: Option<String>,
    packages: Vec<PackagePattern>,
    groups: Option<Vec<String>>,
    #[serde(rename = "conditional")]
    _conditional: (),
    langpacks: bool,
    options: CaseOptions,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CaseOptions {
    arch: Option<String>,
    greedy: Option<String>,
    nodeps: bool,
    exclude_source: bool,
    exclude_debug: bool,
    multilib_blacklist: Vec<PackagePattern>,
    multilib_whitelist: Vec<PackagePattern>,
    multilib_methods: Vec<Method>,
    fulltree: bool,
    fulltree_excludes: Vec<PackageName>,
    selfhosting: bool,
    prepopulate: Vec<String>,
}

#[derive(Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expected {
    rpm: BTreeSet<String>,
    srpm: BTreeSet<String>,
    debuginfo: BTreeSet<String>,
}

fn read_repository(folder: &Path) -> Vec<Arc<Package>> {
    let repomd = Repomd::parse(&fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    let open = |kind: &str| open(&folder.join(&repomd.record(kind).unwrap().location));
    let mut packages = repodata::read_primary(open("primary"), Limits::default()).unwrap();
    repodata::read_filelists(open("filelists"), &mut packages, Limits::default()).unwrap();
    packages
        .into_iter()
        .map(|listed| Arc::new(listed.package))
        .collect()
}

/// The comps file of a repository; an empty one if it has none.
fn read_comps(folder: &Path) -> Comps {
    let repomd = Repomd::parse(&fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    let record = repomd.record("group");
    record.map_or_else(Comps::default, |record| {
        comps::read_comps(open(&folder.join(&record.location)), Limits::default()).unwrap()
    })
}

fn run(input: &Input, repositories: &Path) -> Gathered {
    let packages = read_repository(&repositories.join(&input.repo));
    let lookaside = input
        .lookaside
        .iter()
        .map(|name| read_repository(&repositories.join(name)));
    let set = PackageSet::new(packages, lookaside.collect()).unwrap();
    let given = &input.options;
    let mut options = Options::new(given.arch.as_deref().unwrap_or("x86_64").parse().unwrap());
    options.greedy = match given.greedy.as_deref() {
        None | Some("none") => Greedy::None,
        Some("all") => Greedy::All,
        Some("build") => Greedy::Build,
        Some(other) => panic!("greedy={other}"),
    };
    options.resolve_deps = !given.nodeps;
    options.exclude_source = given.exclude_source;
    options.exclude_debug = given.exclude_debug;
    options.selfhosting = given.selfhosting;
    options.fulltree = given.fulltree;
    options.fulltree_excludes = given.fulltree_excludes.clone();
    options.multilib_methods = given.multilib_methods.iter().copied().collect();
    options.multilib_whitelist = given.multilib_whitelist.clone();
    options.multilib_blacklist = given.multilib_blacklist.clone();
    options.prepopulate = given
        .prepopulate
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let comps = read_comps(&repositories.join(&input.repo));
    let groups = input.groups.iter().flatten().map(String::as_str);
    options.conditional = comps.conditional(groups, &options.arch);
    if input.langpacks {
        options.langpacks = comps.langpacks;
    }
    gather(&set, &Request::Packages(input.packages.clone()), &options)
}

/// The differences, one a line.
fn compare(case: &Case, gathered: &Gathered) -> String {
    let names = |kind| gathered.packages(kind).map(|member| member.file_name()).collect();
    let result = Expected {
        rpm: names(PackageKind::Binary),
        srpm: names(PackageKind::Source),
        debuginfo: names(PackageKind::Debug),
    };
    let mut flags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for member in gathered.members.iter().filter(|member| !member.flags.is_empty()) {
        let of_member = flags.entry(member.package.nevra.nvra()).or_default();
        of_member.extend(member.flags.iter().map(|flag| flag.name().to_owned()));
    }
    let mut broken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (nevra, requirements) in &gathered.broken {
        // The recording has its keys with the end of a log line.
        let of_package = broken
            .entry(format!("{}.{}\n", nevra.name(), nevra.arch()))
            .or_default();
        of_package.extend(requirements.iter().cloned());
    }
    let mut differences = String::new();
    let mut differs = |what: &str, expected: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
        writeln!(
            differences,
            "{what}\n  expected {expected:?}\n  found    {found:?}"
        )
        .unwrap();
    };
    for (what, expected, found) in [
        ("rpm", &case.result.rpm, &result.rpm),
        ("srpm", &case.result.srpm, &result.srpm),
        ("debuginfo", &case.result.debuginfo, &result.debuginfo),
    ] {
        let missing: Vec<_> = expected.difference(found).collect();
        let surplus: Vec<_> = found.difference(expected).collect();
        if expected != found {
            differs(&format!("{what}, only where they differ"), &missing, &surplus);
        }
    }
    if case.flags != flags {
        differs("flags", &case.flags, &flags);
    }
    if case.broken_deps != broken {
        differs("broken dependencies", &case.broken_deps, &broken);
    }
    differences
}

#[test]
fn recorded_gathers_come_out_the_same() {
    let (Some(cases), Some(repositories)) = (
        recordings("ODCS_GATHER_CASES", "gather/cases.json"),
        recordings("ODCS_GATHER_REPOS", "gather/repos"),
    ) else {
        return;
    };
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(cases).unwrap()).unwrap();
    assert!(!cases.is_empty());
    let mut differing = 0;
    for case in &cases {
        let differences = compare(case, &run(&case.input, &repositories));
        if differences.is_empty() {
            println!("ok {}", case.name);
        } else {
            println!("DIFF {}: {differences}", case.name);
            differing += 1;
        }
    }
    assert_eq!(differing, 0, "cases differ from their recordings");
}
