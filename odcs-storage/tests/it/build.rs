//! Whole composes: what they consist of, and that it is the same whoever makes them.

use std::os::unix::fs::MetadataExt;

use crate::support::{
    Repository, Target, compose, contents, ed_repository, job, runtime, signed_repository, tree,
};
use odcs_core::plan::PlannedPackage;
use odcs_core::productmd::{ComposeInfo, Rpms};
use odcs_core::{ComposeBuilder, ErrorKind, Phase};
use odcs_rpm::PackageKind;
use odcs_rpm::repodata::{Limits, Repomd, read_primary};
use odcs_storage::{LinkFallback, PublishedComposes, StorageSettings};

/// A finished compose of the reference server, below `compose/`, with checksums left out of names.
const REFERENCE: &str = include_str!("../fixtures/compose-ed.txt");

/// The `.repo` file of that compose.
const REPO_FILE: &str = include_str!("../fixtures/odcs-1.repo");

fn without_checksums(path: &str) -> String {
    match path
        .split_once("repodata/")
        .map(|(before, name)| (before, name.split_once('-')))
    {
        Some((before, Some((checksum, kind)))) if checksum.len() == 64 => {
            format!("{before}repodata/CHECKSUM-{kind}")
        }
        _ => path.to_owned(),
    }
}

#[test]
fn an_ed_compose_is_laid_out_as_the_reference_does() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let before = std::fs::metadata(repository.candidate("ed", "x86_64").file.to_string()).unwrap();
    let built = target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    assert_eq!(built.pungi_compose_id, "odcs-1-1-20261121.t.0");
    assert_eq!((built.packages, built.linked, built.copied), (3, 3, 0));

    let top = target.path.join("odcs-1");
    let mut found: Vec<_> = tree(&top.join("compose"))
        .iter()
        .map(|path| without_checksums(path))
        .collect();
    found.sort();
    assert_eq!(found, REFERENCE.lines().collect::<Vec<_>>());
    let outside: Vec<_> = tree(&top)
        .into_iter()
        .filter(|path| !path.starts_with("compose/"))
        .collect();
    assert_eq!(outside, ["COMPOSE_ID", "STATUS", "pungi-stderr.log"]);
    assert_eq!(target.text("odcs-1/COMPOSE_ID"), "odcs-1-1-20261121.t.0");
    assert_eq!(target.text("odcs-1/STATUS"), "FINISHED\n");
    assert_eq!(target.text("odcs-1/compose/Temporary/odcs-1.repo"), REPO_FILE);
    assert_eq!(
        target.text("odcs-1/compose/Temporary/source/tree/.discinfo"),
        "1496834159.000000\nodcs-1 1\nsrc\nALL\n"
    );
    assert_eq!(
        std::fs::read_link(target.path.join("latest-odcs-1-1"))
            .unwrap()
            .to_str()
            .unwrap(),
        "odcs-1"
    );
    assert_eq!(tree(&target.path.join(".staging")), Vec::<String>::new());

    // Packages are the source's own files, untouched but for the number of links.
    let name = "ed-1.14.1-2.module_fd8ca23e.x86_64.rpm";
    let package = std::fs::metadata(top.join("compose/Temporary/x86_64/os/Packages/e").join(name)).unwrap();
    let facts = |meta: &std::fs::Metadata| (meta.dev(), meta.ino(), meta.mode(), meta.uid(), meta.mtime());
    assert_eq!(facts(&package), facts(&before));
    assert_eq!((before.nlink(), package.nlink()), (1, 2));

    // Everything else can be read by everybody, whatever the umask is.
    for path in tree(&top) {
        let mode = std::fs::metadata(top.join(&path)).unwrap().mode() & 0o7777;
        let expected = if path.ends_with('/') { 0o755 } else { 0o644 };
        assert!(mode == expected || path.ends_with(".rpm"), "{path}: {mode:o}");
    }
}

#[test]
fn metadata_and_repodata_say_what_is_there() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    let compose = target.path.join("odcs-1/compose");
    let expected = include_str!("../fixtures/rpms.json");
    assert_eq!(target.text("odcs-1/compose/metadata/rpms.json"), expected);
    ComposeInfo::from_json(&std::fs::read(compose.join("metadata/composeinfo.json")).unwrap()).unwrap();

    let os = compose.join("Temporary/x86_64/os");
    let repomd = Repomd::parse(&std::fs::read(os.join("repodata/repomd.xml")).unwrap()).unwrap();
    assert_eq!(repomd.revision.as_deref(), Some("1496834159"));
    let kinds: Vec<_> = repomd.records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["primary", "filelists", "other", "group", "group_gz"]);
    assert!(
        repomd
            .records
            .iter()
            .all(|record| record.timestamp == Some(1_496_834_159))
    );
    let primary = std::fs::read(os.join(&repomd.records[0].location)).unwrap();
    let open = odcs_rpm::compression::decoder(
        primary.as_slice(),
        odcs_rpm::compression::Compression::Gzip,
        "primary",
        1 << 20,
    );
    let listed = read_primary(std::io::BufReader::new(open.unwrap()), Limits::default()).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        listed[0].location,
        "Packages/e/ed-1.14.1-2.module_fd8ca23e.x86_64.rpm"
    );
    // The time of the file, which is that of the build here.
    assert_eq!(listed[0].package.file_time, 1_496_834_153);
    let group = std::fs::read_to_string(os.join(&repomd.records[3].location)).unwrap();
    assert!(
        group.contains("<packagereq type=\"mandatory\">ed</packagereq>"),
        "{group}"
    );
}

#[test]
fn packages_of_several_arches_are_read_once_and_stand_everywhere() {
    let target = tempfile::tempdir().unwrap();
    let repository = signed_repository();
    let target = Target::with(StorageSettings::new(target.path()).with_threads(2));
    let plan = repository.plan(&["x86_64", "aarch64"], "");
    let built = target.build(job(7, 1, plan)).unwrap();
    let rpms = std::fs::read(target.path.join("odcs-7/compose/metadata/rpms.json")).unwrap();
    let rpms = Rpms::from_json(&rpms).unwrap();
    let variant = &rpms.rpms["Temporary"];
    for (arch, tree) in [("x86_64", "x86_64"), ("aarch64", "aarch64")] {
        let build = &variant[arch]["line-editor-common-0:2.1-3.src"];
        assert_eq!(
            build["line-editor-common-0:2.1-3.noarch"].path,
            format!("Temporary/{tree}/os/Packages/l/line-editor-common-2.1-3.noarch.rpm")
        );
        assert_eq!(
            build["line-editor-common-0:2.1-3.src"].path,
            "Temporary/source/tree/Packages/l/line-editor-common-2.1-3.src.rpm"
        );
    }
    // A shared source package is there once.
    let files = tree(&target.path.join("odcs-7/compose"));
    let packages = files.iter().filter(|path| path.ends_with(".rpm")).count();
    assert_eq!(built.packages, packages as u64);
    let sources = files.iter().filter(|path| path.ends_with(".src.rpm")).count();
    assert_eq!(sources, 2);
}

#[test]
fn a_package_whose_source_is_not_there_stands_under_its_name() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let mut plan = repository.plan(&["x86_64"], "ed");
    plan.arches[0]
        .packages
        .retain(|planned| planned.kind != PackageKind::Source);
    target.build(job(1, 1, plan)).unwrap();
    let rpms = target.text("odcs-1/compose/metadata/rpms.json");
    let rpms = Rpms::from_json(rpms.as_bytes()).unwrap();
    let builds = &rpms.rpms["Temporary"]["x86_64"];
    assert_eq!(
        builds.keys().collect::<Vec<_>>(),
        ["ed-0:1.14.1-2.module_fd8ca23e.src"]
    );
    assert_eq!(builds.values().next().unwrap().len(), 2);
    let source_tree = tree(&target.path.join("odcs-1/compose/Temporary/source/tree"));
    assert!(source_tree.contains(&"Packages/".to_owned()) && source_tree.contains(&"media.repo".to_owned()));
}

#[test]
fn an_empty_compose_is_complete_too() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let built = target
        .build(job(1, 1, repository.plan(&["ppc64le"], "nothing")))
        .unwrap();
    assert_eq!(built.packages, 0);
    let rpms = target.text("odcs-1/compose/metadata/rpms.json");
    assert!(rpms.ends_with("\"rpms\": {}\n    }\n}"), "{rpms}");
    assert!(
        target
            .path
            .join("odcs-1/compose/Temporary/ppc64le/debug/tree/Packages")
            .is_dir()
    );
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let source = tempfile::tempdir().unwrap();
    let options = rpmgen::GeneratorOptions {
        packages: 150,
        ..Default::default()
    };
    rpmgen::write_repository(source.path(), rpmgen::generate(options), rpmgen::Layout::Koji).unwrap();
    let repository = Repository::read(source.path());
    let mut made = Vec::new();
    for threads in [1, 7] {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::with(StorageSettings::new(directory.path()).with_threads(threads));
        let mut plan = repository.plan(&["x86_64"], "");
        if threads == 7 {
            plan.arches[0].packages.reverse();
        }
        let built = target.build(job(3, threads as i64, plan)).unwrap();
        assert_eq!(built.packages, 150);
        made.push(contents(&target.path.join("odcs-3/compose")));
    }
    assert!(made[0].len() > 150);
    assert_eq!(
        made[0].keys().collect::<Vec<_>>(),
        made[1].keys().collect::<Vec<_>>()
    );
    for (path, bytes) in &made[0] {
        assert!(bytes == &made[1][path], "{path} differs");
    }
}

#[test]
fn building_again_changes_nothing_and_another_compose_is_refused() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    let first = target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    let before = contents(&target.path.join("odcs-1/compose"));
    let again = target
        .build(job(1, 2, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    assert_eq!(first, again);
    let error = target
        .build(job(1, 3, repository.plan(&["x86_64"], "")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error
            .message()
            .starts_with("a compose odcs-1 is already there, and it is not the same: "),
        "{error}"
    );
    assert_eq!(contents(&target.path.join("odcs-1/compose")), before);
    assert_eq!(target.text("odcs-1/STATUS"), "FINISHED\n");
    assert_eq!(tree(&target.path.join(".staging")), Vec::<String>::new());
}

#[test]
fn a_stale_attempt_that_still_runs_does_no_harm() {
    let source = tempfile::tempdir().unwrap();
    let options = rpmgen::GeneratorOptions {
        packages: 30,
        ..Default::default()
    };
    rpmgen::write_repository(source.path(), rpmgen::generate(options), rpmgen::Layout::Flat).unwrap();
    let repository = Repository::read(source.path());
    let plan = repository.plan(&["x86_64"], "");
    let reference = tempfile::tempdir().unwrap();
    let reference = Target::open(reference.path());
    reference.build(job(1, 1, plan.clone())).unwrap();
    let expected = contents(&reference.path.join("odcs-1/compose"));
    let mut stale_ones = [0, 0];
    for round in 0..25 {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::open(directory.path());
        let (stale, current) = std::thread::scope(|scope| {
            let stale = scope.spawn(|| target.build(job(1, 1, plan.clone())));
            // The later the second comes, the further the first one is.
            for _ in 0..round * 40 {
                std::thread::yield_now();
                std::fs::metadata(directory.path()).unwrap();
            }
            let current = target.build(job(1, 2, plan.clone()));
            (stale.join().unwrap(), current)
        });
        current.unwrap();
        stale_ones[usize::from(stale.is_ok())] += 1;
        let found = contents(&target.path.join("odcs-1/compose"));
        assert!(found == expected, "round {round}: {:?}", found.keys());
        assert_eq!(tree(&target.path.join(".staging")), Vec::<String>::new());
    }
    println!(
        "stale attempts: {} stopped, {} first",
        stale_ones[0], stale_ones[1]
    );
}

#[test]
fn leftovers_of_a_killed_attempt_do_no_harm() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    for stale in [
        "odcs-1.1/compose/Temporary/x86_64/os/Packages/e",
        "odcs-1.2/compose/metadata",
    ] {
        std::fs::create_dir_all(target.path.join(".staging").join(stale)).unwrap();
    }
    std::fs::create_dir_all(target.path.join("odcs-1")).unwrap();
    // Killed just before the last rename.
    std::fs::write(target.path.join("odcs-1/STATUS"), "FINISHED\n").unwrap();
    std::fs::write(target.path.join("odcs-1/COMPOSE_ID"), "odcs-1-1-20261121.t.0").unwrap();
    target
        .build(job(1, 2, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    assert_eq!(tree(&target.path.join(".staging")), Vec::<String>::new());
    assert_eq!(target.text("odcs-1/STATUS"), "FINISHED\n");
    assert!(target.path.join("odcs-1/compose/metadata/rpms.json").exists());
}

#[test]
fn the_log_tells_how_it_goes_line_by_line() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    runtime().block_on(async {
        let progress = target.builder.begin(&compose(1)).await.unwrap();
        // Clients see it from here on.
        assert_eq!(target.text("odcs-1/pungi-stderr.log"), "");
        progress.step(Phase::Resolve, "the repository\nis there");
    });
    target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    let log = target.text("odcs-1/pungi-stderr.log");
    let lines: Vec<_> = log.lines().collect();
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("2026-11-21 12:00:00 [INFO    ] ")),
        "{log}"
    );
    assert_eq!(
        lines[0],
        "2026-11-21 12:00:00 [INFO    ] resolve: the repository is there"
    );
    assert!(log.contains("link: 3 packages: 3 linked\n"), "{log}");
    assert!(log.ends_with("publish: the compose is complete\n"), "{log}");
}

#[test]
fn packages_from_another_file_system_are_copied_or_refused() {
    let Ok(source) = tempfile::tempdir_in("/dev/shm") else {
        assert!(!test_support::is_ci(), "no /dev/shm");
        println!("skipped: no /dev/shm");
        return;
    };
    let target = tempfile::tempdir().unwrap();
    let device = |path: &std::path::Path| std::fs::metadata(path).unwrap().dev();
    if device(source.path()) == device(target.path()) {
        println!("skipped: temporary files are in /dev/shm themselves");
        return;
    }
    let repository = ed_repository(source.path());
    let settings = StorageSettings::new(target.path());
    let strict = Target::with(settings.clone().with_link_fallback(LinkFallback::Fail));
    let error = strict
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap_err();
    let message = error.message();
    assert!(
        message.contains("cannot be hardlinked into the compose: it is on another file system"),
        "{message}"
    );
    strict.assert_nothing_half_made();

    let built = Target::with(settings)
        .build(job(1, 2, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    assert_eq!((built.linked, built.copied), (0, 3));
    let copy = target
        .path()
        .join("odcs-1/compose/Temporary/x86_64/os/Packages/e/ed-1.14.1-2.module_fd8ca23e.x86_64.rpm");
    let copy = std::fs::metadata(copy).unwrap();
    assert_eq!(
        (copy.mtime(), copy.mode() & 0o777, copy.nlink()),
        (1_496_834_153, 0o644, 1)
    );
    let log = std::fs::read_to_string(target.path().join("odcs-1/pungi-stderr.log")).unwrap();
    assert!(
        log.contains("link: 3 packages: 0 linked, 3 copied (it is on another file system"),
        "{log}"
    );
}

#[test]
fn what_is_published_can_be_served() {
    use odcs_core::files::{ComposeFiles, OpenedPath};
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let target = Target::open(target.path());
    target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap();
    let files = PublishedComposes::open(&target.path).unwrap();
    let OpenedPath::Directory(top) = files.open(None).unwrap() else {
        panic!()
    };
    let names: Vec<_> = top.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["latest-odcs-1-1", "odcs-1"]);
    let path = "latest-odcs-1-1/compose/Temporary/x86_64/os/.treeinfo"
        .parse()
        .unwrap();
    assert!(matches!(files.open(Some(&path)).unwrap(), OpenedPath::File(file) if file.size == 654));
}

#[test]
fn one_package_from_two_files_is_taken_once_unless_they_differ() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = ed_repository(source.path());
    let copy = source.path().join("copies/ed.rpm");
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    let original = repository.candidate("ed", "x86_64");
    std::fs::copy(original.file.to_string(), &copy).unwrap();
    let mut second = (*original).clone();
    let mut file = original.file.here().unwrap().clone();
    file.path = "copies/ed.rpm".parse().unwrap();
    second.file = file.into();
    let with = |second: &odcs_core::source::Candidate| {
        let mut plan = repository.plan(&["x86_64"], "ed");
        let candidate = std::sync::Arc::new(second.clone());
        plan.arches[0].packages.push(PlannedPackage {
            candidate,
            copies: Vec::new(),
            kind: PackageKind::Binary,
            why: None,
        });
        plan
    };
    let target = Target::open(target.path());
    assert_eq!(target.build(job(1, 1, with(&second))).unwrap().packages, 3);
    second.checksum = repository.candidate("ed-debuginfo", "x86_64").checksum.clone();
    let error = target.build(job(2, 1, with(&second))).unwrap_err();
    assert!(
        error.message().contains("is there twice with different content"),
        "{error}"
    );
}

#[test]
fn packages_that_differ_in_their_epoch_alone_are_named() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let spec = rpmgen::ed_repository()
        .into_iter()
        .find(|spec| spec.name == "ed" && !spec.is_source())
        .unwrap();
    for (name, spec) in [("old.rpm", spec.clone()), ("new.rpm", spec.with_epoch(1))] {
        std::fs::write(source.path().join(name), rpmgen::write(&spec).unwrap()).unwrap();
    }
    let repository = Repository::read(source.path());
    let target = Target::open(target.path());
    let error = target
        .build(job(1, 1, repository.plan(&["x86_64"], "ed")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for word in [
        "old.rpm",
        "new.rpm",
        "epoch",
        "ed-1.14.1-2.module_fd8ca23e.x86_64.rpm",
    ] {
        assert!(error.message().contains(word), "{word}: {error}");
    }
    target.assert_nothing_half_made();
}
