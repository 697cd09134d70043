//! What fails, how it is said, and that nothing half-made is left.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::support::{Repository, Target, compose, ed_repository, job, runtime, signed_repository, tree};
use odcs_core::build::Abandoned;
use odcs_core::plan::{Plan, SignaturePolicy};
use odcs_core::source::Candidate;
use odcs_core::store::Lease;
use odcs_core::{ComposeBuilder, ComposeId, ErrorKind};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::StorageSettings;

/// Replaces the candidate of `ed` in a plan.
fn replace_ed(plan: &mut Plan, change: impl FnOnce(&mut Candidate)) {
    let planned = plan.arches[0]
        .packages
        .iter_mut()
        .find(|planned| planned.candidate.package.nevra.to_string() == "ed-0:1.14.1-2.module_fd8ca23e.x86_64")
        .unwrap();
    let mut candidate = (*planned.candidate).clone();
    change(&mut candidate);
    planned.candidate = Arc::new(candidate);
}

#[test]
fn bad_files_are_named_in_one_sentence() {
    const ED: &str = "ed-0:1.14.1-2.module_fd8ca23e.x86_64";
    type Spoil = fn(&Path, &Repository, &mut Plan);
    let cases: &[(ErrorKind, &str, Spoil)] = &[
        (
            ErrorKind::Invalid,
            "the file FILE of the package ED is damaged: not a readable RPM package: ",
            |file, _, _| {
                let bytes = std::fs::read(file).unwrap();
                std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "the file FILE of the package ED is damaged: not a readable RPM package: ",
            |file, _, _| {
                std::fs::write(file, "<html>not found</html>").unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "the file FILE should be the package ED, but it is ed-debuginfo-0:",
            |file, other, _| {
                let other = other.candidate("ed-debuginfo", "x86_64").file.to_string();
                std::fs::copy(other, file).unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "the file FILE of the package ED has the wrong checksum: sha512:",
            |_, _, plan| {
                let wrong = Digest::of_bytes(DigestAlgorithm::Sha512, b"other");
                replace_ed(plan, |candidate| candidate.checksum = Some(wrong));
            },
        ),
        (
            ErrorKind::Invalid,
            "the file FILE of the package ED has the wrong checksum: sha256:",
            |file, _, _| {
                let mut bytes = std::fs::read(file).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                std::fs::write(file, bytes).unwrap();
            },
        ),
        (
            ErrorKind::NotFound,
            "the file FILE of the package ED cannot be read: no such file",
            |file, _, _| {
                std::fs::remove_file(file).unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "FILE, where the package ED should be, is not a regular file",
            |file, _, _| {
                std::fs::remove_file(file).unwrap();
                nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "FILE, where the package ED should be, is not a regular file",
            |file, _, _| {
                std::fs::remove_file(file).unwrap();
                std::fs::create_dir(file).unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "the file FILE of the package ED cannot be read: a symbolic link leads out",
            |file, _, _| {
                let outside = file
                    .parent()
                    .unwrap()
                    .parent()
                    .unwrap()
                    .parent()
                    .unwrap()
                    .join("ed.rpm");
                std::fs::rename(file, &outside).unwrap();
                std::os::unix::fs::symlink("../../ed.rpm", file).unwrap();
            },
        ),
        (
            ErrorKind::Invalid,
            "the file FILE of the package ED cannot be read: a symbolic link leads out",
            |file, _, _| {
                std::fs::remove_file(file).unwrap();
                std::os::unix::fs::symlink("/etc/passwd", file).unwrap();
            },
        ),
    ];
    for (number, (kind, expected, spoil)) in cases.iter().enumerate() {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let repository = ed_repository(&source.path().join("repo"));
        let file = PathBuf::from(repository.candidate("ed", "x86_64").file.to_string());
        let mut plan = repository.plan(&["x86_64"], "ed");
        spoil(&file, &repository, &mut plan);
        let target = Target::open(target.path());
        let error = target.build(job(1, 1, plan)).unwrap_err();
        // The path may have any letters in it.
        let expected = expected.replace("ED", ED).replace("FILE", file.to_str().unwrap());
        assert!(error.message().starts_with(&expected), "case {number}: {error}");
        assert!(!error.message().contains('\n'), "case {number}: {error}");
        assert_eq!(error.kind(), *kind, "case {number}: {error}");
        target.assert_nothing_half_made();
    }
}

#[test]
fn other_digests_of_the_source_are_compared_too() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let bytes = std::fs::read(repository.candidate("ed", "x86_64").file.to_string()).unwrap();
    for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha512] {
        let mut plan = repository.plan(&["x86_64"], "ed");
        let digest = Digest::of_bytes(algorithm, &bytes);
        replace_ed(&mut plan, |candidate| candidate.checksum = Some(digest));
        Target::open(target.path()).build(job(1, 1, plan)).unwrap();
    }
}

#[test]
fn packages_without_the_signatures_asked_for_are_all_named() {
    let target = tempfile::tempdir().unwrap();
    let repository = signed_repository();
    let target = Target::open(target.path());
    let signed = repository.candidate("line-editor-common", "noarch");
    let key = signed.package.signatures[0].clone();

    let mut plan = repository.plan(&["x86_64"], "ed");
    plan = plan.with_signatures(&SignaturePolicy::new(vec![key.short().parse().unwrap()]));
    let error = target.build(job(1, 1, plan)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let message = error.message();
    assert!(
        message.contains(&format!("not signed with any of the keys {}: ", key.short())),
        "{message}"
    );
    for name in [
        "ed-0:1.20-1.x86_64",
        "ed-debuginfo-0:1.20-1.x86_64",
        "ed-0:1.20-1.src",
    ] {
        assert!(message.contains(&format!("{name} (not signed)")), "{message}");
    }
    target.assert_nothing_half_made();

    let mut other = repository.plan(&["x86_64"], "line-editor-common");
    other = other.with_signatures(&SignaturePolicy::new(vec!["fd431d51".parse().unwrap()]));
    let message = target.build(job(1, 2, other)).unwrap_err().to_string();
    assert!(
        message.contains(&format!("(signed with {})", key.short())),
        "{message}"
    );

    // With the permission to be unsigned, the key counts where it is there.
    let mut either = repository.plan(&["x86_64"], "");
    either = either.with_signatures(&SignaturePolicy::new(vec![
        key.short().parse().unwrap(),
        "".parse().unwrap(),
    ]));
    target.build(job(1, 3, either)).unwrap();
    let rpms = target.text("odcs-1/compose/metadata/rpms.json");
    assert!(
        rpms.contains(&format!("\"sigkey\": \"{}\"", key.short())),
        "{rpms}"
    );
    assert!(rpms.contains("\"sigkey\": null"), "{rpms}");
}

#[test]
fn a_build_that_is_told_to_stop_leaves_nothing() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let job = job(1, 1, repository.plan(&["x86_64"], "ed"));
    job.cancel.cancel();
    let error = target.build(job).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    target.assert_nothing_half_made();
}

#[test]
fn a_build_that_nobody_waits_for_stops() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = rpmgen::GeneratorOptions {
        packages: 60,
        ..Default::default()
    };
    rpmgen::write_repository(source.path(), rpmgen::generate(options), rpmgen::Layout::Flat).unwrap();
    let repository = Repository::read(source.path());
    let target = Target::with(StorageSettings::new(target.path()).with_threads(1));
    // Dropping the runtime waits for its blocking threads.
    runtime().block_on(async {
        let job = job(1, 1, repository.plan(&["x86_64"], ""));
        let progress = target.builder.begin(&job.compose).await.unwrap();
        tokio::select! {
            biased;
            _ = target.builder.stage(job, progress) => panic!("it cannot be done yet"),
            () = tokio::task::yield_now() => {}
        }
    });
    target.assert_nothing_half_made();
}

#[test]
fn an_abandoned_compose_is_marked_if_it_failed() {
    let target = tempfile::tempdir().unwrap();
    let target = Target::open(target.path());
    let staging = target.path.join(".staging/odcs-1.4");
    for (failed, status) in [(false, None), (true, Some("DOOMED\n"))] {
        runtime().block_on(async {
            target.builder.begin(&compose(1)).await.unwrap();
            std::fs::create_dir_all(staging.join("compose/Temporary")).unwrap();
            let lease = Lease {
                id: ComposeId::new(1),
                number: 4,
            };
            let job = Abandoned {
                compose: compose(1),
                lease,
                failed,
            };
            target.builder.abandon(&job).await.unwrap();
        });
        assert!(!staging.exists());
        let found = std::fs::read_to_string(target.path.join("odcs-1/STATUS")).ok();
        assert_eq!(found.as_deref(), status);
    }
}

#[test]
fn links_in_the_target_are_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let source = tempfile::tempdir().unwrap();
    let repository = ed_repository(source.path());
    for planted in [
        "odcs-1",
        "odcs-1/compose",
        "odcs-1/pungi-stderr.log",
        ".staging",
        "latest-odcs-1-1",
    ] {
        let target = tempfile::tempdir().unwrap();
        let target = Target::open(target.path());
        let path = target.path.join(planted);
        if planted == ".staging" {
            std::fs::remove_dir(&path).unwrap();
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let to = if planted.ends_with("log") {
            outside.path().join("log")
        } else {
            outside.path().to_owned()
        };
        std::os::unix::fs::symlink(to, &path).unwrap();
        let result = target.build(job(1, 1, repository.plan(&["x86_64"], "ed")));
        assert_eq!(tree(outside.path()), Vec::<String>::new(), "{planted}");
        if planted.starts_with("latest") {
            // A link in place of ours is replaced.
            result.unwrap();
            assert_eq!(std::fs::read_link(&path).unwrap().to_str().unwrap(), "odcs-1");
        } else {
            result.unwrap_err();
        }
    }
}

#[test]
fn what_stands_where_the_link_belongs_is_noticed_before_publishing() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    std::fs::create_dir(target.path.join("latest-odcs-1-1")).unwrap();
    target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap_err();
    target.assert_nothing_half_made();
}

#[test]
fn a_compose_that_would_not_fit_is_not_begun() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::with(StorageSettings::new(target.path()).with_reserve(u64::MAX / 2));
    let error = target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    let start = format!("the disk that holds {} is too full: ", target.path.display());
    assert!(error.message().starts_with(&start), "{error}");
    target.assert_nothing_half_made();
}

/// A file system in memory of a given size, unmounted in the end.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = nix::unistd::Uid::effective().is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
                .arg(directory.path())
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            let required = test_support::is_ci() && nix::unistd::Uid::effective().is_root();
            assert!(!required, "root can mount a small file system in CI");
            println!("skipped: no small file system can be mounted");
        }
        mounted.then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let Some(disk) = SmallDisk::mount("256k") else {
        return;
    };
    let source = tempfile::tempdir().unwrap();
    let options = rpmgen::GeneratorOptions {
        packages: 60,
        ..Default::default()
    };
    rpmgen::write_repository(source.path(), rpmgen::generate(options), rpmgen::Layout::Flat).unwrap();
    let repository = Repository::read(source.path());
    let path = disk.0.path().join("composes");
    let target = Target::with(StorageSettings::new(&path).with_reserve(0));
    let error = target
        .build(job(1, 1, repository.plan(&["x86_64"], "")))
        .unwrap_err();
    assert!(error.message().contains("is too full"), "{error}");

    // The estimate is deceived: a source that claims its packages were tiny.
    let mut plan = repository.plan(&["x86_64"], "");
    let packages = &mut plan.arches[0].packages;
    packages.truncate(15);
    for planned in packages {
        let mut candidate = (*planned.candidate).clone();
        Arc::make_mut(&mut candidate.package).sizes.package = 0;
        planned.candidate = Arc::new(candidate);
    }
    let error = target.build(job(1, 2, plan)).unwrap_err();
    assert_eq!(
        error.message(),
        format!("the disk that holds {} is full", path.display())
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    target.assert_nothing_half_made();
}
