//! What several suites of this crate need.

#![allow(dead_code, reason = "each suite uses some of it")]

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use odcs_rpm::compression::{Compression, Decoder, decoder};

/// Bytes that a decompressed recording may have.
const LIMIT: u64 = 2 << 30;

/// Whether nothing may be skipped that the project itself can provide for.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// A recording: what the variable names, or else `../shared/fixtures/NAME` below the project's root.
/// `None`, and a line on the terminal, where there is none.
pub(crate) fn recording(variable: &str, name: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => shared.join("fixtures").join(name),
    };
    if path.exists() {
        return Some(path);
    }
    assert!(!(is_ci() && shared.is_dir()), "{} is missing", path.display());
    println!("skipped: no recordings");
    None
}

/// Whether all of these programs are installed; under `CI=true` they have to be.
pub(crate) fn are_there(programs: &[&str]) -> bool {
    let is_there = |program: &&&str| Command::new(program).arg("--version").output().is_ok();
    let Some(missing) = programs.iter().find(|program| !is_there(program)) else {
        return true;
    };
    assert!(!is_ci(), "{missing} is not installed");
    println!("skipped: {missing} is not installed");
    false
}

/// A file of a repository, decompressed.
pub(crate) fn open(path: &Path) -> BufReader<Decoder<BufReader<File>>> {
    let file = BufReader::new(File::open(path).unwrap());
    let compression = Compression::of_file_name(path.to_str().unwrap());
    let decoder = decoder(file, compression, "a repository file", LIMIT).unwrap();
    BufReader::with_capacity(1 << 16, decoder)
}
