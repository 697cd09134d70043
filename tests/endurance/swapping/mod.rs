//! Another user puts links and directories of theirs in the way while composes are published and
//! removed.

mod other_user;

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use odcs_core::build::{Abandoned, Job};
use odcs_core::files::{ComposeFiles, OpenedPath};
use odcs_core::store::Lease;
use odcs_core::trees::ComposeTrees;
use odcs_core::{Built, ComposeBuilder, ComposeId, Phase, Progress};
use odcs_storage::{NativeBuilder, PublishedComposes, StorageSettings, Trees};
use rpmgen::PackageSpec;
use tempfile::TempDir;

use crate::canary::{Canary, SECRET};
use crate::storage::{self, Noon, Repository};
use crate::support::{NOBODY, is_root};
use other_user::Swapper;

/// A repository of one package, as small as it gets.
fn tiny_repository(directory: &Path) -> Repository {
    let spec = PackageSpec::binary("ed", "1", "1", "x86_64")
        .built_from("ed-1-1.src.rpm")
        .with_file("/usr/bin/ed", "an editor");
    rpmgen::write_repository(directory, [spec], rpmgen::Layout::Flat).unwrap();
    Repository::read(directory)
}

fn builder(target: &Path) -> NativeBuilder {
    NativeBuilder::open(StorageSettings::new(target).with_threads(1), Arc::new(Noon)).unwrap()
}

/// Does something at one step of a build.
struct Interrupting {
    steps: AtomicUsize,
    at: usize,
    action: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl std::fmt::Debug for Interrupting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupting")
    }
}

impl Progress for Interrupting {
    fn step(&self, _phase: Phase, _message: &str) {
        if self.steps.fetch_add(1, Ordering::SeqCst) == self.at
            && let Some(action) = self.action.lock().unwrap().take()
        {
            action();
        }
    }
}

/// What is put in the place of something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Planted {
    /// A link to something of the same name outside.
    Link,
    /// An empty directory that belongs to the other user.
    Directory,
}

fn plant(place: &Path, outside: &Path, planted: Planted) {
    if place.symlink_metadata().is_ok() {
        std::fs::rename(place, place.with_extension("aside")).unwrap();
    }
    match planted {
        Planted::Link => {
            let same = outside.join(place.file_name().unwrap());
            symlink(if same.exists() { &same } else { outside }, place).unwrap();
        }
        Planted::Directory => {
            std::fs::create_dir(place).unwrap();
            // Without the right to give it away, it is at least another one.
            let _ = chown(place, Some(NOBODY), Some(NOBODY));
        }
    }
}

/// Builds and publishes.
async fn stage_and_publish(
    builder: &NativeBuilder,
    job: Job,
    progress: Arc<dyn Progress>,
) -> odcs_core::Result<Built> {
    builder.stage(job, progress).await?.publish().await
}

/// Builds compose 1, with something done at one step. Also returns how many steps there were.
fn build(
    target: &Path,
    repository: &Repository,
    at: usize,
    action: impl FnOnce() + Send + 'static,
) -> (odcs_core::Result<Built>, usize) {
    let builder = builder(target);
    let progress = Arc::new(Interrupting {
        steps: AtomicUsize::new(0),
        at,
        action: Mutex::new(Some(Box::new(action))),
    });
    let result = storage::runtime().block_on(async {
        let job = storage::job(1, 1, repository.plan(&["x86_64"], "ed"));
        let compose = job.compose.clone();
        let _log = builder.begin(&compose).await?;
        let built = stage_and_publish(&builder, job, Arc::clone(&progress) as Arc<dyn Progress>).await;
        if built.is_err() {
            let lease = Lease {
                id: compose.id,
                number: 1,
            };
            let failed = true;
            // It may be impossible; what counts is what it does.
            let _ = builder
                .abandon(&Abandoned {
                    compose,
                    lease,
                    failed,
                })
                .await;
        }
        built
    });
    (result, progress.steps.load(Ordering::SeqCst))
}

/// What must hold of a compose that was reported done: it is there, under its own name, all of it.
fn assert_whole(target: &Path, context: &str) {
    let own = target.join("odcs-1");
    for path in ["", "compose", "compose/Temporary/x86_64/os/repodata"] {
        let stat = own.join(path).symlink_metadata();
        assert!(stat.is_ok_and(|stat| stat.is_dir()), "{context}: {path}");
    }
    let package = own.join("compose/Temporary/x86_64/os/Packages/e/ed-1-1.x86_64.rpm");
    assert!(package.is_file(), "{context}");
    assert_eq!(
        std::fs::read_to_string(own.join("STATUS")).unwrap(),
        "FINISHED\n",
        "{context}"
    );
    assert_eq!(
        std::fs::read_link(target.join("latest-odcs-1-1")).unwrap(),
        Path::new("odcs-1"),
        "{context}"
    );
}

#[test]
fn at_every_step_what_is_swapped_is_noticed_or_does_no_harm() {
    let source = TempDir::new().unwrap();
    let repository = tiny_repository(source.path());
    let mut canary = Canary::plant();
    let clean = TempDir::new().unwrap();
    let (built, steps) = build(clean.path(), &repository, usize::MAX, || ());
    assert_eq!(built.unwrap().packages, 1);
    assert_whole(clean.path(), "without anybody else");
    // By whom the target directory belongs to, and by whom is quick enough to get between the making and
    // the opening of a directory.
    let own = [".staging", ".staging/odcs-1.1", "odcs-1", "latest-odcs-1-1"];
    let inner = [
        "odcs-1/pungi-stderr.log",
        ".staging/odcs-1.1/compose",
        ".staging/odcs-1.1/compose/Temporary",
        ".staging/odcs-1.1/compose/Temporary/x86_64",
        ".staging/odcs-1.1/compose/Temporary/x86_64/os",
        ".staging/odcs-1.1/compose/Temporary/x86_64/os/Packages",
        ".staging/odcs-1.1/compose/Temporary/x86_64/os/Packages/e",
        ".staging/odcs-1.1/compose/Temporary/x86_64/os/repodata",
        ".staging/odcs-1.1/compose/metadata",
    ];
    let (mut done, mut failed) = (0, 0);
    for planted in [Planted::Link, Planted::Directory] {
        for name in own.iter().chain(&inner) {
            // After the last step, it has been reported.
            for at in 0..steps - 1 {
                let context = format!("{planted:?} for {name} at step {at}");
                let target = crate::in_memory();
                let (place, outside) = (target.path().join(name), canary.path().to_owned());
                let action = move || {
                    if place.parent().unwrap().is_dir() {
                        plant(&place, &outside, planted);
                    }
                };
                match build(target.path(), &repository, at, action).0 {
                    Ok(_) => {
                        done += 1;
                        if own.contains(name) {
                            assert_whole(target.path(), &context);
                        }
                    }
                    Err(error) => {
                        failed += 1;
                        let text = error.to_string();
                        assert!(!text.is_empty() && !text.contains('\n'), "{context}: {text:?}");
                        assert!(
                            !target.path().join("odcs-1/compose/Temporary").exists(),
                            "{context}: {text}"
                        );
                    }
                }
                canary.assert_untouched(&context);
            }
        }
    }
    println!("{done} done, {failed} failed");
    assert!(done > 0 && failed > 0);
}

#[test]
fn another_user_in_the_target_directory_leads_nobody_out() {
    if !is_root() {
        println!("skipped: only root can run a process of another user");
        return;
    }
    let cycles = crate::times("ODCS_TEST_SWAPS", 1_000);
    let mut canary = Canary::plant();
    // Owned by the other user; and by root, but open to all, who may then rename what is their own only.
    for (owner, mode, cycles) in [(NOBODY, 0o755, cycles * 4 / 5), (0, 0o1777, cycles / 5)] {
        let temporary = crate::in_memory();
        let (source, target) = (temporary.path().join("repo"), temporary.path().join("composes"));
        let repository = tiny_repository(&source);
        std::fs::set_permissions(temporary.path(), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::create_dir(&target).unwrap();
        chown(&target, Some(owner), Some(owner)).unwrap();
        std::fs::set_permissions(&target, PermissionsExt::from_mode(mode)).unwrap();
        let (done, failed, served) = storm(&target, &repository, canary.path(), cycles);
        println!("mode {mode:o}: {done} published, {failed} failed, {served} files served");
        canary.assert_untouched(&format!("target directory with mode {mode:o}"));
        assert_eq!(done + failed, cycles);
        assert!(done > 0, "nothing was published at all");
        assert!(owner == 0 || failed > 0, "nothing was in the way");
        assert!(served > 0, "nobody read anything");
    }
}

/// Stops a thread, also if the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Publishes and removes composes while the other user is at work. Returns how many could be published,
/// how many failed, and how many files a reader of published composes got.
fn storm(target: &Path, repository: &Repository, outside: &Path, cycles: usize) -> (usize, usize, usize) {
    let builder = builder(target);
    let trees = Trees::open(target).unwrap();
    let files = PublishedComposes::open(target).unwrap();
    let (current, stop, served) = (AtomicUsize::new(1), AtomicBool::new(false), AtomicUsize::new(0));
    let (mut done, mut failed) = (0, 0);
    let runtime = storage::runtime();
    let _swapper = Swapper::start(target, outside);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let id = current.load(Ordering::Relaxed);
                for name in [
                    "precious",
                    "secret",
                    "pungi-stderr.log",
                    "compose/precious",
                    "compose/metadata/composeinfo.json",
                ] {
                    let path = format!("odcs-{id}/{name}").parse().unwrap();
                    if let Ok(OpenedPath::File(opened)) = files.open(Some(&path)) {
                        let mut text = String::new();
                        let mut file = opened.file;
                        std::io::Read::read_to_string(&mut file, &mut text).unwrap();
                        assert!(!text.contains(SECRET), "{path} was served");
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let _stop = Stop(&stop);
        for cycle in 1..=cycles {
            current.store(cycle, Ordering::Relaxed);
            let id = i64::try_from(cycle).unwrap();
            let result = runtime.block_on(async {
                let job = storage::job(id, 1, repository.plan(&["x86_64"], "ed"));
                let abandoned = Abandoned {
                    compose: job.compose.clone(),
                    lease: job.lease.clone(),
                    failed: true,
                };
                let result = async {
                    let progress = builder.begin(&job.compose).await?;
                    stage_and_publish(&builder, job, progress).await
                };
                let result = result.await;
                if result.is_err() {
                    let _ = builder.abandon(&abandoned).await;
                }
                let _ = builder.is_published(&abandoned.compose).await;
                let _ = trees.list().await;
                let _ = trees.remove(ComposeId::new(id)).await;
                let _ = trees.discard_attempts(&abandoned.lease).await;
                result
            });
            match result {
                Ok(_) => done += 1,
                Err(error) => {
                    failed += 1;
                    let text = error.to_string();
                    assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
                }
            }
        }
    });
    (done, failed, served.load(Ordering::Relaxed))
}
