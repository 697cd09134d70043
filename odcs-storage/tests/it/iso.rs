//! ISO images: what is in them, that they are the same whoever makes them, and what keeps them from being made.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use odcs_core::productmd::{ComposeInfo, Images};
use odcs_core::request::{ComposeResult, ComposeResults};
use odcs_core::{ComposeBuilder, Error, ErrorKind, Job, SystemClock};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::{LinkFallback, NativeBuilder, StorageSettings};
use test_support::{contents, files, has};

use crate::support::{Repository, Target, ed_repository, job, runtime, signed_repository, tree};

const ED_ISO: &str = "odcs-1-1-20261121.t.0-Temporary-x86_64-dvd1.iso";

/// The same work with ISO images.
fn with_iso(mut job: Job) -> Job {
    let request = job.compose.request.as_mut().unwrap();
    request.results = ComposeResults::from_iter([ComposeResult::Iso]);
    job
}

fn settings(directory: &Path, xorriso: impl Into<PathBuf>) -> StorageSettings {
    StorageSettings::new(directory)
        .with_threads(2)
        .with_xorriso(xorriso)
}

/// Everything in an image, taken out of it by the program that is to be trusted about it.
fn extract(image: &Path, to: &Path) {
    let output = Command::new("xorriso")
        .args(["-no_rc", "-osirrox", "on", "-indev"])
        .arg(image)
        .args(["-extract", "/"])
        .arg(to)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // What comes out of an image cannot be written to, not even to be removed.
    for path in tree(to)
        .into_iter()
        .filter(|path| path.ends_with('/'))
        .chain([String::new()])
    {
        std::fs::set_permissions(to.join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_image_holds_the_repository_as_it_is_in_the_compose() {
    if !has("xorriso") {
        return;
    }
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::with(settings(target.path(), "xorriso"));
    target
        .build(with_iso(job(1, 1, repository.plan(&["x86_64"], "ed"))))
        .unwrap();
    let compose = target.path.join("odcs-1/compose");
    let info =
        ComposeInfo::from_json(&std::fs::read(compose.join("metadata/composeinfo.json")).unwrap()).unwrap();
    let paths = &info.variants["Temporary"].paths;
    assert_eq!(paths.isos["x86_64"], "Temporary/x86_64/iso");
    assert_eq!(paths.source_isos["x86_64"], "Temporary/source/iso");
    let images = Images::from_json(&std::fs::read(compose.join("metadata/images.json")).unwrap()).unwrap();
    let images = &images.images["Temporary"]["x86_64"];
    let arches: Vec<_> = images.iter().map(|image| image.arch.as_str()).collect();
    assert_eq!(arches, ["src", "x86_64"]);
    for image in images {
        let path = compose.join(&image.path);
        let name = path.file_name().unwrap().to_str().unwrap();
        let directory = path.parent().unwrap();
        let mut expected = ["", ".SHA256SUM", ".manifest"]
            .map(|end| format!("{name}{end}"))
            .to_vec();
        expected.insert(0, "SHA256SUM".to_owned());
        assert_eq!(tree(directory), expected);
        let bytes = std::fs::read(&path).unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!(
            (image.size, image.mtime),
            (meta.len(), meta.mtime().unsigned_abs())
        );
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        assert_eq!(image.checksums["sha256"], digest.hex());
        assert_eq!(
            image.volume_id.as_deref().unwrap(),
            format!("odcs-1-1 Temporary.{}", image.arch)
        );
        assert!(bytes[32_768..].starts_with(b"\x01CD001"));
        // Other programs check it with what lies beside it, and with what is in it.
        let check = |command: &mut Command| {
            let output = command.current_dir(directory).output().unwrap();
            assert!(
                output.status.success(),
                "{command:?}: {}",
                String::from_utf8_lossy(&output.stdout)
            );
        };
        check(Command::new("sha256sum").args(["--check", "SHA256SUM"]));
        check(Command::new("sha256sum").args(["--check", &format!("{name}.SHA256SUM")]));
        if has("checkisomd5") {
            check(Command::new("checkisomd5").arg(name));
        }

        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("out");
        extract(&path, &out);
        let top = match image.arch.as_str() {
            "src" => compose.join("Temporary/source/tree"),
            arch => compose.join(format!("Temporary/{arch}/os")),
        };
        let (mut inside, outside) = (contents(&out), contents(&top));
        assert!(
            String::from_utf8_lossy(&inside[".treeinfo"]).contains("[media]\ndiscnum = 1\ntotaldiscs = 1\n")
        );
        assert!(inside[".discinfo"].ends_with(format!("\n{}\n1\n", image.arch).as_bytes()));
        for own in [".treeinfo", ".discinfo"] {
            inside.insert(own.to_owned(), outside[own].clone());
        }
        assert_eq!(inside, outside);
        let listed: Vec<_> = tree(&out)
            .into_iter()
            .map(|path| format!("/{}", path.trim_end_matches('/')))
            .collect();
        let manifest = std::fs::read_to_string(directory.join(format!("{name}.manifest"))).unwrap();
        let mut sorted = listed.clone();
        sorted.sort();
        assert_eq!(manifest.lines().collect::<Vec<_>>(), sorted);
    }
    let log = target.text("odcs-1/pungi-stderr.log");
    assert!(log.contains("] iso: making 2 ISO images\n"), "{log}");
    assert!(log.contains(&format!("] iso: {ED_ISO}: 1 package, ")), "{log}");
    assert!(!log.contains(target.path.to_str().unwrap()), "{log}");
}

#[test]
fn the_same_content_gives_the_same_images() {
    if !has("xorriso") {
        return;
    }
    let options = rpmgen::GeneratorOptions {
        packages: 60,
        ..Default::default()
    };
    let source = tempfile::tempdir().unwrap();
    rpmgen::write_repository(source.path(), rpmgen::generate(options), rpmgen::Layout::Koji).unwrap();
    // The same packages written in another order, so that their inodes are.
    let other = tempfile::tempdir().unwrap();
    for path in files(source.path()).iter().rev() {
        let to = other.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(source.path().join(path), &to).unwrap();
        let time = std::fs::metadata(source.path().join(path))
            .unwrap()
            .modified()
            .unwrap();
        std::fs::File::options()
            .write(true)
            .open(&to)
            .unwrap()
            .set_modified(time)
            .unwrap();
        std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o640)).unwrap();
    }
    let mut made = Vec::new();
    for (from, threads) in [(source.path(), 1), (other.path(), 3)] {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::with(settings(directory.path(), "xorriso").with_threads(threads));
        let plan = Repository::read(from).plan(&["x86_64"], "");
        target.build(with_iso(job(3, 1, plan))).unwrap();
        made.push(contents(&target.path.join("odcs-3/compose")));
    }
    let images = made[0].keys().filter(|path| path.ends_with(".iso")).count();
    assert_eq!(images, 2);
    for (path, bytes) in &made[0] {
        assert!(bytes == &made[1][path], "{path} differs");
    }
    assert_eq!(made[0].len(), made[1].len());
}

#[test]
fn the_checksum_for_media_is_that_of_isomd5sum() {
    if !has("xorriso") || !has("implantisomd5") {
        return;
    }
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut specs = rpmgen::ed_repository();
    // Large enough for sums on the way.
    for spec in specs.iter_mut().filter(|spec| spec.name == "ed") {
        spec.description = "ed ".repeat(500_000);
    }
    rpmgen::write_repository(source.path(), specs, rpmgen::Layout::Flat).unwrap();
    let target = Target::with(settings(directory.path(), "xorriso"));
    let plan = Repository::read(source.path()).plan(&["x86_64"], "ed");
    target.build(with_iso(job(1, 1, plan))).unwrap();
    let image = target
        .path
        .join("odcs-1/compose/Temporary/x86_64/iso")
        .join(ED_ISO);
    let ours = std::fs::read(&image).unwrap();
    assert!(ours.len() > 1_500_000, "{}", ours.len());
    let theirs = directory.path().join("theirs.iso");
    std::fs::write(&theirs, &ours).unwrap();
    let implant = Command::new("implantisomd5")
        .args(["--force"])
        .arg(&theirs)
        .output()
        .unwrap();
    assert!(implant.status.success());
    assert!(std::fs::read(theirs).unwrap() == ours);
}

#[test]
fn every_arch_has_an_image_and_trees_without_packages_have_none() {
    if !has("xorriso") {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let target = Target::with(settings(target.path(), "xorriso").with_link_fallback(LinkFallback::Fail));
    let repository = signed_repository();
    let mut plan = repository.plan(&["x86_64", "aarch64", "s390x"], "");
    plan.arches[2].packages.clear();
    target.build(with_iso(job(7, 1, plan))).unwrap();
    let compose = target.path.join("odcs-7/compose");
    let images: Vec<_> = files(&compose)
        .into_iter()
        .filter(|path| path.ends_with(".iso"))
        .collect();
    assert_eq!(
        images,
        ["aarch64", "source", "x86_64"]
            .map(|arch| { format!("Temporary/{arch}/iso/odcs-7-1-20261121.t.0-Temporary-{arch}-dvd1.iso") })
    );
    assert!(!compose.join("Temporary/s390x/iso").exists());
    let metadata = Images::from_json(&std::fs::read(compose.join("metadata/images.json")).unwrap()).unwrap();
    let counts: Vec<_> = metadata.images["Temporary"]
        .iter()
        .map(|(arch, images)| (arch.as_str(), images.len()))
        .collect();
    assert_eq!(counts, [("aarch64", 2), ("s390x", 1), ("x86_64", 2)]);
    let info =
        ComposeInfo::from_json(&std::fs::read(compose.join("metadata/composeinfo.json")).unwrap()).unwrap();
    let arches: Vec<_> = info.variants["Temporary"].paths.isos.keys().collect();
    assert_eq!(arches, ["aarch64", "x86_64"]);
}

#[test]
fn images_are_made_where_the_program_is_and_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    for (program, expected) in [
        (None, vec!["repository"]),
        (Some("no-such-program"), vec!["repository"]),
        (Some("/bin/sh"), vec!["repository", "iso"]),
    ] {
        let mut settings = StorageSettings::new(directory.path());
        settings.xorriso = program.map(PathBuf::from);
        let builder = NativeBuilder::open(settings, std::sync::Arc::new(SystemClock)).unwrap();
        let capability = builder.capability();
        let results: Vec<_> = capability.results.iter().map(ComposeResult::as_str).collect();
        assert_eq!(results, expected);
        let missing = capability.missing.keys().map(|result| result.as_str());
        let known: Vec<_> = results.into_iter().chain(missing).collect();
        assert_eq!(known, ["repository", "iso", "ostree", "boot.iso"]);
        if let Some(why) = capability.missing.get(&ComposeResult::Iso) {
            assert!(why.contains("install the package xorriso"), "{why}");
        }
    }
    // Nobody asked for images.
    let source = tempfile::tempdir().unwrap();
    let target = Target::with(settings(directory.path(), "/bin/false"));
    let plan = ed_repository(source.path()).plan(&["x86_64"], "ed");
    target.build(job(1, 1, plan)).unwrap();
    assert!(!target.path.join("odcs-1/compose/metadata/images.json").exists());
}

/// A program that takes the place of `xorriso`, a shell script.
fn fake(directory: &Path, script: &str) -> PathBuf {
    let path = directory.join("fake-xorriso");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What comes of a compose with images by a program that is not what it should be.
fn failure(script: &str) -> Error {
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = fake(source.path(), script);
    let target = Target::with(settings(&directory.path().join("target"), program));
    let plan = ed_repository(&source.path().join("repo")).plan(&["x86_64"], "ed");
    let error = target.build(with_iso(job(1, 1, plan))).unwrap_err();
    target.assert_nothing_half_made();
    error
}

#[test]
fn what_the_program_does_wrong_is_said() {
    let prefix = |error: &Error| {
        let message = error.message().to_owned();
        assert_eq!(error.kind(), ErrorKind::Internal, "{message}");
        assert!(!error.is_retryable());
        let (before, after) = message.split_once(" cannot be made: ").unwrap();
        assert!(
            before.starts_with("the ISO image odcs-1-1-20261121.t.0-Temporary-"),
            "{message}"
        );
        after.to_owned()
    };
    for (script, expected) in [
        (
            "echo 'xorriso : FAILURE : no more tapes' >&2; exit 5",
            "xorriso failed (exit status: 5): xorriso : FAILURE : no more tapes",
        ),
        ("exit 1", "xorriso failed (exit status: 1) without saying why"),
        (
            "kill -9 $$",
            "xorriso failed (signal: 9 (SIGKILL)) without saying why",
        ),
        ("exit 0", "xorriso wrote 0 bytes that are no whole image"),
        (
            "printf 'this is no image'",
            "xorriso wrote 16 bytes that are no whole image",
        ),
        (
            "cat /dev/zero",
            "xorriso wrote more than the image can have, and was stopped",
        ),
        (
            "exec >&- 2>&-; exit 3",
            "xorriso failed (exit status: 3) without saying why",
        ),
    ] {
        assert_eq!(prefix(&failure(script)), expected, "{script}");
    }
    // It was there when the service was started.
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = fake(source.path(), "");
    let target = Target::with(settings(directory.path(), &program));
    std::fs::remove_file(program).unwrap();
    let plan = ed_repository(&source.path().join("repo")).plan(&["x86_64"], "ed");
    let error = target.build(with_iso(job(1, 1, plan))).unwrap_err();
    assert_eq!(
        prefix(&error),
        "the program xorriso, which makes such images, cannot be started: no such file or directory"
    );
    target.assert_nothing_half_made();
}

#[test]
fn an_image_that_is_not_right_is_noticed() {
    if !has("xorriso") {
        return;
    }
    for (script, expected) in [
        // A package is left out, which has its place in the list of weights.
        (
            "case $1 in -as) shift 2; exec xorriso -as mkisofs -m 'ed-*.rpm' \"$@\";; *) exec xorriso \"$@\";; esac",
            "Cannot find path '/Packages/e/ed-1.14.1-2.module_fd8ca23e.",
        ),
        // Something is there besides.
        (
            "case $1 in -as) exec xorriso \"$@\" /extra=/etc/passwd;; *) exec xorriso \"$@\";; esac",
            "/extra is in it",
        ),
        // A file has another content.
        (
            "case $1 in -as) exec xorriso \"$@\" /media.repo=/etc/passwd;; *) exec xorriso \"$@\";; esac",
            "/media.repo in it is not what it should be",
        ),
        // It is cut off.
        (
            "case $1 in -as) xorriso \"$@\" | head -c 100000;; *) exec xorriso \"$@\";; esac",
            "xorriso wrote 100000 bytes that are no whole image",
        ),
        // It cannot be read back.
        (
            "case $1 in -as) exec xorriso \"$@\";; *) echo nonsense;; esac",
            "its listing has a line that is not understood: \"nonsense\"",
        ),
    ] {
        let error = failure(script);
        assert!(error.message().contains(expected), "{script}: {error}");
    }
}

/// Whether a process is still at work.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

#[test]
fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pids = source.path().join("pids");
    // Once as it is, once with its output closed.
    for (lease, close) in [(1, ""), (2, "exec >&- 2>&-;")] {
        let script = format!(
            "{close} sleep 1000 & echo $! > {0}.$$; mv {0}.$$ {0}; wait",
            pids.display()
        );
        let program = fake(source.path(), &script);
        let target = Target::with(settings(directory.path(), program).with_threads(1));
        let plan = ed_repository(&source.path().join(format!("repo-{lease}"))).plan(&["x86_64"], "ed");
        let job = with_iso(job(1, lease, plan));
        let cancel = job.cancel.clone();
        let (error, pid) = std::thread::scope(|scope| {
            let building = scope.spawn(|| target.build(job));
            let pid = loop {
                if let Ok(pid) = std::fs::read_to_string(&pids) {
                    break pid;
                }
                assert!(!building.is_finished());
                std::thread::yield_now();
            };
            assert!(is_running(&pid));
            cancel.cancel();
            (building.join().unwrap().unwrap_err(), pid)
        });
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        while is_running(&pid) {
            std::thread::yield_now();
        }
        target.assert_nothing_half_made();
        std::fs::remove_file(&pids).unwrap();
    }
}

#[test]
fn a_program_that_never_ends_is_stopped() {
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = fake(source.path(), "sleep 1000");
    let settings = settings(directory.path(), program).with_iso_time(Duration::from_millis(200));
    let builder = NativeBuilder::open(settings, std::sync::Arc::new(SystemClock)).unwrap();
    let plan = ed_repository(&source.path().join("repo")).plan(&["x86_64"], "ed");
    let job = with_iso(job(1, 1, plan));
    let error = runtime().block_on(async {
        let progress = builder.begin(&job.compose).await.unwrap();
        builder.stage(job, progress).await.unwrap_err()
    });
    assert!(
        error
            .message()
            .ends_with("xorriso took longer than 0 seconds, and was stopped"),
        "{error}"
    );
}

#[test]
fn names_as_long_as_file_systems_have_them_go_in() {
    if !has("xorriso") {
        return;
    }
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut specs = rpmgen::ed_repository();
    let names: Vec<_> = ["a", "b"]
        .map(|end| format!("ed-{}{end}", "long".repeat(50)))
        .into();
    let binary = specs
        .iter()
        .position(|spec| spec.name == "ed" && !spec.is_source())
        .unwrap();
    for name in &names {
        let mut spec = specs[binary].clone();
        spec.name.clone_from(name);
        specs.push(spec);
    }
    rpmgen::write_repository(source.path(), specs, rpmgen::Layout::Flat).unwrap();
    let target = Target::with(settings(directory.path(), "xorriso"));
    let plan = Repository::read(source.path()).plan(&["x86_64"], "ed");
    target.build(with_iso(job(1, 1, plan))).unwrap();
    let manifest = format!("odcs-1/compose/Temporary/x86_64/iso/{ED_ISO}.manifest");
    let manifest = target.text(&manifest);
    assert!(names.iter().all(|name| manifest.contains(name)), "{manifest}");
}

/// The library that release tooling reads these files with.
#[test]
fn productmd_reads_the_metadata() {
    let python = std::env::var("ODCS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let known = Command::new(&python)
        .args(["-c", "import productmd"])
        .stderr(Stdio::null())
        .status();
    if !known.is_ok_and(|status| status.success()) || !has("xorriso") {
        println!("skipped: productmd is not installed");
        return;
    }
    let (source, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = Target::with(settings(directory.path(), "xorriso"));
    let plan = ed_repository(source.path()).plan(&["x86_64"], "ed");
    target.build(with_iso(job(1, 1, plan))).unwrap();
    let script = "import sys, productmd.compose\n\
                  compose = productmd.compose.Compose(sys.argv[1])\n\
                  images = sorted(compose.images['Temporary']['x86_64'], key=lambda image: image.arch)\n\
                  print(*[image.volume_id for image in images], sep='\\n')\n\
                  print(compose.info.variants['Temporary'].paths.isos['x86_64'])\n";
    let output = Command::new(python)
        .args(["-c", script])
        .arg(target.path.join("odcs-1"))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "odcs-1-1 Temporary.src\nodcs-1-1 Temporary.x86_64\nTemporary/x86_64/iso\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
