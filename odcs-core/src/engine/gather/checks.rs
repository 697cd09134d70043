//! What a request wants to be certain of before anything is made: that dependencies are met, that packages can be
//! installed.

use odcs_rpm::closure::{self, Unmet};
use odcs_rpm::gather::{Flag as Mark, Gathered, Origin, PackageSet};
use odcs_rpm::installable::{self, Limits, Report};
use odcs_rpm::{Package, PackageKind, TreeArch};
use tokio_util::sync::CancellationToken;

use crate::build::{Phase, Progress};
use crate::engine::run::stopped;
use crate::request::{ComposeRequest, Flag};
use crate::{Error, ErrorKind, Result};

/// What a reason names; the log has more.
const NAMED: usize = 10;

/// What the log names.
const LOGGED: usize = 1_000;

/// The packages of one arch that are checked.
pub(super) struct Checked<'a> {
    /// All that enter the compose.
    packages: Vec<&'a Package>,
    /// Those that must be installable. Without sources: nobody installs these.
    asked: Vec<installable::Request>,
}

impl<'a> Checked<'a> {
    /// What was gathered; those that were asked for must be installable.
    pub(super) fn of(gathered: &'a Gathered) -> Self {
        let entering = || {
            let members = gathered.members.iter();
            members.filter(|member| !member.flags.contains(Mark::Lookaside))
        };
        let asked = entering()
            .filter(|member| member.kind != PackageKind::Source && member.flags.contains(Mark::Input));
        Self {
            packages: entering().map(|member| &*member.package).collect(),
            asked: asked.map(|member| to_be_installed(&member.package)).collect(),
        }
    }

    /// What was assigned, all of which must be installable.
    pub(super) fn all(packages: impl Iterator<Item = (&'a Package, PackageKind)> + Clone) -> Self {
        let asked = packages.clone().filter(|(_, kind)| *kind != PackageKind::Source);
        Self {
            asked: asked.map(|(package, _)| to_be_installed(package)).collect(),
            packages: packages.map(|(package, _)| package).collect(),
        }
    }
}

fn to_be_installed(package: &Package) -> installable::Request {
    installable::Request::Package(package.nevra.clone())
}

/// Checks what is to be in the compose for one arch, as far as the request asks for it.
///
/// # Errors
/// `NotFound`, naming packages and what they lack; `Cancelled`.
pub(super) fn check(
    request: &ComposeRequest,
    arch: &TreeArch,
    set: &PackageSet,
    checked: &Checked<'_>,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<()> {
    if request.flags.contains(Flag::CheckDeps) {
        let compose = checked.packages.iter().copied();
        let unmet = closure::check(compose, lookaside(set, arch), of_arch(set, arch));
        report_unmet(arch, &unmet, progress)?;
    }
    if request.flags.contains(Flag::CheckInstall) {
        let requests = &checked.asked;
        let packages = checked.packages.iter().copied().chain(lookaside(set, arch));
        let goes_on = || !cancel.is_cancelled();
        let report = installable::check_while(packages, requests, Limits::default(), &goes_on);
        if cancel.is_cancelled() {
            return Err(stopped());
        }
        report_install(arch, requests.len(), &report, progress)?;
    }
    Ok(())
}

/// The packages of lookaside repositories that can stand in the tree.
fn lookaside<'a>(set: &'a PackageSet, arch: &'a TreeArch) -> impl Iterator<Item = &'a Package> {
    fitting(set, arch, Origin::is_lookaside)
}

/// The packages of the source that can stand in the tree.
fn of_arch<'a>(set: &'a PackageSet, arch: &'a TreeArch) -> impl Iterator<Item = &'a Package> {
    fitting(set, arch, |origin| !origin.is_lookaside())
}

fn fitting<'a>(
    set: &'a PackageSet,
    arch: &'a TreeArch,
    origin_fits: fn(Origin) -> bool,
) -> impl Iterator<Item = &'a Package> {
    set.packages()
        .filter(move |(package, origin)| origin_fits(*origin) && arch.admits(package.nevra.arch()))
        .map(|(package, _)| &**package)
}

fn report_unmet(arch: &TreeArch, unmet: &[Unmet], progress: &dyn Progress) -> Result<()> {
    if unmet.is_empty() {
        say(arch, Flag::CheckDeps, "every requirement is met", progress);
        return Ok(());
    }
    let named = named(arch, Flag::CheckDeps, unmet, progress);
    let message = format!(
        "for {arch}, requirements are met neither by the compose nor by its lookaside repositories: {named}"
    );
    Err(failed("check dependencies", arch, message))
}

fn report_install(arch: &TreeArch, asked: usize, report: &Report, progress: &dyn Progress) -> Result<()> {
    if report.is_clean() {
        let message = format!("each of the {asked} packages asked for can be installed");
        say(arch, Flag::CheckInstall, &message, progress);
        return Ok(());
    }
    let mut sentences = Vec::new();
    if !report.not_installable.is_empty() {
        sentences.push(named(arch, Flag::CheckInstall, &report.not_installable, progress));
    }
    if !report.undecided.is_empty() {
        let undecided = named(arch, Flag::CheckInstall, &report.undecided, progress);
        sentences.push(format!(
            "whether these can be installed could not be decided within the limits of the check: {undecided}"
        ));
    }
    let message = format!("for {arch}, {}", sentences.join("; "));
    Err(failed("check installation", arch, message))
}

/// Writes a list to the log, and the head of it into a reason.
fn named<T: ToString>(arch: &TreeArch, check: Flag, list: &[T], progress: &dyn Progress) -> String {
    for item in list.iter().take(LOGGED) {
        say(arch, check, &item.to_string(), progress);
    }
    if let Some(more) = list.len().checked_sub(LOGGED).filter(|more| *more > 0) {
        say(arch, check, &format!("and {more} more"), progress);
    }
    let mut named: Vec<_> = list.iter().take(NAMED).map(ToString::to_string).collect();
    match list.len().saturating_sub(NAMED) {
        0 => {}
        more => named.push(format!("and {more} more, which are in the log")),
    }
    named.join("; ")
}

fn say(arch: &TreeArch, check: Flag, message: &str, progress: &dyn Progress) {
    progress.step(Phase::Gather, &format!("{arch}: {check}: {message}"));
}

fn failed(operation: &'static str, arch: &TreeArch, message: String) -> Error {
    Error::new(ErrorKind::NotFound, operation, arch.as_str(), message)
}
