//! Reading back what was written.

use std::fmt::Display;
use std::io::Read;

use libdeflater::crc32;

use super::WrittenFile;
use super::block::Proof;
use super::ids::Ids;
use crate::compression::BLOCK;
use crate::digest::Hasher;
use crate::{Digest, DigestAlgorithm, Error, Result};

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
    /// written: block by block by length and CRC-32. The XML is not parsed.
    ///
    /// The SHA-256 of what is stored leaves no room for damage; the rest is to find out what a compressor has done
    /// wrong. For that a CRC will do, and the SHA-256 of the content, which costs as much as all the rest of this, need
    /// not be made once more. Blocks that were decompressed and compared before they were
    /// [kept](super::BlockCache) are not decompressed again.
    ///
    /// # Errors
    /// As those of [`verify_stored`](Self::verify_stored).
    pub fn verify_content(&self, file: impl Read) -> Result<()> {
        self.verify(file, |_| {})
    }

    /// Checks as [`verify_content`](Self::verify_content) does, and that what is listed are these packages in this
    /// order: their checksums, and what to call them in messages.
    ///
    /// # Errors
    /// As those of [`verify_stored`](Self::verify_stored).
    pub fn verify_packages<'a, N: Display>(
        &self,
        file: impl Read,
        expected: impl ExactSizeIterator<Item = (&'a Digest, N)>,
    ) -> Result<()> {
        let count = expected.len();
        if self.packages != Some(count as u64) {
            return Err(self.wrong(&match self.packages {
                Some(listed) => format!("it lists {listed} packages of {count}"),
                None => "it is no list of packages".to_owned(),
            }));
        }
        let mut ids = Ids::new(self.kind, expected);
        self.verify(file, |part| match part {
            Part::Content(bytes) => ids.add(bytes),
            Part::Listed(listed) => ids.known(listed),
        })?;
        ids.finish().map_err(|reason| self.wrong(&reason))
    }

    fn verify(&self, mut file: impl Read, mut show: impl FnMut(Part<'_>)) -> Result<()> {
        let Some((_, open_size)) = &self.open else {
            return self.verify_stored(file);
        };
        let mut stored = Hasher::new(DigestAlgorithm::Sha256);
        let (mut size, mut found_size) = (0, 0);
        let (mut bytes, mut content) = (Vec::new(), Vec::new());
        for block in &self.blocks {
            bytes.clear();
            let read = file.by_ref().take(block.stored as u64).read_to_end(&mut bytes)?;
            stored.update(&bytes);
            size += read as u64;
            match &block.proof {
                Proof::Crc(crc) => {
                    content.resize(block.open.min(BLOCK), 0);
                    let length = self.compression.decompress_block(&bytes, &mut content);
                    if (length, crc32(&content)) != (Some(block.open), *crc) {
                        return Err(self.wrong("it is damaged"));
                    }
                    show(Part::Content(&content));
                }
                Proof::Compared(ids) => show(Part::Listed(ids)),
            }
            found_size += block.open as u64;
        }
        size += std::io::copy(&mut file.take(1), &mut std::io::sink())?;
        self.check_stored(&stored.finish(), size)?;
        if found_size != *open_size {
            return Err(self.wrong("its content has another size"));
        }
        Ok(())
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

/// Some of what a file holds.
enum Part<'a> {
    Content(&'a [u8]),
    /// The ids of the packages in a block that is not decompressed.
    Listed(&'a [u8]),
}
