//! What can go wrong with a hub, as data.

use std::error::Error as StdError;
use std::time::Duration;

use odcs_core::{Error, ErrorKind};

use super::fault::Fault;

/// A call that did not work. Displays as a sentence for the person who asked.
///
/// ```
/// # use odcs_core::ErrorKind;
/// # fn example(error: odcs_sources::koji::client::KojiError) {
/// if let Some(fault) = error.fault() {
///     eprintln!("{} of {}: fault {}: {}", error.operation(), error.subject(), fault.code, fault);
/// }
/// assert!(!error.is_retryable() || error.kind() == ErrorKind::Unavailable);
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct KojiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    hub: Box<str>,
    operation: &'static str,
    subject: Box<str>,
    problem: Problem,
    attempts: u32,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The hub answered with a fault.
    #[error("{0}")]
    Fault(Fault),
    /// Another status than 200.
    #[error("{}", with_page(*.status, .shown))]
    Status {
        /// The status.
        status: u16,
        /// The beginning of what came with it, in one line; of a page its title.
        shown: Box<str>,
    },
    /// A redirect, which is never followed.
    #[error("it redirects to {to:?}")]
    Redirect {
        /// Where to.
        to: Box<str>,
    },
    /// Something else than an answer of XML-RPC: a login page, or another service.
    #[error("it answered {what}, not XML-RPC")]
    Foreign {
        /// What: its content type, and how it begins.
        what: Box<str>,
    },
    /// No connection.
    #[error("no connection: {reason}")]
    Connect {
        /// Why.
        reason: Box<str>,
    },
    /// The server is not trusted, or does not trust.
    #[error("no secure connection: {reason}")]
    Tls {
        /// Why.
        reason: Box<str>,
    },
    /// It took too long.
    #[error("{what} for {} s", after.as_secs_f64())]
    Timeout {
        /// What did not happen.
        what: &'static str,
        /// How long was waited for it.
        after: Duration,
    },
    /// The answer, or the connection, ended in the middle.
    #[error("the connection was cut: {reason}")]
    Cut {
        /// How.
        reason: Box<str>,
    },
    /// An answer that is XML-RPC, or nearly, and not as it has to be.
    #[error("its answer cannot be read: {reason}")]
    Malformed {
        /// Where and why.
        reason: Box<str>,
    },
    /// A record in an answer is not as it has to be.
    #[error("its answer cannot be used: {row}: {reason}")]
    Record {
        /// Which record, such as `RPM 17`.
        row: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// More than is read.
    #[error("its answer has more than {limit} {what}")]
    Limit {
        /// Of what.
        what: Box<str>,
        /// How much is read.
        limit: u64,
    },
    /// The call itself cannot be sent.
    #[error("it cannot be asked: {reason}")]
    Request {
        /// Why.
        reason: Box<str>,
    },
    /// What the settings say cannot be used.
    #[error("{key} cannot be used: {reason}")]
    Settings {
        /// The setting.
        key: &'static str,
        /// Why.
        reason: Box<str>,
    },
    /// A fault of this program.
    #[error("{reason}")]
    Internal {
        /// What happened.
        reason: Box<str>,
    },
}

/// What a status says to people.
fn with_page(status: u16, shown: &str) -> String {
    let after = if shown.is_empty() {
        String::new()
    } else {
        format!(" ({shown})")
    };
    format!("it answered with HTTP status {status}{after}")
}

impl Problem {
    /// What kind of failure it is.
    ///
    /// Faults go by their code. An uncaught exception in the hub, and what a hub has no code for, is `Unavailable`: the
    /// hub did not do its work, and asking again the same would not change that.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Fault(fault) => match fault.code {
                Fault::GENERIC | Fault::TAG | Fault::BUILD | Fault::PARAMETER | Fault::NAME => {
                    ErrorKind::Invalid
                }
                Fault::AUTHENTICATION | Fault::NOT_ALLOWED | 1006..=1009 | 1023 => ErrorKind::Forbidden,
                _ => ErrorKind::Unavailable,
            },
            Self::Status { status, .. } => match status {
                401 | 403 | 407 => ErrorKind::Forbidden,
                408 | 429 | 500.. => ErrorKind::Unavailable,
                // It is no hub, or not one for such calls: the address is wrong, or this program.
                _ => ErrorKind::Internal,
            },
            Self::Redirect { .. } | Self::Tls { .. } | Self::Settings { .. } | Self::Internal { .. } => {
                ErrorKind::Internal
            }
            Self::Request { .. } => ErrorKind::Invalid,
            Self::Foreign { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Malformed { .. }
            | Self::Record { .. }
            | Self::Limit { .. } => ErrorKind::Unavailable,
        }
    }

    /// Whether the same call may work when it is tried again: the hub is offline, a proxy before it cannot reach it (502,
    /// 503, 504), there is no connection or it was cut, or it took too long. A 500 comes from a web server whose hub
    /// died over this very call, and is not tried again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.is_offline(),
            Self::Status { status, .. } => matches!(status, 502..=504),
            Self::Connect { .. } | Self::Timeout { .. } | Self::Cut { .. } => true,
            _ => false,
        }
    }
}

impl KojiError {
    pub(super) fn new(
        hub: &str,
        operation: &'static str,
        subject: impl Into<Box<str>>,
        problem: Problem,
    ) -> Self {
        Self(Box::new(Inner {
            hub: hub.into(),
            operation,
            subject: subject.into(),
            problem,
            attempts: 1,
        }))
    }

    pub(super) fn after(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// What went wrong.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The fault that the hub answered with, if it did.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.0.problem {
            Problem::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether the hub answered with a fault of this code.
    pub fn is_fault(&self, code: i64) -> bool {
        self.fault().is_some_and(|fault| fault.code == code)
    }

    /// What kind of failure it is; see [`Problem::kind`].
    pub fn kind(&self) -> ErrorKind {
        self.0.problem.kind()
    }

    /// Whether the same call may work later; see [`Problem::is_retryable`].
    pub fn is_retryable(&self) -> bool {
        self.0.problem.is_retryable()
    }

    /// The call, as `getTag`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// What the call was about: a tag, a build, a task.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The address of the hub.
    pub fn hub(&self) -> &str {
        &self.0.hub
    }

    fn sentence(&self) -> String {
        let Inner {
            hub,
            operation,
            subject,
            problem,
            attempts,
        } = &*self.0;
        let about = if subject.is_empty() {
            String::new()
        } else {
            format!(" of {subject}")
        };
        let tries = if *attempts > 1 {
            format!(", {attempts} times")
        } else {
            String::new()
        };
        match problem {
            Problem::Fault(fault) if fault.is_offline() => {
                format!("the Koji hub {hub} is offline: {fault}; the compose can be asked for again later")
            }
            Problem::Fault(fault) if fault.code == Fault::UNCAUGHT => {
                format!(
                    "the Koji hub {hub} failed on {operation}{about}: {fault}; its administrators can find out why"
                )
            }
            Problem::Fault(fault) => {
                format!(
                    "the Koji hub {hub} refused {operation}{about}: {fault} (fault {})",
                    fault.code
                )
            }
            Problem::Settings { .. } => format!("the Koji hub {hub}: {problem}"),
            Problem::Redirect { .. } | Problem::Foreign { .. } => {
                format!(
                    "the Koji hub {hub} cannot be asked ({operation}{about}): {problem}; the address must be that of the hub itself"
                )
            }
            problem if problem.is_retryable() => format!(
                "the Koji hub {hub} cannot be asked ({operation}{about}{tries}): {problem}; the compose can be asked for \
                 again later"
            ),
            problem => format!("the Koji hub {hub} cannot be asked ({operation}{about}): {problem}"),
        }
    }
}

impl From<KojiError> for Error {
    fn from(error: KojiError) -> Self {
        Self::new(
            error.kind(),
            error.operation(),
            error.subject(),
            error.to_string(),
        )
        .with_retryable(error.is_retryable())
        .with_source(error)
    }
}

/// The deepest cause of an error, in one line.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> Box<str> {
    let mut deepest = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    one_line(&deepest.to_string(), 200)
}

/// The first characters of a text, in one line.
pub(super) fn one_line(text: &str, characters: usize) -> Box<str> {
    let mut line = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if line.len() >= characters * 4 {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()).into(),
        None => line.into(),
    }
}
