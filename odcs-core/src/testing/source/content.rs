//! Pins, and what they stand for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use odcs_rpm::Digest;
use odcs_rpm::header::{FileFacts, read_header};

use super::{Cases, Subject, blocking, must_fail};
use crate::ErrorKind;
use crate::source::{Candidate, PackageContent, Pins};

/// Nothing has changed: the pins are the same, also those of another instance.
pub(super) async fn resolving_is_repeatable(one: &Subject, other: &Subject, cases: &Cases<'_>) {
    let first = one.must_resolve(&cases.works).await;
    for subject in [one, other] {
        let again = subject.must_resolve(&cases.works).await;
        assert_eq!(first.pins, again.pins, "nothing has changed, the pins neither");
        assert_eq!(
            first.fields, again.fields,
            "nothing has changed, the record neither"
        );
    }
}

/// The pins, written down and read by an instance that has resolved nothing, stand for the same content, in the
/// same order.
pub(super) async fn pins_say_it_all(one: &Subject, other: &Subject, cases: &Cases<'_>) -> PackageContent {
    let pins = one.must_resolve(&cases.works).await.pins;
    let content = one.must_have(&pins).await;
    same(&content, &one.must_have(&pins).await, "asked again");
    let written = serde_json::to_string(&pins).expect("pins have a JSON form");
    let read: Pins = serde_json::from_str(&written).expect("pins can be read back");
    assert_eq!(pins, read, "pins survive being recorded");
    same(&content, &other.must_have(&read).await, "in another process");
    content
}

/// Every candidate has a file which is the package that it is said to be.
pub(super) async fn is_what_it_says(subject: &Subject, content: &PackageContent) {
    assert!(
        !content.candidates.is_empty(),
        "a request that is to work has packages"
    );
    let description = &content.description;
    assert!(
        !description.trim().is_empty() && !description.chars().any(char::is_control),
        "the description is a few words for people: {description:?}"
    );
    let mut files = BTreeSet::new();
    for candidate in subject.fetched(&content.candidates).await {
        let file = candidate.file.to_string();
        match candidate.file.remote() {
            None => assert!(file.starts_with('/'), "{file} is an absolute path, for manifests"),
            Some(_) => assert!(
                file.starts_with("http://") || file.starts_with("https://"),
                "{file} is a URL, for manifests"
            ),
        }
        assert!(files.insert(file.clone()), "{file} is there twice");
        blocking(move || is_its_file(&candidate)).await;
    }
}

fn is_its_file(candidate: &Candidate) {
    let (file, package) = (&candidate.file, &candidate.package);
    let open = || {
        let opened = file.open();
        opened.unwrap_or_else(|error| panic!("{file} cannot be opened: {error}"))
    };
    let metadata = open().metadata().expect("an open file has metadata");
    assert!(metadata.is_file(), "{file} is a regular file");
    let (size, modified) = (metadata.len(), 0);
    let header = read_header(open(), FileFacts { size, modified });
    let header = header.unwrap_or_else(|error| panic!("{file} is no package: {error}"));
    assert!(
        header.nevra.is_listed_as(&package.nevra),
        "{file} is {}, not the package it is said to be, {}",
        header.nevra,
        package.nevra
    );
    // The records of a build system may have no size of a signed copy.
    let is_unknown = candidate.record.is_some() && package.sizes.package == 0;
    assert!(
        package.sizes.package == size || is_unknown,
        "the size of {file} is known: {size}, and not {}",
        package.sizes.package
    );
    if let Some(checksum) = &candidate.checksum {
        let (digest, _) = Digest::of_reader(checksum.algorithm(), open()).expect("a file can be read");
        assert_eq!(*checksum, digest, "the checksum of {file}");
    }
}

/// Several at once, and one that is dropped half-way, disturb nobody.
pub(super) async fn survives_company(subject: &Subject, cases: &Cases<'_>, expected: &PackageContent) {
    let pins = subject.must_resolve(&cases.works).await.pins;
    let _ = tokio::time::timeout(Duration::ZERO, subject.source().resolve(&cases.works)).await;
    let _ = tokio::time::timeout(Duration::ZERO, subject.content(&pins)).await;
    let reading: Vec<_> = (0..4)
        .map(|_| {
            let (subject, pins) = (subject.clone(), pins.clone());
            tokio::spawn(async move { subject.must_have(&pins).await })
        })
        .collect();
    for reading in reading {
        let content = reading.await.expect("reading does not panic");
        same(expected, &content, "asked by several at once");
    }
}

/// What `check` cannot know is found out by `resolve`.
pub(super) async fn what_is_not_there_is_not_found(subject: &Subject, cases: &Cases<'_>) {
    for request in &cases.not_found {
        let error = must_fail(
            subject.source().resolve(request).await,
            "what is not there does not resolve",
        );
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    }
}

/// Pins of another source, or of a version long ago, are an error and nothing worse.
pub(super) async fn pins_of_others_are_refused(subject: &Subject) {
    for foreign in [
        Pins::new(&("somebody's pins", [u64::MAX; 3])),
        Pins::new(&"somebody's pins"),
    ] {
        let foreign = foreign.expect("they have a JSON form");
        must_fail(
            subject.content(&foreign).await,
            "pins of others stand for nothing",
        );
    }
}

/// Two contents are the same, in the same order: of two files for one NEVRA the first is taken.
pub(super) fn same(one: &PackageContent, other: &PackageContent, when: &str) {
    let what = "the same pins stand for the same";
    assert_eq!(one.description, other.description, "{when}: {what} description");
    assert_eq!(one.timestamp, other.timestamp, "{when}: {what} time");
    let (many, now) = (one.candidates.len(), other.candidates.len());
    assert_eq!(many, now, "{when}: {what} number of packages");
    assert_eq!(one.assigned, other.assigned, "{when}: {what} packages of arches");
    for (one, other) in one.candidates.iter().zip(&other.candidates) {
        // What a source knows by a name of its own may be moved.
        let name = |candidate: &Candidate| match &candidate.record {
            Some(record) => record.name.to_string(),
            None => candidate.file.to_string(),
        };
        let key = |candidate: &Candidate| (candidate.package.nevra.to_string(), name(candidate));
        assert_eq!(key(one), key(other), "{when}: {what} packages in the same order");
        let file = &one.file;
        assert_eq!(one.checksum, other.checksum, "{when}: {what} checksum of {file}");
        assert_eq!(one.record, other.record, "{when}: {what} record of {file}");
        assert!(
            Arc::ptr_eq(&one.package, &other.package) || one.package == other.package,
            "{when}: {what} package, but something else is said about {}",
            one.package.nevra
        );
    }
}
