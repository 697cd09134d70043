//! Reading packages from their `.rpm` files.
//!
//! The header says everything that repodata says; fields come out as `createrepo_c` 0.17 would write
//! them. Headers are checked before they are parsed, so a damaged or hostile file is an error with a
//! reason. Nothing is verified by [`read_header`] and [`read_file`]: a digest or a signature that a header claims
//! is a claim. [`read_verified`] asks a keyring.
//!
//! Whoever reads many files has a [`HeaderReader`] on each thread; the functions are for a file or two.

mod fields;
mod files;
mod needed;
pub(crate) mod raw;
mod reader;
mod relations;
mod requires;
pub(crate) mod signature;
mod tags;
#[cfg(test)]
mod tests;
mod value;

pub use needed::{Needed, needed};
pub use reader::HeaderReader;

use std::io::Read;

use crate::keyring::{Keyring, Verification};
use crate::{Digest, DigestAlgorithm, Package, Result};

/// What the file system says of a `.rpm` file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileFacts {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified, in seconds since 1970.
    pub modified: u64,
}

/// A `.rpm` file, read to its end. See [`read_file`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadFile {
    /// What its header says.
    pub package: Package,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The other digest that was asked for.
    pub other: Option<Digest>,
}

/// The digests that a package has of the files in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FileDigests {
    /// How they were made, as repodata calls it: `sha256`, …; `unknown` if the header does not say.
    pub algorithm: &'static str,
    /// One for each of the package's files, in their order; empty for what has no content. None at all in
    /// packages without files, and in some very old ones.
    pub digests: Vec<Box<str>>,
}

/// Reads the header of a package, as [`HeaderReader::read_header`] does.
///
/// # Errors
/// Those of [`HeaderReader::read_header`].
pub fn read_header(reader: impl Read, file: FileFacts) -> Result<Package> {
    HeaderReader::new().read_header(reader, file)
}

/// Reads what the header of a package says of the content of its files, as [`HeaderReader::read_file_digests`] does.
///
/// # Errors
/// Those of [`HeaderReader::read_header`].
pub fn read_file_digests(reader: impl Read) -> Result<FileDigests> {
    HeaderReader::new().read_file_digests(reader)
}

/// Reads a `.rpm` file once, as [`HeaderReader::read_file`] does.
///
/// # Errors
/// Those of [`HeaderReader::read_file`].
pub fn read_file(reader: impl Read, file: FileFacts, also: Option<DigestAlgorithm>) -> Result<ReadFile> {
    HeaderReader::new().read_file(reader, file, also)
}

/// Reads a `.rpm` file once and verifies its signatures, as [`HeaderReader::read_verified`] does.
///
/// # Errors
/// Those of [`HeaderReader::read_file`].
pub fn read_verified(
    reader: impl Read,
    file: FileFacts,
    also: Option<DigestAlgorithm>,
    keyring: &Keyring,
) -> Result<(ReadFile, Verification)> {
    HeaderReader::new().read_verified(reader, file, also, keyring)
}
