//! How much of an answer is read.

/// What an answer may have at most. More ends in [`ReadError::Limit`](super::ReadError::Limit).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of all, as XML. 1 GiB, which is more than 400,000 RPMs with signatures.
    pub bytes: u64,
    /// Values, those in others included. 100 million.
    pub values: u64,
    /// How deep values may be nested. 64; 256 is the most that is ever allowed.
    pub depth: usize,
    /// Bytes of one string, and of one piece of markup. 16 MiB.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            values: 100_000_000,
            depth: 64,
            text: 16 << 20,
        }
    }
}
