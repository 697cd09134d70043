//! Where fetched bytes go.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::verify::{Expected, Verifier};
use crate::Error;

/// Takes the bytes of a file that is being fetched, and says whether it is what it should be.
///
/// Calls come in this order, over and over until it works out or is given up: `received` is asked, `restart` is called
/// if the bytes that come next are those at the beginning of the file, then `write` for each piece, then `finish`. A
/// connection that is cut is followed by another one that goes on after what was received, where the server can do that.
#[async_trait]
pub trait Sink: Send {
    /// How many bytes from the beginning of the file (or of the range asked for) are there already.
    fn received(&self) -> u64;

    /// Whether [`finish`](Self::finish) knows a checksum. Parts that nobody says are of one version may be put
    /// together, then: if they are not, it is going to tell. It does not change.
    fn verifies(&self) -> bool {
        false
    }

    /// Throws away what is there: what comes next is the beginning.
    ///
    /// # Errors
    /// See [`SinkError`].
    async fn restart(&mut self) -> Result<(), SinkError>;

    /// The next bytes.
    ///
    /// # Errors
    /// See [`SinkError`].
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError>;

    /// That was all of it: is it right?
    ///
    /// # Errors
    /// See [`SinkError`].
    async fn finish(&mut self) -> Result<(), SinkError>;
}

/// Why a sink takes no more.
#[derive(Debug)]
pub enum SinkError {
    /// It is another file than it should be. From the beginning, or from another place, it may be right.
    Wrong(Error),
    /// The sink itself cannot go on, because the disk is full for instance.
    Failed(Error),
}

/// Keeps a small file in memory.
#[derive(Debug)]
pub struct MemorySink {
    expected: Expected,
    verifier: Option<Verifier>,
    bytes: BytesMut,
}

impl MemorySink {
    /// For a file that has to be this.
    pub fn new(expected: Expected) -> Self {
        Self {
            verifier: Some(Verifier::new(expected.clone())),
            expected,
            bytes: BytesMut::new(),
        }
    }

    /// What was fetched.
    pub fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }

    fn restart_now(&mut self) {
        self.bytes.clear();
        self.verifier = Some(Verifier::new(self.expected.clone()));
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn received(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn verifies(&self) -> bool {
        self.expected.digest.is_some()
    }

    async fn restart(&mut self) -> Result<(), SinkError> {
        self.restart_now();
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        if self.verifier.is_none() {
            self.restart_now();
        }
        if let Some(verifier) = &mut self.verifier {
            verifier.update(&bytes).map_err(SinkError::Wrong)?;
        }
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), SinkError> {
        match self.verifier.take() {
            Some(verifier) => verifier.finish().map(|_| ()).map_err(SinkError::Wrong),
            None => Ok(()),
        }
    }
}
