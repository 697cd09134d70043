//! What leaves the machine on behalf of a request: the trait, and what passes through it.
//!
//! Whoever needs something from elsewhere asks a [`Fetch`] for it and gives it a [`Sink`]; nobody opens
//! connections by themselves. Where requests may lead, how long they may take, how often they are tried again, and
//! how a connection that was cut is taken up again is the business of the implementation, the same for everybody.
//! What is fetched is verified by the sink while it comes in ([`Verifier`]).

#[cfg(test)]
pub(crate) mod served;
mod sink;
mod verify;

pub use sink::{MemorySink, Sink, SinkError};
pub use verify::{Expected, Verified, Verifier};

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Error, Result};

/// Fetches over HTTP, and from git repositories.
///
/// Errors are sentences that name the URL: `Forbidden` for what may not be fetched (also if that turns out on the way,
/// by a redirect or by the address of a host), `NotFound` for what is not there, `Unavailable` for what could not be
/// had, often enough, and `Invalid` for what is too large or not what was expected.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Refuses what may not be fetched, as far as the URL says. No I/O.
    ///
    /// # Errors
    /// `Forbidden`.
    fn check(&self, url: &Url) -> Result<()>;

    /// Fetches one file, or a range of it, from the first of its places that has it as it should be.
    ///
    /// # Errors
    /// Those of the last place; what the sink says, if it has [failed](SinkError::Failed).
    async fn get(&self, get: &Get, sink: &mut dyn Sink) -> Result<Head>;

    /// Fetches the files of one commit of a git repository into an empty directory, without its history.
    ///
    /// # Errors
    /// As [`get`](Self::get); `NotFound` if the repository does not have the commit.
    async fn commit(&self, commit: &GitCommit, directory: &Path) -> Result<()>;
}

/// Conveniences for everything that fetches.
#[async_trait]
pub trait FetchExt: Fetch {
    /// Fetches a small file into memory.
    ///
    /// # Errors
    /// As [`Fetch::get`].
    async fn bytes(&self, get: &Get, expected: Expected) -> Result<(Head, Bytes)> {
        let mut sink = MemorySink::new(expected);
        let head = self.get(get, &mut sink).await?;
        Ok((head, sink.into_bytes()))
    }
}

impl<F: Fetch + ?Sized> FetchExt for F {}

/// A file to fetch.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Get {
    /// Where it is, in order of preference: a file and its mirrors. At least one.
    pub places: Vec<Url>,
    /// Only these bytes of it: first and last, both included. A server that does not do that sends more, which is
    /// not read.
    pub range: Option<(u64, u64)>,
    /// The most bytes that are read; a larger file is an error.
    pub limit: u64,
}

impl Get {
    /// A whole file of at most so many bytes.
    pub fn new(place: Url, limit: u64) -> Self {
        Self::of_any(vec![place], limit)
    }

    /// A whole file of at most so many bytes, from any of these places.
    pub fn of_any(places: Vec<Url>, limit: u64) -> Self {
        Self {
            places,
            range: None,
            limit,
        }
    }

    /// Only these bytes of it, both included.
    #[must_use]
    pub fn with_range(mut self, first: u64, last: u64) -> Self {
        self.range = Some((first, last));
        self
    }
}

/// What a server said of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// Where it came from in the end.
    pub url: Url,
    /// The size of the whole file, where the server says it.
    pub size: Option<u64>,
    /// When it was last modified, in seconds since 1970, where the server says it.
    pub modified: Option<u64>,
}

impl Head {
    /// A file from here, of which nothing else is known.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            size: None,
            modified: None,
        }
    }
}

/// A commit of a git repository.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GitCommit {
    /// The repository, an `https` URL.
    pub repository: Url,
    /// The commit.
    pub commit: CommitId,
    /// The most bytes that its files may have, and that may be transferred.
    pub limit: u64,
}

impl GitCommit {
    /// A commit of at most so many bytes.
    pub fn new(repository: Url, commit: CommitId, limit: u64) -> Self {
        Self {
            repository,
            commit,
            limit,
        }
    }
}

/// The full name of a git commit: 40 or 64 lower-case hex digits, so it can be no option, branch or path.
///
/// ```
/// use odcs_core::fetch::CommitId;
/// let id: CommitId = "8f14e45fceea167a5a36dedd4bea2543c1d0b7b8".parse()?;
/// assert_eq!(id.as_str().len(), 40);
/// for text in ["8f14e45", "main", "--upload-pack=x", "8F14E45FCEEA167A5A36DEDD4BEA2543C1D0B7B8"] {
///     assert!(text.parse::<CommitId>().is_err(), "{text}");
/// }
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(Box<str>);

impl CommitId {
    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommitId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if matches!(text.len(), 40 | 64) && is_hex {
            return Ok(Self(text.into()));
        }
        let shown: String = text.chars().take(80).collect();
        let message = format!("{shown:?} is not the full name of a commit: 40 or 64 hex digits");
        Err(Error::invalid("commit", message))
    }
}

impl TryFrom<String> for CommitId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
