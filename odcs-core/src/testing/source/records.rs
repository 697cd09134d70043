//! What a source has on record of its files, and the checksums that it knows later than the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use odcs_rpm::Digest;
use odcs_rpm::header::{FileFacts, read_header};

use super::{Subject, blocking};
use crate::source::{Candidate, PackageContent};

/// Names stand for one file each, and for the same one with every instance; what is said of signatures is true.
pub(super) async fn are_true(one: &Subject, content: &PackageContent) {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for candidate in &content.candidates {
        let Some(record) = &candidate.record else { continue };
        assert!(!record.name.is_empty(), "{} has a name on record", candidate.file);
        if let Some(other) = files.insert(&record.name, candidate.file.to_string()) {
            panic!(
                "{} and {other} have one name on record, {}, so they would count as the same",
                candidate.file, record.name
            );
        }
    }
    for candidate in one.fetched(&content.candidates).await {
        blocking(move || has_its_key(&candidate)).await;
    }
}

fn has_its_key(candidate: &Candidate) {
    let (file, record) = (&candidate.file, candidate.record.as_ref());
    let Some(key) = record.and_then(|record| record.sigkey.as_ref()) else {
        return;
    };
    let opened = file.open();
    let opened = opened.unwrap_or_else(|error| panic!("{file} cannot be opened: {error}"));
    let metadata = opened.metadata().expect("an open file has metadata");
    let facts = FileFacts {
        size: metadata.len(),
        modified: 0,
    };
    let header = read_header(opened, facts).unwrap_or_else(|error| panic!("{file} is no package: {error}"));
    assert!(
        header.signatures.iter().any(|one| one.is_same_key(key)),
        "{file} is on record as the copy signed with {key}, but its header has {:?}",
        header.signatures
    );
}

/// There is one answer for each file, the same each time, and it is the checksum that the file has.
pub(super) async fn checksums_are_those_of_the_files(
    one: &Subject,
    other: &Subject,
    content: &PackageContent,
) {
    let is_wanted = |candidate: &&Candidate| candidate.record.is_some() && candidate.checksum.is_none();
    let wanted = content.candidates.iter().filter(is_wanted);
    let wanted: Vec<Arc<Candidate>> = wanted.cloned().map(Arc::new).collect();
    let ask = async |subject: &Subject, wanted: &[Arc<Candidate>]| -> Vec<Option<Digest>> {
        let known = subject.source().checksums(wanted).await;
        let known =
            known.unwrap_or_else(|error| panic!("the checksums of its own files cannot be asked: {error:?}"));
        assert_eq!(
            known.len(),
            wanted.len(),
            "there is one answer for each of the files"
        );
        known
    };
    let known = ask(one, &wanted).await;
    assert_eq!(known, ask(one, &wanted).await, "asked again");
    assert_eq!(known, ask(other, &wanted).await, "asked of another instance");
    assert_eq!(ask(one, &[]).await, [], "of nothing");
    let backwards: Vec<_> = wanted.iter().rev().cloned().collect();
    let mut answers = ask(one, &backwards).await;
    answers.reverse();
    assert_eq!(known, answers, "answers stand where the files stood");
    let with_checksum = wanted.iter().zip(known).filter_map(|(candidate, known)| {
        let candidate = Candidate::clone(candidate);
        Some(candidate.with_checksum(known?))
    });
    let with_checksum: Vec<Candidate> = with_checksum.collect();
    for candidate in one.fetched(&with_checksum).await {
        blocking(move || {
            let (file, Some(known)) = (&candidate.file, &candidate.checksum) else {
                return;
            };
            let opened = file
                .open()
                .unwrap_or_else(|error| panic!("{file} cannot be opened: {error}"));
            let (digest, _) = Digest::of_reader(known.algorithm(), opened).expect("a file can be read");
            assert_eq!(*known, digest, "the checksum of {file}");
        })
        .await;
    }
}

/// What is assigned is there, and nothing twice for an arch.
pub(super) fn what_is_assigned_is_there(content: &PackageContent) {
    for (arch, numbers) in content.assigned.iter().flatten() {
        let mut seen = BTreeSet::new();
        for number in numbers {
            assert!(
                *number < content.candidates.len(),
                "{arch} has number {number} of {} packages",
                content.candidates.len()
            );
            assert!(seen.insert(number), "{arch} has number {number} twice");
        }
    }
}
