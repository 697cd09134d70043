//! The repositories that recorded gather runs were made over.

use std::fs;

use test_support::recordings;

use crate::support::read_repository;

#[test]
fn the_repositories_of_the_recorded_gather_runs() {
    let Some(repos) = recordings("ODCS_GATHER_REPOS", "gather/repos") else {
        return;
    };
    let mut names: Vec<_> = fs::read_dir(repos)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for path in names {
        let packages = read_repository(&path);
        assert!(!packages.is_empty(), "{}", path.display());
        let files: usize = packages.iter().map(|package| package.package.files.len()).sum();
        println!(
            "ok {}: {} packages, {files} files",
            path.display(),
            packages.len()
        );
    }
}
