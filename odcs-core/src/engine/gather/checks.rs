//! What a request wants to be certain of before anything is made: that dependencies are met.

use odcs_rpm::closure::{self, Unmet};
use odcs_rpm::gather::{Flag as Mark, Gathered, Origin, PackageSet};
use odcs_rpm::{Package, TreeArch};

use crate::build::{Phase, Progress};
use crate::request::{ComposeRequest, Flag};
use crate::{Error, ErrorKind, Result};

/// What a reason names; the log has more.
const NAMED: usize = 10;

/// What the log names.
const LOGGED: usize = 1_000;

/// Checks what is gathered for one arch, as far as the request asks for it.
///
/// # Errors
/// `NotFound`, naming packages and what they lack.
pub(super) fn check(
    request: &ComposeRequest,
    arch: &TreeArch,
    set: &PackageSet,
    gathered: &Gathered,
    progress: &dyn Progress,
) -> Result<()> {
    if request.flags.contains(Flag::CheckDeps) {
        let (compose, lookaside) = (compose(gathered), lookaside(set, arch));
        let unmet = closure::check(compose, lookaside, of_arch(set, arch));
        report_unmet(arch, &unmet, progress)?;
    }
    Ok(())
}

/// The packages that enter the compose.
fn compose(gathered: &Gathered) -> impl Iterator<Item = &Package> {
    let members = gathered.members.iter();
    let members = members.filter(|member| !member.flags.contains(Mark::Lookaside));
    members.map(|member| &*member.package)
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
    let step = |message: String| progress.step(Phase::Gather, &format!("{arch}: check_deps: {message}"));
    if unmet.is_empty() {
        step("every requirement is met".to_owned());
        return Ok(());
    }
    for unmet in unmet.iter().take(LOGGED) {
        step(unmet.to_string());
    }
    if let Some(more) = unmet.len().checked_sub(LOGGED).filter(|more| *more > 0) {
        step(format!("and {more} more requirements that nothing meets"));
    }
    let named: Vec<_> = unmet.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match unmet.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more, which are in the log"),
    };
    let message = format!(
        "for {arch}, requirements are met neither by the compose nor by its lookaside repositories: {}{more}",
        named.join("; ")
    );
    Err(Error::new(
        ErrorKind::NotFound,
        "check dependencies",
        arch.as_str(),
        message,
    ))
}
