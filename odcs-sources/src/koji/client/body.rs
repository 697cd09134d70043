//! The body of an answer, as a blocking reader: what comes from the network on one side is parsed on the other.

use std::io::{self, BufRead, BufReader, Read};

use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;
use tokio::sync::mpsc::Receiver;

/// Bytes that are decompressed at once.
const BLOCK: usize = 256 << 10;
/// What is small has any ratio.
const SMALL: u64 = 1 << 20;

/// What is wrong with a body besides its content.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("more than {0} bytes")]
    TooLarge(u64),
    #[error("decompresses to more than {0} times its size")]
    Bomb(u64),
}

/// The pieces that come through a channel, one after another. It ends when there is nobody to send any more.
pub(super) struct Pieces {
    receiver: Receiver<Bytes>,
    current: Bytes,
    received: u64,
}

impl Pieces {
    pub(super) fn new(receiver: Receiver<Bytes>) -> Self {
        Self {
            receiver,
            current: Bytes::new(),
            received: 0,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), available.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => {
                    self.received += piece.len() as u64;
                    self.current = piece;
                }
                None => break,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
    }
}

enum Source {
    Plain(Pieces),
    Gzip(Box<MultiGzDecoder<Pieces>>),
}

/// A body, decompressed, and within limits.
pub(super) struct Limited {
    source: Source,
    read: u64,
    limit: u64,
    ratio: u64,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, received) = match &mut self.source {
            Source::Plain(pieces) => (pieces.read(buffer)?, None),
            Source::Gzip(decoder) => (decoder.read(buffer)?, Some(decoder.get_ref().received)),
        };
        self.read += count as u64;
        if self.read > self.limit {
            return Err(io::Error::other(BodyError::TooLarge(self.limit)));
        }
        if self.read > SMALL && received.is_some_and(|received| self.read / self.ratio.max(1) > received) {
            return Err(io::Error::other(BodyError::Bomb(self.ratio)));
        }
        Ok(count)
    }
}

/// What a body is read from.
pub(super) type Body = BufReader<Limited>;

/// Begins to read a body.
pub(super) fn reader(pieces: Pieces, is_gzip: bool, limit: u64, ratio: u64) -> Body {
    let source = match is_gzip {
        true => Source::Gzip(Box::new(MultiGzDecoder::new(pieces))),
        false => Source::Plain(pieces),
    };
    BufReader::with_capacity(
        BLOCK,
        Limited {
            source,
            read: 0,
            limit,
            ratio,
        },
    )
}
