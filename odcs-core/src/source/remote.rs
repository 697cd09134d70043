//! For sources whose packages are elsewhere: reading what they are without fetching them.
//!
//! Headers stand at the beginning of a package, and say everything that is to be known to choose among packages. They
//! are asked for by `Range`: most packages need one request of 64 KiB, the others a second one that asks for
//! exactly the rest.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_rpm::Digest;
use odcs_rpm::header::{FileFacts, Needed, needed, read_header};
use tokio::sync::Semaphore;
use url::Url;

use super::local::blocking;
use super::{Candidate, RemoteFile};
use crate::fetch::{Expected, Fetch, FetchExt, Get};
use crate::manifest::ManifestPackage;
use crate::{Error, ErrorKind, Result};

/// What is asked for first. Of the packages of a distribution (binary, debug and source ones of CentOS Stream 9's
/// AppStream) 85 in 100 have their headers in it, 76 in 32 KiB and 92 in 128 KiB; half of them need 14 KiB, and the
/// longest is 17 MB.
const FIRST: u64 = 64 << 10;

/// The most bytes that lead and headers of a package may have that is read without being fetched.
pub const MAX_HEADERS: u64 = 64 << 20;

/// Headers that are longer than this count as long, and of several packages only so many of those are in memory at a
/// time: whoever made them up must not fill it by having many.
const LONG: u64 = 2 << 20;
const LONG_AT_ONCE: usize = 2;

impl Candidate {
    /// A package that is elsewhere as a candidate, by its header alone; nothing of the payload is fetched but what
    /// happens to come with it. The time of the file is that of `remote` if it has one, else what the server says.
    ///
    /// # Errors
    /// Those of [`Fetch::get`], which are about the server; `Invalid` (no package, or a damaged one; headers of more
    /// than [`MAX_HEADERS`]; a server that does not say how large the file is), `Unavailable` (the file changed between
    /// two requests). Each names the URL.
    pub async fn read_remote(
        fetch: &dyn Fetch,
        remote: RemoteFile,
        checksum: Option<Digest>,
    ) -> Result<Self> {
        read(fetch, remote, checksum, &Semaphore::new(LONG_AT_ONCE)).await
    }

    /// Several such packages, in their order; at most so many are asked for `at_once`.
    ///
    /// # Errors
    /// As [`read_remote`](Self::read_remote), for the first that one is met for; the others are given up, then.
    pub async fn read_all_remote(
        fetch: &dyn Fetch,
        files: Vec<(RemoteFile, Option<Digest>)>,
        at_once: usize,
    ) -> Result<Vec<Self>> {
        let long = &Semaphore::new(LONG_AT_ONCE);
        stream::iter(files)
            .map(|(remote, checksum)| read(fetch, remote, checksum, long))
            .buffered(at_once.max(1))
            .try_collect()
            .await
    }

    /// A package that is elsewhere as a candidate, if it still is what a manifest recorded, as far as header and size
    /// tell. The candidate has the checksum and the time that are recorded; whoever fetches it verifies the
    /// whole file.
    ///
    /// # Errors
    /// As [`read_remote`](Self::read_remote), and `Gone` if the file has become something else.
    pub async fn read_recorded_remote(
        fetch: &dyn Fetch,
        recorded: &ManifestPackage,
        remote: RemoteFile,
    ) -> Result<Self> {
        read_recorded(fetch, recorded, remote, &Semaphore::new(LONG_AT_ONCE)).await
    }

    /// What became of each of several recorded packages, in their order; at most so many are asked for `at_once`.
    /// [`Manifest::replayed`](crate::Manifest::replayed) makes content of it.
    pub async fn read_all_recorded_remote(
        fetch: &dyn Fetch,
        files: Vec<(&ManifestPackage, RemoteFile)>,
        at_once: usize,
    ) -> Vec<Result<Self>> {
        let long = &Semaphore::new(LONG_AT_ONCE);
        // Made before anything is waited for: with this closure in it, the future would not count as `Send` in traits.
        let reading: Vec<_> = files
            .into_iter()
            .map(|(recorded, remote)| read_recorded(fetch, recorded, remote, long))
            .collect();
        stream::iter(reading).buffered(at_once.max(1)).collect().await
    }
}

async fn read_recorded(
    fetch: &dyn Fetch,
    recorded: &ManifestPackage,
    remote: RemoteFile,
    long: &Semaphore,
) -> Result<Candidate> {
    let modified = recorded.modified.or(remote.modified);
    let candidate = read(fetch, remote.with_modified(modified), None, long).await?;
    candidate.recorded_as(recorded)
}

async fn read(
    fetch: &dyn Fetch,
    remote: RemoteFile,
    checksum: Option<Digest>,
    long: &Semaphore,
) -> Result<Candidate> {
    let beginning = Beginning::of(fetch, &remote, FIRST).await?;
    // Held until the headers are parsed, which takes several times their bytes.
    let _permit = match beginning.missing() {
        Some(length) if length > LONG => long.acquire().await.ok(),
        _ => None,
    };
    let Beginning {
        url,
        bytes,
        size,
        modified,
        ..
    } = beginning.with_all_headers(fetch).await?;
    let modified = remote.modified.or(modified);
    let facts = FileFacts {
        size,
        modified: modified.unwrap_or(0),
    };
    let bytes = bytes.freeze();
    let package = blocking(move || parse(&url, &bytes, facts)).await?;
    let candidate = Candidate::new(Arc::new(package), remote.with_modified(modified));
    Ok(candidate.with_checksum(checksum))
}

fn parse(url: &Url, bytes: &Bytes, facts: FileFacts) -> Result<odcs_rpm::Package> {
    read_header(&**bytes, facts).map_err(|error| {
        let message = if is_web_page(bytes) {
            format!("the server answered a web page where the package {url} should be")
        } else {
            format!("{url} is damaged: {error}")
        };
        invalid(url, message).with_source(error)
    })
}

/// As much of a file as has been fetched.
struct Beginning {
    /// What the file is known by.
    url: Url,
    /// All places that it may be fetched from.
    places: Vec<Url>,
    bytes: BytesMut,
    size: u64,
    modified: Option<u64>,
}

impl Beginning {
    async fn of(fetch: &dyn Fetch, remote: &RemoteFile, length: u64) -> Result<Self> {
        let (url, places) = (remote.url()?, remote.places()?);
        let (head, bytes) = range(fetch, &url, &places, 0, length).await?;
        // Less than was asked for is all there is.
        let is_whole = (bytes.len() as u64) < length;
        let Some(size) = head.size.or(is_whole.then_some(bytes.len() as u64)) else {
            let message = format!("the server does not say how large {url} is, so its header cannot be read");
            return Err(invalid(&url, message));
        };
        Ok(Self {
            url,
            places,
            bytes: bytes.into(),
            size,
            modified: head.modified,
        })
    }

    /// How long the beginning has to be for more to be said, if the file is that long: of one that is not, what is
    /// there says already that it is cut off.
    fn missing(&self) -> Option<u64> {
        match needed(&self.bytes) {
            Needed::AtLeast(length) if length <= self.size => Some(length),
            _ => None,
        }
    }

    async fn with_all_headers(mut self, fetch: &dyn Fetch) -> Result<Self> {
        while let Some(length) = self.missing() {
            if length > MAX_HEADERS {
                let url = &self.url;
                let message =
                    format!("{url} has headers of {length} bytes, more than the limit of {MAX_HEADERS}");
                return Err(invalid(url, message));
            }
            let have = self.bytes.len() as u64;
            let rest = length.saturating_sub(have);
            let (head, bytes) = range(fetch, &self.url, &self.places, have, rest).await?;
            let is_same = head.size.is_none_or(|size| size == self.size);
            if !is_same || (bytes.len() as u64) < rest {
                let url = &self.url;
                let message = format!("{url} changed while its header was being read; try again");
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "read source",
                    url.as_str(),
                    message,
                ));
            }
            self.bytes.extend_from_slice(&bytes);
        }
        Ok(self)
    }
}

/// So many bytes of a file; fewer if it ends before.
async fn range(
    fetch: &dyn Fetch,
    url: &Url,
    places: &[Url],
    from: u64,
    length: u64,
) -> Result<(crate::fetch::Head, Bytes)> {
    let last = from.saturating_add(length).saturating_sub(1);
    // The range says how much is read; how large the file is does not matter.
    let get = Get::of_any(places.to_vec(), u64::MAX).with_range(from, last);
    fetch.bytes(&get, Expected::at_most(length, url.as_str())).await
}

/// Whether these are the first bytes of an HTML document, as servers answer them in place of files that they
/// want to explain something about.
fn is_web_page(bytes: &[u8]) -> bool {
    let beginning = bytes.get(..1024).unwrap_or(bytes).trim_ascii_start();
    let beginning = beginning.to_ascii_lowercase();
    beginning.starts_with(b"<")
        && ["<html", "<!doctype html"]
            .iter()
            .any(|tag| contains(&beginning, tag))
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn invalid(url: &Url, message: String) -> Error {
    Error::new(ErrorKind::Invalid, "read source", url.as_str(), message)
}

#[cfg(test)]
mod tests;
