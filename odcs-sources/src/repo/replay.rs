//! What went into a compose once, from where it was; or from where the repository has it now.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use odcs_core::manifest::ManifestPackage;
use odcs_core::source::{Candidate, PackageContent};
use odcs_core::{Error, ErrorKind, Manifest, Result};
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, DigestAlgorithm, Nevra};
use rayon::prelude::*;

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::metadata;
use super::mirrors::http;
use super::pins::read_repomd;
use super::remote::Replayed;
use super::roots::{Repository, Roots};
use crate::catalog::Amount;

/// Repositories that are searched for what was moved. A compose is made of one, which may have been parted.
const SEARCHED: usize = 8;

/// What is known of a manifest already: what came from servers, and what is kept.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) packages: Replayed,
    pub(super) updates: Option<Arc<UpdateInfo>>,
}

/// Finds the packages of a manifest.
///
/// # Errors
/// `Gone`, listing what is missing or has become something else; `Unavailable`.
pub(super) fn replay(
    roots: &Roots,
    manifest: &Manifest,
    mut known: Known,
    settings: &RepoSettings,
) -> Result<PackageContent> {
    let is_here = |number: usize| !known.packages.contains_key(&number);
    let results: Vec<Option<Result<Candidate>>> = manifest
        .packages
        .par_iter()
        .enumerate()
        .map(|(number, package)| is_here(number).then(|| here(roots, package)))
        .collect();
    let lost = results.iter().zip(&manifest.packages);
    let lost = lost.filter(|(result, _)| {
        let failed = result.as_ref().and_then(|result| result.as_ref().err());
        failed.is_some_and(|error| !error.is_retryable())
    });
    let moved = Moved::search(roots, lost.map(|(_, package)| package), settings)?;
    let mut results = results.into_iter().enumerate();
    let mut content = manifest.replayed(|package| {
        // One for each package, in this order.
        let result = match results.next() {
            Some((number, result)) => result.or_else(|| known.packages.remove(&number)),
            None => None,
        };
        let result = result.unwrap_or_else(|| Err(no_result(package)));
        result.or_else(|error| {
            if error.is_retryable() {
                Err(error)
            } else {
                moved.find(package).ok_or(error)
            }
        })
    })?;
    content.updateinfo = match (&manifest.updateinfo, known.updates) {
        (Some(recorded), Some(kept)) if kept.digest() == recorded => Some(kept),
        (Some(recorded), _) => recorded_updates(roots, manifest, recorded, settings)?,
        (None, _) => None,
    };
    Ok(content)
}

/// A package whose file was on this machine.
fn here(roots: &Roots, package: &ManifestPackage) -> Result<Candidate> {
    if http(&package.file).is_some() {
        return Err(RepoError::new(Reason::Url, &package.file).into());
    }
    Candidate::read_recorded(package, roots.file(&package.file)?)
}

/// The document with the updates that was handed on, if the repositories around the packages still have it.
fn recorded_updates(
    roots: &Roots,
    manifest: &Manifest,
    recorded: &Digest,
    settings: &RepoSettings,
) -> Result<Option<Arc<UpdateInfo>>> {
    let files = manifest.packages.iter().map(|package| Path::new(&package.file));
    let directories: BTreeSet<&Path> = files.filter_map(Path::parent).collect();
    let (mut seen, mut searched) = (BTreeSet::new(), 0);
    for directory in directories {
        for above in directory.ancestors() {
            if searched >= SEARCHED || !seen.insert(above) {
                break;
            }
            let Some(repository) = above.to_str().and_then(|above| roots.locate(above).ok()) else {
                break;
            };
            let Some(updates) = usable(read_updates(&repository, settings))?.flatten() else {
                continue;
            };
            searched += 1;
            if updates.digest() == recorded {
                return Ok(Some(Arc::new(updates)));
            }
            break;
        }
    }
    Ok(None)
}

/// The updates of a repository as its metadata has them now; `None` without metadata or updates.
fn read_updates(repository: &Repository, settings: &RepoSettings) -> Result<Option<UpdateInfo>, RepoError> {
    match read_repomd(repository)? {
        Some((_, repomd)) => metadata::updates(repository, &repomd, settings),
        None => Ok(None),
    }
}

fn no_result(package: &ManifestPackage) -> Error {
    let message = "it was not looked for because of a fault in this program";
    Error::new(
        ErrorKind::Internal,
        "replay manifest",
        package.nevra.to_string(),
        message,
    )
}

/// Packages of the repositories that lost packages were in.
struct Moved(HashMap<Nevra, Vec<Candidate>>);

impl Moved {
    /// Reads the repositories around what was lost: the innermost directory above each file that has repodata.
    /// A repository that cannot be used has nothing, unless it may be there again later.
    fn search<'a>(
        roots: &Roots,
        lost: impl Iterator<Item = &'a ManifestPackage>,
        settings: &RepoSettings,
    ) -> Result<Self> {
        let mut names = BTreeSet::new();
        let mut directories: BTreeSet<&Path> = BTreeSet::new();
        for package in lost {
            names.insert(&package.nevra);
            directories.extend(Path::new(&package.file).parent());
        }
        let (mut seen, mut searched) = (BTreeSet::new(), 0);
        let mut found: HashMap<Nevra, Vec<Candidate>> = HashMap::new();
        for directory in directories {
            for above in directory.ancestors() {
                // Whether there was something or not, whatever is further up was looked at, too.
                if searched >= SEARCHED || !seen.insert(above) {
                    break;
                }
                let Some(repository) = above.to_str().and_then(|above| roots.locate(above).ok()) else {
                    break;
                };
                let Some(content) = usable(read(&repository, settings))?.flatten() else {
                    continue;
                };
                searched += 1;
                for candidate in content.candidates {
                    if names.contains(&candidate.package.nevra) {
                        let nevra = candidate.package.nevra.clone();
                        found.entry(nevra).or_default().push(candidate);
                    }
                }
                break;
            }
        }
        Ok(Self(found))
    }

    /// The file that a package is now.
    fn find(&self, recorded: &ManifestPackage) -> Option<Candidate> {
        let candidates = self.0.get(&recorded.nevra)?.iter();
        let mut fitting = candidates.filter(|candidate| {
            // A checksum of another kind says nothing; whoever lays the file out verifies the recorded one.
            candidate
                .checksum
                .as_ref()
                .is_none_or(|known| known.algorithm() != DigestAlgorithm::Sha256 || *known == recorded.digest)
        });
        fitting.find_map(|candidate| Candidate::read_recorded(recorded, candidate.file.here()?.clone()).ok())
    }
}

/// A repository as its metadata has it now; `None` without metadata.
fn read(repository: &Repository, settings: &RepoSettings) -> Result<Option<PackageContent>, RepoError> {
    let Some((digest, _)) = read_repomd(repository)? else {
        return Ok(None);
    };
    metadata::read(repository, &digest, settings, Amount::Brief).map(Some)
}

/// What went wrong for good is as if nothing were there: there is something better to say about the package.
fn usable<T>(result: Result<T, RepoError>) -> Result<Option<T>> {
    match result {
        Err(error) if error.is_retryable() => Err(error.into()),
        Err(error) => {
            tracing::info!(%error, "packages that were moved are not looked for here");
            Ok(None)
        }
        Ok(found) => Ok(Some(found)),
    }
}
