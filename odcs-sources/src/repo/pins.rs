//! What of a repository moves, and how it is pinned.

use std::io::Read;

use odcs_core::files::Root;
use odcs_rpm::repodata::Repomd;
use odcs_rpm::{Digest, DigestAlgorithm};
use rustix::fs::AtFlags;
use serde::{Deserialize, Serialize};
use url::Url;

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::listing;
use super::roots::Repository;
use super::trees::Trees;

/// Bytes of a `repomd.xml`; real ones have a few thousand.
pub(super) const REPOMD_BYTES: u64 = 4 << 20;

/// The state of a repository that a compose is made from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepoPins {
    /// A repository with metadata.
    Repodata {
        /// Its absolute path.
        path: String,
        /// Checksum of `repomd.xml`.
        repomd: Digest,
        /// Its revision.
        revision: Option<String>,
    },
    /// A directory with RPMs.
    Directory {
        /// Its absolute path.
        path: String,
        /// Checksum over names, sizes and modification times of its RPMs.
        listing: Digest,
    },
    /// A repository on an HTTP server.
    Remote {
        /// The URL that was asked for, with a slash at the end.
        url: Url,
        /// The directories that it is fetched from before that one, in this order: lists of mirrors move, too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mirrors: Vec<Url>,
        /// Checksum of `repomd.xml`.
        repomd: Digest,
        /// Its revision.
        revision: Option<String>,
    },
}

impl RepoPins {
    /// Where the repository is: an absolute path, or a URL.
    pub fn location(&self) -> &str {
        match self {
            Self::Repodata { path, .. } | Self::Directory { path, .. } => path,
            Self::Remote { url, .. } => url.as_str(),
        }
    }

    /// The revision of its metadata.
    pub fn revision(&self) -> Option<&str> {
        match self {
            Self::Repodata { revision, .. } | Self::Remote { revision, .. } => revision.as_deref(),
            Self::Directory { .. } => None,
        }
    }
}

/// Pins a repository as it is now.
pub(super) fn pin(
    repository: &Repository,
    settings: &RepoSettings,
    trees: &Trees,
) -> Result<RepoPins, RepoError> {
    // A directory that is not there should be called that, not a missing repomd.xml.
    let directory = repository.open()?;
    let path = repository.path.clone();
    match read_repomd(repository)? {
        Some((digest, repomd)) => Ok(RepoPins::Repodata {
            path,
            repomd: digest,
            revision: repomd.revision,
        }),
        None if has_repodata(&directory) => Err(RepoError::new(Reason::NoRepomd, format!("{path}/repodata"))),
        None => Ok(RepoPins::Directory {
            path,
            listing: listing::pin(repository, settings, trees)?,
        }),
    }
}

/// Whether there is something called `repodata`: then packages that it does not list do not count.
fn has_repodata(directory: &Root) -> bool {
    rustix::fs::statat(directory.handle(), "repodata", AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Reads `repomd.xml`, if there is one.
pub(super) fn read_repomd(repository: &Repository) -> Result<Option<(Digest, Repomd)>, RepoError> {
    let name = format!("{}/repodata/repomd.xml", repository.path);
    let file = repository
        .file("repodata/repomd.xml")
        .map_err(|error| RepoError::new(Reason::Fault, &name).caused_by(error))?;
    let file = match file.open() {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RepoError::io(error, name)),
    };
    let mut bytes = Vec::new();
    file.take(REPOMD_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| RepoError::io(error, &name))?;
    if bytes.len() as u64 > REPOMD_BYTES {
        return Err(RepoError::new(
            Reason::Limit(format!("{REPOMD_BYTES} bytes")),
            name,
        ));
    }
    let repomd = Repomd::parse(&bytes).map_err(|error| RepoError::damaged(error, &name))?;
    Ok(Some((Digest::of_bytes(DigestAlgorithm::Sha256, &bytes), repomd)))
}
