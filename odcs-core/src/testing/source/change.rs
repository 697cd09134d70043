//! What becomes of pins and manifests when things move on.

use std::fmt::Debug;

use odcs_rpm::Digest;

use super::{Subject, blocking, content, errors, replay};
use crate::manifest::Manifest;
use crate::request::ComposeRequest;
use crate::source::{Content, PackageContent, Pins};
use crate::{ErrorKind, Result};

/// A compose as it was begun, and what one would have been made of.
pub(super) struct Before {
    request: ComposeRequest,
    pins: Pins,
    content: PackageContent,
    manifest: Manifest,
}

/// Begins a compose; `None` if an earlier change has left nothing to make one of.
pub(super) async fn before(subject: &Subject, request: &ComposeRequest) -> Option<Before> {
    let pins = well_formed(subject.source().resolve(request).await).ok()?.pins;
    let content = well_formed(subject.content(&pins).await).ok()?;
    let manifest = replay::manifest_of(subject, &content).await;
    Some(Before {
        request: request.clone(),
        pins,
        content,
        manifest,
    })
}

/// Either all is as it was, or it is gone: never is something else passed off as what was pinned.
pub(super) async fn never_something_else(subjects: &[Subject], before: &Before, what: &str) {
    for subject in subjects {
        match well_formed(subject.content(&before.pins).await) {
            Ok(now) => {
                content::same(&before.content, &now, &format!("after {what}"));
                unchanged_on_disk(subject, &now, &before.manifest, what).await;
            }
            Err(kind) => assert_eq!(kind, ErrorKind::Gone, "after {what}: pins hold, or are gone"),
        }
        match well_formed(subject.source().replay(&before.manifest).await) {
            Ok(Content::Packages(now)) => replay::says_that(&now, &before.manifest),
            Err(kind) => assert_eq!(
                kind,
                ErrorKind::Gone,
                "after {what}: a manifest holds, or is gone"
            ),
        }
        // What there is now is anybody's guess, but what is said about it is not.
        if let Ok(resolved) = well_formed(subject.source().resolve(&before.request).await) {
            let _ = well_formed(subject.content(&resolved.pins).await);
        }
    }
}

/// Files without a checksum that would give them away are those that they were.
async fn unchanged_on_disk(subject: &Subject, now: &PackageContent, manifest: &Manifest, what: &str) {
    let unknown = now
        .candidates
        .iter()
        .filter(|candidate| candidate.checksum.is_none());
    let unknown: Vec<_> = unknown.cloned().collect();
    for candidate in subject.fetched(&unknown).await {
        let file = candidate.file.to_string();
        let Some(recorded) = manifest
            .packages
            .iter()
            .find(|package| package.file == file)
            .cloned()
        else {
            continue;
        };
        let what = what.to_owned();
        blocking(move || {
            let opened = candidate.file.open();
            let opened = opened.unwrap_or_else(|error| panic!("after {what}: {file} is there, but {error}"));
            let algorithm = recorded.digest.algorithm();
            let (digest, _) = Digest::of_reader(algorithm, opened).expect("a file can be read");
            assert_eq!(digest, recorded.digest, "after {what}: {file} is what it was");
        })
        .await;
    }
}

/// What matters of a result.
fn well_formed<T: Debug>(result: Result<T>) -> Result<T, ErrorKind> {
    result.map_err(|error| {
        errors::is_well_formed(&error);
        error.kind()
    })
}
