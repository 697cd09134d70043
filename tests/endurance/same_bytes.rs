//! The same request, however it is made: the same bytes.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use odcs_core::engine::EngineSettings;
use odcs_core::request::SourceSpec;
use odcs_core::testing::ManualClock;
use odcs_core::{Compose, ComposeRequest, ComposeState, Engine, Links, SourceRegistry, Timestamp};
use odcs_db::SqliteStore;
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{NativeBuilder, StorageSettings};
use rpmgen::Random;

/// A copy of a repository whose files were made in another order, with the same times.
fn shuffled_copy(from: &Path, to: &Path, with_metadata: bool, random: &mut Random) {
    let mut files: Vec<PathBuf> = crate::canary::contents(from)
        .into_keys()
        .filter(|path| path.is_file())
        .collect();
    for index in (1..files.len()).rev() {
        files.swap(index, random.below(index + 1));
    }
    for path in files {
        let inside = path.strip_prefix(from).unwrap();
        let is_wanted = inside.starts_with("Packages") || (with_metadata && inside.starts_with("repodata"));
        if is_wanted {
            let copy = to.join(inside);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::write(&copy, std::fs::read(&path).unwrap()).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            std::fs::File::options()
                .append(true)
                .open(copy)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
    }
}

/// An engine with a number of threads.
struct Maker {
    engine: Engine,
    clock: ManualClock,
    target: PathBuf,
}

impl Maker {
    async fn new(top: &Path, threads: usize) -> Self {
        let clock = ManualClock::new(Timestamp::from_seconds(1_795_262_400));
        let mut sources = SourceRegistry::new();
        sources
            .register(RepoSource::new(RepoSettings::new([top])).unwrap())
            .unwrap();
        let target = top.join(format!("composes-{threads}"));
        let storage = StorageSettings::new(&target).with_threads(threads);
        let builder = NativeBuilder::open(storage, Arc::new(clock.clone())).unwrap();
        let engine = Engine::with_clock(
            Arc::new(SqliteStore::in_memory().await.unwrap()),
            sources,
            Arc::new(builder),
            Links::new(&"http://localhost/composes".parse().unwrap()),
            EngineSettings::new().unwrap(),
            Arc::new(clock.clone()),
        );
        Self {
            engine,
            clock,
            target,
        }
    }

    async fn compose(&self, repository: &Path, packages: &[&str]) -> Compose {
        let location = repository.to_str().unwrap().parse().unwrap();
        let mut request = ComposeRequest::new(SourceSpec::Repo(location));
        request.packages = Some(packages.iter().map(|name| name.parse().unwrap()).collect());
        self.engine.submit(request, "me").await.unwrap();
        let compose = self.engine.worker().run_one().await.unwrap().unwrap();
        assert_eq!(compose.state, ComposeState::Done, "{:?}", compose.state_reason);
        compose
    }

    /// The files of a compose; in those that may hold them, its id and date are replaced.
    fn files(&self, compose: &Compose) -> BTreeMap<String, Vec<u8>> {
        let top = self.target.join(compose.id.name());
        let (name, date) = (compose.id.name(), compose.times.submitted.date());
        let files = crate::canary::contents(&top)
            .into_iter()
            .filter(|(path, _)| path.is_file());
        files
            .filter_map(|(path, bytes)| {
                let inside = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
                if inside == "pungi-stderr.log" {
                    return None;
                }
                if inside.contains("/repodata/") || inside.contains("/Packages/") {
                    return Some((inside, bytes));
                }
                let text = String::from_utf8(bytes).unwrap();
                let text = text.replace(&name, "NAME").replace(&date, "DATE");
                Some((inside.replace(&name, "NAME"), text.into_bytes()))
            })
            .collect()
    }
}

/// Makes the system forget the content of files, so that they are read from the disk, in whatever order
/// that answers.
fn forget(repository: &Path) {
    for path in crate::canary::contents(repository)
        .into_keys()
        .filter(|path| path.is_file())
    {
        let file = std::fs::File::open(path).unwrap();
        let _ = posix_fadvise(file.as_fd(), 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    }
}

#[tokio::test]
async fn a_request_gives_the_same_bytes_a_hundred_times() {
    // Each copy is taken at least once.
    let rounds = crate::times("ODCS_TEST_SAME", 100).max(6);
    let mut random = Random::new(crate::seed());
    let top = crate::in_memory();
    let original = crate::support::test_repository();
    let copies: Vec<(bool, PathBuf)> = (0..6)
        .map(|number| {
            let (with_metadata, path) = (number % 2 == 0, top.path().join(format!("repo-{number}")));
            shuffled_copy(&original, &path, with_metadata, &mut random);
            (with_metadata, path)
        })
        .collect();
    let mut makers = Vec::new();
    for threads in [1, 2, 4] {
        makers.push(Maker::new(top.path(), threads).await);
    }
    let mut first: BTreeMap<bool, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for round in 0..rounds {
        let maker = &makers[random.below(makers.len())];
        let (with_metadata, repository) = &copies[round % copies.len()];
        maker
            .clock
            .advance(Duration::from_secs(random.below(3 * 86_400) as u64));
        if random.percent(50) {
            forget(repository);
        }
        // Asked for in any order.
        let packages = if random.percent(50) {
            ["ed", "line-editor*"]
        } else {
            ["line-editor*", "ed"]
        };
        let compose = maker.compose(repository, &packages).await;
        let files = maker.files(&compose);
        let expected = first.entry(*with_metadata).or_insert_with(|| files.clone());
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        for (path, bytes) in &files {
            assert!(
                bytes == &expected[path],
                "round {round}: {path} differs:\n{}\n{}",
                String::from_utf8_lossy(bytes),
                String::from_utf8_lossy(&expected[path])
            );
        }
        std::fs::remove_dir_all(maker.target.join(compose.id.name())).unwrap();
    }
    let count = first[&true].len();
    println!("{rounds} composes of {count} files, each like the others");
    assert!(count > 20);
    let [with, without] = [&first[&true], &first[&false]];
    let packages = |files: &BTreeMap<String, Vec<u8>>| -> Vec<_> {
        files
            .iter()
            .filter(|(path, _)| path.contains("/Packages/"))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect()
    };
    assert!(
        packages(with) == packages(without),
        "metadata or not, the packages are the same"
    );
}

#[tokio::test]
async fn a_repository_of_many_packages_does_not_depend_on_threads() {
    let top = crate::in_memory();
    let seeds = crate::times("ODCS_TEST_SAME", 100).div_ceil(50);
    for seed in 0..seeds {
        let repository = top.path().join(format!("many-{seed}"));
        let options = rpmgen::GeneratorOptions {
            packages: 150,
            seed: crate::seed() + seed as u64,
        };
        rpmgen::write_repository(&repository, rpmgen::generate(options), rpmgen::Layout::Koji).unwrap();
        let mut made = Vec::new();
        for threads in [1, 2, 4] {
            let maker = Maker::new(top.path(), threads).await;
            let compose = maker.compose(&repository, &["*"]).await;
            made.push(maker.files(&compose));
            std::fs::remove_dir_all(&maker.target).unwrap();
        }
        assert!(made[0].len() > 100);
        assert!(made[0] == made[1] && made[0] == made[2], "seed {seed}");
    }
}
