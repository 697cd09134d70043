//! Whether packages can be installed: together with all that they require, and without anything that conflicts.
//!
//! Decided with a SAT solver ([resolvo]) on RPM's terms, one request at a time on an empty system:
//! - a requirement is met by one package that provides it (by a provide with a fitting version, its name, or a file);
//! - a conflict is with any other package that provides it, an obsolete with any other package of that name and a
//!   fitting EVR, whatever else that one provides;
//! - of packages of one name one is installed, or two of the same EVR whose arches are of different width; those that
//!   say so by dnf's default `installonlypkgs`, as kernels do, in any number;
//! - rich dependencies are exact, those with more than 64 clauses excepted ([`Problem::TooComplex`]);
//! - weak dependencies play no part.
//!
//! Where no expression is malformed, libsolv comes to the same verdict for every package.
//!
//! ```
//! use odcs_rpm::installable::{self, Limits, Request};
//! use odcs_rpm::{Dependency, Evr, Nevra, Package};
//!
//! let package = |name: &str| -> odcs_rpm::Result<Package> {
//!     Ok(Package::new(Nevra::new(name.parse()?, Evr::new(0, "1", "1")?, "x86_64".parse()?)))
//! };
//! let (mut bash, mut foo, bar) = (package("bash")?, package("foo")?, package("bar")?);
//! bash.requires = vec![Dependency::unversioned("foo"), Dependency::unversioned("bar")];
//! foo.conflicts = vec![Dependency::unversioned("bar")];
//!
//! let requests = [Request::Package(bash.nevra.clone()), Request::Name("foo".parse()?)];
//! let report = installable::check([&bash, &foo, &bar], &requests, Limits::default());
//! assert_eq!(
//!     report.not_installable[0].to_string(),
//!     "bash-1-1.x86_64 cannot be installed: it requires bar, which only bar-1-1.x86_64 provides; \
//!      bash-1-1.x86_64 requires foo, which only foo-1-1.x86_64 provides; \
//!      foo-1-1.x86_64 conflicts with bar, which bar-1-1.x86_64 is"
//! );
//! assert_eq!(report.not_installable.len(), 1);
//! # Ok::<(), odcs_rpm::Error>(())
//! ```

mod explain;
mod formula;
mod problem;
mod provider;
#[cfg(test)]
mod tests;
mod universe;

use std::collections::HashMap;

pub use problem::{NotInstallable, Problem, Request};
use provider::Provider;
use resolvo::{DenseIndex, Requirement, SolvableId, Solver, UnsolvableOrCancelled, VersionSetUnionId};
use universe::Universe;

use crate::package::is_debug_name;
use crate::{Nevra, Package, PackageKind};

/// How much work may go into a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Steps of the solver for one request: rounds of propagation, and packages looked at. A few hundred are common.
    pub steps: u64,
    /// Steps for all requests together: what is hostile in each of thousands would otherwise take days.
    pub total_steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000_000,
            total_steps: 100_000_000,
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// What cannot be installed, in order of the requests.
    pub not_installable: Vec<NotInstallable>,
    /// Requests that could not be decided within the [`Limits`], in their order.
    pub undecided: Vec<Request>,
}

impl Report {
    /// Whether everything can be installed, and that is certain.
    pub fn is_clean(&self) -> bool {
        self.not_installable.is_empty() && self.undecided.is_empty()
    }
}

/// Decides for every request whether it can be installed from `packages`: those of the compose for one tree arch, then
/// those of its lookaside repositories. The order matters only for packages of one NEVRA, of which the first counts.
///
/// Requests for debug packages may use debug packages, others may not. Source packages are never installed. The same
/// packages and requests give the same report, whatever the order of the packages.
pub fn check<'a>(
    packages: impl IntoIterator<Item = &'a Package>,
    requests: &[Request],
    limits: Limits,
) -> Report {
    check_while(packages, requests, limits, &|| true)
}

/// The same for as long as `goes_on` holds, which is asked at every step and should be quick. Once it does not, what is
/// left stays undecided.
pub fn check_while<'a>(
    packages: impl IntoIterator<Item = &'a Package>,
    requests: &[Request],
    limits: Limits,
    goes_on: &dyn Fn() -> bool,
) -> Report {
    let mut total = limits.total_steps;
    let packages: Vec<&Package> = packages.into_iter().collect();
    let is_for_debug = |request: &&Request| match request {
        Request::Package(nevra) => is_debug_name(nevra.name().as_str()),
        Request::Name(name) => is_debug_name(name.as_str()),
    };
    let mut verdicts: HashMap<&Request, Verdict> = HashMap::new();
    for for_debug in [false, true] {
        let requests: Vec<_> = requests
            .iter()
            .filter(|request| is_for_debug(request) == for_debug)
            .collect();
        if !requests.is_empty() {
            let of_kind = packages
                .iter()
                .copied()
                .filter(|package| for_debug || package.kind() == PackageKind::Binary);
            let mut check = Check::new(of_kind, &requests, goes_on);
            verdicts.extend(check.decide(limits.steps, &mut total));
        }
    }
    let mut report = Report::default();
    for request in requests {
        match verdicts.remove(request) {
            Some(Verdict::Impossible(reasons)) => report.not_installable.push(NotInstallable {
                request: request.clone(),
                reasons,
            }),
            Some(Verdict::Undecided) => report.undecided.push(request.clone()),
            Some(Verdict::Possible) | None => {}
        }
    }
    report
}

enum Verdict {
    Possible,
    Impossible(Vec<Problem>),
    Undecided,
}

/// Requests over one set of packages.
struct Check<'a, 'r> {
    solver: Solver<Provider<'a, 'r>>,
    /// Request, the packages that would do, and the requirement of one of them.
    wanted: Vec<(&'r Request, Vec<usize>, usize)>,
    /// Packages that were part of some solution: one more question answered.
    is_possible: Vec<bool>,
}

impl<'a, 'r> Check<'a, 'r> {
    fn new(
        packages: impl IntoIterator<Item = &'a Package>,
        requests: &[&'r Request],
        goes_on: &'r dyn Fn() -> bool,
    ) -> Self {
        let mut universe = Universe::new(packages);
        let mut of_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut of_nevra: HashMap<&Nevra, usize> = HashMap::new();
        for (number, package) in universe.packages.iter().enumerate() {
            let nevra = &package.nevra;
            of_name.entry(nevra.name().as_str()).or_default().push(number);
            of_nevra.insert(nevra, number);
        }
        let wanted = requests
            .iter()
            .map(|&request| {
                let would_do = match request {
                    Request::Package(nevra) => of_nevra.get(nevra).copied().into_iter().collect(),
                    Request::Name(name) => of_name.get(name.as_str()).cloned().unwrap_or_default(),
                };
                let union = universe.request(would_do.iter().copied());
                (request, would_do, union)
            })
            .collect();
        Self {
            is_possible: vec![false; universe.packages.len()],
            solver: Solver::new(Provider::new(universe, goes_on)),
            wanted,
        }
    }

    /// Decides with so many steps for each request, and so many for all, which become fewer.
    fn decide(&mut self, steps: u64, total: &mut u64) -> Vec<(&'r Request, Verdict)> {
        let wanted = std::mem::take(&mut self.wanted);
        let decided = wanted.into_iter().map(|(request, would_do, union)| {
            let allowed = steps.min(*total);
            self.solver.provider().allow(allowed);
            let verdict = self.verdict(&would_do, union);
            *total -= allowed.saturating_sub(self.solver.provider().left());
            (request, verdict)
        });
        decided.collect()
    }

    fn verdict(&mut self, would_do: &[usize], union: usize) -> Verdict {
        if would_do.is_empty() {
            return Verdict::Impossible(vec![Problem::NotThere]);
        }
        let is_possible = |&package: &usize| self.is_possible.get(package).copied().unwrap_or(false);
        if would_do.iter().any(is_possible) {
            return Verdict::Possible;
        }
        let requirement = Requirement::from(VersionSetUnionId::from_index(union));
        let problem = resolvo::Problem::<SolvableId>::new().requirements(vec![requirement.into()]);
        match self.solver.solve(problem) {
            Ok(solution) => {
                for solvable in solution {
                    if let Some(known) = self.is_possible.get_mut(solvable.to_index()) {
                        *known = true;
                    }
                }
                Verdict::Possible
            }
            Err(UnsolvableOrCancelled::Unsolvable(conflict)) => {
                let graph = conflict.graph(&self.solver);
                Verdict::Impossible(explain::explain(&self.solver.provider().universe, &graph))
            }
            Err(UnsolvableOrCancelled::Cancelled(_)) => Verdict::Undecided,
        }
    }
}
