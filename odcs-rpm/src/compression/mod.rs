//! The compressions that repository files come in, and those that they are written with.

mod counted;
mod write;

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use counted::Counted;
pub(crate) use write::BLOCK;
pub use write::{WriteCompression, gzip};

use crate::{Error, Result};

/// Memory that an xz stream may ask for; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;

/// The largest zstd window accepted, as a power of two: 128 MiB, what `zstd` itself accepts unasked.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How many times its compressed size a file may have, decompressed, past its first [`FREE`] bytes, unless its reader
/// knows better. `primary` and `filelists` of distributions have 10 to 15 times theirs, a hundred kernels in one
/// repository 70, by zstd; bombs have 1,000 times and more. What is in between is one package a hundred times, with
/// the same paths: its `filelists` have 700 times theirs.
pub const RATIO: u64 = 100;

/// Bytes for which [`RATIO`] does not count: little files may be mere repetition.
pub const FREE: u64 = 8 << 20;

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
    Gzip(MultiGzDecoder<Counted<R>>),
    Xz(liblzma::bufread::XzDecoder<Counted<R>>),
    Zstd(zstd::stream::read::Decoder<'static, Counted<R>>),
    Bzip2(bzip2::bufread::MultiBzDecoder<Counted<R>>),
}

/// Reads what a compressed file holds, up to a limit. Made by [`decoder`].
pub struct Decoder<R: BufRead> {
    inner: Inner<R>,
    compression: Compression,
    what: &'static str,
    limit: u64,
    left: u64,
    ratio: Option<u64>,
}

/// Decompresses a reader. Several gzip members, xz streams, zstd frames or bzip2 streams one after
/// the other are one file.
///
/// The reader that comes back gives at most `limit` bytes. A file with more ends in an error that
/// converts into [`Error::TooLarge`] naming `what`, damaged data in one of the kind
/// [`io::ErrorKind::InvalidData`]. So does one that is a bomb, in [`Error::Bomb`]: where more than [`FREE`] bytes have
/// come out, and more than [`RATIO`] times what went in until then.
///
/// ```
/// use std::io::Read;
/// use odcs_rpm::compression::{Compression, decoder, gzip};
/// let bomb = gzip(&vec![b' '; 20 << 20])?;
/// assert!(bomb.len() < 25_000);
/// let error = decoder(&*bomb, Compression::Gzip, "comps", 1 << 30)?.read_to_end(&mut Vec::new()).unwrap_err();
/// assert!(matches!(odcs_rpm::Error::from(error), odcs_rpm::Error::Bomb { ratio: 100, .. }));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] if the decompressor cannot be set up (memory).
pub fn decoder<R: BufRead>(
    reader: R,
    compression: Compression,
    what: &'static str,
    limit: u64,
) -> Result<Decoder<R>> {
    let counted = |reader| Counted { reader, bytes: 0 };
    let inner = match compression {
        Compression::None => Inner::None(reader),
        Compression::Gzip => Inner::Gzip(MultiGzDecoder::new(counted(reader))),
        Compression::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)
                    .map_err(io::Error::from)?;
            Inner::Xz(liblzma::bufread::XzDecoder::new_stream(counted(reader), stream))
        }
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted(reader))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Inner::Zstd(decoder)
        }
        Compression::Bzip2 => Inner::Bzip2(bzip2::bufread::MultiBzDecoder::new(counted(reader))),
    };
    Ok(Decoder {
        inner,
        compression,
        what,
        limit,
        left: limit,
        ratio: Some(RATIO),
    })
}

impl<R: BufRead> Decoder<R> {
    /// With another ratio than [`RATIO`].
    #[must_use]
    pub fn with_ratio(mut self, ratio: u64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// Without regard to how well the file is compressed: for what was written here.
    #[must_use]
    pub fn with_any_ratio(mut self) -> Self {
        self.ratio = None;
        self
    }

    /// Refuses what has become too much out of too little.
    fn check_ratio(&self) -> io::Result<()> {
        let read = match &self.inner {
            Inner::None(_) => return Ok(()),
            Inner::Gzip(reader) => reader.get_ref().bytes,
            Inner::Xz(reader) => reader.get_ref().bytes,
            Inner::Zstd(reader) => reader.get_ref().bytes,
            Inner::Bzip2(reader) => reader.get_ref().bytes,
        };
        let given = self.limit.saturating_sub(self.left);
        match self.ratio {
            Some(ratio) if given > FREE.max(read.saturating_mul(ratio)) => {
                Err(io::Error::other(Error::Bomb {
                    what: self.what.into(),
                    ratio,
                }))
            }
            _ => Ok(()),
        }
    }

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
        self.check_ratio()?;
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
    fn a_bomb_stops_where_it_shows() {
        // Beginning and end are as compressible as files are; what the end adds comes too late.
        let noise: Vec<u8> = (0..1_u32 << 16)
            .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        for compression in ALL.into_iter().skip(1) {
            let noise = compress(&noise, compression);
            let zeros = compress(&vec![0; 4 << 20], compression).repeat(10);
            let file = [&noise[..], &zeros, &noise].concat();
            let mut seen = Vec::new();
            let mut reader = decoder(&*file, compression, "a test", 1 << 40).unwrap();
            let error = Error::from(reader.read_to_end(&mut seen).unwrap_err());
            assert!(
                matches!(error, Error::Bomb { ratio: RATIO, .. }),
                "{compression:?} {error}"
            );
            assert!(
                seen.len() as u64 <= FREE + RATIO * (noise.len() as u64 + 100_000),
                "{compression:?} {}",
                seen.len()
            );
            let reader = decoder(&*file, compression, "a test", 1 << 40).unwrap();
            let all = io::copy(&mut reader.with_any_ratio(), &mut io::sink()).unwrap();
            assert_eq!(all, (40 << 20) + (2 << 18), "{compression:?}");
            let reader = decoder(&*file, compression, "a test", 1 << 40).unwrap();
            io::copy(&mut reader.with_ratio(1 << 20), &mut io::sink()).unwrap();
            let reader = decoder(&*file, compression, "a test", 1 << 40).unwrap();
            let error = io::copy(&mut reader.with_ratio(7), &mut io::sink()).unwrap_err();
            assert!(
                matches!(Error::from(error), Error::Bomb { ratio: 7, .. }),
                "{compression:?}"
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
