//! Two workers of one database and one target directory, killed at random while they fetch the packages of composes:
//! the real engine, client and content store, and a slow server that counts.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use odcs_core::allow::UrlAllowList;
use odcs_core::engine::{EngineSettings, Shutdown};
use odcs_core::request::{Flag, SourceSpec};
use odcs_core::store::Query;
use odcs_core::{
    ComposeRequest, ComposeState, ContentStore, Engine, Fetch, Links, SourceRegistry, SystemClock,
};
use odcs_db::SqliteStore;
use odcs_fetch::{FetchSettings, Fetcher};
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{
    ContentDirectory, Contents, ContentsSettings, NativeBuilder, StorageSettings, Targets, Trees,
};
use rpmgen::{Layout, PackageSpec, Random, write_repository};
use test_support::http::{Behaviour, Server};

use crate::proof;

/// Where a worker works; only set in the processes that are killed.
const DIR: &str = "ODCS_WORKER_DIR";
/// The URL that the server has everything below of.
const FROM: &str = "ODCS_WORKER_FROM";
/// How long everything may take.
const PATIENCE: Duration = Duration::from_secs(90);
const PACKAGES: usize = 24;
const COMPOSES: usize = 6;
const KILLS: usize = 8;
/// Packages of a compose that are fetched at once, and composes that a worker makes at once.
const AT_ONCE: (usize, usize) = (4, 2);

async fn engine(dir: &Path, from: &str) -> (Engine, Trees) {
    let allowed = UrlAllowList::parse([from]).unwrap();
    let mut settings = EngineSettings::new().unwrap();
    settings.allowed_urls = allowed.clone();
    settings.lease = Duration::from_secs(1);
    settings.poll = Duration::from_millis(20);
    settings.sweep = Duration::from_millis(100);
    settings.attempts = 1_000;
    (settings.fetches, settings.concurrency) = AT_ONCE;
    let fetch: Arc<dyn Fetch> = Arc::new(Fetcher::new(FetchSettings::new(allowed)).unwrap());
    let storage = StorageSettings::new(dir.join("composes")).with_threads(1);
    let builder = NativeBuilder::open(storage, Arc::new(SystemClock)).unwrap();
    let trees = Trees::of(builder.targets());
    let kept = Contents::open(builder.targets(), ContentsSettings::default(), Arc::clone(&fetch));
    let kept: Arc<dyn ContentStore> = Arc::new(kept.unwrap());
    let repo = RepoSettings::new([dir.join("srv")]).with_fetch(Arc::clone(&fetch), Arc::clone(&kept));
    let mut sources = SourceRegistry::new();
    sources.register(RepoSource::new(repo).unwrap()).unwrap();
    let store = SqliteStore::open(dir.join("odcs.sqlite")).await.unwrap();
    let links = Links::new(&"http://localhost/composes".parse().unwrap());
    let engine = Engine::new(Arc::new(store), sources, Arc::new(builder), links, settings);
    (engine.with_content_store(kept).with_fetch(fetch), trees)
}

/// Not a test: what [`start`] starts. Without the variables it has nothing to do. It ends when everything is made.
#[test]
fn worker() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let from = std::env::var(FROM).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (engine, trees) = engine(&dir, &from).await;
        let shutdown = Shutdown::default();
        let (worker, sweeper) = (engine.worker(), engine.sweeper(Arc::new(trees)));
        let working = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { tokio::join!(worker.run(shutdown.clone()), sweeper.run(shutdown)) }
        });
        let all = Query {
            per_page: 100,
            ..Query::default()
        };
        let is_under_way = |state| matches!(state, ComposeState::Wait | ComposeState::Generating);
        loop {
            let records = engine.store().find(&all).await.unwrap().items;
            if !records.iter().any(|compose| is_under_way(compose.state)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        shutdown.drain.cancel();
        working.await.unwrap();
    });
}

fn start(dir: &Path, server: &Server) -> Child {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetching::worker", "--nocapture"])
        .env(DIR, dir)
        .env(FROM, server.url("/"))
        .stdout(Stdio::null())
        .spawn();
    child.unwrap()
}

/// A repository with packages of several sizes, the larger ones of more than is written to the disk at once.
fn write(repository: &Path) {
    let mut random = Random::new(1);
    let specs = (0..PACKAGES).map(|n| {
        let source = PackageSpec::source(format!("app{n}"), "1", "1", "x86_64").file_name();
        let size = if n % 3 == 0 { 700_000 } else { 120_000 };
        // Nothing that a compressed payload could be smaller than.
        let content: Vec<u8> = std::iter::repeat_with(|| random.next_u64().to_le_bytes()[0])
            .take(size)
            .collect();
        PackageSpec::binary(format!("app{n}"), "1", "1", "x86_64")
            .built_from(source)
            .with_file(format!("/usr/share/app{n}"), content)
    });
    write_repository(repository, specs, Layout::Flat).unwrap();
    let mut command = Command::new("createrepo_c");
    command
        .args(["--quiet", "--revision", "1795000000"])
        .arg(repository);
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// Composes of some packages each, so that every package belongs to several of them.
async fn submit(engine: &Engine, repository: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    for n in 0..COMPOSES {
        let mut request = ComposeRequest::new(SourceSpec::Repo(repository.parse().unwrap()));
        let packages = (0..PACKAGES).filter(|package| package % COMPOSES != n);
        request.packages = Some(packages.map(|n| format!("app{n}").parse().unwrap()).collect());
        request.arches = vec!["x86_64".parse().unwrap()];
        request.flags = [Flag::NoReuse].into_iter().collect();
        ids.push(engine.submit(request, "me").await.unwrap().compose.id.number());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_killed_while_they_fetch_lose_nothing_and_fetch_nothing_twice() {
    let seed = std::env::var("ODCS_TEST_SEED").map_or(0x0dc5, |seed| seed.parse().unwrap());
    println!("ODCS_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(&dir.join("srv/repo"));
    let server = Server::of_directory(dir.join("srv"));
    server.on("/repo/*", Behaviour::Drip(10_000, Duration::from_millis(8)));
    let ids = {
        let (engine, _) = engine(dir, &server.url("/")).await;
        submit(&engine, &server.url("/repo/")).await
    };

    let mut workers = [start(dir, &server), start(dir, &server)];
    let mut killed = 0;
    while killed < KILLS {
        tokio::time::sleep(Duration::from_millis(60 + random.below(250) as u64)).await;
        let worker = &mut workers[random.below(2)];
        if let Some(status) = worker.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            break;
        }
        worker.kill().unwrap();
        worker.wait().unwrap();
        killed += 1;
        proof::nothing_is_half_visible(dir);
        *worker = start(dir, &server);
    }
    assert!(killed >= KILLS / 2, "everything was made before {killed} kills");
    let begun = Instant::now();
    for worker in &mut workers {
        while worker.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                worker.kill().unwrap();
                panic!("something is stuck");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(worker.wait().unwrap().success());
    }

    proof::nothing_is_half_visible(dir);
    let ending = proof::everything_ended_well(dir, &ids).await;
    let states = ending.records.iter().map(|compose| compose.state);
    assert_eq!(
        states.filter(|state| *state == ComposeState::Done).count(),
        COMPOSES
    );
    // How often the end of a file was sent, to one who began with it or to one who went on with it.
    let (mut twice, mut asked) = (0, 0);
    let files = test_support::tree(&dir.join("srv/repo"));
    for name in files.iter().filter(|name| name.ends_with(".rpm")) {
        let requests = server.requests_for(&format!("/repo/{name}"));
        let complete = requests.iter().filter(|request| request.is_complete).count();
        assert!(complete >= 1, "{name}: {requests:?}");
        (twice, asked) = (twice + complete - 1, asked + 1);
    }
    assert_eq!(asked, PACKAGES);
    // What has come to its end at the moment of a kill may not have come to its place: seldom one, and at worst
    // everything that a worker has in its hands. Without the store, every compose would fetch its own.
    let (each, hands) = (
        AT_ONCE.0 * AT_ONCE.1,
        COMPOSES * (PACKAGES - PACKAGES / COMPOSES) - PACKAGES,
    );
    assert!(
        twice <= killed + each && killed + each < hands,
        "{twice} files were fetched once more, with {killed} kills"
    );
    println!("{killed} kills, {twice} files fetched once more");
    // One may have been killed between making a file to fetch into and seeing that it is there.
    let targets = Targets::open(&StorageSettings::new(dir.join("composes"))).unwrap();
    let kept = ContentDirectory::open(&targets, ContentsSettings::default()).unwrap();
    let stats = kept.stats().await.unwrap();
    assert_eq!(
        (stats.partial_files, stats.partial_bytes),
        (0, 0),
        "something is left of what was killed"
    );
}
