//! Reading packages from their `.rpm` files.
//!
//! The header says everything that repodata says; fields come out as `createrepo_c` 0.17 would write
//! them. Headers are checked before they are parsed, so a damaged or hostile file is an error with a
//! reason. Nothing is verified by [`read_header`] and [`read_file`]: a digest or a signature that a header claims
//! is a claim. [`read_verified`] asks a keyring.

mod fields;
mod needed;
pub(crate) mod raw;
mod requires;
pub(crate) mod signature;
#[cfg(test)]
mod tests;

pub use needed::{Needed, needed};

use std::io::Read;

use crate::digest::Hasher;
use crate::keyring::{Checker, Keyring, Verification};
use crate::{Digest, DigestAlgorithm, Error, Package, Result};

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

/// Reads the header of a package: lead, signature header and main header, nothing of the payload.
/// Reads in a few large pieces; a buffer around the reader is not needed.
///
/// # Errors
/// [`Error::Package`] if the bytes are no package, are damaged, or the file is shorter than its header
/// says; [`Error::Io`] if reading fails.
pub fn read_header(mut reader: impl Read, file: FileFacts) -> Result<Package> {
    let raw = raw::RawHeaders::read(&mut reader)?;
    package(&raw, file)
}

fn package(raw: &raw::RawHeaders, file: FileFacts) -> Result<Package> {
    let (package, expected_size) = fields::package(raw, file)?;
    check_size(file.size, expected_size)?;
    Ok(package)
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

/// Reads what the header of a package says of the content of its files. They are long and rarely needed,
/// so packages do not hold them.
///
/// # Errors
/// As [`read_header`].
pub fn read_file_digests(mut reader: impl Read) -> Result<FileDigests> {
    fields::file_digests(&raw::RawHeaders::read(&mut reader)?)
}

/// Reads a `.rpm` file once: its header as in [`read_header`], and the digests of all its bytes.
/// `also` asks for one more digest than SHA-256, for repositories with other checksums.
///
/// # Errors
/// As [`read_header`], and [`Error::Package`] if the file does not have the size it was said to have.
pub fn read_file(reader: impl Read, file: FileFacts, also: Option<DigestAlgorithm>) -> Result<ReadFile> {
    let mut reader = HashingReader::new(reader, also);
    let package = read_header(&mut reader, file)?;
    reader.read_rest(file, |_| {})?;
    Ok(reader.finish(package, also))
}

/// Reads a `.rpm` file once, as [`read_file`] does, and verifies its signatures against a keyring meanwhile:
/// [`keyring`](crate::keyring) says how. A package without a signature that holds is not an error.
///
/// # Errors
/// As [`read_file`].
pub fn read_verified(
    reader: impl Read,
    file: FileFacts,
    also: Option<DigestAlgorithm>,
    keyring: &Keyring,
) -> Result<(ReadFile, Verification)> {
    let mut reader = HashingReader::new(reader, also);
    let raw = raw::RawHeaders::read(&mut reader)?;
    let package = package(&raw, file)?;
    let mut checker = Checker::new(keyring, &raw);
    drop(raw);
    reader.read_rest(file, |bytes| checker.update(bytes))?;
    Ok((reader.finish(package, also), checker.finish()))
}

/// The signature header says how long the rest of the file is, which tells cut files from whole ones
/// without reading them.
fn check_size(size: u64, expected: Option<u64>) -> Result<()> {
    match expected {
        Some(expected) if size < expected => Err(Error::package(format_args!(
            "the file is cut off: it has {size} bytes of {expected}"
        ))),
        _ => Ok(()),
    }
}

/// Hashes what passes through.
struct HashingReader<R> {
    reader: R,
    sha256: Hasher,
    other: Option<Hasher>,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    fn new(reader: R, also: Option<DigestAlgorithm>) -> Self {
        Self {
            reader,
            sha256: Hasher::new(DigestAlgorithm::Sha256),
            other: also
                .filter(|also| *also != DigestAlgorithm::Sha256)
                .map(Hasher::new),
            bytes: 0,
        }
    }

    /// Reads to the end, and shows every piece.
    fn read_rest(&mut self, file: FileFacts, mut show: impl FnMut(&[u8])) -> Result<()> {
        // On the stack: most files are small, and an allocation for each would cost more than reading it.
        let mut buffer = [0; 64 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => show(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.bytes != file.size {
            return Err(Error::package(format_args!(
                "it has {} bytes where {} were expected: it changed while it was read",
                self.bytes, file.size
            )));
        }
        Ok(())
    }

    fn finish(self, package: Package, also: Option<DigestAlgorithm>) -> ReadFile {
        let sha256 = self.sha256.finish();
        let other = match also {
            Some(DigestAlgorithm::Sha256) => Some(sha256.clone()),
            _ => self.other.map(Hasher::finish),
        };
        ReadFile {
            package,
            sha256,
            other,
        }
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        self.sha256.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
        self.bytes += read as u64;
        Ok(read)
    }
}
