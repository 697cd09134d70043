//! Compressing what is written.

use std::cell::RefCell;
use std::io;

use libdeflater::{CompressionLvl, Compressor, Decompressor};
use rayon::prelude::*;

use super::Compression;
use crate::Result;

/// The quickest level of zstd that is not for incompressible data. Of the lists of files, which are most of repodata,
/// it makes no more than level 3 does, in less than half of the time; level 10, which `createrepo_c` writes repodata
/// with, makes a tenth less, in ten times the time. A compose is read a few times, and gone after a day.
const ZSTD_LEVEL: i32 = 1;

/// The level of libdeflate that makes lists as small as level 6 of zlib does, which `createrepo_c` uses; its own level 6
/// makes 3 % less, in a sixth more time.
const GZIP_LEVEL: i32 = 5;

/// Bytes that are compressed by themselves at most, as a gzip member or a zstd frame: everything that reads these
/// formats reads several of them as one file.
pub(crate) const BLOCK: usize = 1 << 20;

/// To be raised when blocks come to be compressed to other bytes, other than by another version of zstd: by another
/// level, or by an update of libdeflate.
const FORM: u32 = 1;

/// The compressions that repository files are written with.
///
/// ```
/// use odcs_rpm::compression::WriteCompression;
/// assert_eq!(WriteCompression::default().suffix(), "gz");
/// assert_eq!(WriteCompression::Zstd.compress(b"text")?, WriteCompression::Zstd.compress(b"text")?);
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
pub enum WriteCompression {
    /// gzip, which everything reads.
    #[default]
    Gzip,
    /// Zstandard: smaller, and quicker to read; yum and dnf before 4.9 do not read it.
    Zstd,
}

impl WriteCompression {
    /// How the names of compressed files end, without a dot: `gz` or `zst`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Zstd => "zst",
        }
    }

    /// Compresses a slice, in parallel. The output depends on the input alone: it has no time and no name.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the compressor cannot be set up (memory).
    pub fn compress(self, bytes: &[u8]) -> Result<Vec<u8>> {
        if bytes.len() <= BLOCK {
            return Ok(self.compress_block(bytes)?);
        }
        let blocks: io::Result<Vec<_>> = bytes
            .par_chunks(BLOCK)
            .map(|block| self.compress_block(block))
            .collect();
        Ok(blocks?.concat())
    }

    /// Compresses one block, which is a file by itself. The output depends on the block alone.
    fn compress_block(self, block: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.append_block(block, &mut out)?;
        Ok(out)
    }

    /// Compresses one block to the end of a buffer.
    pub(crate) fn append_block(self, block: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        COMPRESSORS.with_borrow_mut(|compressors| {
            into.extend_from_slice(match self {
                Self::Gzip => compressors.gzip(block)?,
                Self::Zstd => compressors.zstd(block)?,
            });
            Ok(())
        })
    }

    /// Decompresses one block into a buffer that it fits into. How long it is; `None` if it is none, or has no room.
    pub(crate) fn decompress_block(self, block: &[u8], into: &mut [u8]) -> Option<usize> {
        COMPRESSORS.with_borrow_mut(|compressors| match self {
            Self::Gzip => {
                let decompressor = compressors.ungzip.get_or_insert_with(Decompressor::new);
                decompressor.gzip_decompress(block, into).ok()
            }
            Self::Zstd => {
                let decompressor = match &mut compressors.unzstd {
                    Some(decompressor) => decompressor,
                    none => none.insert(zstd::bulk::Decompressor::new().ok()?),
                };
                decompressor.decompress_to_buffer(block, into).ok()
            }
        })
    }

    /// Whether a compressed block is this one: what is kept, and handed out again, is not to be what a compressor has
    /// done wrong.
    pub(crate) fn is_block(self, compressed: &[u8], block: &[u8]) -> bool {
        let mut out = COMPRESSORS.with_borrow_mut(|compressors| std::mem::take(&mut compressors.content));
        let length = self.decompress_block(compressed, room(&mut out, block.len()));
        let is_it = length == Some(block.len()) && out.get(..block.len()) == Some(block);
        COMPRESSORS.with_borrow_mut(|compressors| compressors.content = out);
        is_it
    }

    /// What blocks are compressed by: the same block gives the same bytes as long as this does not change.
    pub(crate) fn method(self) -> String {
        match self {
            Self::Gzip => format!("gzip {FORM}"),
            Self::Zstd => format!("zstd {FORM} {}", zstd::zstd_safe::version_number()),
        }
    }
}

impl From<WriteCompression> for Compression {
    fn from(compression: WriteCompression) -> Self {
        match compression {
            WriteCompression::Gzip => Self::Gzip,
            WriteCompression::Zstd => Self::Zstd,
        }
    }
}

thread_local! {
    /// To set compressors up costs as much as to compress some hundred KiB.
    static COMPRESSORS: RefCell<Compressors> = RefCell::default();
}

/// The compressors and decompressors of a thread, each made when it is first needed: at most a MiB each.
#[derive(Default)]
struct Compressors {
    gzip: Option<Compressor>,
    zstd: Option<zstd::bulk::Compressor<'static>>,
    ungzip: Option<Decompressor>,
    unzstd: Option<zstd::bulk::Decompressor<'static>>,
    /// Where the output is made, before it is known how long it is.
    out: Vec<u8>,
    /// Where blocks are decompressed to, to be compared.
    content: Vec<u8>,
}

impl Compressors {
    /// A gzip member.
    fn gzip(&mut self, block: &[u8]) -> io::Result<&[u8]> {
        let compressor = match &mut self.gzip {
            Some(compressor) => compressor,
            none => {
                let level = CompressionLvl::new(GZIP_LEVEL).map_err(|_| io::ErrorKind::Unsupported)?;
                none.insert(Compressor::new(level))
            }
        };
        let bound = compressor.gzip_compress_bound(block.len());
        let out = room(&mut self.out, bound);
        let length = compressor.gzip_compress(block, out).map_err(io::Error::other)?;
        Ok(out.get(..length).unwrap_or_default())
    }

    /// A zstd frame, which says how long its content is, and has no checksum, which repodata has already.
    fn zstd(&mut self, block: &[u8]) -> io::Result<&[u8]> {
        let compressor = match &mut self.zstd {
            Some(compressor) => compressor,
            none => none.insert(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
        };
        let bound = zstd::compress_bound(block.len());
        let out = room(&mut self.out, bound);
        let length = compressor.compress_to_buffer(block, out)?;
        Ok(out.get(..length).unwrap_or_default())
    }
}

/// So many bytes of a buffer, whatever they are.
fn room(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    buffer.get_mut(..length).unwrap_or_default()
}

/// Compresses a slice with gzip. The output depends on the input alone: it has no time and no name.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io); none is known to happen in memory.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    WriteCompression::Gzip.compress(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::super::decoder;
    use super::*;

    const BOTH: [WriteCompression; 2] = [WriteCompression::Gzip, WriteCompression::Zstd];

    fn read(bytes: &[u8], compression: WriteCompression) -> Vec<u8> {
        let mut read = Vec::new();
        let mut decoder = decoder(bytes, compression.into(), "test", u64::MAX).unwrap();
        decoder.read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn gzip_output_has_no_time_and_no_name() {
        let bytes = gzip(b"text").unwrap();
        // 255: made on no system in particular.
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn large_files_are_blocks_one_after_the_other() {
        let bytes: Vec<u8> = (0..(BLOCK * 7 / 2) as u64)
            .map(|n| (n.wrapping_mul(n / 97) >> 7).to_le_bytes()[0])
            .collect();
        for compression in BOTH {
            let whole = compression.compress(&bytes).unwrap();
            assert!(read(&whole, compression) == bytes, "{compression:?}");
            let blocks = bytes
                .chunks(BLOCK)
                .map(|block| compression.compress_block(block).unwrap());
            assert!(whole == blocks.collect::<Vec<_>>().concat(), "{compression:?}");
        }
    }

    #[test]
    fn blocks_are_compressed_to_the_same_bytes_as_ever() {
        let text: String = (0..5_000_u32)
            .map(|number| {
                format!(
                    "<file>/usr/share/doc/{:x}/{}</file>\n",
                    number.wrapping_mul(40_503),
                    number / 7
                )
            })
            .collect();
        // Kept blocks outlive the program that made them. If this fails after an update of libdeflate, or because
        // the level is another one, FORM has to be raised with it; zstd says its version by itself.
        let digest = |compression: WriteCompression| {
            let block = compression.compress_block(text.as_bytes()).unwrap();
            assert!(compression.is_block(&block, text.as_bytes()));
            assert!(!compression.is_block(&block, &text.as_bytes()[1..]));
            assert!(!compression.is_block(&block[1..], text.as_bytes()));
            let digest = crate::Digest::of_bytes(crate::DigestAlgorithm::Sha256, &block);
            digest.hex().chars().take(16).collect::<String>()
        };
        assert_eq!(
            (FORM, digest(WriteCompression::Gzip).as_str()),
            (1, "d0a347189750b6d2")
        );
    }

    #[test]
    fn nothing_is_a_file_as_well() {
        for compression in BOTH {
            let bytes = compression.compress(b"").unwrap();
            assert!(!bytes.is_empty());
            assert_eq!(read(&bytes, compression), b"", "{compression:?}");
        }
    }

    proptest! {
        #[test]
        fn output_does_not_depend_on_what_was_compressed_before(
            texts in prop::collection::vec(("[a-c]{0,300}", 1..200_usize), 1..6),
        ) {
            for compression in BOTH {
                for (text, times) in &texts {
                    let bytes = text.repeat(*times).into_bytes();
                    let fresh = std::thread::scope(|scope| {
                        scope.spawn(|| compression.compress(&bytes).unwrap()).join().unwrap()
                    });
                    let again = compression.compress(&bytes).unwrap();
                    prop_assert!(fresh == again, "{:?}", compression);
                    prop_assert!(read(&again, compression) == bytes);
                }
            }
        }
    }
}
