//! What lies between building and publishing: the manifest, pauses, other attempts, and giving up.

use std::time::Duration;

use crate::support::{
    Repository, TIMESTAMP, Target, compose, contents, ed_repository, job, publish, runtime,
    signed_repository, tree,
};
use odcs_core::build::Abandoned;
use odcs_core::plan::{PlannedPackage, SignaturePolicy};
use odcs_core::store::Lease;
use odcs_core::{ComposeBuilder, ComposeId, ErrorKind, Manifest};
use odcs_rpm::{Digest, DigestAlgorithm, PackageKind};
use odcs_storage::StorageSettings;

const NOTHING: [&str; 0] = [];

/// The staging directories there are.
fn attempts(target: &Target) -> Vec<String> {
    let entries = std::fs::read_dir(target.path.join(".staging")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Gives an attempt at compose 1 up.
async fn abandon(target: &Target, number: i64) {
    let abandoned = Abandoned {
        compose: compose(1),
        lease: Lease {
            id: ComposeId::new(1),
            number,
        },
        failed: false,
    };
    target.builder.abandon(&abandoned).await.unwrap();
}

#[test]
fn the_manifest_says_what_is_in_it_file_by_file() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let plan = repository.plan(&["x86_64", "ppc64le"], "ed");
    let staged = target.stage(job(1, 1, plan)).unwrap();
    let manifest = staged.manifest().read().unwrap();
    assert_eq!(manifest.source_type, "repo");
    assert_eq!(manifest.description, "the repository of the test");
    assert_eq!(manifest.timestamp, TIMESTAMP);
    let shown: Vec<_> = manifest
        .packages
        .iter()
        .map(|package| {
            let arches: Vec<_> = package.arches.iter().map(ToString::to_string).collect();
            (package.kind, package.nevra.to_string(), arches.join(" "))
        })
        .collect();
    let line = |kind, nevra: &str, arches: &str| (kind, nevra.to_owned(), arches.to_owned());
    assert_eq!(
        shown,
        [
            line(
                PackageKind::Binary,
                "ed-0:1.14.1-2.module_fd8ca23e.x86_64",
                "x86_64"
            ),
            line(
                PackageKind::Debug,
                "ed-debuginfo-0:1.14.1-2.module_fd8ca23e.x86_64",
                "x86_64"
            ),
            // Once, for both.
            line(
                PackageKind::Source,
                "ed-0:1.14.1-2.module_fd8ca23e.src",
                "x86_64 ppc64le"
            ),
        ]
    );
    for package in &manifest.packages {
        let (name, arch) = (package.nevra.name().as_str(), package.nevra.arch().as_str());
        assert_eq!(package.file, repository.candidate(name, arch).file.to_string());
        let bytes = std::fs::read(&package.file).unwrap();
        assert_eq!(package.size, bytes.len() as u64);
        assert_eq!(package.digest, Digest::of_bytes(DigestAlgorithm::Sha256, &bytes));
        assert_eq!(package.sigkey, None);
    }
    let written: Manifest = {
        let again = target
            .stage(job(1, 2, repository.plan(&["x86_64", "ppc64le"], "ed")))
            .unwrap();
        again.manifest().read().unwrap()
    };
    assert_eq!(written, manifest);
}

#[test]
fn the_manifest_has_the_keys_and_the_copies_that_were_chosen() {
    let target = tempfile::tempdir().unwrap();
    let repository = signed_repository();
    let target = Target::open(target.path());
    let signed = repository.candidate("line-editor-common", "noarch");
    let key = signed.package.signatures[0].short().to_owned();
    let mut plan = repository.plan(&["x86_64", "aarch64"], "");
    plan = plan.with_signatures(&SignaturePolicy::new(vec![
        key.parse().unwrap(),
        "".parse().unwrap(),
    ]));
    let staged = target.stage(job(1, 1, plan)).unwrap();
    let manifest = staged.manifest().read().unwrap();
    let packages = &manifest.packages;
    assert!(packages.is_sorted_by_key(|package| (package.kind, package.nevra.clone())));
    for package in packages {
        let (name, arch) = (package.nevra.name().as_str(), package.nevra.arch().as_str());
        let expected = !repository.candidate(name, arch).package.signatures.is_empty();
        assert_eq!(
            package.sigkey.as_deref(),
            expected.then_some(key.as_str()),
            "{package:?}"
        );
        if arch == "noarch" {
            assert_eq!(package.arches.len(), 2, "{package:?}");
        }
    }

    // The file that was taken is the one named, not the first one the source has.
    let (source, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let unsigned = source.path().join("unsigned.rpm");
    let spec = rpmgen::ed_repository()
        .into_iter()
        .find(|spec| spec.name == "ed" && !spec.is_source());
    std::fs::write(&unsigned, rpmgen::write(&spec.unwrap()).unwrap()).unwrap();
    let mut first = (*Repository::read(source.path()).candidates[0]).clone();
    (first.package, first.checksum) = (signed.package.clone(), None);
    let mut plan = repository.plan(&["x86_64"], "line-editor-common");
    plan = plan.with_signatures(&SignaturePolicy::new(vec![key.parse().unwrap()]));
    plan.arches[0].packages = vec![PlannedPackage {
        candidate: first.into(),
        copies: vec![signed.clone()],
        kind: PackageKind::Binary,
        why: None,
    }];
    let staged = Target::open(other.path()).stage(job(1, 1, plan)).unwrap();
    assert_eq!(
        staged.manifest().read().unwrap().packages[0].file,
        signed.file.to_string()
    );
}

#[test]
fn what_is_staged_is_not_visible_and_can_wait_to_be_published() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let staged = target
        .stage(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    let visible = |target: &Target| tree(&target.path.join("odcs-1"));
    assert_eq!(visible(&target), ["pungi-stderr.log"]);
    assert!(!target.text("odcs-1/pungi-stderr.log").contains("publish"));
    let is_published = || {
        runtime()
            .block_on(target.builder.is_published(&compose(1)))
            .unwrap()
    };
    assert!(!is_published());
    // Meanwhile other composes come and go, the source vanishes, and so does the log's directory.
    target.build(job(2, 1, repository.plan(&["x86_64"], ""))).unwrap();
    std::fs::remove_dir_all(source.path()).unwrap();
    std::fs::remove_dir_all(target.path.join("odcs-1")).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let built = publish(staged).unwrap();
    assert_eq!((built.packages, built.linked), (3, 3));
    assert_eq!(built.pungi_compose_id, "odcs-1-1-20261121.t.0");
    assert!(is_published());
    assert_eq!(target.text("odcs-1/STATUS"), "FINISHED\n");
    assert_eq!(tree(&target.path.join(".staging")), NOTHING);
}

#[test]
fn the_faster_attempt_counts_and_the_others_give_way() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let plan = |prefix| repository.plan(&["x86_64"], prefix);
    // Beginning a newer attempt clears older ones away, but not the other way round.
    let newer = target.stage(job(1, 3, plan("ed"))).unwrap();
    let older = target.stage(job(1, 2, plan("ed"))).unwrap();
    let other = target.stage(job(1, 1, plan(""))).unwrap();
    let first = publish(older).unwrap();
    let before = contents(&target.path.join("odcs-1/compose"));
    assert_eq!(publish(newer).unwrap(), first);
    assert!(
        target
            .text("odcs-1/pungi-stderr.log")
            .contains("an earlier attempt had published the same compose")
    );
    let error = publish(other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(contents(&target.path.join("odcs-1/compose")), before);
    assert_eq!(tree(&target.path.join(".staging")), NOTHING);
}

#[test]
fn what_a_newer_attempt_cleared_away_is_not_published() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let plan = || repository.plan(&["x86_64"], "ed");
    let stale = target.stage(job(1, 1, plan())).unwrap();
    let newer = target.stage(job(1, 2, plan())).unwrap();
    let error = publish(stale).unwrap_err();
    assert_eq!(
        error.message(),
        "what was made of odcs-1 was removed before it could be published; ask for the compose again"
    );
    assert!(!target.path.join("odcs-1/compose").exists());
    publish(newer).unwrap();
    let stale = target.stage(job(2, 1, plan())).unwrap();
    publish(target.stage(job(2, 2, plan())).unwrap()).unwrap();
    publish(stale).unwrap_err();
    assert_eq!(target.text("odcs-2/STATUS"), "FINISHED\n");
    assert_eq!(tree(&target.path.join(".staging")), NOTHING);
}

#[test]
fn one_that_is_dropped_is_left_to_abandoning_or_to_the_next_attempt() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let plan = || repository.plan(&["x86_64"], "ed");
    drop(target.stage(job(1, 1, plan())).unwrap());
    assert_eq!(attempts(&target), ["odcs-1.1"]);
    runtime().block_on(abandon(&target, 1));
    target.assert_nothing_half_made();

    drop(target.stage(job(1, 2, plan())).unwrap());
    publish(target.stage(job(1, 3, plan())).unwrap()).unwrap();
    assert_eq!(tree(&target.path.join(".staging")), NOTHING);
}

#[test]
fn nobody_waiting_at_any_moment_leaves_nothing() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::with(StorageSettings::new(target.path()).with_threads(1));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    // From the very beginning until after the end.
    let begun = std::time::Instant::now();
    drop(
        target
            .stage(job(1, 0, repository.plan(&["x86_64"], "ed")))
            .unwrap(),
    );
    let step = begun.elapsed() / 8;
    // A round that is aborted before it has begun clears nothing away.
    runtime.block_on(abandon(&target, 0));
    let mut outcomes = [0, 0];
    for round in 1..16 {
        let (builder, job) = (
            target.builder.clone(),
            job(1, round, repository.plan(&["x86_64"], "ed")),
        );
        let task = runtime.spawn(async move {
            let progress = builder.begin(&job.compose).await.unwrap();
            builder.stage(job, progress).await
        });
        std::thread::sleep(step * u32::try_from(round).unwrap());
        task.abort();
        match runtime.block_on(task) {
            Ok(staged) => {
                // It was faster; what was handed over is not cleared away.
                drop(staged.unwrap());
                assert_eq!(attempts(&target), [format!("odcs-1.{round}")]);
                runtime.block_on(abandon(&target, round));
                outcomes[0] += 1;
            }
            Err(_) => {
                let gone = (0..1_000).any(|_| {
                    std::thread::sleep(Duration::from_millis(10));
                    attempts(&target).is_empty()
                });
                assert!(gone, "round {round}: {:?}", attempts(&target));
                outcomes[1] += 1;
            }
        }
    }
    // Waits for whatever still runs.
    drop(runtime);
    assert_eq!(attempts(&target), NOTHING);
    println!("{} handed over, {} cleared away", outcomes[0], outcomes[1]);
    assert!(outcomes[1] > 0);
}

#[test]
fn a_compose_that_is_told_to_stop_is_not_published() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let job = job(1, 1, repository.plan(&["x86_64"], "ed"));
    let cancel = job.cancel.clone();
    let staged = target.stage(job).unwrap();
    cancel.cancel();
    assert_eq!(publish(staged).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(!target.path.join("odcs-1/compose").exists());
    assert_eq!(tree(&target.path.join(".staging")), NOTHING);
}

#[test]
fn a_record_that_does_not_say_what_was_asked_for_is_refused() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let mut job = job(1, 1, repository.plan(&["x86_64"], "ed"));
    job.compose.request = None;
    let error = target.stage(job).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(
        error.message(),
        "this builder cannot build odcs-1: nobody knows what was asked for"
    );
    target.assert_nothing_half_made();
}
