//! Reading a directory with RPMs and no metadata.

use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use odcs_core::source::{Candidate, PackageContent};
use odcs_core::{ErrorKind, Result};
use odcs_rpm::digest::Hasher;
use odcs_rpm::{Digest, DigestAlgorithm};
use rayon::prelude::*;
use walkdir::WalkDir;

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::roots::Repository;

/// Directories deeper than this are a mistake or an attack.
const DEPTH: usize = 32;

/// The RPMs of a directory, sorted by path.
pub(super) struct Listing(Vec<Entry>);

struct Entry {
    path: String,
    size: u64,
    modified: (i64, i64),
}

impl Listing {
    /// Names, sizes and times in one checksum: what tells whether anything changed.
    pub(super) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        for Entry { path, size, modified } in &self.0 {
            hasher.update(format!("{path}\0{size}\0{}.{}\n", modified.0, modified.1).as_bytes());
        }
        hasher.finish()
    }
}

/// Lists the RPMs below the repository's directory. Directories behind symbolic links are not
/// entered; RPMs behind links count, and are opened beneath the root like all others.
pub(super) fn list(repository: &Repository, settings: &RepoSettings) -> Result<Listing, RepoError> {
    let directory = repository.open()?;
    // Through the open handle: whatever happens to the path meanwhile, this is the directory meant.
    let top = format!("/proc/self/fd/{}/", directory.handle().as_raw_fd());
    let mut entries = Vec::new();
    for (seen, entry) in WalkDir::new(&top)
        .max_depth(DEPTH)
        .follow_links(false)
        .into_iter()
        .enumerate()
    {
        if seen >= settings.directory_entries {
            return Err(RepoError::new(
                Reason::Limit(format!("{} files", settings.directory_entries)),
                &repository.path,
            ));
        }
        let entry = entry.map_err(|error| {
            let at = error
                .path()
                .and_then(|path| path.strip_prefix(&top).ok())
                .map(|path| path.display().to_string());
            let subject = format!("{}/{}", repository.path, at.unwrap_or_default());
            match error.into_io_error() {
                Some(error) => RepoError::io(error, subject.trim_end_matches('/')),
                None => RepoError::new(Reason::Escapes, subject),
            }
        })?;
        if entry.file_type().is_dir() && entry.depth() >= DEPTH {
            return Err(RepoError::new(
                Reason::Limit(format!("{DEPTH} directories one inside the other")),
                &repository.path,
            ));
        }
        if entry.file_type().is_dir()
            || entry
                .path()
                .extension()
                .is_none_or(|extension| extension != "rpm")
        {
            continue;
        }
        let path = entry
            .path()
            .strip_prefix(&top)
            .ok()
            .and_then(|path| path.to_str())
            .map(str::to_owned);
        let shown = || {
            let below = entry.path().strip_prefix(&top).unwrap_or(entry.path());
            format!("{}/{}", repository.path, below.display())
        };
        let path =
            path.ok_or_else(|| RepoError::new(Reason::Damaged, shown()).caused_by("its name is not UTF-8"))?;
        let metadata = entry
            .path()
            .metadata()
            .map_err(|error| RepoError::io(error, shown()))?;
        entries.push(Entry {
            path,
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        });
    }
    if entries.is_empty() {
        return Err(RepoError::new(Reason::Empty, &repository.path));
    }
    entries.sort_unstable_by(|left, right| left.path.cmp(&right.path));
    Ok(Listing(entries))
}

/// Reads the headers of all RPMs that were there when the directory was pinned.
pub(super) fn read(
    repository: &Repository,
    pinned: &Digest,
    settings: &RepoSettings,
) -> Result<PackageContent> {
    let changed = |error: RepoError| match error.kind() {
        // It was there when it was pinned.
        ErrorKind::NotFound => RepoError::new(Reason::Changed, &repository.path).caused_by(error),
        _ => error,
    };
    let listing = list(repository, settings).map_err(changed)?;
    if listing.digest() != *pinned {
        return Err(RepoError::new(Reason::Changed, &repository.path).into());
    }
    let candidates = listing
        .0
        .par_iter()
        .map(|entry| candidate(repository, entry))
        .collect::<Result<_>>()?;
    Ok(PackageContent {
        candidates,
        timestamp: None,
        description: format!("the directory {}", repository.path),
        ..PackageContent::default()
    })
}

fn candidate(repository: &Repository, entry: &Entry) -> Result<Candidate> {
    let file = repository.file(&entry.path).map_err(|_| {
        let (package, href) = ("a package".to_owned(), entry.path.clone());
        RepoError::new(Reason::Location { package, href }, &repository.path)
    })?;
    Candidate::read(file)
}
