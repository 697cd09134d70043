//! The store under all that can happen to it.
#![allow(clippy::disallowed_methods, reason = "tests look at files")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use odcs_core::fetch::{GitCommit, Head, Sink, SinkError};
use odcs_core::testing::ManualClock;
use odcs_core::{Error, ErrorKind, Timestamp};
use url::Url;

use super::*;
use crate::settings::StorageSettings;

/// A server in this process: serves what a path says, and does as it is told.
#[derive(Debug, Default)]
struct Script {
    gets: AtomicUsize,
    /// Where each fetch began.
    began: Mutex<Vec<u64>>,
    /// Bytes after which all connections are cut.
    cut: Mutex<Option<usize>>,
    pause: Mutex<Duration>,
}

/// What `http://a/SIZE/NAME` has.
fn body(url: &Url) -> Vec<u8> {
    let mut segments = url.path_segments().unwrap();
    let size: usize = segments.next().unwrap().parse().unwrap();
    let name = segments.next().unwrap();
    name.bytes()
        .cycle()
        .zip(0_u8..=250)
        .map(|(a, b)| a ^ b)
        .cycle()
        .take(size)
        .collect()
}

#[async_trait]
impl Fetch for Script {
    fn check(&self, _: &Url) -> odcs_core::Result<()> {
        Ok(())
    }

    async fn get(&self, get: &Get, sink: &mut dyn Sink) -> odcs_core::Result<Head> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        let mut last = None;
        for place in &get.places {
            let bytes = Bytes::from(body(place));
            let received = usize::try_from(sink.received()).unwrap();
            self.began.lock().unwrap().push(received as u64);
            let mut at = received;
            if received > bytes.len() {
                sink.restart().await.map_err(error_of)?;
                at = 0;
            }
            let end = self.cut.lock().unwrap().unwrap_or(bytes.len()).min(bytes.len());
            while at < end {
                let next = (at + 40_000).min(end);
                let piece = bytes.slice(at..next);
                match sink.write(piece).await {
                    Ok(()) => at = next,
                    Err(error) => return Err(error_of(error)),
                }
                let pause = *self.pause.lock().unwrap();
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            if end < bytes.len() {
                last = Some(Error::new(ErrorKind::Unavailable, "fetch", place.as_str(), "cut"));
                continue;
            }
            match sink.finish().await {
                Ok(()) => {
                    let mut head = Head::new(place.clone());
                    head.modified = Some(1_600_000_000);
                    return Ok(head);
                }
                Err(error) => {
                    last = Some(error_of(error));
                    sink.restart().await.map_err(error_of)?;
                }
            }
        }
        Err(last.unwrap())
    }

    async fn commit(&self, _: &GitCommit, _: &Path) -> odcs_core::Result<()> {
        unreachable!("no git here")
    }
}

fn error_of(error: SinkError) -> Error {
    match error {
        SinkError::Wrong(error) | SinkError::Failed(error) => error,
    }
}

struct Case {
    target: tempfile::TempDir,
    script: Arc<Script>,
    clock: ManualClock,
    settings: ContentsSettings,
}

impl Case {
    fn new() -> Self {
        let now = Timestamp::from_seconds(1_900_000_000);
        let clock = ManualClock::new(now);
        Self {
            target: tempfile::tempdir().unwrap(),
            script: Arc::default(),
            settings: ContentsSettings::default().with_clock(Arc::new(clock.clone())),
            clock,
        }
    }

    fn open(&self) -> Contents {
        let targets = Targets::open(&StorageSettings::new(self.target.path())).unwrap();
        Contents::open(&targets, self.settings.clone(), self.script.clone()).unwrap()
    }

    fn gets(&self) -> usize {
        self.script.gets.load(Ordering::Relaxed)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.target.path().join(layout_content(below))
    }

    fn partials(&self) -> Vec<(String, u64)> {
        let mut list: Vec<_> = std::fs::read_dir(self.path("partial"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        list.sort();
        list
    }
}

fn layout_content(below: &str) -> String {
    format!("{}/{below}", crate::layout::CONTENT)
}

fn url(size: usize, name: &str) -> Url {
    format!("http://a/{size}/{name}").parse().unwrap()
}

fn wanted(algorithm: DigestAlgorithm, size: usize, name: &str) -> Wanted {
    let url = url(size, name);
    let digest = Digest::of_bytes(algorithm, &body(&url));
    Wanted::new(vec![url], Some(digest), 1 << 30).with_size(Some(size as u64))
}

fn sha256(size: usize, name: &str) -> Wanted {
    wanted(DigestAlgorithm::Sha256, size, name)
}

fn read(file: &SourceFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file.open().unwrap(), &mut bytes).unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_ask_and_one_fetches() {
    let case = Case::new();
    *case.script.pause.lock().unwrap() = Duration::from_millis(1);
    let (one, other) = (case.open(), case.open());
    let wanted = sha256(300_000, "ed").with_modified(Some(1_500_000_000));
    let tasks = (0..100).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { other.clone() };
        let wanted = wanted.clone();
        tokio::spawn(async move { store.obtain(&wanted).await.unwrap() })
    });
    let tasks: Vec<_> = tasks.collect();
    // The other store waits by the clock.
    let moving = tokio::spawn({
        let clock = case.clock.clone();
        async move {
            loop {
                clock.advance(Duration::from_millis(5));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let mut fetched = 0;
    for task in tasks {
        let obtained = task.await.unwrap();
        fetched += obtained.fetched;
        assert_eq!(read(&obtained.file), body(&wanted.places[0]));
    }
    moving.abort();
    assert_eq!((fetched, case.gets()), (300_000, 1));
    assert!(case.partials().is_empty());
    let found = one.find(wanted.digest.as_ref().unwrap()).await.unwrap().unwrap();
    let stat = found.open().unwrap().metadata().unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.mtime()), (0o644, 1_500_000_000));
    assert_eq!(one.directory().stats().await.unwrap().files, 1);
}
