//! From what a source has to what goes into the compose.

mod assigned;
mod candidates;
mod checks;
mod messages;
mod presence;
mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use odcs_rpm::arch::ArchClass;
use odcs_rpm::gather::{Gathered, Greedy, Options, PackageSet, Request, gather, select};
use odcs_rpm::{Arch, Nevra, Package, TreeArch};
use tokio_util::sync::CancellationToken;

use self::candidates::{Candidates, Chosen};
use self::checks::Checked;
use self::presence::Absent;
use super::contents::{Contents, LookasideContent};
use super::run::stopped;
use crate::build::{Phase, Progress};
use crate::plan::{ArchPlan, Plan, SignatureRules};
use crate::request::{ComposeRequest, Flag};
use crate::source::PackageContent;
use crate::why::Why;
use crate::{Error, ErrorKind, Result};

/// Decides which packages belong into a compose. Heavy work without I/O, for a blocking thread.
///
/// # Errors
/// `NotFound`, naming the packages or arches that were asked for and are not there, or if what was asked
/// for comes to nothing; `Cancelled`.
pub(super) fn plan(
    request: &ComposeRequest,
    contents: Contents,
    rules: &SignatureRules,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Plan> {
    let Contents { source, lookaside } = contents;
    let PackageContent {
        candidates,
        timestamp,
        description,
        updateinfo,
        trust,
        set,
        assigned,
    } = source;
    progress.step(
        Phase::Content,
        &format!("{description} has {} packages", candidates.len()),
    );
    let candidates = Candidates::new(candidates);
    let planning = Planning {
        request,
        candidates: &candidates,
        description: &description,
        progress,
        cancel,
    };
    let (chosen, lookaside) = match &assigned {
        Some(assigned) => planning.assigned(assigned, set, lookaside)?,
        None => planning.gathered(set, lookaside)?,
    };
    let planned = candidates.into_planned(chosen).into_iter().zip(lookaside);
    let arches: Vec<ArchPlan> = request
        .arches
        .iter()
        .zip(planned)
        .map(|(arch, (packages, lookaside))| ArchPlan {
            arch: arch.clone(),
            packages,
            signatures: rules.policy(request.sigkeys_for(arch), trust),
            lookaside,
        })
        .collect();
    let newest = || {
        arches
            .iter()
            .flat_map(|arch| &arch.packages)
            .map(|planned| planned.candidate.package.build_time)
            .max()
    };
    Ok(Plan {
        timestamp: timestamp.or_else(newest).unwrap_or(0),
        comps_packages: request.packages().to_vec(),
        updateinfo,
        source_description: description,
        arches,
    })
}

/// What is chosen for each arch, and what was met in its lookaside repositories.
type OfArches = (Vec<Vec<Chosen>>, Vec<Vec<(Nevra, Why)>>);

/// What choosing packages goes by.
struct Planning<'a> {
    request: &'a ComposeRequest,
    candidates: &'a Candidates,
    description: &'a str,
    progress: &'a dyn Progress,
    cancel: &'a CancellationToken,
}

impl Planning<'_> {
    /// Gathers what belongs.
    fn gathered(
        &self,
        beforehand: Option<Arc<PackageSet>>,
        lookaside: Vec<LookasideContent>,
    ) -> Result<OfArches> {
        let request = self.request;
        check_arches(request, self.candidates, self.description)?;
        let asked = match request.packages() {
            [] => Request::Everything,
            patterns => Request::Packages(patterns.to_vec()),
        };
        if let Request::Packages(patterns) = &asked
            && patterns.iter().all(|pattern| pattern.as_str().starts_with('-'))
        {
            return Err(messages::only_exclusions(patterns));
        }
        let mut sets = Sets::new(self.candidates, beforehand, lookaside);
        let (mut chosen, mut lookaside) = (Vec::new(), Vec::new());
        let mut missing: Option<Vec<Absent>> = None;
        for arch in &request.arches {
            self.go_on()?;
            let set = sets.of(arch)?;
            let gathered = gather_arch(request, &set, &asked, arch);
            messages::report(arch, &gathered, self.progress);
            self.check(arch, &set, &Checked::of(&gathered))?;
            let absent = presence::absent(request.packages(), &gathered);
            // A package need not be there for every arch, but for one of them.
            missing = Some(match missing {
                None => absent,
                Some(before) => {
                    let absent: BTreeSet<_> = absent.into_iter().collect();
                    before.into_iter().filter(|one| absent.contains(one)).collect()
                }
            });
            chosen.push(self.candidates.choose(&gathered)?);
            lookaside.push(reasons::of_lookaside(&gathered));
        }
        if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
            return Err(messages::not_there(
                &missing,
                request,
                self.candidates,
                self.description,
            ));
        }
        Ok((chosen, lookaside))
    }

    /// Takes what the source says belongs.
    fn assigned(
        &self,
        assigned: &BTreeMap<TreeArch, Vec<usize>>,
        beforehand: Option<Arc<PackageSet>>,
        lookaside: Vec<LookasideContent>,
    ) -> Result<OfArches> {
        let request = self.request;
        let chosen = assigned::chosen(
            self.candidates,
            assigned,
            &request.arches,
            request.packages(),
            self.description,
        )?;
        let checks = [Flag::CheckDeps, Flag::CheckInstall];
        let is_checked = checks.into_iter().any(|flag| request.flags.contains(flag));
        // Without checks, nobody looks at what else there is.
        let mut sets = is_checked.then(|| Sets::new(self.candidates, beforehand, lookaside));
        for (arch, chosen) in request.arches.iter().zip(&chosen) {
            self.go_on()?;
            let message = format!("{arch}: {} packages, as {} says", chosen.len(), self.description);
            self.progress.step(Phase::Gather, &message);
            if let Some(sets) = &mut sets {
                let packages = chosen.iter().filter_map(|one| {
                    let package = self.candidates.package(one.candidate)?;
                    Some((package, one.kind))
                });
                self.check(arch, &*sets.of(arch)?, &Checked::all(packages))?;
            }
        }
        let none = vec![Vec::new(); request.arches.len()];
        Ok((chosen, none))
    }

    fn check(&self, arch: &TreeArch, set: &PackageSet, checked: &Checked<'_>) -> Result<()> {
        checks::check(self.request, arch, set, checked, self.progress, self.cancel)
    }

    /// Nobody can interrupt a blocking thread: it has to look itself.
    fn go_on(&self) -> Result<()> {
        match self.cancel.is_cancelled() {
            true => Err(stopped()),
            false => Ok(()),
        }
    }
}

fn gather_arch(request: &ComposeRequest, set: &PackageSet, asked: &Request, arch: &TreeArch) -> Gathered {
    if request.flags.contains(Flag::NoDeps) {
        return select(set, asked, arch);
    }
    let mut options = Options::new(arch.clone());
    options.greedy = Greedy::Build;
    if request.multilib_arches.contains(arch) {
        options.multilib_methods = request.multilib_methods.into();
    }
    gather(set, asked, &options)
}

/// The package sets of the arches: the same for all that have the same lookaside repositories.
struct Sets {
    packages: Vec<Arc<Package>>,
    lookaside: Vec<LookasideContent>,
    /// With the lookaside repositories that each one has.
    made: Vec<(Vec<usize>, Arc<PackageSet>)>,
}

impl Sets {
    /// A set of what the source has that was made beforehand serves those without lookaside repositories; with some,
    /// packages must be complete.
    fn new(
        candidates: &Candidates,
        beforehand: Option<Arc<PackageSet>>,
        lookaside: Vec<LookasideContent>,
    ) -> Self {
        let is_enough = beforehand.is_some() && lookaside.is_empty();
        Self {
            packages: if is_enough {
                Vec::new()
            } else {
                candidates.packages()
            },
            lookaside,
            made: beforehand.into_iter().map(|set| (Vec::new(), set)).collect(),
        }
    }

    fn of(&mut self, arch: &TreeArch) -> Result<Arc<PackageSet>> {
        let of_arch = self.lookaside.iter().enumerate();
        let of_arch: Vec<_> = of_arch.filter(|(_, repo)| repo.arches.contains(arch)).collect();
        let key: Vec<_> = of_arch.iter().map(|(at, _)| *at).collect();
        if let Some((_, set)) = self.made.iter().find(|(of, _)| *of == key) {
            return Ok(Arc::clone(set));
        }
        let lookaside = of_arch.iter().map(|(_, repo)| repo.packages.clone()).collect();
        let set = PackageSet::new(self.packages.clone(), lookaside).map_err(too_large)?;
        let set = Arc::new(set);
        self.made.push((key, Arc::clone(&set)));
        Ok(set)
    }
}

/// Refuses arches that the source has nothing for. A repository of `noarch` packages alone serves
/// every arch.
fn check_arches(request: &ComposeRequest, candidates: &Candidates, description: &str) -> Result<()> {
    // Ten thousands of packages are of a handful of arches.
    let mut there: Vec<&Arch> = Vec::new();
    for package in candidates.iter() {
        let arch = package.nevra.arch();
        if !arch.is_source() && !arch.is_noarch() && !there.contains(&arch) {
            there.push(arch);
        }
    }
    if there.is_empty() {
        return Ok(());
    }
    there.sort_unstable();
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

fn too_large(error: odcs_rpm::Error) -> Error {
    Error::new(ErrorKind::Invalid, "gather", "package set", error.to_string()).with_source(error)
}
