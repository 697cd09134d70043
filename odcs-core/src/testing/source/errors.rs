//! What an error must be like.

use crate::{Error, ErrorKind};

/// Longer than this is no sentence for anybody; the message is kept in the record of the compose.
const LONGEST: usize = 8 << 10;

/// The kind is one that a source may answer, retrying is consistent with it, and the message is a sentence.
pub(super) fn is_well_formed(error: &Error) {
    let passing = error.kind() == ErrorKind::Unavailable;
    assert!(
        passing || !error.is_retryable(),
        "only what is unavailable may work another time: {error:?}"
    );
    assert!(
        !matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Cancelled),
        "leases and cancelling are none of a source's business: {error:?}"
    );
    assert!(
        !error.operation().is_empty() && !error.subject().is_empty(),
        "an error says what was being done, and to what: {error:?}"
    );
    let message = error.message();
    assert!(
        message.split_whitespace().count() >= 3,
        "the message is a sentence for the person who asked: {error:?}"
    );
    assert!(
        message.len() <= LONGEST && !message.chars().any(char::is_control),
        "the message is one line of at most {LONGEST} bytes: {error:?}"
    );
    assert!(
        !message.contains("(os error ") && !message.contains("Error {") && !message.contains("Err("),
        "the message is for people, what is underneath goes to with_source: {error:?}"
    );
}

/// It says which package is meant.
pub(super) fn names(error: &Error, package: &str) {
    assert!(
        error.message().contains(package),
        "the message names {package}: {error:?}"
    );
}
