//! Fetching what a compose is going to be made of: the packages that belong, and no others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_rpm::Digest;

use super::{Parts, narrow};
use crate::build::{Phase, Progress};
use crate::content_store::{Obtained, Wanted};
use crate::files::SourceFile;
use crate::plan::{Plan, PlannedPackage};
use crate::source::{Candidate, PackageLocation, RemoteFile};
use crate::{Error, ErrorKind, Result};

/// How long the log says nothing while packages are fetched.
const REPORT: Duration = Duration::from_secs(10);

/// Has every package that is elsewhere in the content store; of several copies, those that may be chosen. What was
/// fetched for the plan already is asked for again: it may not be there any more.
///
/// # Errors
/// As [`make_room`](crate::ContentStore::make_room) and [`obtain`](crate::ContentStore::obtain) of the content store,
/// and [`narrow::narrow`], with the package's name.
pub(super) async fn fetch(parts: &Parts, plan: Plan, progress: &dyn Progress) -> Result<Plan> {
    let mut plan = match &parts.fetch {
        Some(fetch) => {
            let contents = parts.contents.as_deref();
            narrow::narrow(&**fetch, contents, plan, parts.settings.fetches, progress).await?
        }
        None => plan,
    };
    let mut wanted: BTreeMap<String, Arc<Candidate>> = BTreeMap::new();
    for candidate in candidates(&mut plan) {
        if candidate.file.remote().is_some() {
            let known = wanted.entry(key(candidate));
            known.or_insert_with(|| Arc::clone(candidate));
        }
    }
    if wanted.is_empty() {
        return Ok(plan);
    }
    let store = parts.contents.as_ref().ok_or_else(no_store)?;
    // Sizes are what somebody's metadata claims.
    let bytes = wanted
        .values()
        .fold(0_u64, |sum, it| sum.saturating_add(size(it)));
    let total = wanted.len();
    progress.step(Phase::Fetch, &format!("{total} packages of {}", megabytes(bytes)));
    let limit = parts.settings.package_bytes;
    let as_wanted =
        |candidate: &Candidate| wanted_of(candidate, limit).map_err(|error| of_package(candidate, error));
    let files: Vec<Wanted> = wanted.values().map(|it| as_wanted(it)).collect::<Result<_>>()?;
    // All of them have to be there before the first is laid out: what cannot be is said before any is fetched.
    store.make_room(&files).await?;
    let mut fetching = stream::iter(wanted.into_iter().zip(files))
        .map(|((key, candidate), wanted)| async move {
            let obtained = store.obtain(&wanted).await;
            let Obtained { file, fetched, .. } = obtained.map_err(|error| of_package(&candidate, error))?;
            Ok::<_, Error>((key, file, fetched, size(&candidate)))
        })
        .buffer_unordered(parts.settings.fetches.max(1));
    let mut files: BTreeMap<String, SourceFile> = BTreeMap::new();
    let (mut new, mut transferred, mut there) = (0_usize, 0_u64, 0_u64);
    let mut reported = parts.clock.monotonic();
    loop {
        let silent = parts.clock.monotonic().saturating_sub(reported);
        let next = tokio::select! {
            biased;
            () = parts.clock.sleep(REPORT.saturating_sub(silent)) => {
                // By number of packages large ones would take minutes without a word.
                let (number, there) = (files.len(), megabytes(there));
                let message = format!("{number} of {total} packages are there, {there} of {}", megabytes(bytes));
                progress.step(Phase::Fetch, &message);
                reported = parts.clock.monotonic();
                continue;
            }
            next = fetching.try_next() => next?,
        };
        let Some((key, file, fetched, size)) = next else {
            break;
        };
        parts.observer.package_fetched(fetched);
        files.insert(key, file);
        new += usize::from(fetched > 0);
        transferred = transferred.saturating_add(fetched);
        there = there.saturating_add(size);
    }
    drop(fetching);
    let message = format!(
        "{new} fetched ({}), {} were there",
        megabytes(transferred),
        total.saturating_sub(new)
    );
    progress.step(Phase::Fetch, &message);
    for candidate in candidates(&mut plan) {
        if let (Some(remote), Some(file)) = (candidate.file.remote(), files.get(&key(candidate))) {
            let file = PackageLocation::Fetched(remote.clone(), file.clone());
            Arc::make_mut(candidate).file = file;
        }
    }
    Ok(plan)
}

/// Whether something that was fetched for a plan is not there any more as it was: then fetching it again may help.
///
/// # Errors
/// As [`recheck`](crate::ContentStore::recheck) of the content store.
pub(super) async fn is_damaged(parts: &Parts, plan: &Plan, progress: &dyn Progress) -> Result<bool> {
    let mut fetched: Vec<Digest> = Vec::new();
    for candidate in candidates(&mut plan.clone()) {
        if candidate.file.remote().is_some() {
            fetched.extend(candidate.checksum.clone());
        }
    }
    fetched.sort_unstable();
    fetched.dedup();
    let Some(store) = parts.contents.as_ref().filter(|_| !fetched.is_empty()) else {
        return Ok(false);
    };
    let damaged = store.recheck(&fetched).await?;
    if !damaged.is_empty() {
        let message = format!(
            "{} of the {} files that had been fetched are damaged or gone; they are fetched again",
            damaged.len(),
            fetched.len()
        );
        progress.step(Phase::Fetch, &message);
    }
    Ok(!damaged.is_empty())
}

/// Whether something of a plan is, or was, elsewhere.
pub(super) fn has_remote(plan: &Plan) -> bool {
    let mut packages = plan.arches.iter().flat_map(|arch| &arch.packages);
    packages.any(|planned| {
        let mut files = std::iter::once(&planned.candidate).chain(&planned.copies);
        files.any(|candidate| candidate.file.remote().is_some())
    })
}

/// All candidates of a plan, those of several arches several times.
fn candidates(plan: &mut Plan) -> impl Iterator<Item = &mut Arc<Candidate>> {
    let packages = plan.arches.iter_mut().flat_map(|arch| &mut arch.packages);
    packages.flat_map(
        |PlannedPackage {
             candidate, copies, ..
         }| std::iter::once(candidate).chain(copies),
    )
}

/// What is fetched once: a file by its checksum, or else by where it is.
fn key(candidate: &Candidate) -> String {
    let digest = candidate.checksum.as_ref();
    digest.map_or_else(|| candidate.file.to_string(), Digest::to_string)
}

fn wanted_of(candidate: &Candidate, limit: u64) -> Result<Wanted> {
    let remote: &RemoteFile = candidate.file.remote().ok_or_else(no_store)?;
    let size = Some(size(candidate)).filter(|size| *size > 0);
    let limit = size.unwrap_or(limit);
    let wanted = Wanted::new(remote.places()?, candidate.checksum.clone(), limit);
    Ok(wanted.with_size(size).with_modified(remote.modified))
}

fn of_package(candidate: &Candidate, error: Error) -> Error {
    let nevra = candidate.package.nevra.to_string();
    let message = format!("{nevra} could not be fetched: {}", error.message());
    Error::new(error.kind(), "fetch package", nevra, message)
        .with_retryable(error.is_retryable())
        .with_source(error)
}

fn no_store() -> Error {
    let message =
        "packages would have to be fetched, but this engine was put together without a content store";
    Error::new(ErrorKind::Internal, "fetch packages", "", message)
}

/// How many bytes its file has, as far as that is known.
fn size(candidate: &Candidate) -> u64 {
    candidate.package.sizes.package
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
