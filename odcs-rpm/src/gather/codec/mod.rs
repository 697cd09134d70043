//! Writing package sets down, and reading them back.
//!
//! The tables follow each other, each with its number of rows before it; all numbers are little-endian, of 32 bits.
//! What gathering does not need of a package, and briefs lack, is not there.

mod read;
mod write;

pub(super) use self::write::Tables;

use std::sync::Arc;

use super::set::PackageSet;
use super::stored::Part;
use crate::{Error, Result};

/// What the bytes begin with. To be changed whenever they come to mean something else.
const MAGIC: &[u8; 8] = b"ODCSset2";

impl PackageSet {
    /// The set written down, its packages as [brief](Self::is_brief) ones. The bytes depend on the packages alone,
    /// not on the order in which they were given.
    pub fn encode(&self) -> Vec<u8> {
        self.as_encoded().to_vec()
    }

    /// What [`encode`](Self::encode) gives: a set stands on these bytes.
    pub fn as_encoded(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote. The packages are brief, and made when they are first asked for.
    ///
    /// # Errors
    /// [`Error::Value`] for other bytes. Not all damage is noticed; a damaged set gathers something else. Whoever
    /// keeps the bytes has to know that they are what was written.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::from_encoded(bytes.to_vec())
    }

    /// The same without a copy of the bytes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn from_encoded(bytes: Vec<u8>) -> Result<Self> {
        Self::from_encoded_at(bytes, 0)
    }

    /// The same of bytes that begin with something else, and may be somebody else's, too: the set is what stands from
    /// the byte with this number on.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn from_encoded_at(bytes: impl Into<Arc<Vec<u8>>>, start: usize) -> Result<Self> {
        let bytes = Part::new(bytes.into(), start);
        read::set(bytes).ok_or_else(|| Error::value("the bytes given", "a package set"))
    }
}
