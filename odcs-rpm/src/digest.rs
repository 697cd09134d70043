//! Checksums of files, as repodata writes them.

use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::{Error, Result};

/// The checksum algorithms found in repodata. MD5 is not accepted: it proves nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestAlgorithm {
    /// `sha` and `sha1` in repodata; only in old repositories.
    Sha1,
    /// `sha224`.
    Sha224,
    /// `sha256`, the usual one, and the one that is written.
    Sha256,
    /// `sha384`.
    Sha384,
    /// `sha512`.
    Sha512,
}

impl DigestAlgorithm {
    /// Reads the name used in repodata.
    ///
    /// # Errors
    /// [`Error::Value`] for an algorithm that is not known or not trusted.
    pub fn from_repodata(name: &str) -> Result<Self> {
        Ok(match name {
            "sha" | "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => {
                return Err(Error::value(
                    name,
                    "a checksum type (sha1, sha224, sha256, sha384, sha512)",
                ));
            }
        })
    }

    /// The name used in repodata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_length(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A checksum: algorithm and lower-case hex.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hex: Box<str>,
}

impl Digest {
    /// Takes a checksum as repodata writes it.
    ///
    /// # Errors
    /// [`Error::Value`] if the text is not hex of the algorithm's length.
    pub fn new(algorithm: DigestAlgorithm, hex: &str) -> Result<Self> {
        let hex = hex.trim();
        if hex.len() != algorithm.hex_length() || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::value(hex, "a checksum of its declared type"));
        }
        Ok(Self {
            algorithm,
            hex: hex.to_ascii_lowercase().into(),
        })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The checksum in lower-case hex.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Computes the checksum of a slice.
    pub fn of_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Computes the checksum of everything a reader gives, and counts the bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if reading fails.
    pub fn of_reader(algorithm: DigestAlgorithm, mut reader: impl Read) -> Result<(Self, u64)> {
        let mut hasher = Hasher::new(algorithm);
        let mut buffer = vec![0; 128 * 1024];
        let mut total = 0;
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => return Ok((hasher.finish(), total)),
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            hasher.update(buffer.get(..read).unwrap_or_default());
            total += read as u64;
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

/// SHA-256 of a slice as bytes, for those who do not need its text.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// Computes a checksum piece by piece.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Begins a checksum.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            DigestAlgorithm::Sha224 => State::Sha224(sha2::Sha224::new()),
            DigestAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(bytes),
            State::Sha224(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Ends the checksum.
    pub fn finish(self) -> Digest {
        let (algorithm, bytes) = match self.0 {
            State::Sha1(state) => (DigestAlgorithm::Sha1, state.finalize().to_vec()),
            State::Sha224(state) => (DigestAlgorithm::Sha224, state.finalize().to_vec()),
            State::Sha256(state) => (DigestAlgorithm::Sha256, state.finalize().to_vec()),
            State::Sha384(state) => (DigestAlgorithm::Sha384, state.finalize().to_vec()),
            State::Sha512(state) => (DigestAlgorithm::Sha512, state.finalize().to_vec()),
        };
        let hex = bytes
            .iter()
            .flat_map(|b| [b >> 4, b & 15])
            .filter_map(|n| char::from_digit(n.into(), 16))
            .collect::<String>();
        Digest {
            algorithm,
            hex: hex.into(),
        }
    }
}
