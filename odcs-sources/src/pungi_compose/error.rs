//! What can be wrong with an existing compose.

use odcs_core::{Error, ErrorKind};

/// Why packages could not be told from an existing compose.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct PungiComposeError {
    reason: Reason,
    /// What it is about.
    subject: String,
}

/// What happened.
#[derive(Debug)]
pub(super) enum Reason {
    /// Asked for something that is not a compose.
    OtherSource,
    /// The URL does not end in the name of a variant.
    NoName,
    /// The document is none; why.
    Damaged(String),
    /// The compose does not have the variant; it has these.
    NoVariant(Vec<String>),
    /// The variant has nothing.
    Empty,
    /// Koji has none of these packages.
    Missing { count: usize, shown: Vec<String> },
    /// A directory of this machine that composes are not taken from.
    Outside,
}

impl PungiComposeError {
    pub(super) fn new(reason: Reason, subject: impl Into<String>) -> Self {
        Self {
            reason,
            subject: subject.into(),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self.reason {
            Reason::NoVariant(_) | Reason::Empty | Reason::Missing { .. } => ErrorKind::NotFound,
            Reason::Outside => ErrorKind::Forbidden,
            _ => ErrorKind::Invalid,
        }
    }

    fn sentence(&self) -> String {
        let subject: String = self.subject.chars().take(300).collect();
        match &self.reason {
            Reason::OtherSource => format!("a source of type {subject} is not a Pungi compose"),
            Reason::NoName => format!(
                "\"source\": {subject} should end in the name of a variant, as in https://example.com/F-36-20220101.n.0/compose/Server"
            ),
            Reason::Damaged(why) => {
                let why: String = why.chars().take(300).collect();
                format!("{subject} of the compose cannot be used: {why}")
            }
            Reason::NoVariant(known) if known.is_empty() => {
                format!("the compose has no variant {subject}, nor any other")
            }
            Reason::NoVariant(known) => {
                format!(
                    "the compose has no variant {subject}; it has {}",
                    known.join(", ")
                )
            }
            Reason::Empty => format!("the variant {subject} of the compose has no packages"),
            Reason::Missing { count, shown } => {
                let more = match count.saturating_sub(shown.len()) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!(
                    "Koji does not have these packages of {subject} as its rpms.json names them: {}{more}",
                    shown.join(", ")
                )
            }
            Reason::Outside => {
                format!("\"source\": {subject} is not below a directory that this server takes composes from")
            }
        }
    }
}

impl From<PungiComposeError> for Error {
    fn from(error: PungiComposeError) -> Self {
        Self::new(
            error.kind(),
            "read Pungi compose",
            &error.subject,
            error.to_string(),
        )
        .with_source(error)
    }
}
