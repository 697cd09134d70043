//! What the tests of several crates need: where things are, trees of files, a server, and what may be skipped.
//!
//! The standard library is nearly all that it uses: no crate's tests take longer to build for it. What starts the real
//! program is in `tests/common`, beside the tests that do so.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod files;
pub mod http;
pub mod urls;

use std::path::{Path, PathBuf};
use std::process::Command;

pub use files::{contents, copy_tree, files, names, tree};

/// The top of this project.
pub fn project_root() -> PathBuf {
    // Without the `..` that would be in it otherwise, so that paths read well in messages.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The project's own test repository, with real signatures. Copy it before changing anything.
pub fn test_repository() -> PathBuf {
    project_root().join("tests/repo")
}

/// Whether nothing may be skipped that this project can provide for: `CI=true`.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Recordings that are kept outside of the project: what the variable names, or else `../shared/fixtures/NAME`
/// below the project's root.
///
/// `None`, and a line that says so, where there are none. Under `CI=true` that is a failure for recordings that
/// a variable names, and for all of them where there is a `../shared`.
pub fn recordings(variable: &str, name: &str) -> Option<PathBuf> {
    let shared = project_root().join("../shared");
    let named = std::env::var_os(variable).map(PathBuf::from);
    match find_recordings(named, &shared, name, is_ci()) {
        Ok(path) => path.or_else(|| {
            println!("skipped: no recordings");
            None
        }),
        Err(missing) => panic!("{variable}: there are no recordings at {}", missing.display()),
    }
}

fn find_recordings(
    named: Option<PathBuf>,
    shared: &Path,
    name: &str,
    is_ci: bool,
) -> Result<Option<PathBuf>, PathBuf> {
    let is_expected = named.is_some() || shared.is_dir();
    let path = named.unwrap_or_else(|| shared.join("fixtures").join(name));
    match path.exists() {
        true => Ok(Some(path)),
        false if is_ci && is_expected => Err(path),
        false => Ok(None),
    }
}

/// Whether a peer is installed. Under `CI=true` it has to be; else a line says that something was skipped.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found || !is_ci(), "{program} is not installed");
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// The same package with the tags of its signatures renamed to ones that mean nothing.
///
/// # Panics
/// If it is none, or has no signature.
pub fn without_signature(package: &[u8]) -> Vec<u8> {
    const LEAD: usize = 96;
    const INTRO: usize = 16;
    let mut bytes = package.to_vec();
    let count = u32::from_be_bytes(bytes[LEAD + 8..LEAD + 12].try_into().unwrap()) as usize;
    for index in 0..count {
        let at = LEAD + INTRO + 16 * index;
        let tag = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        // DSA, RSA, OpenPGP, PGP, GPG, PGP5.
        if [267, 268, 278, 1002, 1005, 1006].contains(&tag) {
            bytes[at..at + 4].copy_from_slice(&(tag + 9_000).to_be_bytes());
        }
    }
    assert_ne!(bytes, package, "it was signed");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_that_of_the_project() {
        assert!(project_root().join("tests/support/src/lib.rs").is_file());
        assert!(test_repository().join("repodata/repomd.xml").is_file());
    }

    #[test]
    fn recordings_are_not_skipped_where_they_should_be() {
        let there = project_root();
        let nowhere = there.join("nowhere");
        let find = |named: Option<&Path>, shared: &Path, is_ci| {
            find_recordings(named.map(Path::to_owned), shared, "x", is_ci)
        };
        assert_eq!(find(Some(&there), &nowhere, true), Ok(Some(there.clone())));
        assert_eq!(find(None, &nowhere, true), Ok(None), "nobody has them");
        assert_eq!(find(None, &there, false), Ok(None));
        assert_eq!(find(None, &there, true), Err(there.join("fixtures/x")));
        assert_eq!(find(Some(&nowhere), &nowhere, false), Ok(None));
        assert_eq!(find(Some(&nowhere), &nowhere, true), Err(nowhere));
    }
}
