//! `repomd.xml`, fetched or kept.

use std::io::Read;

use bytes::Bytes;
use odcs_core::fetch::{Expected, FetchExt, Get};
use odcs_core::source::Site;
use odcs_core::source::local::{blocking, io_error};
use odcs_core::{Error, ErrorKind, Result};
use odcs_rpm::repodata::Repomd;
use odcs_rpm::{Digest, DigestAlgorithm};
use url::Url;

use super::super::error::{Reason, RepoError};
use super::super::metalink::Accepted;
use super::super::mirrors::is_web_page;
use super::super::pins::REPOMD_BYTES;
use super::{Remote, name};

/// Where it is in a repository.
const PATH: &str = "repodata/repomd.xml";

/// A `repomd.xml`.
#[derive(Debug)]
pub(in super::super) struct Document {
    pub(super) bytes: Bytes,
    /// SHA-256 of it.
    pub(super) digest: Digest,
    pub(super) repomd: Repomd,
}

impl Document {
    fn parse(bytes: Bytes, subject: &str) -> Result<Self> {
        if is_web_page(&bytes) {
            return Err(RepoError::new(Reason::WebPage, subject).into());
        }
        let repomd = Repomd::parse(&bytes).map_err(|error| RepoError::damaged(error, subject))?;
        Ok(Self {
            digest: Digest::of_bytes(DigestAlgorithm::Sha256, &bytes),
            repomd,
            bytes,
        })
    }
}

impl Remote {
    /// Fetches the `repomd.xml` of the first place that has one that is accepted. Says which place that was.
    pub(super) async fn newest(&self, site: &Site, accepted: &Accepted) -> Result<(usize, Document)> {
        let wanted = |document: &Document| {
            if accepted.accepts(&document.bytes) {
                Ok(())
            } else {
                Err(Reason::Behind)
            }
        };
        self.first(site, wanted).await
    }

    /// Fetches the `repomd.xml` of this checksum; nothing if no place has it any more.
    pub(super) async fn pinned(&self, site: &Site, digest: &Digest) -> Result<Option<Document>> {
        let wanted = |document: &Document| {
            if document.digest == *digest {
                Ok(())
            } else {
                Err(Reason::Changed)
            }
        };
        match self.first(site, wanted).await {
            Ok((_, document)) => Ok(Some(document)),
            Err(error) if matches!(error.kind(), ErrorKind::Gone | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One place after the other. If none will do, what may be otherwise later is said first, and that there is none
    /// last.
    async fn first(
        &self,
        site: &Site,
        wanted: impl Fn(&Document) -> Result<(), Reason>,
    ) -> Result<(usize, Document)> {
        let places = site.places_of(&PATH.parse()?)?;
        let mut failed: Option<Error> = None;
        for (number, place) in places.iter().enumerate() {
            let error = match self.document(place).await {
                Ok(document) => match wanted(&document) {
                    Ok(()) => return Ok((number, document)),
                    Err(reason) => RepoError::new(reason, place.as_str()).into(),
                },
                Err(error) => error,
            };
            if places.len() > 1 {
                tracing::info!(%error, "another mirror is tried");
            }
            let weight = |error: &Error| match error.kind() {
                _ if error.is_retryable() => 2,
                ErrorKind::NotFound => 0,
                _ => 1,
            };
            if failed.as_ref().is_none_or(|known| weight(known) < weight(&error)) {
                failed = Some(error);
            }
        }
        Err(match failed {
            Some(error) if error.kind() != ErrorKind::NotFound => error,
            error => {
                let none = RepoError::new(Reason::NoRepodata, name(site));
                match error {
                    Some(error) => none.caused_by(error).into(),
                    None => none.into(),
                }
            }
        })
    }

    async fn document(&self, place: &Url) -> Result<Document> {
        Document::parse(self.bytes(place, REPOMD_BYTES).await?, place.as_str())
    }

    /// Fetches something small.
    pub(super) async fn bytes(&self, url: &Url, limit: u64) -> Result<Bytes> {
        let get = Get::new(url.clone(), limit);
        let expected = Expected::at_most(limit, url.as_str());
        let (_, bytes) = self.fetch.bytes(&get, expected).await?;
        Ok(bytes)
    }

    /// The `repomd.xml` of this checksum, if it was kept and still is what it was.
    pub(super) async fn kept(&self, digest: &Digest) -> Result<Option<Document>> {
        let Some(bytes) = self.kept_bytes(digest, REPOMD_BYTES).await? else {
            return Ok(None);
        };
        Document::parse(bytes, &format!("repomd.xml of {}", digest.hex())).map(Some)
    }

    /// A small file of the content store. One that is damaged is dropped there.
    pub(in super::super) async fn kept_bytes(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>> {
        let Some(file) = self.contents.find(digest).await? else {
            return Ok(None);
        };
        let wanted = digest.clone();
        let bytes = blocking(move || {
            let mut bytes = Vec::new();
            let opened = file
                .open()
                .and_then(|opened| opened.take(limit).read_to_end(&mut bytes));
            match opened {
                Ok(_) => {
                    Ok(Some(bytes).filter(|bytes| Digest::of_bytes(wanted.algorithm(), bytes) == wanted))
                }
                // Evicted between the two.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(io_error(error, &file)),
            }
        });
        let bytes = bytes.await?;
        if bytes.is_none() {
            self.contents.recheck(std::slice::from_ref(digest)).await?;
        }
        Ok(bytes.map(Bytes::from))
    }
}
