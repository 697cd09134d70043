//! Why an answer could not be read.

use std::io;

use super::value::Mismatch;
use crate::koji::client::fault::Fault;

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The answer is a fault.
    #[error("{0}")]
    Fault(Fault),
    /// It is something else than an answer of XML-RPC: a page, most likely.
    #[error("it is no answer of XML-RPC")]
    Foreign,
    /// It ended too early.
    #[error("it ends after {0} bytes, in the middle")]
    CutOff(u64),
    /// It is not XML, or not as it has to be.
    #[error("byte {position}: {what}")]
    Malformed {
        /// Where, in bytes as XML.
        position: u64,
        /// What is wrong there.
        what: Box<str>,
    },
    /// There is more of something than there may be.
    #[error("it has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// A row of a listing is not what it has to be.
    #[error("{row}: {mismatch}")]
    Row {
        /// Which row, such as `RPM 17`.
        row: Box<str>,
        /// What is wrong with it.
        mismatch: Box<str>,
    },
    /// The bytes could not be had.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ReadError {
    pub(crate) fn malformed(position: u64, what: impl Into<Box<str>>) -> Self {
        let what = what.into();
        Self::Malformed { position, what }
    }

    pub(crate) fn row(row: impl Into<Box<str>>, mismatch: impl ToString) -> Self {
        Self::Row {
            row: row.into(),
            mismatch: mismatch.to_string().into(),
        }
    }
}

impl From<Mismatch> for ReadError {
    fn from(mismatch: Mismatch) -> Self {
        Self::row("the answer", mismatch)
    }
}
