//! What can be wrong with a repository.

use std::error::Error as StdError;
use std::io;

use odcs_core::{Error, ErrorKind};

/// Why packages could not be taken from a repository.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct RepoError {
    reason: Reason,
    /// The file, directory or URL it is about.
    subject: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What happened.
#[derive(Debug)]
pub(super) enum Reason {
    /// A root cannot be opened.
    Root,
    /// The path is not below a root; these are the roots.
    Outside(String),
    /// The path has `..` or empty segments.
    Unclean,
    /// A URL, and nothing here fetches.
    Url,
    /// A URL that no file can be below of; why.
    UnusableUrl(String),
    /// Asked for something that is not a repository.
    OtherSource,
    /// There is no such directory.
    NoDirectory,
    /// A file named by the metadata is not there.
    NoFile,
    /// A link leads out of the root.
    Escapes,
    /// A link leads in circles.
    Circle,
    /// `repodata` is there, and `repomd.xml` is not.
    NoRepomd,
    /// A server has no `repomd.xml` there.
    NoRepodata,
    /// A server answered HTML.
    WebPage,
    /// A list of mirrors is not one of the configured kind; what is.
    NoMirrorList(&'static str),
    /// A mirror's `repomd.xml` is none of those that the metalink names.
    Behind,
    /// May not be read.
    Denied,
    /// Neither repodata nor a single RPM.
    Empty,
    /// The pinned state is gone.
    Changed,
    /// Metadata without `primary`.
    NoPrimary,
    /// The checksum is not the one recorded.
    Checksum { expected: String, found: String },
    /// The size is not the one recorded.
    Size { expected: u64, found: u64 },
    /// Larger, or more, than the limit.
    Limit(String),
    /// So many times as large, decompressed, as it came, and more.
    Bomb(u64),
    /// Damaged.
    Damaged,
    /// The location of a package leads out of the repository.
    Location { package: String, href: String },
    /// A package is kept somewhere else altogether (`xml:base`).
    Elsewhere { package: String, base: String },
    /// The operating system says something else.
    Io,
    /// A fault of this program.
    Fault,
}

impl RepoError {
    pub(super) fn new(reason: Reason, subject: impl Into<String>) -> Self {
        Self {
            reason,
            subject: subject.into(),
            source: None,
        }
    }

    pub(super) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sorts what the operating system says about a path into what people can act on.
    pub(super) fn io(error: io::Error, subject: impl Into<String>) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Reason::NoFile,
            io::ErrorKind::PermissionDenied => Reason::Denied,
            io::ErrorKind::CrossesDevices => Reason::Escapes,
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Reason::Circle,
            _ => Reason::Io,
        };
        Self::new(reason, subject).caused_by(error)
    }

    /// Says of a directory what `io` says of a file.
    pub(super) fn directory_not_found(&mut self) {
        if matches!(self.reason, Reason::NoFile) {
            self.reason = Reason::NoDirectory;
        }
    }

    /// Damaged metadata or a damaged package.
    pub(super) fn damaged(error: odcs_rpm::Error, subject: impl Into<String>) -> Self {
        match error {
            odcs_rpm::Error::Io(error) if error.raw_os_error().is_some() => Self::io(error, subject),
            odcs_rpm::Error::TooLarge { limit, .. } => {
                Self::new(Reason::Limit(limit.to_string()), subject).caused_by(error)
            }
            odcs_rpm::Error::Bomb { ratio, .. } => Self::new(Reason::Bomb(ratio), subject).caused_by(error),
            // The subject names the file already.
            odcs_rpm::Error::Repodata { reason, .. } => Self::new(Reason::Damaged, subject).caused_by(reason),
            error => Self::new(Reason::Damaged, subject).caused_by(error),
        }
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        match self.reason {
            Reason::Root => "open repository root",
            Reason::Outside(_)
            | Reason::Unclean
            | Reason::Url
            | Reason::UnusableUrl(_)
            | Reason::OtherSource => "locate repository",
            _ => "read repository",
        }
    }

    /// The file, directory or URL it is about.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self.reason {
            Reason::NoDirectory
            | Reason::NoFile
            | Reason::NoRepomd
            | Reason::NoRepodata
            | Reason::Empty
            | Reason::NoPrimary => ErrorKind::NotFound,
            Reason::Escapes | Reason::Denied | Reason::Location { .. } => ErrorKind::Forbidden,
            Reason::Changed => ErrorKind::Gone,
            Reason::Io | Reason::Behind => ErrorKind::Unavailable,
            Reason::Fault => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }

    /// Whether another try may work: the disk may be back by then, or the mirrors have caught up.
    pub fn is_retryable(&self) -> bool {
        matches!(self.reason, Reason::Io | Reason::Behind)
    }

    fn sentence(&self) -> String {
        let subject = &cut(&self.subject);
        let cause = self
            .source
            .as_ref()
            .map(|source| format!(": {}", without_number(&source.to_string())))
            .unwrap_or_default();
        match &self.reason {
            Reason::Root => format!("the repository root {subject} cannot be opened{cause}"),
            Reason::Outside(roots) => format!(
                "\"source\": {subject} is not below a directory that this server takes repositories from ({roots})"
            ),
            Reason::Unclean => format!("\"source\": {subject:?} should be an absolute path without \"..\""),
            Reason::Url => format!(
                "\"source\": this server cannot fetch repositories, {subject} would have to be a directory of the server"
            ),
            Reason::UnusableUrl(why) => {
                format!("\"source\": {subject} cannot be the URL of a repository: {why}")
            }
            Reason::OtherSource => format!("a source of type {subject} is not a repository"),
            Reason::NoDirectory => format!("there is no directory {subject} on the server"),
            Reason::NoFile => format!("{subject} is not there"),
            Reason::Escapes => format!(
                "{subject} is, or lies behind, a symbolic link that leads out of the repository root; it was not followed"
            ),
            Reason::Circle => format!("{subject} is a symbolic link that leads in circles"),
            Reason::NoRepomd => format!(
                "{subject} is there, but has no repomd.xml: the repository is being written or is damaged; without a \
                 directory repodata, its packages themselves would be read"
            ),
            Reason::NoRepodata => format!(
                "{subject} has no repodata/repomd.xml; repositories on HTTP servers need it, because what else is there \
                 cannot be listed"
            ),
            Reason::WebPage => format!("the server answered a web page where {subject} should be"),
            Reason::NoMirrorList(expected) => {
                format!("{subject} is no list of mirrors{cause}; it should be {expected}")
            }
            Reason::Behind => format!(
                "{subject} is none of the versions that the metalink names: the mirror is behind, or ahead of the metalink"
            ),
            Reason::Denied => format!("{subject} may not be read by the server"),
            Reason::Empty => {
                format!("{subject} is no repository: it has neither repodata/repomd.xml nor any .rpm file")
            }
            Reason::Changed => {
                format!("{subject} changed while the compose was being made; ask for it again")
            }
            Reason::NoPrimary => format!("{subject} names no primary metadata"),
            Reason::Checksum { expected, found } => {
                format!("{subject} is damaged: its checksum should be {expected}, but is {found}")
            }
            Reason::Size { expected, found } => {
                format!("{subject} is damaged: it should have {expected} bytes, but has {found}")
            }
            Reason::Limit(limit) => format!("{subject} is larger than the limit of {limit}"),
            Reason::Bomb(ratio) => format!(
                "{subject} becomes more than {ratio} times its size when it is decompressed, which is taken for an attack; \
                 a server that should read it anyway can be told so (metadata_ratio)"
            ),
            Reason::Damaged => format!("{subject} is damaged{cause}"),
            Reason::Location { package, href } => {
                format!(
                    "{subject} says that {package} is at {:?}, which leads out of the repository",
                    cut(href)
                )
            }
            Reason::Elsewhere { package, base } => format!(
                "{subject} says that {package} is kept at {}; only packages in the repository itself can be used",
                cut(base)
            ),
            Reason::Io => format!("{subject} cannot be read at the moment{cause}"),
            Reason::Fault => "the repository could not be read because of a fault in this program".to_owned(),
        }
    }
}

/// A path that the metadata of others may have made up, as much of it as one reads.
fn cut(path: &str) -> std::borrow::Cow<'_, str> {
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", path.get(..end).unwrap_or_default()).into(),
        None => path.into(),
    }
}

/// Characters of a path in a message.
const SHOWN: usize = 300;

/// What the operating system says, without its number for it.
fn without_number(text: &str) -> &str {
    text.split(" (os error").next().unwrap_or(text)
}

impl From<RepoError> for Error {
    fn from(error: RepoError) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_made_up_is_shown_in_part() {
        let (package, href) = ("ed".to_owned(), "é/".repeat(3_000));
        let error = RepoError::new(Reason::Location { package, href }, "a".repeat(5_000));
        assert!(error.to_string().chars().count() < 700);
        assert_eq!(cut(&"é".repeat(SHOWN)), "é".repeat(SHOWN));
    }
}
