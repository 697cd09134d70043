//! With repositories of this machine, and with a server on a loopback address.

#![allow(
    clippy::disallowed_methods,
    reason = "what tests have made, nobody else knows"
)]

mod bounds;
mod https;
mod refused;
mod repository;
mod server;
mod tree;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use odcs_core::allow::UrlAllowList;
use odcs_core::fetch::GitCommit;
use tempfile::TempDir;

use super::*;
use repository::Repository;

fn settings() -> FetchSettings {
    FetchSettings::new(UrlAllowList::parse(["https://git.example.com/pub/"]).unwrap())
}

fn loopback() -> Route {
    Route::Direct(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
}

const LIMIT: u64 = 1 << 20;

/// Fetches from a repository of this machine.
async fn fetched_with(
    settings: &FetchSettings,
    repository: &Repository,
    commit: &str,
    limit: u64,
) -> Result<TempDir, GitError> {
    let directory = TempDir::new().unwrap();
    let commit = GitCommit::new(repository.url(), commit.parse().unwrap(), limit);
    fetch_by(Protocol::File, settings, &loopback(), &commit, directory.path()).await?;
    Ok(directory)
}

async fn fetched(repository: &Repository, commit: &str) -> Result<TempDir, GitError> {
    fetched_with(&settings(), repository, commit, LIMIT).await
}

/// All files of a directory with their contents, and all directories, by path.
fn files(directory: &Path) -> Vec<(String, Option<String>)> {
    fn walk(directory: &Path, below: &str, found: &mut Vec<(String, Option<String>)>) {
        for entry in entries(directory) {
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().unwrap();
            assert!(!kind.is_symlink(), "{name}");
            if kind.is_dir() {
                found.push((name.clone(), None));
                walk(&entry.path(), &format!("{name}/"), found);
            } else {
                let bytes = std::fs::read(entry.path()).unwrap();
                found.push((name, Some(String::from_utf8_lossy(&bytes).into_owned())));
            }
        }
    }
    fn entries(directory: &Path) -> Vec<std::fs::DirEntry> {
        std::fs::read_dir(directory)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
    let mut found = Vec::new();
    walk(directory, "", &mut found);
    found.sort();
    found
}
