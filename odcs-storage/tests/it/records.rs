//! Packages of which their source has more on record than their headers say, and arches that want other signatures.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use odcs_core::ErrorKind;
use odcs_core::manifest::ManifestPackage;
use odcs_core::plan::{Plan, PlannedPackage, SignaturePolicy};
use odcs_core::source::{Candidate, SourceRecord};
use odcs_rpm::{PackageKind, Sigkey};
use test_support::without_signature;

use crate::support::{Memory, Repository, Target, contents, job, signed_repository};

const SIGNED: &str = "line-editor-common";

/// A package, signed and not: the copies of one NEVRA.
struct Copies {
    signed: Arc<Candidate>,
    unsigned: Arc<Candidate>,
    key: Sigkey,
}

impl Copies {
    /// The unsigned one is put into a directory.
    fn new(directory: &Path) -> Self {
        let signed = signed_repository().candidate(SIGNED, "noarch");
        let bytes = std::fs::read(signed.file.to_string()).unwrap();
        std::fs::write(directory.join("unsigned.rpm"), without_signature(&bytes)).unwrap();
        let unsigned = Repository::read(directory).candidates.remove(0);
        assert!(unsigned.package.signatures.is_empty());
        assert_eq!(unsigned.package.nevra, signed.package.nevra);
        let key = signed.package.signatures[0].clone();
        Self {
            signed,
            unsigned,
            key,
        }
    }
}

fn with_record(candidate: &Candidate, record: SourceRecord) -> Arc<Candidate> {
    Arc::new(candidate.clone().with_record(Arc::new(record)))
}

fn policy(keys: &[&str]) -> SignaturePolicy {
    SignaturePolicy::new(keys.iter().map(|key| key.parse().unwrap()).collect())
}

/// For two arches, one package with its copies.
fn plan(first: &Arc<Candidate>, copies: &[&Arc<Candidate>], policies: [&SignaturePolicy; 2]) -> Plan {
    let mut plan = signed_repository().plan(&["x86_64", "s390x"], SIGNED);
    for (arch, policy) in plan.arches.iter_mut().zip(policies) {
        arch.signatures = policy.clone();
        arch.packages = vec![PlannedPackage {
            candidate: Arc::clone(first),
            copies: copies.iter().map(|copy| Arc::clone(copy)).collect(),
            kind: PackageKind::Binary,
            why: None,
        }];
    }
    plan
}

fn manifest(target: &Target, lease: i64, plan: Plan) -> Vec<ManifestPackage> {
    let staged = target.stage(job(1, lease, plan)).unwrap();
    staged.manifest().read().unwrap().packages
}

/// File, arches and key of each entry.
fn said(packages: &[ManifestPackage]) -> Vec<(String, String, Option<String>)> {
    let said = packages.iter().map(|package| {
        let arches: Vec<_> = package.arches.iter().map(|arch| arch.as_str()).collect();
        (package.file.clone(), arches.join(" "), package.sigkey.clone())
    });
    said.collect()
}

#[test]
fn arches_take_the_copies_that_they_want() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Copies {
        signed,
        unsigned,
        key,
    } = Copies::new(source.path());
    let target = Target::open(target.path());
    let (keyed, any) = (policy(&[key.short()]), policy(&[]));
    let either = policy(&[key.short(), ""]);
    let signed_file = signed.file.to_string();
    let of_key = Some(key.short().to_owned());

    let packages = manifest(&target, 1, plan(&unsigned, &[&signed], [&any, &keyed]));
    let expected = [
        (unsigned.file.to_string(), "x86_64".to_owned(), None),
        (signed_file.clone(), "s390x".to_owned(), of_key.clone()),
    ];
    let mut found = said(&packages);
    found.sort();
    let mut sorted = expected.to_vec();
    sorted.sort();
    assert_eq!(found, sorted);

    // Other wishes that come to the same copy are no reason for two entries.
    let packages = manifest(&target, 2, plan(&unsigned, &[&signed], [&either, &keyed]));
    assert_eq!(
        said(&packages),
        [(signed_file, "x86_64 s390x".to_owned(), of_key)]
    );

    target
        .build(job(1, 3, plan(&unsigned, &[&signed], [&any, &keyed])))
        .unwrap();
    for (arch, candidate) in [("x86_64", &unsigned), ("s390x", &signed)] {
        let location = format!(
            "odcs-1/compose/Temporary/{arch}/os/Packages/l/{}",
            candidate.package.nevra.file_name()
        );
        let published = std::fs::read(target.path.join(location)).unwrap();
        assert!(
            published == std::fs::read(candidate.file.to_string()).unwrap(),
            "{arch}"
        );
    }
}

#[test]
fn what_arches_lack_is_named_with_what_they_want() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Copies { unsigned, key, .. } = Copies::new(source.path());
    let target = Target::open(target.path());
    let plan = plan(
        &unsigned,
        &[],
        [&policy(&[key.short()]), &policy(&["fd431d51", "aaaaaaaa"])],
    );
    let error = target.build(job(1, 1, plan)).unwrap_err();
    let message = error.message();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for wanted in [key.short(), "fd431d51, aaaaaaaa"] {
        let named = format!("(not signed; wanted: any of the keys {wanted})");
        assert!(message.contains(&named), "{message}");
    }
    target.assert_nothing_half_made();
}

#[test]
fn a_copy_for_a_key_must_have_it_whatever_is_asked_for() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Copies {
        signed,
        unsigned,
        key,
    } = Copies::new(source.path());
    let target = Target::open(target.path());
    let record = || SourceRecord::new("1/ed").with_rpm_id(17).with_sigkey(key.clone());
    let (any, keyed) = (policy(&[]), policy(&[key.short()]));

    // Nobody asked for the key, but it is the copy for it.
    let packages = manifest(
        &target,
        1,
        plan(&with_record(&signed, record()), &[], [&any, &any]),
    );
    assert_eq!(packages[0].sigkey.as_deref(), Some(key.short()));
    assert_eq!(packages[0].rpm_id, Some(17));

    let pretended = with_record(&unsigned, record());
    for policy in [&any, &keyed, &policy(&["", key.short()])] {
        let error = target
            .build(job(1, 2, plan(&pretended, &[], [policy, policy])))
            .unwrap_err();
        let message = error.message();
        assert!(
            message.contains(&format!("not signed with any of the keys {}: ", key.short())),
            "{message}"
        );
        assert!(message.contains("(not signed; no keys on record)"), "{message}");
    }
    // As one of several it is no choice.
    let packages = manifest(&target, 3, plan(&pretended, &[&signed], [&keyed, &keyed]));
    assert_eq!(packages[0].file, signed.file.to_string());
}

#[test]
fn what_is_not_there_is_named_with_the_others() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Copies {
        signed,
        unsigned,
        key,
    } = Copies::new(source.path());
    let target = Target::open(target.path());
    let record = SourceRecord::new("1/line-editor-common").with_keys(vec![key.clone()]);
    let missing = record.clone().with_missing(vec![key.clone()]);
    let keyed = policy(&[key.short()]);

    let error = target
        .build(job(
            1,
            1,
            plan(&with_record(&unsigned, missing), &[], [&keyed, &keyed]),
        ))
        .unwrap_err();
    let key = key.short();
    let told = format!(
        "{SIGNED}-0:2.1-3.noarch (signed with {key} on record, but that signed copy is not there; its keys on record: \
         {key})"
    );
    assert!(error.message().contains(&told), "{error}");

    // A file that has gone is one of them, if signatures matter; else it fails alone.
    let ed = signed_repository().candidate("ed", "x86_64");
    let gone = with_record(&unsigned, record.with_sigkey(key.parse().unwrap()));
    std::fs::remove_file(gone.file.to_string()).unwrap();
    let mut both = plan(&gone, &[], [&keyed, &keyed]);
    both.arches.truncate(1);
    let of_ed = |candidate: Arc<Candidate>| PlannedPackage {
        candidate,
        copies: Vec::new(),
        kind: PackageKind::Binary,
        why: None,
    };
    both.arches[0].packages.insert(0, of_ed(ed));
    let error = target.build(job(1, 2, both)).unwrap_err();
    for told in [
        "ed-0:1.20-1.x86_64 (not signed)".to_owned(),
        format!("its copy signed with {key} is not there: {}", gone.file),
    ] {
        assert!(error.message().contains(&told), "{told}: {error}");
    }
    let plain = with_record(&unsigned, SourceRecord::new("1/line-editor-common"));
    let error = target
        .build(job(1, 3, plan(&plain, &[], [&policy(&[]), &policy(&[])])))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let bare = target
        .build(job(1, 4, plan(&unsigned, &[], [&keyed, &keyed])))
        .unwrap_err();
    assert_eq!(
        bare.kind(),
        ErrorKind::NotFound,
        "nobody has it on record: {bare}"
    );
    target.assert_nothing_half_made();
    assert!(signed.file.open().is_ok());
}

/// Signed copies are deleted, and made again with the same bytes at another time.
#[test]
fn what_is_made_anew_is_published_with_the_time_on_record() {
    const FIRST: u64 = 1_580_601_600;
    let source = tempfile::tempdir().unwrap();
    let path = source.path().join("copy.rpm");
    let bytes = std::fs::read(signed_repository().candidate(SIGNED, "noarch").file.to_string()).unwrap();
    let write = |seconds| {
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, &bytes).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
    };
    let candidate = || Repository::read(source.path()).candidates.remove(0);
    let on_record = |modified| {
        let mut candidate = (*candidate()).clone();
        Arc::make_mut(&mut candidate.package).file_time = 0;
        with_record(&candidate, SourceRecord::new("1/copy").with_modified(modified))
    };
    let cache = Arc::new(Memory::default());
    // What was published, and the time that the manifest has.
    let made = |candidate: &Arc<Candidate>, is_cached: bool| {
        let directory = tempfile::tempdir().unwrap();
        let mut target = Target::open(directory.path());
        if is_cached {
            target.builder = target.builder.with_cache(Arc::clone(&cache) as _);
        }
        let any = policy(&[]);
        let plan = || plan(candidate, &[], [&any, &any]);
        let recorded = manifest(&target, 2, plan()).remove(0).modified;
        target.build(job(1, 1, plan())).unwrap();
        let mut files = contents(&directory.path().join("odcs-1"));
        files.retain(|name, _| name.contains("/repodata/"));
        assert!(files.len() > 2, "{}", files.len());
        (files, recorded)
    };

    write(FIRST);
    let first = made(&on_record(None), true);
    assert_eq!(first.1, Some(FIRST));
    assert_eq!(made(&candidate(), false).1, None, "nobody has it on record");
    // Where the file is as it was, it is known.
    let entries = cache.counts().1;
    assert!(entries > 0 && made(&on_record(first.1), true) == first);
    assert_eq!(cache.counts().1, 0);

    write(FIRST + 86_400);
    for is_cached in [false, true, true] {
        assert!(made(&on_record(first.1), is_cached) == first);
        let other = made(&on_record(None), is_cached);
        assert_eq!(other.1, Some(FIRST + 86_400));
        assert!(other.0 != first.0);
    }
}
