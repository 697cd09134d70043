//! Holds verdicts about installability against those of libsolv, the solver below dnf, on generated repositories.
//!
//! `ODCS_TEST_PYTHON` names a Python that has `solv`, as `dev/test` makes one; without it the comparison passes,
//! saying so, except under `CI=true`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use common::open;
use odcs_rpm::installable::{self, Limits, Problem, Request};
use odcs_rpm::repodata::{self, Entry, Repomd};
use odcs_rpm::{
    Comparison, Dependency, DependencyVersion, Digest, DigestAlgorithm, Evr, FileEntry, FileKind, Nevra,
    Package, closure,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use test_support::{is_ci, recordings};

/// For every repository in a folder and every package in it: 1 if it can be installed, else 0.
const PEER: &str = r#"
import os, sys, solv
for name in sorted(os.listdir(sys.argv[1])):
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch("x86_64")
    # As Fedora's build of libsolv has it: i686 beside x86_64.
    pool.set_flag(solv.Pool.POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1)
    repo = pool.add_repo(name)
    primary = solv.xfopen(os.path.join(sys.argv[1], name))
    assert repo.add_rpmmd(primary, None)
    primary.close()
    pool.addfileprovides()
    pool.createwhatprovides()
    # dnf's installonlypkgs
    multiple = [pool.Job(solv.Job.SOLVER_MULTIVERSION | solv.Job.SOLVER_SOLVABLE_PROVIDES, pool.str2id(text))
                for text in ("kernel", "installonlypkg(kernel)")]
    for solvable in repo.solvables:
        wanted = pool.Job(solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE, solvable.id)
        solver = pool.Solver()
        # Which arch is preferred is another question.
        solver.set_flag(solv.Solver.SOLVER_FLAG_NO_INFARCHCHECK, 1)
        problems = solver.solve(multiple + [wanted])
        print(name, solvable.name + "-" + solvable.evr + "." + solvable.arch, int(not problems), *map(str, problems), sep="\t")
"#;

fn dependency(text: &str) -> Dependency {
    let words: Vec<_> = text.split(' ').collect();
    let mut dependency = Dependency::unversioned(text);
    if let ([name, operator, version], false) = (&words[..], text.starts_with('(')) {
        let comparison = match *operator {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            "=" => Comparison::Equal,
            ">=" => Comparison::GreaterOrEqual,
            _ => Comparison::Greater,
        };
        dependency.name = (*name).into();
        dependency.version = Some(DependencyVersion::parse(comparison, version));
    }
    dependency
}

fn words(text: &'static str) -> impl Strategy<Value = &'static str> {
    prop::sample::select(text.split_whitespace().collect::<Vec<_>>())
}

fn capabilities() -> impl Strategy<Value = String> {
    let names = prop_oneof![
        12 => words("a b c d e f"),
        3 => words("cap lib"),
        1 => words("/usr/bin/x kernel missing installonlypkg(kernel)"),
    ];
    let versions = prop::sample::select(vec![
        "", "", "", " >= 2", " < 2", " = 1", " = 2-1", " <= 1-1", " > 1",
    ]);
    (names, versions).prop_map(|(name, version)| match name.starts_with('/') {
        true => name.to_owned(),
        false => format!("{name}{version}"),
    })
}

fn rich() -> BoxedStrategy<String> {
    let one = || {
        prop_oneof![
            5 => capabilities(),
            1 => (capabilities(), words("with without"), capabilities())
                .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
        ]
    };
    let plain = || {
        prop_oneof![
            4 => one(),
            1 => (one(), words("and or"), one()).prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
        ]
        .boxed()
    };
    prop_oneof![
        2 => (plain(), words("and or"), plain()).prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
        2 => (plain(), words("if unless"), plain()).prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
        1 => (plain(), words("if unless"), plain(), plain())
            .prop_map(|(a, operator, b, c)| format!("({a} {operator} {b} else {c})")),
        1 => (capabilities(), words("with without"), one())
            .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
    ]
    .boxed()
}

fn lists(chance: f64, strategy: BoxedStrategy<String>) -> impl Strategy<Value = Vec<Dependency>> {
    prop::option::weighted(chance, prop::collection::vec(strategy, 1..3))
        .prop_map(|texts| texts.iter().flatten().map(|text| dependency(text)).collect())
}

fn packages() -> impl Strategy<Value = Package> {
    let requirements = prop_oneof![4 => capabilities(), 1 => rich()].boxed();
    let conflicts = prop_oneof![5 => capabilities(), 1 => rich()].boxed();
    let provides = prop_oneof![2 => words("cap cap lib /usr/bin/y").prop_map(str::to_owned),
        2 => (words("cap lib a b"), words("1 2 1-1 2-1")).prop_map(|(name, version)| format!("{name} = {version}")),
        1 => Just("installonlypkg(kernel)".to_owned())]
    .boxed();
    (
        // Either several versions or several widths: libsolv has no objection to two versions in two widths.
        prop_oneof![
            8 => (words("a b c d e"), words("1 1 2 3"), words("x86_64 x86_64 noarch")),
            4 => (words("f g h"), Just("1"), words("x86_64 i686 noarch")),
            1 => (words("kernel kernel-core"), words("1 2"), Just("x86_64")),
        ],
        lists(0.4, provides),
        lists(0.7, requirements),
        lists(0.25, conflicts),
        lists(0.2, capabilities().boxed()),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |((name, version, arch), provides, requires, conflicts, obsoletes, has_file)| {
                let evr = Evr::new(0, version, "1").unwrap();
                let mut package = Package::new(Nevra::new(name.parse().unwrap(), evr, arch.parse().unwrap()));
                package.source_rpm = Some("x-1-1.src.rpm".into());
                package.provides = provides;
                package
                    .provides
                    .push(dependency(&format!("{name} = {version}-1")));
                package.requires = requires;
                // What a condition means for a package that is itself part of it, nobody has decided.
                let own: Vec<_> = package.provides.iter().map(|provide| &*provide.name).collect();
                let is_about_it = |conflict: &Dependency| {
                    let mut words = conflict.name.split([' ', '(', ')']);
                    conflict.is_rich() && words.any(|word| own.contains(&word))
                };
                let conflicts: Vec<_> = conflicts
                    .into_iter()
                    .filter(|conflict| !is_about_it(conflict))
                    .collect();
                package.conflicts = conflicts;
                package.obsoletes = obsoletes;
                package.files.extend(has_file.then(|| FileEntry {
                    path: "/usr/bin/x".into(),
                    kind: FileKind::File,
                }));
                package
            },
        )
}

fn repository(runner: &mut TestRunner, size: usize) -> Vec<Package> {
    let mut packages = prop::collection::vec(packages(), size)
        .new_tree(runner)
        .unwrap()
        .current();
    packages.sort_by(|left, right| left.nevra.cmp(&right.nevra));
    packages.dedup_by(|left, right| left.nevra == right.nevra);
    packages
}

fn write_primary(path: &Path, packages: &[Package]) {
    let checksum =
        |package: &Package| Digest::of_bytes(DigestAlgorithm::Sha256, package.nevra.nvra().as_bytes());
    let checksums: Vec<_> = packages.iter().map(checksum).collect();
    let entries: Vec<_> = packages
        .iter()
        .zip(&checksums)
        .map(|(package, checksum)| Entry {
            package,
            checksum,
            location: "x.rpm",
        })
        .collect();
    let mut bytes = Vec::new();
    repodata::write_primary(&entries, &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Whether each package can be installed, and what libsolv has to say of it.
fn peer(folder: &Path) -> Option<BTreeMap<(String, String), (bool, String)>> {
    let python = std::env::var_os("ODCS_TEST_PYTHON");
    let has_it = |python: &std::ffi::OsString| {
        let output = Command::new(python).args(["-c", "import solv"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(python) = python.filter(has_it) else {
        assert!(!is_ci(), "ODCS_TEST_PYTHON should name a Python with solv");
        println!("skipped: ODCS_TEST_PYTHON does not name a Python with solv");
        return None;
    };
    let output = Command::new(python)
        .args(["-c", PEER])
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    let verdicts = lines.lines().map(|line| {
        let fields: Vec<_> = line.splitn(4, '\t').collect();
        let says = fields.get(3).copied().unwrap_or_default();
        (
            (fields[0].to_owned(), fields[1].to_owned()),
            (fields[2] == "1", says.to_owned()),
        )
    });
    Some(verdicts.collect())
}

fn requests(packages: &[Package]) -> Vec<Request> {
    packages
        .iter()
        .map(|package| Request::Package(package.nevra.clone()))
        .collect()
}

fn describe(packages: &[Package]) -> String {
    let texts = |list: &[Dependency]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let lines = packages.iter().map(|package| {
        format!(
            "  {} provides {:?} requires {:?} conflicts {:?} obsoletes {:?} files {}",
            package.nevra,
            texts(&package.provides),
            texts(&package.requires),
            texts(&package.conflicts),
            texts(&package.obsoletes),
            package.files.len(),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn verdicts_are_those_of_libsolv() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let mut repositories = BTreeMap::new();
    for number in 0..600 {
        let packages = repository(&mut runner, 4 + number % 20);
        let name = format!("{number:04}.xml");
        write_primary(&folder.path().join(&name), &packages);
        repositories.insert(name, packages);
    }
    let Some(theirs) = peer(folder.path()) else {
        return;
    };
    let (mut possible, mut different) = (0, Vec::new());
    let mut seen = 0;
    for (name, packages) in &repositories {
        let report = installable::check(packages, &requests(packages), Limits::default());
        assert!(report.undecided.is_empty());
        for package in packages {
            let request = Request::Package(package.nevra.clone());
            let ours = report
                .not_installable
                .iter()
                .find(|found| found.request == request);
            if ours.is_some_and(|ours| {
                ours.reasons
                    .iter()
                    .any(|reason| matches!(reason, Problem::TooComplex { .. }))
            }) {
                continue;
            }
            let (theirs, says) = &theirs[&(name.clone(), package.nevra.nvra())];
            seen += 1;
            possible += usize::from(*theirs);
            if *theirs != ours.is_none() {
                let ours = ours.map_or("installable".to_owned(), ToString::to_string);
                different.push((
                    packages.len(),
                    format!(
                        "{}\n ours: {ours}\n theirs: {theirs} {says}\n{}",
                        package.nevra,
                        describe(packages)
                    ),
                ));
            }
        }
    }
    different.sort();
    let texts: Vec<_> = different.iter().take(3).map(|(_, text)| &**text).collect();
    assert!(
        different.is_empty(),
        "{} of {seen} differ\n{}",
        different.len(),
        texts.join("\n\n")
    );
    println!(
        "ok {possible} of {seen} packages in {} repositories can be installed",
        repositories.len()
    );
    // Neither answer is rare.
    assert!(
        possible * 4 > seen && possible * 8 < seen * 7,
        "{possible} of {seen}"
    );
}

#[test]
fn centos_stream_9_is_decided_in_a_moment() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    let folder = real.join("cs9-appstream");
    let repomd = Repomd::parse(&std::fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    let primary = open(&folder.join(&repomd.record("primary").unwrap().location));
    let listed = repodata::read_primary(primary, repodata::Limits::default()).unwrap();
    let mut packages: Vec<_> = listed.into_iter().map(|listed| listed.package).collect();
    // Every request that no other one answers takes the solver a few milliseconds, so not all are made.
    let requests: Vec<_> = requests(&packages).into_iter().step_by(100).collect();
    // One package stands for all of BaseOS.
    let nevra = Nevra::new(
        "baseos".parse().unwrap(),
        Evr::new(0, "9", "1").unwrap(),
        "noarch".parse().unwrap(),
    );
    let mut rest = Package::new(nevra);
    let unmet = closure::check(&packages, [], []);
    let mut provides: Vec<_> = unmet.into_iter().map(|unmet| unmet.requirement).collect();
    // Without a version it would be in every conflict.
    let newest = DependencyVersion::parse(Comparison::Equal, "9999-1");
    for provide in &mut provides {
        provide.version.get_or_insert_with(|| newest.clone());
    }
    provides.sort();
    provides.dedup();
    rest.provides = provides
        .into_iter()
        .filter(|provide| !provide.is_rich())
        .collect();
    packages.push(rest);
    let start = Instant::now();
    let report = installable::check(&packages, &requests, Limits::default());
    println!(
        "ok cs9-appstream: {} of {} cannot be installed, {} undecided, in {:?}",
        report.not_installable.len(),
        requests.len(),
        report.undecided.len(),
        start.elapsed()
    );
    for found in report.not_installable.iter().take(5) {
        println!("   {found}");
    }
    assert!(report.undecided.is_empty());
    assert!(report.not_installable.len() * 20 < requests.len());
    packages.reverse();
    let again = installable::check(&packages, &requests, Limits::default());
    assert_eq!(again, report);
}
