//! Verifying what is fetched while it comes in.

use odcs_rpm::digest::Hasher;
use odcs_rpm::{Digest, DigestAlgorithm};

use crate::{Error, ErrorKind, Result};

/// What a file has to be.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Expected {
    /// What it is called in messages: its URL, usually.
    pub name: String,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its checksum.
    pub digest: Option<Digest>,
    /// The most bytes it may have, if its size is not known.
    pub limit: u64,
}

impl Expected {
    /// Anything of at most so many bytes.
    pub fn at_most(limit: u64, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            size: None,
            digest: None,
            limit,
        }
    }

    /// With this size.
    #[must_use]
    pub fn with_size(mut self, size: Option<u64>) -> Self {
        self.size = size;
        self
    }

    /// With this checksum.
    #[must_use]
    pub fn with_digest(mut self, digest: Option<Digest>) -> Self {
        self.digest = digest;
        self
    }

    /// The most bytes that it makes sense to read.
    pub fn most(&self) -> u64 {
        self.size.map_or(self.limit, |size| size.min(self.limit))
    }

    fn wrong(&self, what: &str) -> Error {
        let message = format!("{} {what}", self.name);
        Error::new(ErrorKind::Invalid, "verify", &self.name, message)
    }
}

/// What was found out about a file that is what it has to be.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verified {
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
}

/// Size and checksums of a file, worked out while it passes through.
///
/// ```
/// use odcs_core::fetch::{Expected, Verifier};
/// let mut verifier = Verifier::new(Expected::at_most(100, "http://example.com/a").with_size(Some(9)));
/// verifier.update(b"an ed")?;
/// verifier.update(b"itor")?;
/// assert_eq!(verifier.finish()?.size, 9);
///
/// let mut verifier = Verifier::new(Expected::at_most(4, "http://example.com/a"));
/// assert!(verifier.update(b"an editor").is_err());
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    expected: Expected,
    sha256: Hasher,
    other: Option<Hasher>,
    seen: u64,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("expected", &self.expected)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// For a file that has to be this; nothing of it has been seen.
    pub fn new(expected: Expected) -> Self {
        let other = expected.digest.as_ref().map(Digest::algorithm);
        Self {
            sha256: Hasher::new(DigestAlgorithm::Sha256),
            other: other
                .filter(|other| *other != DigestAlgorithm::Sha256)
                .map(Hasher::new),
            expected,
            seen: 0,
        }
    }

    /// What the file has to be.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// How many bytes have been seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The next bytes.
    ///
    /// # Errors
    /// `Invalid` as soon as there are too many.
    pub fn update(&mut self, bytes: &[u8]) -> Result<()> {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        if let Some(size) = self.expected.size.filter(|size| self.seen > *size) {
            return Err(self.expected.wrong(&format!(
                "is not what it should be: it has more than the {size} bytes that it should have"
            )));
        }
        if self.seen > self.expected.limit {
            let limit = self.expected.limit;
            return Err(self
                .expected
                .wrong(&format!("is larger than the limit of {limit} bytes")));
        }
        self.sha256.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
        Ok(())
    }

    /// That was all.
    ///
    /// # Errors
    /// `Invalid` if it is not what it has to be.
    pub fn finish(self) -> Result<Verified> {
        let Self {
            expected,
            sha256,
            other,
            seen,
        } = self;
        if let Some(size) = expected.size.filter(|size| *size != seen) {
            return Err(expected.wrong(&format!(
                "is not what it should be: it has {seen} bytes instead of {size}"
            )));
        }
        let sha256 = sha256.finish();
        let found = other.map(Hasher::finish);
        let found = found.as_ref().unwrap_or(&sha256);
        if let Some(digest) = expected.digest.as_ref().filter(|digest| *digest != found) {
            return Err(expected.wrong(&format!(
                "is not what it should be: its {} is {} instead of {}",
                digest.algorithm(),
                found.hex(),
                digest.hex()
            )));
        }
        Ok(Verified { size: seen, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(expected: Expected, bytes: &[u8]) -> Result<Verified> {
        let mut verifier = Verifier::new(expected);
        bytes.chunks(2).try_for_each(|piece| verifier.update(piece))?;
        verifier.finish()
    }

    #[test]
    fn everything_that_is_known_is_verified() {
        let any = || Expected::at_most(20, "http://example.com/ed");
        let of = |algorithm, bytes| Digest::of_bytes(algorithm, bytes);
        let sha256 = of(DigestAlgorithm::Sha256, b"an editor");
        let found = verify(any(), b"an editor").unwrap();
        assert_eq!((found.size, &found.sha256), (9, &sha256));
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let expected = any()
                .with_digest(Some(of(algorithm, b"an editor")))
                .with_size(Some(9));
            assert_eq!(verify(expected.clone(), b"an editor").unwrap(), found);
            for (bytes, says) in [
                (&b"an edifor"[..], "instead of"),
                (b"an edito", "8 bytes instead of 9"),
                (b"an editors", "more than the 9 bytes"),
            ] {
                let error = verify(expected.clone(), bytes).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(error.message().contains(says), "{error}");
                assert!(error.message().starts_with("http://example.com/ed is"), "{error}");
            }
        }
        let error = verify(any(), &[0; 21]).unwrap_err();
        assert!(error.message().contains("limit of 20 bytes"), "{error}");
    }
}
