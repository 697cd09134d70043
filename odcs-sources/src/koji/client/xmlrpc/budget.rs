//! Bytes that may be read for one thing.

use std::io::{self, BufRead, Read};

/// Lets so many bytes through before the count is set back, so that no tag or text fills the memory.
pub(super) struct Budget<R> {
    pub(super) reader: R,
    pub(super) left: usize,
}

/// What it says when the budget is used up: a marker, which is never shown.
#[derive(Debug, thiserror::Error)]
#[error("the budget is used up")]
pub(super) struct UsedUp;

impl<R: BufRead> Read for Budget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: BufRead> BufRead for Budget<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(UsedUp));
        }
        let left = self.left;
        let bytes = self.reader.fill_buf()?;
        Ok(bytes.get(..left).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.reader.consume(amount);
    }
}
