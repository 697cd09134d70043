//! Which of several copies of a package are worth fetching: those whose headers claim a signature that will do.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_rpm::header::{FileFacts, read_header};
use odcs_rpm::{Nevra, PackageKind, Sigkey};

use crate::build::{Phase, Progress};
use crate::content_store::ContentStore;
use crate::fetch::Fetch;
use crate::files::SourceFile;
use crate::plan::{Plan, PlannedPackage, SignaturePolicy};
use crate::source::local::{blocking, io_error};
use crate::source::{Candidate, PackageLocation};
use crate::{Error, ErrorKind, Result};

/// The keys that copies of packages claim to be signed with, by where they are; `None` for one that has no header that
/// can be read, or is not there at all.
type Claims = BTreeMap<String, Option<Vec<Sigkey>>>;

/// What the header of a copy says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Claim {
    /// It has a signature that will do if it holds; 0 is best.
    Fits(usize),
    /// It has none.
    Unfit,
    /// Nobody can tell.
    Unreadable,
}

/// Where signatures decide between copies some of which are elsewhere, leaves those in the plan that the builder may
/// choose: by what headers claim the best one alone, and where signatures are verified each one that claims to fit. If
/// none does, one stays, so that the builder can say what is wrong with it.
///
/// # Errors
/// As [`Candidate::read_remote`] if it is worth another try, with the package's name.
pub(super) async fn narrow(
    fetch: &dyn Fetch,
    contents: Option<&dyn ContentStore>,
    mut plan: Plan,
    at_once: usize,
    progress: &dyn Progress,
) -> Result<Plan> {
    let mut copies: BTreeMap<String, Arc<Candidate>> = BTreeMap::new();
    let particular = plan
        .arches
        .iter()
        .filter(|arch| !arch.signatures.accepts_everything());
    for planned in particular.flat_map(|arch| &arch.packages) {
        if is_undecided(planned) {
            copies.extend(all(planned).map(|copy| (copy.file.to_string(), Arc::clone(copy))));
        }
    }
    if copies.is_empty() {
        return Ok(plan);
    }
    // What is on record is known without a look.
    let (mut claims, mut unknown) = (Claims::new(), Vec::new());
    for (key, copy) in copies {
        match &copy.record {
            Some(record) => {
                claims.insert(key, Some(record.sigkey.iter().cloned().collect()));
            }
            None => unknown.push((key, copy)),
        }
    }
    if !unknown.is_empty() {
        let message = format!(
            "reading the headers of {} files, to see which copies of packages have the signatures asked for",
            unknown.len()
        );
        progress.step(Phase::Fetch, &message);
    }
    let read: Claims = stream::iter(unknown)
        .map(|(key, copy)| async move { Ok::<_, Error>((key, claimed(fetch, contents, &copy).await?)) })
        .buffer_unordered(at_once.max(1))
        .try_collect()
        .await?;
    claims.extend(read);
    let mut sources: HashMap<Nevra, (Arc<Candidate>, Vec<Arc<Candidate>>)> = HashMap::new();
    for arch in &mut plan.arches {
        let policy = &arch.signatures;
        for planned in arch.packages.iter_mut().filter(|planned| is_undecided(planned)) {
            let shared =
                (planned.kind == PackageKind::Source).then(|| planned.candidate.package.nevra.clone());
            // The arches share the tree of the sources: the first of them decides.
            if let Some((candidate, copies)) = shared.as_ref().and_then(|nevra| sources.get(nevra)) {
                planned.candidate = Arc::clone(candidate);
                planned.copies.clone_from(copies);
                continue;
            }
            if !policy.accepts_everything() {
                keep(planned, &claims, policy);
            }
            if let Some(nevra) = shared {
                sources.insert(nevra, (Arc::clone(&planned.candidate), planned.copies.clone()));
            }
        }
    }
    Ok(plan)
}

/// Whether there are copies to choose from, and some would have to be fetched for that.
fn is_undecided(planned: &PlannedPackage) -> bool {
    !planned.copies.is_empty() && all(planned).any(|copy| matches!(copy.file, PackageLocation::Remote(_)))
}

fn all(planned: &PlannedPackage) -> impl Iterator<Item = &Arc<Candidate>> {
    std::iter::once(&planned.candidate).chain(&planned.copies)
}

fn keep(planned: &mut PlannedPackage, claims: &Claims, policy: &SignaturePolicy) {
    let claim = |copy: &Candidate| match claims.get(&copy.file.to_string()) {
        Some(Some(keys)) => policy.rank(keys).map_or(Claim::Unfit, Claim::Fits),
        _ => Claim::Unreadable,
    };
    let fits = |copy: &Candidate| match claim(copy) {
        Claim::Fits(rank) => Some(rank),
        Claim::Unfit | Claim::Unreadable => None,
    };
    let is_verified = policy.keyring().is_some();
    let best = all(planned).filter_map(|copy| fits(copy)).min();
    // The order stays: of equals, the first is taken.
    let mut kept: Vec<_> = match best {
        Some(_) if is_verified => all(planned).filter(|copy| fits(copy).is_some()).collect(),
        Some(_) => all(planned).filter(|copy| fits(copy) == best).take(1).collect(),
        // What is said of a package is what is said of its first copy; a verified one has to be read for that.
        None if is_verified => all(planned)
            .filter(|copy| claim(copy) == Claim::Unfit)
            .take(1)
            .collect(),
        None => Vec::new(),
    };
    if kept.is_empty() {
        kept.push(&planned.candidate);
    }
    let mut kept = kept.into_iter().map(Arc::clone).collect::<Vec<_>>().into_iter();
    if let Some(first) = kept.next() {
        planned.candidate = first;
    }
    planned.copies = kept.collect();
}

/// The keys that a copy claims to be signed with; `None` if it cannot be read.
async fn claimed(
    fetch: &dyn Fetch,
    contents: Option<&dyn ContentStore>,
    copy: &Candidate,
) -> Result<Option<Vec<Sigkey>>> {
    match signatures(fetch, contents, copy).await {
        Ok(signatures) => Ok(Some(signatures)),
        Err(error) if error.is_retryable() => {
            let nevra = copy.package.nevra.to_string();
            let message = format!("the header of {nevra} could not be read: {}", error.message());
            Err(Error::new(error.kind(), "read header", nevra, message)
                .with_retryable(true)
                .with_source(error))
        }
        Err(error) => {
            tracing::debug!(file = %copy.file, %error, "a copy of a package cannot be read");
            Ok(None)
        }
    }
}

/// The keys that a copy claims to be signed with.
async fn signatures(
    fetch: &dyn Fetch,
    contents: Option<&dyn ContentStore>,
    copy: &Candidate,
) -> Result<Vec<Sigkey>> {
    let remote = match &copy.file {
        PackageLocation::Local(file) | PackageLocation::Fetched(_, file) => return local(file.clone()).await,
        PackageLocation::Remote(remote) => remote,
    };
    // What was fetched for another compose needs no request.
    if let (Some(contents), Some(digest)) = (contents, &copy.checksum)
        && let Some(file) = contents.find(digest).await?
    {
        return local(file).await;
    }
    let candidate = Candidate::read_remote(fetch, remote.clone(), None).await?;
    if !candidate.package.nevra.is_listed_as(&copy.package.nevra) {
        let (file, found) = (&copy.file, &candidate.package.nevra);
        let message = format!("{file} should be {}, but it is {found}", copy.package.nevra);
        return Err(Error::new(
            ErrorKind::Invalid,
            "read header",
            file.to_string(),
            message,
        ));
    }
    Ok(candidate.package.signatures.clone())
}

async fn local(file: SourceFile) -> Result<Vec<Sigkey>> {
    blocking(move || {
        let opened = file.open().map_err(|error| io_error(error, &file))?;
        let size = opened.metadata().map_err(|error| io_error(error, &file))?.len();
        let header = read_header(&opened, FileFacts { size, modified: 0 });
        let damaged = |error| {
            let message = format!("{file} is damaged: {error}");
            Error::new(ErrorKind::Invalid, "read header", file.to_string(), message)
        };
        Ok(header.map_err(damaged)?.signatures)
    })
    .await
}

#[cfg(test)]
mod tests;
