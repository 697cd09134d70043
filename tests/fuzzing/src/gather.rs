//! Gathering, and the checks of what it gathered, all of them with the expressions of rich dependencies.

use std::collections::BTreeSet;
use std::sync::Arc;

use odcs_rpm::closure::check;
use odcs_rpm::gather::{Gathered, Greedy, Options, PackageSet, Request, gather, select};
use odcs_rpm::{
    Comparison, Dependency, DependencyVersion, Evr, FileEntry, FileKind, Nevra, Package, PackagePattern,
    installable,
};

/// Packages and patterns of one input: enough for all ways to need each other.
const MOST: usize = 16;

/// Lines: `=NAME VERSION ARCH SOURCE` begins a package, `<PROVIDE`, `>REQUIREMENT`, `^CONFLICT`, `~OBSOLETE` and
/// `/PATH` belong to the last one, `@` begins the lookaside, `?PATTERN` asks, and `!` chooses options.
pub(crate) fn packages(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Some(input) = Input::read(text) else {
        return;
    };
    let there = input.gather(false);
    let back = input.gather(true);
    assert_eq!(
        said(&there),
        said(&back),
        "the order of the packages changes something"
    );
    let most = there.members.len();
    for member in &there.members {
        assert!(
            there.chain(member).take(most + 1).count() <= most,
            "a reason that goes in circles"
        );
    }
    let nevras: BTreeSet<_> = there
        .members
        .iter()
        .map(|member| (&member.package.nevra, member.origin))
        .collect();
    assert_eq!(nevras.len(), most, "every member once");
    for nevra in there.broken.keys() {
        assert!(there.members.iter().any(|member| member.package.nevra == *nevra));
    }
    let (set, request, options) = input.parts(false);
    select(&set, &request, &options.arch);
    let read = PackageSet::from_encoded(set.encode()).expect("it was written down");
    assert_eq!(
        said(&gather(&read, &request, &options)),
        said(&there),
        "a set that was written down and read is another"
    );
    closure(&there, &input);
}

/// Any bytes, taken for a package set that was written down.
pub(crate) fn set(input: &[u8]) {
    let Ok(set) = PackageSet::decode(input) else {
        return;
    };
    assert!(set.packages().count() <= set.len());
    for greedy in [Greedy::None, Greedy::All, Greedy::Build] {
        let mut options = Options::new("x86_64".parse().expect("it is an arch"));
        options.greedy = greedy;
        (options.selfhosting, options.fulltree) = (true, true);
        gather(&set, &Request::Everything, &options);
        select(&set, &Request::Everything, &options.arch);
    }
}

/// A package set written down.
pub(crate) fn written(text: &str) -> Vec<u8> {
    let input = Input::read(text).expect("there are few of everything");
    input.parts(false).0.encode()
}

/// What is asked of a compose is met by it, or said to be missing, and said the same way in any order.
fn closure(gathered: &Gathered, input: &Input) {
    let compose: Vec<&Package> = gathered.members.iter().map(|member| &*member.package).collect();
    let unmet = check(compose.iter().copied(), &input.lookaside, &input.packages);
    let back = check(
        compose.iter().rev().copied(),
        &input.lookaside,
        input.packages.iter().rev(),
    );
    assert_eq!(unmet, back);
    for unmet in unmet {
        // One NEVRA may stand there twice: as a package, and as one of the lookaside.
        let mut packages = compose.iter().filter(|package| package.nevra == unmet.package);
        assert!(packages.any(|package| package.requires.contains(&unmet.requirement)));
        assert!(unmet.to_string().starts_with(&unmet.package.to_string()));
    }
}

/// The same lines; every package is asked whether it can be installed.
pub(crate) fn installable(input: &[u8]) {
    let Some(input) = std::str::from_utf8(input).ok().and_then(Input::read) else {
        return;
    };
    // Of packages of one NEVRA the first would count, whatever else it says.
    let mut seen = BTreeSet::new();
    let all = input.packages.iter().chain(&input.lookaside);
    let packages: Vec<&Package> = all.filter(|package| seen.insert(&package.nevra)).collect();
    let mut requests = Vec::new();
    for package in &packages {
        requests.push(installable::Request::Package(package.nevra.clone()));
        requests.push(installable::Request::Name(package.nevra.name().clone()));
    }
    let limits = installable::Limits::default();
    let there = installable::check(packages.iter().copied(), &requests, limits);
    let back = installable::check(packages.iter().rev().copied(), &requests, limits);
    assert_eq!(there, back, "the order of the packages changes something");
    assert!(
        there.undecided.is_empty(),
        "few packages are too many: {:?}",
        there.undecided
    );
    for not in &there.not_installable {
        assert!(!not.reasons.is_empty() && requests.contains(&not.request));
    }
}

/// Everything that a result says, as text.
fn said(gathered: &Gathered) -> Vec<String> {
    let members = gathered.members.iter().map(|member| {
        let by = gathered
            .chain(member)
            .nth(1)
            .map(|by| by.package.nevra.to_string());
        format!(
            "{} {:?} {:?} {:?} {by:?}",
            member.package.nevra, member.origin, member.kind, member.flags
        )
    });
    let broken = gathered.broken.iter().map(|broken| format!("{broken:?}"));
    let unmatched = gathered.unmatched.iter().map(ToString::to_string);
    members.chain(broken).chain(unmatched).collect()
}

#[derive(Default)]
struct Input {
    packages: Vec<Package>,
    lookaside: Vec<Package>,
    asked: Vec<PackagePattern>,
    options: u8,
}

impl Input {
    /// `None` where there are more than [`MOST`] of anything.
    fn read(text: &str) -> Option<Self> {
        let mut input = Self::default();
        let mut is_lookaside = false;
        for line in text.lines() {
            let mut characters = line.chars();
            let (mark, rest) = (characters.next(), characters.as_str());
            let list = if is_lookaside {
                &mut input.lookaside
            } else {
                &mut input.packages
            };
            match mark {
                Some('=') => {
                    if let Some(package) = package(rest)
                        && list.iter().all(|other| other.nevra != package.nevra)
                    {
                        list.push(package);
                    }
                }
                Some('@') => is_lookaside = true,
                Some('?') => input.asked.extend(rest.parse()),
                Some('!') => input.options = rest.bytes().next().unwrap_or_default(),
                Some(mark) => {
                    if let Some(package) = list.last_mut() {
                        belongs(package, mark, line, rest);
                    }
                }
                None => {}
            }
        }
        let counts = [input.packages.len(), input.lookaside.len(), input.asked.len()];
        counts.iter().all(|count| *count <= MOST).then_some(input)
    }

    fn parts(&self, is_reversed: bool) -> (PackageSet, Request, Options) {
        let [packages, lookaside] = [&self.packages, &self.lookaside].map(|list| {
            let mut list: Vec<_> = list.iter().cloned().map(Arc::new).collect();
            if is_reversed {
                list.reverse();
            }
            list
        });
        let set = PackageSet::new(packages, vec![lookaside]).expect("there are few");
        let has = |bit: u8| self.options & bit != 0;
        let mut options = Options::new("x86_64".parse().expect("it is an arch"));
        options.greedy = match self.options & 3 {
            1 => Greedy::All,
            2 => Greedy::Build,
            _ => Greedy::None,
        };
        options.resolve_deps = !has(4);
        options.exclude_source = has(8);
        options.exclude_debug = has(16);
        options.fulltree = has(32);
        options.selfhosting = has(64);
        let request = match self.asked.as_slice() {
            [] => Request::Everything,
            asked => Request::Packages(asked.to_vec()),
        };
        (set, request, options)
    }

    fn gather(&self, is_reversed: bool) -> Gathered {
        let (set, request, options) = self.parts(is_reversed);
        gather(&set, &request, &options)
    }
}

fn package(text: &str) -> Option<Package> {
    let mut words = text.split(' ');
    let name = words.next()?.parse().ok()?;
    let evr = Evr::new(0, words.next().unwrap_or("1"), "1").ok()?;
    let arch = words.next().unwrap_or("x86_64").parse().ok()?;
    let mut package = Package::new(Nevra::new(name, evr, arch));
    package.source_rpm = words.next().map(Into::into);
    Some(package)
}

/// Adds what a line says of a package.
fn belongs(package: &mut Package, mark: char, line: &str, rest: &str) {
    match mark {
        '<' => package.provides.push(dependency(rest)),
        '>' => package.requires.push(dependency(rest)),
        '^' => package.conflicts.push(dependency(rest)),
        '~' => package.obsoletes.push(dependency(rest)),
        '/' => package.files.push(FileEntry {
            path: line.into(),
            kind: FileKind::File,
        }),
        _ => {}
    }
}

/// `NAME`, `NAME OPERATOR VERSION`, or a rich dependency, which is its own name.
fn dependency(text: &str) -> Dependency {
    let mut words = text.splitn(3, ' ');
    let (name, operator, version) = (words.next().unwrap_or_default(), words.next(), words.next());
    let comparison = match operator {
        Some("<") => Comparison::Less,
        Some("<=") => Comparison::LessOrEqual,
        Some("=") => Comparison::Equal,
        Some(">=") => Comparison::GreaterOrEqual,
        Some(">") => Comparison::Greater,
        _ => return Dependency::unversioned(text),
    };
    let mut dependency = Dependency::unversioned(if text.starts_with('(') { text } else { name });
    if !dependency.is_rich() {
        dependency.version = version.map(|version| DependencyVersion::parse(comparison, version));
    }
    dependency
}
