//! The metadata cache, while processes that write to it are killed: what was there before is there, and nothing that
//! nobody put.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use odcs_core::{CacheKey, MetadataCache};
use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};
use tokio_util::sync::CancellationToken;

/// Where the composes are; only set in processes that write.
const DIR: &str = "ODCS_CACHING_DIR";
/// Which numbers it puts: this one, and every second after it.
const FIRST: &str = "ODCS_CACHING_FIRST";
/// Where it is written down up to where that was flushed.
const REPORT: &str = "ODCS_CACHING_REPORT";
/// Small, so that segments come and go.
const CAP: u64 = 64 << 20;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(dir: &Path) -> PackCache {
    let targets = Targets::open(&StorageSettings::new(dir)).unwrap();
    let settings = CacheSettings::default().with_bytes(CAP).with_batch(100_000);
    PackCache::open(&targets, settings).unwrap()
}

fn key(number: usize) -> CacheKey {
    CacheKey::new("test", &[&number.to_le_bytes()])
}

fn content(number: usize) -> Vec<u8> {
    let bytes = number.to_le_bytes().into_iter().cycle().zip((0_u8..=250).cycle());
    bytes.map(|(a, b)| a ^ b).take(number * 97 % 5000).collect()
}

/// Whether an entry is there; it has to be the one that was put.
fn has(cache: &PackCache, number: usize) -> bool {
    let mut found = Vec::new();
    let is_there = cache.get(&key(number), &mut found);
    assert!(
        !is_there || found == content(number),
        "entry {number} is another one"
    );
    is_there
}

fn start(dir: &Path, first: usize, report: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cache::writer", "--nocapture"])
        .env(DIR, dir)
        .env(FIRST, first.to_string())
        .env(REPORT, report)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: what [`start`] starts, which goes on until it is killed. Without the variables it has nothing to do.
#[test]
fn writer() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let first: usize = std::env::var(FIRST).unwrap().parse().unwrap();
    let mut report = OpenOptions::new()
        .append(true)
        .open(std::env::var(REPORT).unwrap())
        .unwrap();
    let cache = open(&dir);
    for number in (first..).step_by(2) {
        cache.put(&key(number), &[&content(number)]);
        has(&cache, number / 2);
        has(&cache, number + 1);
        if number % 50 < 2 {
            cache.flush();
            // All of it at once.
            report.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
    }
}

#[test]
fn killed_anywhere_it_has_what_was_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let reports = [dir.path().join("even"), dir.path().join("odd")];
    for report in &reports {
        File::create(report).unwrap();
    }
    let flushed = |which: usize| -> Option<usize> {
        let report = std::fs::read_to_string(&reports[which]).unwrap();
        Some(report.lines().last()?.parse().unwrap())
    };
    let composes = dir.path().join("composes");
    let mut next = [0, 1];
    for round in 0..15_u64 {
        let mut children = [0, 1].map(|which| start(&composes, next[which], &reports[which]));
        // At any moment, but not before both have got somewhere.
        let since = Instant::now();
        while [0, 1]
            .iter()
            .any(|which| flushed(*which) < Some(next[*which] + 100))
        {
            assert!(since.elapsed() < PATIENCE, "they do not get on");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(round * 37 % 50));
        // One goes first, and the other one has to do with what it leaves.
        for which in [round % 2, 1 - round % 2] {
            let child = &mut children[usize::try_from(which).unwrap()];
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "{status}");
            std::thread::sleep(Duration::from_millis(round * 11 % 30));
        }
        let cache = open(&composes);
        for which in [0, 1] {
            let Some(last) = flushed(which) else { continue };
            // Old ones may have made room.
            let since = (which..last + 1).step_by(2).rev().take(3000);
            for number in since {
                assert!(
                    has(&cache, number),
                    "round {round}: entry {number} of {last} is lost"
                );
            }
            next[which] = last + 2;
        }
        if round % 4 == 3 {
            // What was being written when they were killed is cut off; all else is as it was.
            let cancel = CancellationToken::new();
            cache.verify(|_| (), &cancel).unwrap();
            let verified = cache.verify(|_| (), &cancel).unwrap();
            assert_eq!(verified.damaged, []);
        }
    }
    let stats = open(&composes).stats().unwrap();
    assert!(stats.bytes <= CAP, "{stats:?}");
}
