//! What can go wrong, as data.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use odcs_core::ErrorKind;
use reqwest::StatusCode;
use url::Url;

use crate::git::GitError;

/// A failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that the settings name cannot be read.
    #[error("{} of {key} cannot be read: {source}", path.display())]
    Unreadable {
        /// The setting, as `ca_files`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a setting says cannot be used.
    #[error("{key} cannot be used: {reason}")]
    Unusable {
        /// The setting, as `proxy`.
        key: &'static str,
        /// Why, with the file it is about.
        reason: String,
    },
    /// A file could not be fetched.
    #[error("{}", transfer(.url, .redirected.as_deref(), *.places, .problem))]
    Transfer {
        /// What was asked for, at the last place that was tried.
        url: String,
        /// Where that led to, if elsewhere.
        redirected: Option<String>,
        /// How many places were tried.
        places: usize,
        /// What went wrong there.
        problem: Problem,
    },
    /// A commit could not be fetched.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable { .. } | Self::Unusable { .. } => ErrorKind::Invalid,
            Self::Transfer { problem, .. } => problem.kind(),
            Self::Git(error) => error.kind(),
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transfer { problem, .. } => problem.is_retryable(),
            Self::Git(error) => error.is_retryable(),
            Self::Unreadable { .. } | Self::Unusable { .. } => false,
        }
    }
}

impl From<Error> for odcs_core::Error {
    fn from(error: Error) -> Self {
        let (kind, retryable, message) = (error.kind(), error.is_retryable(), error.to_string());
        match error {
            Error::Unreadable { path, source, .. } => {
                Self::new(kind, "set up fetching", path.display().to_string(), message).with_source(source)
            }
            Error::Unusable { key, .. } => Self::new(kind, "set up fetching", key, message),
            Error::Transfer {
                problem: Problem::Sink(error),
                ..
            } => error,
            Error::Transfer { url, .. } => Self::new(kind, "fetch", url, message).with_retryable(retryable),
            Error::Git(error) => {
                let error = Self::new(kind, "fetch commit", error.subject(), message).with_source(error);
                error.with_retryable(retryable)
            }
        }
    }
}

/// Why a file could not be fetched. As a sentence it goes on after "… cannot be fetched: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The URL is not below one that may be fetched from.
    #[error(
        "it is not at or below one of the URLs that this service fetches from; administrators can list it in allowed_urls"
    )]
    NotAllowed,
    /// A host leads to an address that nobody listed.
    #[error("{host} leads to {address}, {what}; administrators can list such addresses in allowed_networks")]
    Address {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// What it is: "a private address".
        what: &'static str,
    },
    /// A redirect leads to a URL that may not be fetched from.
    #[error(
        "the server redirects to {to}, which is not at or below one of the URLs that this service fetches from"
    )]
    RedirectNotAllowed {
        /// Where it leads to.
        to: String,
    },
    /// A redirect leads from https to http.
    #[error("the server redirects to {to}, which is not protected as https is")]
    RedirectDowngraded {
        /// Where it leads to.
        to: String,
    },
    /// A redirect leads to a URL with a user name or password.
    #[error("the server redirects to a URL with a user name or password, which is not followed")]
    RedirectCredentials,
    /// Redirects lead in a circle.
    #[error("the server redirects in a circle, to {to} again")]
    RedirectLoop {
        /// Where it begins.
        to: String,
    },
    /// There are too many redirects.
    #[error("the server redirects more than {limit} times")]
    TooManyRedirects {
        /// How many are followed.
        limit: usize,
    },
    /// The file is larger than what is read.
    #[error("it is larger than the {limit} bytes that are read{}", size.map(|size| format!(": it has {size}")).unwrap_or_default())]
    TooLarge {
        /// How large it is, if the server says it.
        size: Option<u64>,
        /// How much is read.
        limit: u64,
    },
    /// The bytes asked for are behind its end.
    #[error("it has no bytes from {first} on{}", size.map(|size| format!(": it has {size}")).unwrap_or_default())]
    TooShort {
        /// The first byte asked for.
        first: u64,
        /// How large it is, if the server says it.
        size: Option<u64>,
    },
    /// The range asked for has its end before its beginning.
    #[error("there are no bytes from {first} to {last}")]
    EmptyRange {
        /// The first byte asked for.
        first: u64,
        /// The last byte asked for.
        last: u64,
    },
    /// No place was given.
    #[error("no URL is given for it")]
    NoPlace,
    /// It is not there.
    #[error("there is no such file ({status})")]
    Missing {
        /// What the server answered.
        status: StatusCode,
    },
    /// The server answered that it cannot, or will not.
    #[error("{}", refusal(*.status))]
    Status {
        /// What the server answered.
        status: StatusCode,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The host has no address.
    #[error("the address of {host} cannot be found: {reason}")]
    Host {
        /// The host.
        host: String,
        /// Why.
        reason: String,
    },
    /// There is no connection.
    #[error("there is no connection to {host}: {reason}")]
    Connect {
        /// The host.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server cannot be trusted, or does not trust this one.
    #[error("there is no secure connection to {host}: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// Why.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("nothing came for {} seconds", .0.as_secs_f32())]
    Silent(Duration),
    /// Too little came for too long.
    #[error("the connection is too slow: only {bytes} bytes came in {seconds} seconds")]
    Slow {
        /// How much came.
        bytes: u64,
        /// In which time.
        seconds: u64,
    },
    /// The connection was cut.
    #[error("the connection was cut after {received} bytes: {reason}")]
    Cut {
        /// How many bytes are there.
        received: u64,
        /// Why, as far as that is known.
        reason: String,
    },
    /// The server does not send parts of files.
    #[error("the server does not send parts of files, and the part asked for begins after {first} bytes")]
    NoRanges {
        /// The first byte asked for.
        first: u64,
    },
    /// The server does not keep to the protocol.
    #[error("the server's answer makes no sense: {0}")]
    Nonsense(String),
    /// The part of the file that came is not the one that was asked for, or of another file than what is there.
    #[error("the server sent another part of the file than was asked for")]
    OtherPart,
    /// It is another file than it should be.
    #[error("{error}{}", if *.html { "; the server answered a web page" } else { "" })]
    Wrong {
        /// What it is instead.
        error: odcs_core::Error,
        /// Whether it is a web page.
        html: bool,
    },
    /// What it was fetched into cannot go on.
    #[error("{0}")]
    Sink(odcs_core::Error),
}

impl Problem {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed
            | Self::Address { .. }
            | Self::RedirectNotAllowed { .. }
            | Self::RedirectDowngraded { .. }
            | Self::RedirectCredentials => ErrorKind::Forbidden,
            Self::RedirectLoop { .. }
            | Self::TooManyRedirects { .. }
            | Self::TooLarge { .. }
            | Self::TooShort { .. }
            | Self::EmptyRange { .. }
            | Self::NoPlace => ErrorKind::Invalid,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::Status { .. }
            | Self::Host { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Silent(_)
            | Self::Slow { .. }
            | Self::Cut { .. }
            | Self::NoRanges { .. }
            | Self::Nonsense(_)
            | Self::OtherPart => ErrorKind::Unavailable,
            Self::Wrong { error, .. } | Self::Sink(error) => error.kind(),
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Host { .. }
            | Self::Connect { .. }
            | Self::Silent(_)
            | Self::Slow { .. }
            | Self::Cut { .. } => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Sink(error) => error.is_retryable(),
            _ => false,
        }
    }
}

fn refusal(status: StatusCode) -> String {
    match status.as_u16() {
        401 | 403 | 407 | 451 => format!("the server does not give it to this service ({status})"),
        429 | 503 => format!("the server is too busy ({status})"),
        _ => format!("the server answered {status}"),
    }
}

/// The sentence about a transfer. What is wrong with a file says its name itself.
fn transfer(url: &str, redirected: Option<&str>, places: usize, problem: &Problem) -> String {
    let redirected = redirected
        .map(|to| format!(" (redirected to {to})"))
        .unwrap_or_default();
    let tried = match places {
        0 | 1 => String::new(),
        places => format!(" ({places} places were tried)"),
    };
    match problem {
        Problem::Sink(error) => error.to_string(),
        Problem::Wrong { .. } if redirected.is_empty() => format!("{problem}{tried}"),
        Problem::Wrong { .. } => format!("{problem}; {url} was asked for{redirected}{tried}"),
        problem if problem.kind() == ErrorKind::Forbidden => {
            format!("{url}{redirected} may not be fetched: {problem}{tried}")
        }
        problem => format!("{url}{redirected} cannot be fetched: {problem}{tried}"),
    }
}

/// The longest URL that is shown whole.
const SHOWN: usize = 300;

/// A URL that was asked for, without what is nobody's business.
pub(crate) fn shown(url: &Url) -> String {
    if url.username().is_empty() && url.password().is_none() {
        return cut(url.as_str());
    }
    let mut url = url.clone();
    // Schemes that have no user names had none.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    cut(url.as_str())
}

/// A URL that somebody's server came up with: without its query, too, which is where keys of storage services are.
pub(crate) fn shown_redirect(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    shown(&url)
}

/// A text of which the end may be left out.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What is underneath an error: the last of its causes, which says what happened.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    cut(&deepest.to_string())
}

/// The first cause of an error that is of a type. Errors of input and output hide what they wrap from `source`.
pub(crate) fn find_cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| find_cause(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_redirect(self.0))
    }
}

/// For logs, which may outlive what a query lets in; worked out only if somebody listens.
pub(crate) struct Shown<'a>(pub(crate) &'a Url);
