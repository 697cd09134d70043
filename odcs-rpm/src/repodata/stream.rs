//! A file of repodata while it is written: hashed, compressed, hashed again.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use rayon::join;
use rayon::prelude::*;

use super::block::{self, Block, BlockCache, OpenBlock, StoredBlock};
use super::encode::Xml;
use super::package_file::PackageFile;
use super::{Described, WrittenFile};
use crate::compression::{BLOCK, WriteCompression};
use crate::digest::Hasher;
use crate::{DigestAlgorithm, Error, Result};

/// Blocks that are compressed at a time: what has not been compressed yet is held in memory.
const BLOCKS: usize = 8;

/// Blocks for all files of all repositories that are being written: one that is idle has none but the one it began.
static SPARE: Mutex<Vec<OpenBlock>> = Mutex::new(Vec::new());

/// One of the files that list packages.
pub(super) struct Stream<'a, W> {
    file: PackageFile,
    /// Knows blocks from before.
    pub(super) cache: Option<&'a dyn BlockCache>,
    /// The block that is being filled; it is whole as far as it goes.
    block: OpenBlock,
    /// Those before it that have not been written yet.
    full: Vec<OpenBlock>,
    /// Where they are compressed to.
    compressed: Vec<StoredBlock>,
    open: Hasher,
    open_size: u64,
    stored: Stored<W>,
    scratch: Xml,
}

impl<W: Write + Send> Stream<'_, W> {
    pub(super) fn begin(
        file: PackageFile,
        compression: WriteCompression,
        packages: u64,
        out: W,
    ) -> Result<Self> {
        let mut stream = Self {
            file,
            cache: None,
            block: OpenBlock {
                is_whole: true,
                ..OpenBlock::default()
            },
            full: Vec::new(),
            compressed: Vec::new(),
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
            let mut bytes = 0;
            self.block
                .packages
                .extend_from_slice(package.checksum.hex().as_bytes());
            file.splice(package, &mut scratch, |piece| {
                bytes += piece.len();
                self.push(piece)
            })?;
            if block::ends(self.block.bytes.len(), package.checksum, bytes) {
                self.end_block(true)?;
            }
        }
        self.scratch = scratch;
        self.write_full()
    }

    /// Ends the file. Gives what was written, of so many packages, and where to.
    pub(super) fn finish(mut self, packages: u64) -> Result<(WrittenFile, W)> {
        self.push(self.file.end())?;
        // A list of one block is soon compressed, and says how many packages it has: hardly another one is the same.
        let is_first = self.open_size == 0 && self.full.is_empty();
        self.end_block(!is_first)?;
        self.write_full()?;
        let kind = self.file.kind();
        let name = format!("{kind}.xml.{}", self.stored.compression.suffix());
        let open = (self.open.finish(), self.open_size);
        self.stored.finish(kind, &name, Some(open), Some(packages))
    }

    /// Adds to the block. One that no package ends in time is cut where it is full.
    fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        loop {
            let room = BLOCK.saturating_sub(self.block.bytes.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            grow(&mut self.block.bytes, now.len());
            self.block.bytes.extend_from_slice(now);
            if later.is_empty() {
                return Ok(());
            }
            bytes = later;
            self.end_block(false)?;
        }
    }

    /// Ends the block, between two packages or within one. Where that is depends on the packages alone.
    fn end_block(&mut self, is_between: bool) -> Result<()> {
        let mut next = spare().pop().unwrap_or_default();
        next.is_whole = is_between;
        let mut block = std::mem::replace(&mut self.block, next);
        block.is_whole &= is_between;
        self.full.push(block);
        if self.full.len() >= BLOCKS {
            self.write_full()?;
        }
        Ok(())
    }

    /// Writes the full blocks. Hashing them takes half as long as compressing them with zstd: that is done at the
    /// same time.
    fn write_full(&mut self) -> Result<()> {
        if self.full.is_empty() {
            return Ok(());
        }
        let (kind, compression, cache) = (self.file.kind(), self.stored.compression, self.cache);
        if self.compressed.len() < self.full.len() {
            self.compressed.resize_with(self.full.len(), StoredBlock::default);
        }
        let (full, compressed, open) = (&self.full, &mut self.compressed, &mut self.open);
        let (blocks, ()) = join(
            || {
                let both = full.par_iter().zip(compressed.par_iter_mut());
                both.map(|(block, into)| into.compress(block, kind, compression, cache))
                    .collect::<Vec<_>>()
            },
            || full.iter().for_each(|block| open.update(&block.bytes)),
        );
        for (block, compressed) in blocks.into_iter().zip(&self.compressed) {
            let block = block?;
            self.open_size += block.open as u64;
            self.stored.write(block, compressed)?;
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

fn spare() -> std::sync::MutexGuard<'static, Vec<OpenBlock>> {
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

    /// Writes a block.
    pub(super) fn write(&mut self, block: Block, compressed: &StoredBlock) -> Result<()> {
        self.blocks.push(block);
        self.write_plain(compressed.bytes())
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
