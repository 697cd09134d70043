//! What is said about a gather: in the compose's log, and to who asked for what is not there.

use std::collections::BTreeSet;

use odcs_rpm::gather::Gathered;
use odcs_rpm::{Arch, PackageKind, PackagePattern, TreeArch};

use super::candidates::Candidates;
use super::presence::Absent;
use crate::build::{Phase, Progress};
use crate::request::{ComposeRequest, Flag};
use crate::{Error, ErrorKind};

/// Unmet requirements that are written to the log; more of them are only counted.
const BROKEN_SHOWN: usize = 100;

/// Missing packages that a reason names, and says more of: for each, everything is looked through.
const MISSING_SHOWN: usize = 100;

/// Without a package that is asked for, there would be nothing in the compose.
pub(super) fn only_exclusions(patterns: &[PackagePattern]) -> Error {
    let names: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    let names = names.join(" ");
    let message = format!(
        "\"packages\" only says what to leave out ({names}); to have everything else, ask for * as well"
    );
    Error::new(ErrorKind::Invalid, "gather", names, message)
}

/// The sentence about packages that were asked for and are not there.
pub(super) fn not_there(
    missing: &[Absent],
    request: &ComposeRequest,
    candidates: &Candidates,
    description: &str,
) -> Error {
    let arches: Vec<_> = request.arches.iter().map(|arch| arch.as_str()).collect();
    let arches = arches.join(", ");
    let names = |missing: &[&PackagePattern]| {
        let mut names: Vec<_> = missing
            .iter()
            .take(MISSING_SHOWN)
            .map(ToString::to_string)
            .collect();
        match missing.len().saturating_sub(MISSING_SHOWN) {
            0 => {}
            more => names.push(format!("and {more} more")),
        }
        names.join(", ")
    };
    let of = |in_lookaside| {
        let these = missing.iter().filter(move |it| it.in_lookaside == in_lookaside);
        these.map(|absent| &absent.pattern).collect::<Vec<_>>()
    };
    let (nowhere, in_lookaside) = (of(false), of(true));
    let mut sentences = Vec::new();
    if !nowhere.is_empty() {
        let hints: Vec<_> = nowhere
            .iter()
            .take(MISSING_SHOWN)
            .filter_map(|pattern| where_else(pattern, request, candidates))
            .collect();
        let hints = match hints.is_empty() {
            true => String::new(),
            false => format!(" ({})", hints.join("; ")),
        };
        sentences.push(format!(
            "these packages were asked for, but {description} does not have them for {arches}: {}{hints}",
            names(&nowhere)
        ));
    }
    if !in_lookaside.is_empty() {
        sentences.push(format!(
            "these packages were asked for, but stay out of the compose for {arches}, because lookaside \
             repositories have them: {}",
            names(&in_lookaside)
        ));
    }
    let shown = missing.iter().take(MISSING_SHOWN);
    let all: Vec<_> = shown.map(|absent| absent.pattern.as_str()).collect();
    Error::new(ErrorKind::NotFound, "gather", all.join(" "), sentences.join("; "))
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

pub(super) fn report(arch: &TreeArch, gathered: &Gathered, progress: &dyn Progress) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::SourceSpec;

    #[test]
    fn of_many_missing_packages_some_are_named() {
        let request = ComposeRequest::new(SourceSpec::Repo("/srv/repo".parse().unwrap()));
        let missing: Vec<_> = (0..MISSING_SHOWN + 5)
            .map(|number| Absent {
                pattern: format!("p{number}").parse().unwrap(),
                in_lookaside: false,
            })
            .collect();
        let error = not_there(&missing, &request, &Candidates::new(Vec::new()), "the repository");
        assert!(error.message().ends_with("p98, p99, and 5 more"), "{error}");
        let error = not_there(
            &missing[..2],
            &request,
            &Candidates::new(Vec::new()),
            "the repository",
        );
        assert!(error.message().ends_with("p0, p1"), "{error}");
    }
}
