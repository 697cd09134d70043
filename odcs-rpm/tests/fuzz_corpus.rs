//! What fuzzing found, and what it begins with, through the functions that are fuzzed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed; the paths are its own"
)]

use std::panic::catch_unwind;
use std::path::Path;

use fuzzing::{TARGETS, seeds};

/// The inputs kept for each target are in the folder of its name.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");

/// Bytes that the corpus may have: it is to be cloned.
const MOST: u64 = 2 << 20;

#[test]
fn the_corpus_is_replayed() {
    let (mut failed, mut total) = (Vec::new(), 0);
    for target in TARGETS {
        let folder = Path::new(CORPUS).join(target.name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "nothing is kept for {}", target.name);
        for file in files {
            let input = std::fs::read(&file).unwrap();
            total += input.len() as u64;
            if catch_unwind(|| (target.run)(&input)).is_err() {
                failed.push(file);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(total <= MOST, "the corpus has {total} bytes");
}

#[test]
fn folders_are_those_of_targets() {
    for entry in std::fs::read_dir(CORPUS).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name:?}");
    }
}

#[test]
fn every_target_takes_its_seeds() {
    let seeds = seeds::all();
    for target in TARGETS {
        let mut count = 0;
        for seed in seeds.iter().filter(|seed| seed.target == target.name) {
            assert!(
                seed.bytes.len() <= target.max_len,
                "{} bytes for {}",
                seed.bytes.len(),
                target.name
            );
            (target.run)(&seed.bytes);
            count += 1;
        }
        assert!(count > 0, "{} begins with nothing", target.name);
    }
}
