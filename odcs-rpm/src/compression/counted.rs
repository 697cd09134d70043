//! A reader that counts what is taken from it.

use std::io::{self, BufRead, Read};

/// Counts the bytes that were taken.
pub(super) struct Counted<R> {
    pub(super) reader: R,
    /// How many that were.
    pub(super) bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes = self.bytes.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes = self.bytes.saturating_add(amount as u64);
        self.reader.consume(amount);
    }
}
