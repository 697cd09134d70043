//! The content store, while processes that fetch into it are killed: nothing is half there, and nothing fetched twice.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use odcs_core::ContentStore;
use odcs_core::allow::UrlAllowList;
use odcs_core::content_store::Wanted;
use odcs_fetch::{FetchSettings, Fetcher};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::{ContentDirectory, Contents, ContentsSettings, StorageSettings, Targets};
use test_support::http::{Behaviour, Gate, Server};

/// Where the store is; only set in processes that fetch.
const DIR: &str = "ODCS_FETCHING_DIR";
/// The URL that everything is below of.
const FROM: &str = "ODCS_FETCHING_FROM";
/// What is fetched, names and sizes, in this order and four at a time.
const FILES: &str = "ODCS_FETCHING_FILES";
/// Where it is written down how many bytes were fetched of each file.
const REPORT: &str = "ODCS_FETCHING_REPORT";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The content of a file that is called `NAME-SIZE`.
fn body(name: &str) -> Vec<u8> {
    let size = name.rsplit('-').next().unwrap().parse().unwrap();
    let pairs = name.bytes().cycle().zip((0..=250_u8).cycle());
    pairs.map(|(a, b)| a ^ b).take(size).collect()
}

fn digest(name: &str) -> Digest {
    Digest::of_bytes(DigestAlgorithm::Sha256, &body(name))
}

/// A process that fetches files.
struct Worker {
    child: Child,
    report: PathBuf,
}

impl Worker {
    fn start(dir: &Path, server: &Server, files: &[String], name: &str) -> Self {
        let report = dir.join(name);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "contents::worker", "--nocapture"])
            .env(DIR, dir.join("composes"))
            .env(FROM, server.url("/"))
            .env(FILES, files.join(" "))
            .env(REPORT, &report)
            .stdout(Stdio::null())
            .spawn();
        Self {
            child: child.unwrap(),
            report,
        }
    }

    /// What it has so far, and how many bytes it fetched for that.
    fn report(&self) -> Vec<(String, u64)> {
        let text = std::fs::read_to_string(&self.report).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines
            .map(|(name, bytes)| (name.to_owned(), bytes.parse().unwrap()))
            .collect()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        // It may have been done before.
        assert!(
            status.success() || status.signal() == Some(Signal::SIGKILL as i32),
            "{status}"
        );
    }

    fn must_succeed(mut self) {
        assert!(
            self.child.wait().unwrap().success(),
            "what was asked for was not to be had"
        );
    }
}

/// Not a test: what [`Worker::start`] starts. Without the variables it has nothing to do.
#[test]
fn worker() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let from: url::Url = std::env::var(FROM).unwrap().parse().unwrap();
    let files = std::env::var(FILES).unwrap();
    let report = File::create(std::env::var(REPORT).unwrap()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let allowed = UrlAllowList::parse([from.as_str()]).unwrap();
        let fetcher = Fetcher::new(FetchSettings::new(allowed)).unwrap();
        let targets = Targets::open(&StorageSettings::new(dir)).unwrap();
        let store = Contents::open(&targets, ContentsSettings::default(), Arc::new(fetcher)).unwrap();
        let (turns, mut tasks) = (
            Arc::new(tokio::sync::Semaphore::new(4)),
            tokio::task::JoinSet::new(),
        );
        for name in files.split(' ').map(str::to_owned) {
            let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
            let (store, mut report) = (store.clone(), report.try_clone().unwrap());
            let wanted = Wanted::new(vec![from.join(&name).unwrap()], Some(digest(&name)), 1 << 30);
            tasks.spawn(async move {
                let obtained = store.obtain(&wanted).await.unwrap();
                let line = format!("{name} {}\n", obtained.fetched);
                std::io::Write::write_all(&mut report, line.as_bytes()).unwrap();
                drop(turn);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    });
}

fn serve(files: &[String]) -> Server {
    let server = Server::empty();
    for name in files {
        server.put(&format!("/{name}"), body(name));
    }
    server
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn path_of(dir: &Path, name: &str) -> PathBuf {
    let hex = digest(name).hex().to_owned();
    dir.join("composes/.content/sha256")
        .join(&hex[..2])
        .join(&hex[2..])
}

#[test]
fn the_survivor_goes_on_from_where_the_killed_one_was() {
    let dir = tempfile::tempdir().unwrap();
    let big = "big-4000000".to_owned();
    let small: Vec<_> = (0..60)
        .map(|n| format!("small-{n}-{}", 1_000 + n * 3_000))
        .collect();
    let files: Vec<_> = std::iter::once(big.clone())
        .chain(small.iter().cloned())
        .collect();
    let server = serve(&files);
    let gate = Gate::default();
    server.on(&format!("/{big}"), Behaviour::HoldAfter(2_500_000, gate.clone()));

    let partial = dir
        .path()
        .join("composes/.content/partial")
        .join(format!("sha256-{}", digest(&big).hex()));
    let killed = Worker::start(dir.path(), &server, &files, "killed");
    wait_until("half of the big file", || {
        partial
            .metadata()
            .is_ok_and(|metadata| metadata.len() > 2_000_000)
    });
    let survivor = Worker::start(dir.path(), &server, &files, "survivor");
    // Between them they fetch everything else.
    wait_until("everything else", || survivor.report().len() == small.len());
    wait_until("the end of what is fetched beside", || {
        killed.report().len() == small.len()
    });
    assert!(!path_of(dir.path(), &big).exists());
    killed.kill();
    gate.open();
    let report = survivor.report.clone();
    survivor.must_succeed();

    let report = std::fs::read_to_string(report).unwrap();
    let fetched: u64 = report
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{big} ")))
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        fetched < 2_000_000,
        "it was fetched from the beginning: {fetched} bytes"
    );
    assert!(std::fs::read(path_of(dir.path(), &big)).unwrap() == body(&big));
    let asked = server.requests_for(&format!("/{big}"));
    assert_eq!(asked.len(), 2);
    assert!(!asked[0].is_complete && asked[1].range().is_some(), "{asked:?}");
    for name in &small {
        assert_eq!(
            server.requests_for(&format!("/{name}")).len(),
            1,
            "{name} was fetched twice"
        );
        assert!(std::fs::read(path_of(dir.path(), name)).unwrap() == body(name));
    }
}

#[test]
fn whenever_they_are_killed_nothing_is_half_there_and_everything_comes_to_an_end() {
    let files: Vec<_> = (0..30)
        .map(|n| {
            format!(
                "file-{n}-{}",
                if n % 5 == 0 { 1_500_000 } else { 2_000 + n * 9_000 }
            )
        })
        .collect();
    for round in 0..2_u64 {
        let dir = tempfile::tempdir().unwrap();
        let server = serve(&files);
        server.on("/*", Behaviour::Drip(100_000, Duration::from_millis(2)));
        let is_over = Arc::new(AtomicBool::new(false));
        let watching = std::thread::spawn({
            let (is_over, dir, files) = (Arc::clone(&is_over), dir.path().to_owned(), files.clone());
            move || {
                let expected: Vec<_> = files
                    .iter()
                    .map(|name| (path_of(&dir, name), body(name).len() as u64))
                    .collect();
                while !is_over.load(Ordering::Relaxed) {
                    for (path, size) in &expected {
                        if let Ok(metadata) = path.metadata() {
                            assert_eq!(metadata.len(), *size, "{} is half there", path.display());
                        }
                    }
                }
            }
        });
        let mut backwards = files.clone();
        backwards.reverse();
        let survivor = Worker::start(dir.path(), &server, &backwards, "survivor");
        let mut kills = 0;
        while kills < 4 {
            let victim = Worker::start(dir.path(), &server, &files, &format!("victim-{kills}"));
            // Long enough to begin, and never twice the same.
            std::thread::sleep(Duration::from_millis(40 + 23 * round + 31 * kills));
            victim.kill();
            kills += 1;
        }
        survivor.must_succeed();
        is_over.store(true, Ordering::Relaxed);
        watching.join().unwrap();
        let mut begun_again = 0;
        for name in &files {
            assert!(
                std::fs::read(path_of(dir.path(), name)).unwrap() == body(name),
                "{name}"
            );
            let requests = server.requests_for(&format!("/{name}"));
            let from_start = requests.iter().filter(|request| request.range().is_none());
            begun_again += from_start.count() - 1;
        }
        // Of what one of them had in its hands when it was killed, little is fetched once more.
        assert!(begun_again <= 4 * 4, "{begun_again} files were fetched once more");
        // One may have been killed between making a file to fetch into and seeing that it is there.
        let targets = Targets::open(&StorageSettings::new(dir.path().join("composes"))).unwrap();
        ContentDirectory::open(&targets, ContentsSettings::default()).unwrap();
        let left = dir.path().join("composes/.content/partial").read_dir().unwrap();
        assert_eq!(left.count(), 0, "something is left of what was killed");
    }
}
