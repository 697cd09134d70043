//! What can go wrong while a commit is fetched.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use odcs_core::ErrorKind;
use odcs_core::fetch::GitCommit;

/// Why there is no commit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The repository may not be fetched from, whatever is in it.
    #[error("{repository} may not be fetched from: {why}")]
    Refused {
        /// The repository, as it was asked for.
        repository: String,
        /// What is not right about it.
        why: &'static str,
    },
    /// There is no repository, or none for everybody.
    #[error("there is no git repository {repository} that can be read without logging in: {said}")]
    NoRepository {
        /// Its URL.
        repository: String,
        /// What git said.
        said: String,
    },
    /// There are files, at most.
    #[error(
        "{repository} is not served by a program that speaks git's protocol; it may be no git repository ({said})"
    )]
    NoProtocol {
        /// Its URL.
        repository: String,
        /// What git said.
        said: String,
    },
    /// The repository does not have it.
    #[error("the git repository {repository} has no commit {commit}")]
    NoCommit {
        /// Its URL.
        repository: String,
        /// The commit.
        commit: String,
    },
    /// It has the object, but that is none.
    #[error("{commit} in the git repository {repository} is a {kind}, not a commit")]
    NotACommit {
        /// Its URL.
        repository: String,
        /// What was asked for.
        commit: String,
        /// What it is: `tag`, `tree` or `blob`.
        kind: String,
    },
    /// The server only sends what a branch or tag points to.
    #[error(
        "the server of {repository} does not send commits by their names: it has to speak version 2 of git's protocol, \
         or be configured with uploadpack.allowReachableSHA1InWant"
    )]
    NoCommitsByName {
        /// Its URL.
        repository: String,
    },
    /// The server sent somewhere else.
    #[error(
        "the server of {repository} answers with a redirect, which git does not follow: name the place where it is ({said})"
    )]
    Redirected {
        /// Its URL.
        repository: String,
        /// What git said.
        said: String,
    },
    /// More bytes than allowed.
    #[error("commit {commit} of {repository} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its URL.
        repository: String,
        /// The commit.
        commit: String,
        /// The limit.
        limit: u64,
    },
    /// More files than allowed.
    #[error(
        "commit {commit} of {repository} has more than {most} files and directories, or paths too long to list"
    )]
    TooManyFiles {
        /// Its URL.
        repository: String,
        /// The commit.
        commit: String,
        /// How many it may have.
        most: usize,
    },
    /// A file that cannot be made here.
    #[error("commit {commit} of {repository} has a file {path:?}, which can have no place in a directory")]
    BadPath {
        /// Its URL.
        repository: String,
        /// The commit.
        commit: String,
        /// Its path in the repository.
        path: String,
    },
    /// What was sent is not sound.
    #[error("what the server of {repository} sent is damaged: {said}")]
    Damaged {
        /// Its URL.
        repository: String,
        /// What git said.
        said: String,
    },
    /// It took too long.
    #[error("fetching from {repository} took longer than {} seconds", .after.as_secs_f64())]
    TooLong {
        /// Its URL.
        repository: String,
        /// How long it may take.
        after: Duration,
    },
    /// Something else, of git's or of the network between.
    #[error("cannot fetch from {repository}: {said}")]
    Failed {
        /// Its URL.
        repository: String,
        /// What git said.
        said: String,
        /// Whether it may work in a moment.
        retryable: bool,
    },
    /// The program is missing, or something about it is wrong.
    #[error("cannot run {}: {source}", .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not do what it should.
    #[error("{} {command} failed: {said}", .program.display())]
    Unexpected {
        /// The program.
        program: PathBuf,
        /// Which of its commands.
        command: String,
        /// What it said, or how it ended.
        said: String,
    },
    /// The directory that the commit should go to.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Directory {
        /// What was being done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file with certificates.
    #[error("cannot read the certificates in {}: {source}", .path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl GitError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } | Self::Redirected { .. } => ErrorKind::Forbidden,
            Self::NoRepository { .. } | Self::NoProtocol { .. } | Self::NoCommit { .. } => {
                ErrorKind::NotFound
            }
            Self::NotACommit { .. }
            | Self::NoCommitsByName { .. }
            | Self::TooLarge { .. }
            | Self::TooManyFiles { .. }
            | Self::BadPath { .. }
            | Self::Damaged { .. } => ErrorKind::Invalid,
            Self::TooLong { .. } | Self::Failed { .. } | Self::Directory { .. } => ErrorKind::Unavailable,
            Self::Program { .. } | Self::Unexpected { .. } | Self::Certificates { .. } => ErrorKind::Internal,
        }
    }

    /// What it is about: the URL of the repository, or the path of what is wrong on this machine.
    pub fn subject(&self) -> String {
        match self {
            Self::Refused { repository, .. }
            | Self::NoRepository { repository, .. }
            | Self::NoProtocol { repository, .. }
            | Self::NoCommit { repository, .. }
            | Self::NotACommit { repository, .. }
            | Self::NoCommitsByName { repository }
            | Self::Redirected { repository, .. }
            | Self::TooLarge { repository, .. }
            | Self::TooManyFiles { repository, .. }
            | Self::BadPath { repository, .. }
            | Self::Damaged { repository, .. }
            | Self::TooLong { repository, .. }
            | Self::Failed { repository, .. } => repository.clone(),
            Self::Program { program: path, .. }
            | Self::Unexpected { program: path, .. }
            | Self::Directory { path, .. }
            | Self::Certificates { path, .. } => path.display().to_string(),
        }
    }

    /// Whether it may work when it is tried again in a moment.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Failed { retryable: true, .. })
    }
}

/// What git says of a fetch that failed, as an error. Its messages are those of `LC_ALL=C`. What it does not say is that
/// a file of it is `full`.
pub(super) fn of_fetch(commit: &GitCommit, status: ExitStatus, said: &str, full: bool) -> GitError {
    let repository = commit.repository.to_string();
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let quoted = || quoted(status, said);
    if full {
        GitError::TooLarge {
            repository,
            commit: commit.commit.to_string(),
            limit: commit.limit,
        }
    } else if has(&["not our ref", "couldn't find remote ref"]) {
        GitError::NoCommit {
            repository,
            commit: commit.commit.to_string(),
        }
    } else if has(&["unadvertised object"]) {
        GitError::NoCommitsByName { repository }
    } else if has(&["returned error: 30", "redirect"]) {
        let said = quoted();
        GitError::Redirected { repository, said }
    } else if has(&[
        "' not found",
        "does not appear to be a git repository",
        "could not read Username",
        "Authentication failed",
        "not valid: is this a git repository",
        "returned error: 403",
        "returned error: 410",
    ]) {
        let said = quoted();
        GitError::NoRepository { repository, said }
    } else if has(&["dumb http transport"]) {
        let said = quoted();
        GitError::NoProtocol { repository, said }
    } else if has(&["fsck error", "is corrupt", "inflate returned", "error in object"]) {
        let said = quoted();
        GitError::Damaged { repository, said }
    } else {
        GitError::Failed {
            repository,
            said: quoted(),
            // Who is not trusted now, is not in a moment either.
            retryable: !has(&["certificate", "SSL"]),
        }
    }
}

/// Bytes of what git said that are shown.
const QUOTED: usize = 600;

/// The last of what git said, or how it ended.
pub(super) fn quoted(status: ExitStatus, said: &str) -> String {
    let said = said.trim();
    if said.is_empty() {
        return format!("git ended with {status}");
    }
    let from = said.len().saturating_sub(QUOTED);
    let from = (from..said.len()).find(|at| said.is_char_boundary(*at));
    said.get(from.unwrap_or_default()..).unwrap_or(said).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn what_git_says_has_a_kind() {
        let commit = GitCommit::new(
            "https://example.com/a.git".parse().unwrap(),
            "8f14e45fceea167a5a36dedd4bea2543c1d0b7b8".parse().unwrap(),
            10,
        );
        let failed = ExitStatus::from_raw(128 << 8);
        for (said, kind) in [
            (
                "fatal: remote error: upload-pack: not our ref 8f14",
                ErrorKind::NotFound,
            ),
            (
                "fatal: repository 'https://example.com/a.git/' not found",
                ErrorKind::NotFound,
            ),
            (
                "fatal: could not read Username for 'https://example.com': terminal prompts disabled",
                ErrorKind::NotFound,
            ),
            (
                "error: Server does not allow request for unadvertised object 8f14",
                ErrorKind::Invalid,
            ),
            (
                "fatal: unable to access 'https://example.com/': The requested URL returned error: 302",
                ErrorKind::Forbidden,
            ),
            (
                "error: object 12: zeroPaddedFilemode\nfatal: fsck error in packed object",
                ErrorKind::Invalid,
            ),
            (
                "fatal: unable to access: Failed to connect",
                ErrorKind::Unavailable,
            ),
            ("", ErrorKind::Unavailable),
        ] {
            let error = of_fetch(&commit, failed, said, false);
            assert_eq!(error.kind(), kind, "{said}: {error}");
            assert!(error.to_string().contains("example.com/a.git"), "{error}");
        }
        let full = of_fetch(
            &commit,
            failed,
            "fatal: fetch-pack: invalid index-pack output",
            true,
        );
        assert!(matches!(full, GitError::TooLarge { limit: 10, .. }));
    }

    #[test]
    fn only_the_end_is_quoted() {
        let failed = ExitStatus::from_raw(1 << 8);
        let long = format!("{}end", "é".repeat(1000));
        let shown = quoted(failed, &long);
        assert!(shown.len() <= QUOTED && shown.ends_with("éend"));
        assert_eq!(quoted(failed, " \n"), "git ended with exit status: 1");
    }
}
