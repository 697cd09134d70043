//! Several target directories: each compose in its own, and nobody led astray.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{Repository, Target, compose, ed_repository, job, publish, runtime, to_target, tree};
use odcs_core::build::Abandoned;
use odcs_core::files::{ComposeFiles, OpenedPath};
use odcs_core::store::Lease;
use odcs_core::{ComposeBuilder, ComposeId, ComposeTrees, ErrorKind, Job};
use odcs_storage::{PublishedComposes, StorageSettings, Targets, Trees};

const NOTHING: [&str; 0] = [];

/// The `.repo` file of the reference server in a target directory without a URL.
const RELATIVE: &str = include_str!("../fixtures/odcs-12.repo");

struct Case {
    _source: tempfile::TempDir,
    _temporary: tempfile::TempDir,
    repository: Repository,
    /// The one by default.
    target: Target,
    releases: std::path::PathBuf,
}

fn case() -> Case {
    let (source, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let releases = temporary.path().join("srv/releases");
    let settings = StorageSettings::new(temporary.path().join("composes"))
        .with_threads(2)
        .with_target("releases".parse().unwrap(), &releases);
    Case {
        repository: ed_repository(source.path()),
        target: Target::with(settings),
        releases,
        _source: source,
        _temporary: temporary,
    }
}

impl Case {
    fn job(&self, id: i64, target: &str) -> Job {
        to_target(job(id, 1, self.repository.plan(&["x86_64"], "ed")), target)
    }

    fn trees(&self) -> Trees {
        Trees::of(self.target.builder.targets())
    }

    fn listed(&self) -> Vec<i64> {
        let listing = runtime().block_on(self.trees().list()).unwrap();
        listing.composes.iter().map(|id| id.number()).collect()
    }

    fn remove(&self, id: i64) {
        runtime()
            .block_on(self.trees().remove(ComposeId::new(id)))
            .unwrap();
    }
}

fn lease(id: i64, number: i64) -> Lease {
    let id = ComposeId::new(id);
    Lease { id, number }
}

#[test]
fn a_compose_goes_where_it_was_asked_for() {
    let case = case();
    case.target.build(case.job(1, "default")).unwrap();
    case.target.build(case.job(12, "releases")).unwrap();
    assert!(!case.target.path.join("odcs-12").exists());
    assert!(!case.releases.join("odcs-1").exists());
    assert_eq!(tree(&case.releases.join(".staging")), NOTHING);
    let text = |path: &str| std::fs::read_to_string(case.releases.join(path)).unwrap();
    assert_eq!(text("odcs-12/STATUS"), "FINISHED\n");
    assert!(text("odcs-12/pungi-stderr.log").contains("the compose is complete"));
    assert_eq!(text("latest-odcs-12-1/COMPOSE_ID"), "odcs-12-1-20261121.t.0");
    // The directory has no URL.
    assert_eq!(text("odcs-12/compose/Temporary/odcs-12.repo"), RELATIVE);

    let is_published = |id, target: &str| {
        let mut compose = compose(id);
        compose.requested.target_dir = target.into();
        runtime()
            .block_on(case.target.builder.is_published(&compose))
            .unwrap()
    };
    assert!(is_published(12, "releases") && is_published(1, "default"));
    assert!(!is_published(12, "default") && !is_published(1, "releases"));
}

#[test]
fn repositories_are_named_by_the_url_of_their_directory() {
    let case = case();
    let mut job = case.job(12, "releases");
    let url = "https://example.com/releases/".parse().unwrap();
    job.links = job.links.with_target(&"releases".parse().unwrap(), Some(&url));
    case.target.build(job).unwrap();
    let file = case.releases.join("odcs-12/compose/Temporary/odcs-12.repo");
    let absolute = "baseurl=https://example.com/releases/odcs-12/compose/Temporary/";
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        RELATIVE.replace("baseurl=", absolute)
    );
}

#[test]
fn an_unknown_directory_is_named() {
    let case = case();
    let error = case.target.build(case.job(1, "elsewhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.message(),
        "there is no target directory \"elsewhere\" (any more); there is: default, releases"
    );
    let targets = case.target.builder.targets();
    let error = PublishedComposes::of(targets, "elsewhere").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(tree(&case.target.path), [".staging/"]);
    assert_eq!(tree(&case.releases), [".staging/"]);
}

#[test]
fn failures_are_marked_where_they_are() {
    let case = case();
    let staged = case.target.stage(case.job(1, "releases")).unwrap();
    let abandoned = Abandoned {
        compose: case.job(1, "releases").compose,
        lease: lease(1, 1),
        failed: true,
    };
    drop(staged);
    runtime()
        .block_on(case.target.builder.abandon(&abandoned))
        .unwrap();
    assert_eq!(tree(&case.releases.join(".staging")), NOTHING);
    assert_eq!(
        tree(&case.releases.join("odcs-1")),
        ["STATUS", "pungi-stderr.log"]
    );
    assert!(!case.target.path.join("odcs-1").exists());
}

#[test]
fn trees_are_listed_and_removed_wherever_they_are() {
    let case = case();
    case.target.build(case.job(1, "default")).unwrap();
    case.target.build(case.job(2, "releases")).unwrap();
    drop(case.target.stage(case.job(3, "default")).unwrap());
    drop(case.target.stage(case.job(4, "releases")).unwrap());
    // Left by a removal that was killed.
    std::fs::create_dir_all(case.releases.join(".staging/removed-odcs-7/compose")).unwrap();
    // Nobody's link is no tree.
    symlink("odcs-9", case.releases.join("latest-odcs-9-1")).unwrap();
    assert_eq!(case.listed(), [1, 2, 3, 4, 7]);
    let listing = runtime().block_on(case.trees().list()).unwrap();
    assert_eq!(listing.attempts, [lease(3, 1), lease(4, 1)]);

    for id in [2, 7] {
        case.remove(id);
    }
    assert_eq!(case.listed(), [1, 3, 4]);
    assert!(!case.releases.join("latest-odcs-2-1").is_symlink());
    assert!(!case.releases.join(".staging/removed-odcs-7").exists());
    assert!(case.target.path.join("latest-odcs-1-1/compose").exists());
    for id in [3, 4] {
        runtime()
            .block_on(case.trees().discard_attempts(&lease(id, 1)))
            .unwrap();
    }
    assert_eq!(runtime().block_on(case.trees().list()).unwrap().attempts, []);
    assert_eq!(case.listed(), [1, 3, 4]);
}

#[test]
fn a_directory_with_a_log_only_is_listed_removed_and_no_compose() {
    let case = case();
    let mut reused = compose(5);
    reused.requested.target_dir = "releases".into();
    reused.reused_id = Some(ComposeId::new(1));
    runtime().block_on(async {
        case.target.builder.begin(&reused).await.unwrap();
        assert!(!case.target.builder.is_published(&reused).await.unwrap());
    });
    assert_eq!(case.listed(), [5]);
    case.remove(5);
    assert_eq!(case.listed(), [0; 0]);
    assert_eq!(tree(&case.releases), [".staging/"]);
    // And once more, when there is nothing.
    case.remove(5);
}

#[test]
fn an_orphan_goes_with_its_link_and_nothing_that_is_not_a_link() {
    let case = case();
    std::fs::create_dir_all(case.releases.join("odcs-77/compose")).unwrap();
    symlink("odcs-77", case.releases.join("latest-odcs-77-1")).unwrap();
    std::fs::create_dir_all(case.releases.join("latest-odcs-78-1/kept")).unwrap();
    case.remove(77);
    case.remove(78);
    assert_eq!(
        tree(&case.releases),
        [".staging/", "latest-odcs-78-1/", "latest-odcs-78-1/kept/"]
    );
}

#[test]
fn one_directory_that_cannot_be_changed_does_not_keep_the_others() {
    let case = case();
    case.target.build(case.job(2, "releases")).unwrap();
    std::fs::remove_dir(case.target.path.join(".staging")).unwrap();
    std::fs::write(case.target.path.join(".staging"), "in the way").unwrap();
    let error = runtime()
        .block_on(case.trees().remove(ComposeId::new(2)))
        .unwrap_err();
    assert!(error.message().contains("composes/.staging"), "{error}");
    assert!(!case.releases.join("odcs-2").exists());
}

#[test]
fn each_directory_is_served_by_itself() {
    let case = case();
    case.target.build(case.job(1, "default")).unwrap();
    case.target.build(case.job(2, "releases")).unwrap();
    let targets = case.target.builder.targets();
    for (name, there, elsewhere) in [("default", 1, 2), ("releases", 2, 1)] {
        let files = PublishedComposes::of(targets, name).unwrap();
        let open = |id: i64| {
            let path = format!("odcs-{id}/pungi-stderr.log").parse().unwrap();
            files.open(Some(&path))
        };
        assert!(matches!(open(there).unwrap(), OpenedPath::File(file) if file.size > 0));
        assert_eq!(open(elsewhere).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[test]
fn links_planted_while_it_waits_are_not_followed() {
    type Plant = fn(&Path, &Path);
    let plants: &[(&str, Plant)] = &[
        ("odcs-1/compose", |path, to| symlink(to, path).unwrap()),
        ("odcs-1/STATUS", |path, to| {
            symlink(to.join("precious"), path).unwrap();
        }),
        ("odcs-1/COMPOSE_ID", |path, to| {
            symlink(to.join("new"), path).unwrap();
        }),
        ("odcs-1/pungi-stderr.log", |path, to| {
            std::fs::remove_file(path).unwrap();
            symlink(to.join("precious"), path).unwrap();
        }),
        ("odcs-1", |path, to| {
            std::fs::rename(path, path.with_extension("moved")).unwrap();
            symlink(to, path).unwrap();
        }),
        (".staging", |path, to| {
            std::fs::rename(path, path.with_extension("moved")).unwrap();
            symlink(to, path).unwrap();
        }),
        (".staging/odcs-1.1", |path, to| {
            std::fs::rename(path, path.with_extension("moved")).unwrap();
            symlink(to, path).unwrap();
        }),
        ("latest-odcs-1-1", |path, to| symlink(to, path).unwrap()),
    ];
    for (name, plant) in plants {
        let (case, outside) = (case(), tempfile::tempdir().unwrap());
        // What a naive deletion or a naive write would reach.
        for path in ["compose", "odcs-1.1/compose", "removed-odcs-1"] {
            std::fs::create_dir_all(outside.path().join(path)).unwrap();
        }
        std::fs::write(outside.path().join("precious"), "x").unwrap();
        std::fs::write(outside.path().join("compose/file"), "x").unwrap();
        let before = tree(outside.path());
        let staged = case.target.stage(case.job(1, "releases")).unwrap();
        plant(&case.releases.join(name), outside.path());
        let published = publish(staged);
        println!("{name}: {:?}", published.map(|built| built.pungi_compose_id));
        let (trees, up_to) = (case.trees(), lease(1, 1));
        let results = runtime().block_on(async {
            let discarded = trees.discard_attempts(&up_to).await;
            [
                trees.list().await.map(drop),
                trees.remove(up_to.id).await,
                discarded,
            ]
        });
        // Where the staging directory itself is a link, all of it is refused.
        assert_eq!(
            results.iter().all(Result::is_err),
            *name == ".staging",
            "{name}: {results:?}"
        );
        assert_eq!(tree(outside.path()), before, "{name}");
        assert_eq!(
            std::fs::read(outside.path().join("precious")).unwrap(),
            b"x",
            "{name}"
        );
    }
}

#[test]
fn one_directory_under_two_names_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    symlink("a", temporary.path().join("b")).unwrap();
    let settings = StorageSettings::new(temporary.path().join("c"))
        .with_target("one".parse().unwrap(), temporary.path().join("a"))
        .with_target("two".parse().unwrap(), temporary.path().join("b"));
    let error = Targets::open(&settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .contains("\"one\" and \"two\" are one and the same"),
        "{error}"
    );
}
