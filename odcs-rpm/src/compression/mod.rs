//! The compressions that repository files come in, and those that they are written with.

mod write;

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

pub(crate) use write::CompressingWriter;
pub use write::{WriteCompression, gzip};

use crate::{Error, Result};

/// Memory that an xz stream may ask for; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// The largest zstd window accepted, as a power of two: 128 MiB, what `zstd` itself accepts unasked.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, `.gz`.
    Gzip,
    /// xz, `.xz`.
    Xz,
    /// Zstandard, `.zst`.
    Zstd,
    /// bzip2, `.bz2`.
    Bzip2,
}

impl Compression {
    /// Tells the compression by the end of a file name, as every reader of repodata does; a name
    /// without a known ending is a plain file.
    ///
    /// ```
    /// use odcs_rpm::compression::Compression;
    /// assert_eq!(Compression::of_file_name("repodata/0a1b-primary.xml.zst"), Compression::Zstd);
    /// assert_eq!(Compression::of_file_name("comps.xml"), Compression::None);
    /// ```
    pub fn of_file_name(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("gz") => Self::Gzip,
            Some("xz") => Self::Xz,
            Some("zst" | "zstd") => Self::Zstd,
            Some("bz2") => Self::Bzip2,
            _ => Self::None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

enum Inner<R: BufRead> {
    None(R),
    Gzip(MultiGzDecoder<R>),
    Xz(liblzma::bufread::XzDecoder<R>),
    Zstd(zstd::stream::read::Decoder<'static, R>),
    Bzip2(bzip2::bufread::MultiBzDecoder<R>),
}

/// Reads what a compressed file holds, up to a limit. Made by [`decoder`].
pub struct Decoder<R: BufRead> {
    inner: Inner<R>,
    compression: Compression,
    what: &'static str,
    limit: u64,
    left: u64,
}

/// Decompresses a reader. Several gzip members, xz streams, zstd frames or bzip2 streams one after
/// the other are one file.
///
/// The reader that comes back gives at most `limit` bytes. A file with more ends in an error that
/// converts into [`Error::TooLarge`] naming `what`, damaged data in one of the kind
/// [`io::ErrorKind::InvalidData`].
///
/// # Errors
/// [`Error::Io`] if the decompressor cannot be set up (memory).
pub fn decoder<R: BufRead>(
    reader: R,
    compression: Compression,
    what: &'static str,
    limit: u64,
) -> Result<Decoder<R>> {
    let inner = match compression {
        Compression::None => Inner::None(reader),
        Compression::Gzip => Inner::Gzip(MultiGzDecoder::new(reader)),
        Compression::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)
                    .map_err(io::Error::from)?;
            Inner::Xz(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Inner::Zstd(decoder)
        }
        Compression::Bzip2 => Inner::Bzip2(bzip2::bufread::MultiBzDecoder::new(reader)),
    };
    Ok(Decoder {
        inner,
        compression,
        what,
        limit,
        left: limit,
    })
}

impl<R: BufRead> Decoder<R> {
    fn read_inner(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::None(reader) => return reader.read(buffer),
            Inner::Gzip(reader) => reader.read(buffer),
            Inner::Xz(reader) => reader.read(buffer),
            Inner::Zstd(reader) => reader.read(buffer),
            Inner::Bzip2(reader) => reader.read(buffer),
        }
        .map_err(|error| {
            // What the disk says is not damage, and neither is an interruption.
            if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted {
                error
            } else {
                let name = self.compression.name();
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("damaged {name} data: {error}"),
                )
            }
        })
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // At the limit only the end may follow.
            return match self.read_inner(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::other(Error::TooLarge {
                    what: self.what.into(),
                    limit: self.limit,
                })),
            };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.read_inner(buffer.get_mut(..most).unwrap_or_default())?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Xz,
        Compression::Zstd,
        Compression::Bzip2,
    ];

    fn compress(bytes: &[u8], compression: Compression) -> Vec<u8> {
        let mut out = Vec::new();
        match compression {
            Compression::None => out.extend_from_slice(bytes),
            Compression::Gzip => out = gzip(bytes).unwrap(),
            Compression::Xz => {
                liblzma::read::XzEncoder::new(bytes, 6)
                    .read_to_end(&mut out)
                    .unwrap();
            }
            Compression::Zstd => out = zstd::encode_all(bytes, 3).unwrap(),
            Compression::Bzip2 => {
                bzip2::read::BzEncoder::new(bytes, bzip2::Compression::fast())
                    .read_to_end(&mut out)
                    .unwrap();
            }
        }
        out
    }

    fn read(bytes: &[u8], compression: Compression, limit: u64) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        decoder(bytes, compression, "a test", limit)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn several_pieces_one_after_the_other_are_one_file() {
        for compression in ALL {
            let file = [compress(b"one ", compression), compress(b"two", compression)].concat();
            assert_eq!(
                read(&file, compression, 7).unwrap(),
                b"one two",
                "{compression:?}"
            );
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 1 << 20];
        for compression in ALL {
            let file = compress(&zeros, compression);
            let error = read(&file, compression, 1 << 16).unwrap_err();
            assert!(
                matches!(error, Error::TooLarge { limit: 65536, .. }),
                "{compression:?} {error}"
            );
        }
    }

    #[test]
    fn damage_is_told_from_the_end() {
        for compression in [
            Compression::Gzip,
            Compression::Xz,
            Compression::Zstd,
            Compression::Bzip2,
        ] {
            let whole = compress(b"some text, long enough to be cut", compression);
            let cut = &whole[..whole.len() - 3];
            assert!(read(cut, compression, 1000).is_err(), "{compression:?} cut");
            assert!(
                read(b"not compressed at all", compression, 1000).is_err(),
                "{compression:?}"
            );
        }
    }
}
