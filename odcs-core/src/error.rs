//! Errors as data: what kind, is it worth another try, which operation, on what.

use std::error::Error as StdError;
use std::fmt;

/// A result of this crate and of the traits it defines.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is, for whoever has to decide what to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request can never work as it is.
    Invalid,
    /// Something named in the request, or the thing itself, does not exist.
    NotFound,
    /// The caller may not do this.
    Forbidden,
    /// It existed, and is gone for good.
    Gone,
    /// Somebody else was faster: a lease was lost, or the state is another by now.
    Conflict,
    /// The work was asked to stop.
    Cancelled,
    /// Something needed is down, busy or full at the moment.
    Unavailable,
    /// A fault of this program or its installation.
    Internal,
}

/// A failure. Its message is a sentence for the person who asked or who runs the service: what
/// happened, to which package, tag or file, and what to do.
///
/// ```
/// use odcs_core::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::NotFound, "read repository", "/srv/repo", "there is no directory /srv/repo");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(!error.is_retryable());
/// assert_eq!(error.to_string(), "there is no directory /srv/repo");
/// ```
pub struct Error(Box<Inner>);

/// Characters of a message.
const MESSAGE: usize = 4_000;

/// A message as one line that only shows what it says.
fn plain(message: String) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    // Each character is at least a byte.
    if message.len() <= MESSAGE && !message.contains(acts) {
        return message;
    }
    let mut text = String::with_capacity(message.len().min(MESSAGE));
    for c in message.chars().take(MESSAGE) {
        match c {
            '\n' | '\r' | '\t' => text.push(' '),
            c if acts(c) => text.extend(c.escape_unicode()),
            c => text.push(c),
        }
    }
    if message.chars().nth(MESSAGE).is_some() {
        text.push('…');
    }
    text
}

struct Inner {
    kind: ErrorKind,
    retryable: bool,
    operation: &'static str,
    subject: String,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind. `operation` is what was being done ("read repository"), `subject` what it
    /// was done to; `message` is the whole sentence. It may quote what somebody else made: it is kept to
    /// one line of at most 4,000 characters, without any that would act on a terminal or turn text
    /// around. Only `Unavailable` counts as retryable.
    pub fn new(
        kind: ErrorKind,
        operation: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            retryable: kind == ErrorKind::Unavailable,
            operation,
            subject: subject.into(),
            message: plain(message.into()),
            source: None,
        }))
    }

    /// A request that can never work; the subject is the field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, "check request", field, message)
    }

    /// Attaches what was underneath, for logs; the message stays the same.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says whether the same operation may work when tried again.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same operation may work when tried again.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// What it was done to: a path, a package, a field of the request.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation)
            .field("subject", &self.0.subject)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_that_does_nothing() {
        let shown = |message: &str| Error::invalid("x", message).message().to_owned();
        assert_eq!(shown("the package é is missing"), "the package é is missing");
        assert_eq!(
            shown("a\nb\u{1b}[2Jc\u{202e}d\0"),
            "a b\\u{1b}[2Jc\\u{202e}d\\u{0}"
        );
        let long = shown(&"é".repeat(9_000));
        assert_eq!(long.chars().count(), MESSAGE + 1);
        assert!(long.ends_with("é…"));
        assert_eq!(shown(&"é".repeat(MESSAGE)), "é".repeat(MESSAGE));
    }
}
