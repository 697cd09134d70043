//! What can go wrong with RPMs and repodata.

use std::io;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong with a package, a repository file or a value. Every message names its subject and
/// reads as the end of a sentence like "`ed-1.rpm`: …".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name, version, pattern or key that cannot be one.
    #[error("{value:?} is not {expected}")]
    Value {
        /// What was given, shortened.
        value: String,
        /// What would have been accepted, as a noun phrase ("a package name").
        expected: &'static str,
    },
    /// Bytes that are not an RPM package, or a damaged one.
    #[error("not a readable RPM package: {reason}")]
    Package {
        /// What exactly is wrong.
        reason: String,
    },
    /// A repository file that breaks its format.
    #[error("{file}: {reason}")]
    Repodata {
        /// The kind of file: `repomd.xml`, `primary`, `filelists`, `other`, `comps`.
        file: &'static str,
        /// What exactly is wrong, with the position where one is known.
        reason: String,
    },
    /// More bytes or elements than the limit set by the caller.
    #[error("{what} is larger than the limit of {limit}")]
    TooLarge {
        /// What was being read.
        what: String,
        /// The limit, in the unit of what was read.
        limit: u64,
    },
    /// A compressed file that is far smaller than what it holds: made to fill memory and time, not to be read.
    #[error("{what} decompresses to more than {ratio} times its size")]
    Bomb {
        /// What was being read.
        what: String,
        /// The limit.
        ratio: u64,
    },
    /// Bytes that are not what was encoded before, or by another version.
    #[error("{what}: {reason}")]
    Encoded {
        /// What they were to be.
        what: &'static str,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// Reading or writing failed below.
    #[error(transparent)]
    Io(io::Error),
}

/// Readers inside other readers can only say an [`io::Error`]; one that carries an [`Error`] becomes
/// that again.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) => Self::Io(error),
        }
    }
}

impl Error {
    /// A value that is not what it should be; long values are cut so that messages stay readable.
    pub(crate) fn value(value: &str, expected: &'static str) -> Self {
        Self::Value {
            value: cut(value, MAX_VALUE),
            expected,
        }
    }

    /// Repodata that breaks its format.
    pub(crate) fn repodata(file: &'static str, reason: impl ToString) -> Self {
        Self::Repodata {
            file,
            reason: one_line(&reason.to_string()),
        }
    }

    /// Bytes that are no package.
    pub(crate) fn package(reason: impl ToString) -> Self {
        Self::Package {
            reason: one_line(&reason.to_string()),
        }
    }
}

/// Characters of a value that a message quotes, and of a whole reason.
const MAX_VALUE: usize = 80;
const MAX_REASON: usize = 500;

/// The beginning of a text.
fn cut(text: &str, most: usize) -> String {
    let mut beginning: String = text.chars().take(most).collect();
    if beginning.len() < text.len() {
        beginning.push('…');
    }
    beginning
}

/// Parsers quote whole tags, line breaks and all: what is made known is one line.
fn one_line(reason: &str) -> String {
    let mut line = String::new();
    for character in cut(reason, MAX_REASON).chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
