//! Compressing what is written.

use std::io::{self, Write};

use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;

use super::Compression;
use crate::Result;

/// The level of zstd that `createrepo_c` writes repodata with: nearly as small as xz, and quick enough.
const ZSTD_LEVEL: i32 = 10;

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

    /// Compresses a slice. The output depends on the input alone: it has no time and no name.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the compressor cannot be set up (memory).
    pub fn compress(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut writer = CompressingWriter::new(self)?;
        writer.write_all(bytes)?;
        Ok(writer.finish()?)
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

/// Compresses what is written to it, in memory. What comes out depends on the bytes alone.
pub(crate) enum CompressingWriter {
    Gzip(GzipWriter),
    /// One frame without a checksum, which repodata has already, as `createrepo_c` writes it.
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl CompressingWriter {
    pub(crate) fn new(compression: WriteCompression) -> io::Result<Self> {
        Ok(match compression {
            WriteCompression::Gzip => Self::Gzip(GzipWriter::default()),
            WriteCompression::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    /// The whole file.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(writer) => writer.finish(),
            Self::Zstd(writer) => writer.finish(),
        }
    }
}

impl Write for CompressingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(writer) => writer.write(bytes),
            Self::Zstd(writer) => writer.write(bytes),
        }
    }

    /// Nothing is written before the end: where a stream is flushed would show in what comes out.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that become one gzip member. Smaller ones compress noticeably worse; larger ones keep fewer
/// processors busy.
const MEMBER: usize = 1 << 20;

/// Members that are compressed at a time: what has not been compressed yet is held in memory.
const MEMBERS: usize = 8;

/// Writes gzip in members of one mebibyte each, compressed in parallel; everything that reads gzip reads
/// several members as one file. What comes out depends on the bytes alone: neither on how they were cut
/// into writes, nor on the number of threads, and it has no time and no name.
#[derive(Debug, Default)]
pub(crate) struct GzipWriter {
    pending: Vec<u8>,
    written: Vec<u8>,
}

impl GzipWriter {
    /// The whole file. Nothing written is one empty member.
    pub(crate) fn finish(mut self) -> io::Result<Vec<u8>> {
        if !self.pending.is_empty() || self.written.is_empty() {
            self.compress()?;
        }
        Ok(self.written)
    }

    fn compress(&mut self) -> io::Result<()> {
        if self.pending.len() <= MEMBER {
            self.written.append(&mut gzip_member(&self.pending)?);
        } else {
            let members: io::Result<Vec<_>> = self.pending.par_chunks(MEMBER).map(gzip_member).collect();
            members?
                .iter()
                .for_each(|member| self.written.extend_from_slice(member));
        }
        self.pending.clear();
        Ok(())
    }
}

impl Write for GzipWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MEMBER * MEMBERS - self.pending.len();
        let taken = bytes.get(..bytes.len().min(room)).unwrap_or_default();
        self.pending.extend_from_slice(taken);
        if self.pending.len() == MEMBER * MEMBERS {
            self.compress()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One member at level 6, the usual one.
fn gzip_member(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let length = compressor
        .gzip_compress(bytes, &mut out)
        .map_err(io::Error::other)?;
    out.truncate(length);
    Ok(out)
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

    use super::super::decoder;
    use super::*;

    const BOTH: [WriteCompression; 2] = [WriteCompression::Gzip, WriteCompression::Zstd];

    #[test]
    fn gzip_output_has_no_time_and_no_name() {
        let bytes = gzip(b"text").unwrap();
        // 255: made on no system in particular.
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn output_does_not_depend_on_how_it_is_written() {
        // More than one round of members, and a last one that is not full.
        let bytes: Vec<u8> = (0..(MEMBER * MEMBERS + MEMBER * 3 / 2) as u64)
            .map(|n| (n.wrapping_mul(n / 97) >> 7).to_le_bytes()[0])
            .collect();
        for compression in BOTH {
            let whole = compression.compress(&bytes).unwrap();
            let mut writer = CompressingWriter::new(compression).unwrap();
            for piece in bytes.chunks(70_001) {
                writer.write_all(piece).unwrap();
                writer.flush().unwrap();
            }
            assert!(writer.finish().unwrap() == whole, "{compression:?}");
            let mut read = Vec::new();
            let mut decoder = decoder(&whole[..], compression.into(), "test", u64::MAX).unwrap();
            decoder.read_to_end(&mut read).unwrap();
            assert!(read == bytes, "{compression:?}");
        }
    }

    #[test]
    fn nothing_is_a_file_as_well() {
        for compression in BOTH {
            let bytes = compression.compress(b"").unwrap();
            let mut read = Vec::new();
            let mut decoder = decoder(&bytes[..], compression.into(), "test", 10).unwrap();
            decoder.read_to_end(&mut read).unwrap();
            assert_eq!(read, b"", "{compression:?}");
        }
    }
}
