//! Reading files: few reads, into a buffer that is used again.

use std::io::{ErrorKind, Read};

use super::raw::{RawHeaders, Rewritten};
use super::{FileDigests, FileFacts, Needed, ReadFile, fields, needed};
use crate::digest::Hasher;
use crate::keyring::{Checker, Keyring, Verification};
use crate::{DigestAlgorithm, Error, Package, Result};

/// What is read of a file at once when its header is all that is wanted. Most have less.
const HEADER_PIECE: usize = 16 << 10;
/// What is read at once of a file that is read to its end.
const FILE_PIECE: usize = 64 << 10;
/// What a buffer may grow to on a header's word alone.
const USUAL_HEADER: usize = 256 << 10;
/// A buffer that has become larger than this is not kept.
const MOST_KEPT: usize = 1 << 20;

/// Reads packages, one after the other, with one buffer for all: of some ten thousand packages nothing else would be
/// asked of the allocator but what they consist of. It keeps at most a MiB between files; nothing that it says depends
/// on what it read before.
///
/// ```
/// use odcs_rpm::header::{FileFacts, HeaderReader};
///
/// let mut reader = HeaderReader::new();
/// for bytes in [&b"no package"[..], b"neither"] {
///     let facts = FileFacts { size: bytes.len() as u64, modified: 0 };
///     assert!(reader.read_header(bytes, facts).is_err());
/// }
/// ```
#[derive(Debug, Default)]
pub struct HeaderReader {
    pub(super) buffer: Vec<u8>,
    rewritten: Rewritten,
}

impl HeaderReader {
    /// A reader without a buffer yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the header of a package: lead, signature header and main header, and of the payload what came with them.
    /// Reads in a few large pieces; a buffer around the reader is not needed.
    ///
    /// # Errors
    /// [`Error::Package`] if the bytes are no package, are damaged, or the file is shorter than its header
    /// says; [`Error::Io`] if reading fails.
    pub fn read_header(&mut self, mut reader: impl Read, file: FileFacts) -> Result<Package> {
        self.once(|this| {
            let filled = this.fill(&mut reader, HEADER_PIECE)?;
            package(&this.headers(filled)?, file)
        })
    }

    /// Reads what the header of a package says of the content of its files. They are long and rarely needed,
    /// so packages do not hold them.
    ///
    /// # Errors
    /// As [`read_header`](Self::read_header).
    pub fn read_file_digests(&mut self, mut reader: impl Read) -> Result<FileDigests> {
        self.once(|this| {
            let filled = this.fill(&mut reader, HEADER_PIECE)?;
            Ok(fields::file_digests(&this.headers(filled)?.tags))
        })
    }

    /// Reads a `.rpm` file once: its header as in [`read_header`](Self::read_header), and the digests of all its bytes.
    /// `also` asks for one more digest than SHA-256, for repositories with other checksums.
    ///
    /// # Errors
    /// As [`read_header`](Self::read_header), and [`Error::Package`] if the file does not have the size it was said to
    /// have.
    pub fn read_file(
        &mut self,
        mut reader: impl Read,
        file: FileFacts,
        also: Option<DigestAlgorithm>,
    ) -> Result<ReadFile> {
        self.once(|this| {
            let filled = this.fill(&mut reader, FILE_PIECE)?;
            let package = package(&this.headers(filled)?, file)?;
            let mut digests = Digests::new(also);
            digests.update(this.filled(filled));
            let rest = this.read_rest(&mut reader, |bytes| digests.update(bytes))?;
            check_whole(filled as u64 + rest, file)?;
            Ok(digests.finish(package))
        })
    }

    /// Reads a `.rpm` file once, as [`read_file`](Self::read_file) does, and verifies its signatures against a keyring
    /// meanwhile: [`keyring`](crate::keyring) says how. A package without a signature that holds is not an error.
    ///
    /// # Errors
    /// As [`read_file`](Self::read_file).
    pub fn read_verified(
        &mut self,
        mut reader: impl Read,
        file: FileFacts,
        also: Option<DigestAlgorithm>,
        keyring: &Keyring,
    ) -> Result<(ReadFile, Verification)> {
        self.once(|this| {
            let filled = this.fill(&mut reader, FILE_PIECE)?;
            let raw = this.headers(filled)?;
            let package = package(&raw, file)?;
            let payload = usize::try_from(raw.header_end).unwrap_or(filled);
            let mut checker = Checker::new(keyring, &raw);
            let mut digests = Digests::new(also);
            let beginning = this.filled(filled);
            digests.update(beginning);
            checker.update(beginning.get(payload..).unwrap_or_default());
            let rest = this.read_rest(&mut reader, |bytes| {
                digests.update(bytes);
                checker.update(bytes);
            })?;
            check_whole(filled as u64 + rest, file)?;
            Ok((digests.finish(package), checker.finish()))
        })
    }

    /// Reads until the headers are there, or the file ends, or it is clear that there is none. Returns how many bytes
    /// of the buffer are those of the file.
    fn fill(&mut self, reader: &mut impl Read, piece: usize) -> Result<usize> {
        let mut filled = 0;
        while let Needed::AtLeast(more) = needed(self.filled(filled)) {
            // Memory grows with what is there, not with what is promised, past what nearly all headers have.
            let more = usize::try_from(more).unwrap_or(usize::MAX);
            let end = more.min(USUAL_HEADER.max(filled.saturating_mul(2))).max(piece);
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            match read(reader, self.buffer.get_mut(filled..end).unwrap_or_default())? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// Reads one file, and drops what that one alone needed.
    fn once<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let read = read(self);
        if self.buffer.len() > MOST_KEPT {
            self.buffer = Vec::new();
        }
        self.rewritten = Rewritten::default();
        read
    }

    fn filled(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }

    fn headers(&mut self, filled: usize) -> Result<RawHeaders<'_>> {
        let bytes = self.buffer.get(..filled).unwrap_or_default();
        RawHeaders::check(bytes, &mut self.rewritten)
    }

    /// Reads to the end, shows every piece, and says how many bytes there were.
    fn read_rest(&mut self, reader: &mut impl Read, mut show: impl FnMut(&[u8])) -> Result<u64> {
        let mut bytes = 0;
        loop {
            // Pieces that stay in the processor's cache until they are hashed.
            match read(reader, self.buffer.get_mut(..FILE_PIECE).unwrap_or_default())? {
                0 => return Ok(bytes),
                read => {
                    show(self.filled(read));
                    bytes += read as u64;
                }
            }
        }
    }
}

/// Reads once.
fn read(reader: &mut impl Read, into: &mut [u8]) -> Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return Ok(read?),
        }
    }
}

fn package(raw: &RawHeaders<'_>, file: FileFacts) -> Result<Package> {
    let (package, expected_size) = fields::package(raw, file)?;
    // The signature header says how long the rest of the file is, which tells cut files from whole ones
    // without reading them.
    match expected_size {
        Some(expected) if file.size < expected => Err(Error::package(format_args!(
            "the file is cut off: it has {} bytes of {expected}",
            file.size
        ))),
        _ => Ok(package),
    }
}

fn check_whole(bytes: u64, file: FileFacts) -> Result<()> {
    if bytes == file.size {
        return Ok(());
    }
    Err(Error::package(format_args!(
        "it has {bytes} bytes where {} were expected: it changed while it was read",
        file.size
    )))
}

/// The digests of a file.
struct Digests {
    sha256: Hasher,
    other: Option<Hasher>,
    also: Option<DigestAlgorithm>,
}

impl Digests {
    fn new(also: Option<DigestAlgorithm>) -> Self {
        let other = also.filter(|also| *also != DigestAlgorithm::Sha256);
        Self {
            sha256: Hasher::new(DigestAlgorithm::Sha256),
            other: other.map(Hasher::new),
            also,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
    }

    fn finish(self, package: Package) -> ReadFile {
        let sha256 = self.sha256.finish();
        let other = match self.also {
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
