//! From what a source has to what goes into the compose.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use odcs_rpm::arch::ArchClass;
use odcs_rpm::gather::{Gathered, Greedy, Options, PackageSet, Request, gather, select};
use odcs_rpm::{Arch, Nevra, Package, PackageKind, PackagePattern, TreeArch};

use crate::build::{Phase, Progress};
use crate::plan::{ArchPlan, Plan, PlannedPackage, SignaturePolicy};
use crate::request::{ComposeRequest, Flag};
use crate::source::{Candidate, PackageContent};
use crate::{Error, ErrorKind, Result};

/// Unmet requirements that are written to the log; more of them are only counted.
const BROKEN_SHOWN: usize = 100;

/// Decides which packages belong into a compose. Heavy work without I/O, for a blocking thread.
///
/// # Errors
/// `NotFound`, naming the packages or arches that were asked for and are not there, or if what was asked
/// for comes to nothing.
pub(super) fn plan(
    request: &ComposeRequest,
    content: PackageContent,
    progress: &dyn Progress,
) -> Result<Plan> {
    let PackageContent {
        candidates,
        timestamp,
        description,
    } = content;
    progress.step(
        Phase::Content,
        &format!("{description} has {} packages", candidates.len()),
    );
    let candidates = Candidates::new(candidates);
    check_arches(request, &candidates, &description)?;
    let set = PackageSet::new(candidates.packages(), Vec::new()).map_err(too_large)?;
    let asked = match request.packages() {
        [] => Request::Everything,
        patterns => Request::Packages(patterns.to_vec()),
    };
    if let Request::Packages(patterns) = &asked
        && patterns.iter().all(|pattern| pattern.as_str().starts_with('-'))
    {
        return Err(only_exclusions(patterns));
    }
    let mut arches = Vec::new();
    let mut unmatched: Option<Vec<PackagePattern>> = None;
    for arch in &request.arches {
        let gathered = if request.flags.contains(Flag::NoDeps) {
            select(&set, &asked, arch)
        } else {
            let mut options = Options::new(arch.clone());
            options.greedy = Greedy::Build;
            gather(&set, &asked, &options)
        };
        report(arch, &gathered, progress);
        // A package need not be there for every arch, but for one of them.
        unmatched = Some(match unmatched {
            None => gathered.unmatched.clone(),
            Some(before) => before
                .into_iter()
                .filter(|pattern| gathered.unmatched.contains(pattern))
                .collect(),
        });
        arches.push(ArchPlan {
            arch: arch.clone(),
            packages: candidates.planned(&gathered)?,
        });
    }
    if let Some(missing) = unmatched.filter(|missing| !missing.is_empty()) {
        return Err(not_there(&missing, request, &candidates, &description));
    }
    let newest = || {
        arches
            .iter()
            .flat_map(|arch| &arch.packages)
            .map(|planned| planned.candidate.package.build_time)
            .max()
    };
    Ok(Plan {
        signatures: SignaturePolicy::new(request.sigkeys().to_vec()),
        timestamp: timestamp.or_else(newest).unwrap_or(0),
        comps_packages: request.packages().to_vec(),
        source_description: description,
        arches,
    })
}

/// What a source has, and the way from a package back to its file.
struct Candidates {
    all: Vec<Arc<Candidate>>,
    /// Where the packages of a NEVRA are in `all`: a repository may have several files for one.
    by_nevra: HashMap<Nevra, Vec<usize>>,
}

impl Candidates {
    fn new(candidates: Vec<Candidate>) -> Self {
        let all: Vec<_> = candidates.into_iter().map(Arc::new).collect();
        let mut by_nevra: HashMap<Nevra, Vec<usize>> = HashMap::with_capacity(all.len());
        for (at, candidate) in all.iter().enumerate() {
            by_nevra
                .entry(candidate.package.nevra.clone())
                .or_default()
                .push(at);
        }
        Self { all, by_nevra }
    }

    fn packages(&self) -> Vec<Arc<Package>> {
        self.all
            .iter()
            .map(|candidate| Arc::clone(&candidate.package))
            .collect()
    }

    fn planned(&self, gathered: &Gathered) -> Result<Vec<PlannedPackage>> {
        let kinds = [PackageKind::Binary, PackageKind::Debug, PackageKind::Source];
        let members = kinds.into_iter().flat_map(|kind| gathered.packages(kind));
        let planned = members.map(|member| {
            let of_nevra = self.by_nevra.get(&member.package.nevra).into_iter().flatten();
            let mut of_nevra = of_nevra.filter_map(|at| self.all.get(*at));
            let candidate = of_nevra.next().ok_or_else(|| {
                let nevra = member.package.nevra.to_string();
                let message =
                    format!("{nevra} was gathered, but comes from nowhere; this is a fault in this program");
                Error::new(ErrorKind::Internal, "gather", nevra, message)
            })?;
            Ok(PlannedPackage {
                candidate: Arc::clone(candidate),
                copies: of_nevra
                    .filter(|copy| copy.checksum.is_none() || copy.checksum != candidate.checksum)
                    .map(Arc::clone)
                    .collect(),
                kind: member.kind,
            })
        });
        planned.collect()
    }

    fn named<'a>(&'a self, pattern: &'a PackagePattern) -> impl Iterator<Item = &'a Package> {
        let packages = self.all.iter().map(|candidate| &*candidate.package);
        packages.filter(|package| {
            package.kind() != PackageKind::Source && pattern.matches(package.nevra.name().as_str())
        })
    }
}

/// Refuses arches that the source has nothing for. A repository of `noarch` packages alone serves
/// every arch.
fn check_arches(request: &ComposeRequest, candidates: &Candidates, description: &str) -> Result<()> {
    let of_an_arch =
        |package: &&Package| package.kind() != PackageKind::Source && !package.nevra.arch().is_noarch();
    let mut packages = candidates
        .all
        .iter()
        .map(|candidate| &*candidate.package)
        .filter(of_an_arch)
        .peekable();
    if packages.peek().is_none() {
        return Ok(());
    }
    let there: BTreeSet<_> = packages.map(|package| package.nevra.arch().clone()).collect();
    let missing = request.arches.iter().find(|arch| {
        !there
            .iter()
            .any(|package| matches!(arch.class_of(package), ArchClass::Native(_)))
    });
    let Some(missing) = missing else { return Ok(()) };
    let there: Vec<_> = there.iter().map(ToString::to_string).collect();
    let message = format!(
        "{description} has no packages for {missing}; it has packages for {}",
        there.join(", ")
    );
    Err(Error::new(
        ErrorKind::NotFound,
        "gather",
        missing.as_str(),
        message,
    ))
}

/// Without a package that is asked for, there would be nothing in the compose.
fn only_exclusions(patterns: &[PackagePattern]) -> Error {
    let names: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    let names = names.join(" ");
    let message = format!(
        "\"packages\" only says what to leave out ({names}); to have everything else, ask for * as well"
    );
    Error::new(ErrorKind::Invalid, "gather", names, message)
}

/// The sentence about packages that were asked for and are not there.
fn not_there(
    missing: &[PackagePattern],
    request: &ComposeRequest,
    candidates: &Candidates,
    description: &str,
) -> Error {
    let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
    let arches: Vec<_> = request.arches.iter().map(|arch| arch.as_str()).collect();
    let elsewhere: Vec<_> = missing
        .iter()
        .filter_map(|pattern| where_else(pattern, request, candidates))
        .collect();
    let mut message = format!(
        "these packages were asked for, but {description} does not have them for {}: {}",
        arches.join(", "),
        names.join(", ")
    );
    if !elsewhere.is_empty() {
        message = format!("{message} ({})", elsewhere.join("; "));
    }
    Error::new(ErrorKind::NotFound, "gather", names.join(" "), message)
}

/// Why a package is not there, if there is more to say.
fn where_else(pattern: &PackagePattern, request: &ComposeRequest, candidates: &Candidates) -> Option<String> {
    let text = pattern.as_str();
    let is_more = text.starts_with('-') || text.ends_with(".+") || text.contains(['?', '[']);
    if is_more && request.flags.contains(Flag::NoDeps) {
        return Some(format!(
            "with the flag no_deps, * is the only character with a meaning, and {pattern} the name of a package"
        ));
    }
    let there: BTreeSet<_> = candidates
        .named(pattern)
        .map(|package| package.nevra.arch())
        .collect();
    let mut exclusions = request
        .packages()
        .iter()
        .map(PackagePattern::as_str)
        .filter(|text| text.starts_with('-'))
        .peekable();
    let fits = |there: &&Arch| request.arches.iter().any(|arch| arch.admits(there));
    if there.iter().any(fits) && exclusions.peek().is_some() {
        let exclusions: Vec<_> = exclusions.collect();
        return Some(format!("{pattern} is left out by {}", exclusions.join(" ")));
    }
    let there: Vec<_> = there.iter().map(ToString::to_string).collect();
    (!there.is_empty()).then(|| format!("{pattern} is there only for {}", there.join(", ")))
}

fn report(arch: &TreeArch, gathered: &Gathered, progress: &dyn Progress) {
    let count = |kind| gathered.packages(kind).count();
    let (binary, debug, source) = (
        count(PackageKind::Binary),
        count(PackageKind::Debug),
        count(PackageKind::Source),
    );
    progress.step(
        Phase::Gather,
        &format!("{arch}: {binary} packages, {debug} debug packages, {source} source packages"),
    );
    for pattern in &gathered.unmatched {
        progress.step(Phase::Gather, &format!("{arch}: nothing matches {pattern}"));
    }
    for (nevra, requirements) in gathered.broken.iter().take(BROKEN_SHOWN) {
        let requirements: Vec<_> = requirements.iter().map(String::as_str).collect();
        progress.step(
            Phase::Gather,
            &format!(
                "{arch}: nothing provides what {nevra} requires: {}",
                requirements.join(", ")
            ),
        );
    }
    if let Some(more) = gathered
        .broken
        .len()
        .checked_sub(BROKEN_SHOWN)
        .filter(|more| *more > 0)
    {
        progress.step(
            Phase::Gather,
            &format!("{arch}: and {more} more packages with requirements that nothing provides"),
        );
    }
}

fn too_large(error: odcs_rpm::Error) -> Error {
    Error::new(ErrorKind::Invalid, "gather", "package set", error.to_string()).with_source(error)
}
