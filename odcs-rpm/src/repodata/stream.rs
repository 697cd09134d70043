//! A file of repodata while it is written: hashed, compressed, hashed again.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use libdeflater::crc32;
use rayon::join;
use rayon::prelude::*;

use super::encode::Xml;
use super::package_file::PackageFile;
use super::writer::Block;
use super::{Described, WrittenFile};
use crate::compression::{BLOCK, WriteCompression};
use crate::digest::Hasher;
use crate::{DigestAlgorithm, Error, Result};

/// Blocks that are compressed at a time: what has not been compressed yet is held in memory.
const BLOCKS: usize = 8;

/// Blocks for all files of all repositories that are being written: one that is idle has none but the one it began.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// One of the files that list packages.
pub(super) struct Stream<W> {
    file: PackageFile,
    /// The block that is being filled.
    block: Vec<u8>,
    /// Those before it that have not been written yet, all of them full.
    full: Vec<Vec<u8>>,
    open: Hasher,
    open_size: u64,
    stored: Stored<W>,
    scratch: Xml,
}

impl<W: Write + Send> Stream<W> {
    pub(super) fn begin(
        file: PackageFile,
        compression: WriteCompression,
        packages: u64,
        out: W,
    ) -> Result<Self> {
        let mut stream = Self {
            file,
            block: Vec::new(),
            full: Vec::new(),
            open: Hasher::new(DigestAlgorithm::Sha256),
            open_size: 0,
            stored: Stored::new(out, compression),
            scratch: Xml::default(),
        };
        stream.push(&file.start(packages))?;
        Ok(stream)
    }

    /// Adds packages. Blocks that become full are written at the end at the latest.
    pub(super) fn write(&mut self, packages: &[Described<'_>]) -> Result<()> {
        let (file, mut scratch) = (self.file, std::mem::take(&mut self.scratch));
        for package in packages {
            file.splice(package, &mut scratch, |bytes| self.push(bytes))?;
        }
        self.scratch = scratch;
        self.write_full()
    }

    /// Ends the file. Gives what was written, of so many packages, and where to.
    pub(super) fn finish(mut self, packages: u64) -> Result<(WrittenFile, W)> {
        self.push(self.file.end())?;
        self.full.push(std::mem::take(&mut self.block));
        self.write_full()?;
        let kind = self.file.kind();
        let name = format!("{kind}.xml.{}", self.stored.compression.suffix());
        let open = (self.open.finish(), self.open_size);
        self.stored.finish(kind, &name, Some(open), Some(packages))
    }

    /// Cuts what is written into blocks: where that is depends on the bytes alone.
    fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        loop {
            let room = BLOCK.saturating_sub(self.block.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            grow(&mut self.block, now.len());
            self.block.extend_from_slice(now);
            if later.is_empty() {
                return Ok(());
            }
            bytes = later;
            let next = spare().pop().unwrap_or_default();
            self.full.push(std::mem::replace(&mut self.block, next));
            if self.full.len() >= BLOCKS {
                self.write_full()?;
            }
        }
    }

    /// Writes the full blocks. Hashing them takes half as long as compressing them with zstd: that is done at the
    /// same time.
    fn write_full(&mut self) -> Result<()> {
        if self.full.is_empty() {
            return Ok(());
        }
        let (full, open, compression) = (&self.full, &mut self.open, self.stored.compression);
        let compress = |block: &Vec<u8>| compression.compress_block(block);
        let (compressed, crcs) = join(
            || full.par_iter().map(compress).collect::<Vec<_>>(),
            || {
                let hash = |block: &Vec<u8>| {
                    open.update(block);
                    crc32(block)
                };
                full.iter().map(hash).collect::<Vec<_>>()
            },
        );
        for ((block, open), crc) in compressed.into_iter().zip(full).zip(crcs) {
            self.open_size += open.len() as u64;
            self.stored.write(&block?, open.len(), crc)?;
        }
        let mut spare = spare();
        for mut block in self.full.drain(..) {
            if spare.len() < BLOCKS {
                block.clear();
                spare.push(block);
            }
        }
        Ok(())
    }
}

fn spare() -> std::sync::MutexGuard<'static, Vec<Vec<u8>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room as it is needed, but never for more than a block.
fn grow(block: &mut Vec<u8>, more: usize) {
    let needed = block.len() + more;
    if needed > block.capacity() {
        let capacity = needed.max(block.capacity() * 2).min(BLOCK);
        block.reserve_exact(capacity.saturating_sub(block.len()));
    }
}

/// What has been written of a file, as it is stored.
pub(super) struct Stored<W> {
    compression: WriteCompression,
    out: W,
    hasher: Hasher,
    size: u64,
    blocks: Vec<Block>,
}

impl<W: Write> Stored<W> {
    pub(super) fn new(out: W, compression: WriteCompression) -> Self {
        Self {
            compression,
            out,
            hasher: Hasher::new(DigestAlgorithm::Sha256),
            size: 0,
            blocks: Vec::new(),
        }
    }

    /// Writes a block that is compressed already, of so many bytes with this CRC-32.
    pub(super) fn write(&mut self, block: &[u8], open: usize, crc: u32) -> Result<()> {
        self.blocks.push(Block {
            stored: block.len(),
            open,
            crc,
        });
        self.write_plain(block)
    }

    /// Writes what is not compressed.
    pub(super) fn write_plain(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.out.write_all(bytes).map_err(Error::from)
    }

    /// Ends the file, which is given the name that ends in `name`.
    pub(super) fn finish(
        mut self,
        kind: &'static str,
        name: &str,
        open: Option<(crate::Digest, u64)>,
        packages: Option<u64>,
    ) -> Result<(WrittenFile, W)> {
        self.out.flush()?;
        let checksum = self.hasher.finish();
        let written = WrittenFile {
            kind,
            name: format!("{}-{name}", checksum.hex()),
            size: self.size,
            checksum,
            open,
            packages,
            compression: self.compression,
            blocks: self.blocks,
        };
        Ok((written, self.out))
    }
}
