//! Reading back what was written.

use std::io::Read;

use libdeflater::{Decompressor, crc32};
use memchr::memmem;

use super::WrittenFile;
use crate::compression::{BLOCK, WriteCompression};
use crate::digest::Hasher;
use crate::{Digest, DigestAlgorithm, Error, Result};

/// How the element of a package begins, in all lists. It is nowhere else in them: `<` is escaped in texts.
const PACKAGE: &[u8] = b"<package ";

/// Bytes at the end of a block in which such a beginning may be cut.
const CUT: usize = PACKAGE.len() - 1;

impl WrittenFile {
    /// Checks that a file has the bytes that were written: by length and SHA-256.
    ///
    /// # Errors
    /// [`Error::Repodata`] if it has not; [`Error::Io`] if it cannot be read.
    pub fn verify_stored(&self, mut file: impl Read) -> Result<()> {
        // More is not read than shows that it is too much.
        let file = file.by_ref().take(self.size.saturating_add(1));
        let (checksum, size) = Digest::of_reader(DigestAlgorithm::Sha256, file)?;
        self.check_stored(&checksum, size)
    }

    /// Checks as [`verify_stored`](Self::verify_stored) does, and that what the file decompresses to is what was
    /// written: block by block by length and CRC-32, and by the number of packages. The XML is not parsed.
    ///
    /// The SHA-256 of what is stored leaves no room for damage; the rest is to find out what a compressor has done
    /// wrong. For that a CRC will do, and the SHA-256 of the content, which costs as much as all the rest of this, need
    /// not be made once more.
    ///
    /// # Errors
    /// As those of [`verify_stored`](Self::verify_stored).
    pub fn verify_content(&self, file: impl Read) -> Result<()> {
        self.verify_shown(file, |_| {})
    }

    /// Checks as [`verify_content`](Self::verify_content) does, and shows the content of a compressed file to `show`,
    /// piece by piece: whatever that finds, what is shown is only what was written if there is no error.
    ///
    /// # Errors
    /// As those of [`verify_stored`](Self::verify_stored).
    pub fn verify_shown(&self, mut file: impl Read, mut show: impl FnMut(&[u8])) -> Result<()> {
        let Some((_, open_size)) = &self.open else {
            return self.verify_stored(file);
        };
        let mut decompressor = BlockDecompressor::new(self.compression)?;
        let mut stored = Hasher::new(DigestAlgorithm::Sha256);
        let (mut size, mut found_size, mut packages) = (0, 0, 0);
        let finder = memmem::Finder::new(PACKAGE);
        let mut bytes = Vec::new();
        // The end of the block before, and a block.
        let mut content = vec![0; CUT + BLOCK];
        for block in &self.blocks {
            bytes.clear();
            let read = file.by_ref().take(block.stored as u64).read_to_end(&mut bytes)?;
            stored.update(&bytes);
            size += read as u64;
            let out = content.get_mut(CUT..).unwrap_or_default();
            let length = decompressor.decompress(&bytes, out);
            let found = length.and_then(|length| out.get(..length)).unwrap_or_default();
            if length.is_none() || (found.len(), crc32(found)) != (block.open, block.crc) {
                return Err(self.wrong("it is damaged"));
            }
            show(found);
            found_size += block.open as u64;
            let searched = content.get(..CUT + block.open).unwrap_or_default();
            packages += finder.find_iter(searched).count() as u64;
            content.copy_within(block.open..block.open + CUT, 0);
        }
        size += std::io::copy(&mut file.take(1), &mut std::io::sink())?;
        self.check_stored(&stored.finish(), size)?;
        if found_size != *open_size {
            return Err(self.wrong("its content has another size"));
        }
        match self.packages {
            Some(expected) if expected != packages => {
                Err(self.wrong(&format!("it lists {packages} packages of {expected}")))
            }
            _ => Ok(()),
        }
    }

    fn check_stored(&self, checksum: &Digest, size: u64) -> Result<()> {
        if (checksum, size) == (&self.checksum, self.size) {
            Ok(())
        } else {
            Err(self.wrong("it has another checksum"))
        }
    }

    fn wrong(&self, reason: &str) -> Error {
        Error::repodata(self.kind, reason)
    }
}

/// Decompresses block by block.
enum BlockDecompressor {
    Gzip(Decompressor),
    Zstd(zstd::bulk::Decompressor<'static>),
}

impl BlockDecompressor {
    fn new(compression: WriteCompression) -> Result<Self> {
        Ok(match compression {
            WriteCompression::Gzip => Self::Gzip(Decompressor::new()),
            WriteCompression::Zstd => Self::Zstd(zstd::bulk::Decompressor::new()?),
        })
    }

    /// How long the block is; `None` if it is none, or has no room.
    fn decompress(&mut self, block: &[u8], out: &mut [u8]) -> Option<usize> {
        match self {
            Self::Gzip(decompressor) => decompressor.gzip_decompress(block, out).ok(),
            Self::Zstd(decompressor) => decompressor.decompress_to_buffer(block, out).ok(),
        }
    }
}
