//! Why a compose cannot be made from what Koji has.

use odcs_core::request::{KojiTag, Nvr};
use odcs_core::{Error, ErrorKind};
use odcs_rpm::Nevra;

/// Names that a message shows.
const SHOWN: usize = 20;

/// Why a compose cannot be made from what Koji has: what was asked for, or where it should be, is not as it would have
/// to be. What goes wrong between here and the hub is a [`KojiError`](super::client::KojiError).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KojiSourceError {
    /// There is no such tag.
    #[error("there is no Koji tag {tag} on {hub}; it may be misspelt, or have been renamed or deleted")]
    UnknownTag {
        /// The tag asked for.
        tag: KojiTag,
        /// URL of the hub.
        hub: String,
    },
    /// The tag is there, but was not then.
    #[error("the Koji tag {tag} did not exist at event {event}; ask for another koji_event, or for none")]
    TagNotYet {
        /// The tag asked for.
        tag: KojiTag,
        /// The event asked for.
        event: i64,
    },
    /// An event that has not happened.
    #[error("\"koji_event\": event {event} has not happened yet on {hub}, the last one is {last}")]
    FutureEvent {
        /// The event asked for.
        event: i64,
        /// The newest event.
        last: i64,
        /// URL of the hub.
        hub: String,
    },
    /// Builds that cannot be used.
    #[error("{}", builds_sentence(.0))]
    Builds(Vec<(Nvr, BuildFault)>),
    /// A build is asked for and under embargo.
    #[error("{} cannot be both asked for and under embargo", joined(.0))]
    Embargoed(Vec<Nvr>),
    /// Packages asked for are blocked in the tag.
    #[error(
        "{} blocked in the Koji tag {tag}: no build of {} belongs to it",
        is_or_are(packages),
        it_or_them(packages)
    )]
    Blocked {
        /// The packages.
        packages: Vec<String>,
        /// The tag that was looked at.
        tag: KojiTag,
    },
    /// A task whose scratch build cannot be used; why.
    #[error("the Koji task {id} {fault}")]
    Task {
        /// Number of the task.
        id: i64,
        /// What is wrong with it.
        fault: TaskFault,
    },
    /// Files that should be there.
    #[error("{}", missing_sentence(*count, shown))]
    MissingFiles {
        /// How many.
        count: usize,
        /// The first of them, by path or URL.
        shown: Vec<String>,
    },
    /// A file is another package.
    #[error("{file} should be {expected} as Koji has it, but it is {found}")]
    OtherPackage {
        /// The file.
        file: String,
        /// What Koji has.
        expected: Box<Nevra>,
        /// What its header says.
        found: String,
    },
    /// A file has another size than Koji has recorded.
    #[error(
        "{file} has {found} bytes, but Koji has recorded {recorded}: it is damaged, or still being written"
    )]
    OtherSize {
        /// The file.
        file: String,
        /// Its size.
        found: u64,
        /// What Koji has recorded.
        recorded: u64,
    },
    /// Builds that were there when the compose was begun.
    #[error("{} not there any more since the compose was begun; ask for it again", is_or_are(.0))]
    BuildsGone(Vec<String>),
    /// A tag had other builds when the compose was begun.
    #[error("builds were deleted from Koji since the compose was begun; ask for it again")]
    ListGone,
    /// Asked for something that is not Koji's.
    #[error("a source of type {0} is not from Koji")]
    OtherSource(String),
    /// Nothing was asked for.
    #[error("\"builds\": a compose of builds needs some, or scratch_build_tasks")]
    NoBuilds,
}

/// Why a build cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum BuildFault {
    /// Koji does not know it.
    Unknown,
    /// It is not finished.
    Building,
    /// It failed.
    Failed,
    /// It was cancelled.
    Canceled,
    /// It was deleted.
    Deleted,
    /// It is in a state that is not known here.
    Unusable,
}

impl BuildFault {
    fn sentence(self) -> &'static str {
        match self {
            Self::Unknown => "is not known to Koji",
            Self::Building => "is still being built",
            Self::Failed => "has failed",
            Self::Canceled => "was cancelled",
            Self::Deleted => "was deleted",
            Self::Unusable => "is not complete",
        }
    }
}

/// Why the scratch build of a task cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskFault {
    /// There is no such task.
    #[error("does not exist")]
    Unknown,
    /// It is not done.
    #[error("is not finished (it is {0})")]
    Unfinished(&'static str),
    /// It ended without a result.
    #[error("has no result (it {0})")]
    Ended(&'static str),
    /// It made no packages.
    #[error("has not made any packages; the number of a build's task is expected")]
    NoPackages,
    /// It made something that cannot be used.
    #[error("has made {0:?}, which is not the path of a package")]
    Path(String),
}

impl KojiSourceError {
    pub(super) fn missing_files(files: Vec<String>) -> Self {
        Self::MissingFiles {
            count: files.len(),
            shown: files.into_iter().take(SHOWN).collect(),
        }
    }

    pub(super) fn other_package(file: String, expected: &Nevra, found: String) -> Self {
        let expected = Box::new(expected.clone());
        Self::OtherPackage {
            file,
            expected,
            found,
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownTag { .. }
            | Self::TagNotYet { .. }
            | Self::Blocked { .. }
            | Self::MissingFiles { .. } => ErrorKind::NotFound,
            Self::Builds(builds) => {
                let unknown = |(_, fault): &(_, BuildFault)| *fault == BuildFault::Unknown;
                if builds.iter().all(unknown) {
                    ErrorKind::NotFound
                } else {
                    ErrorKind::Invalid
                }
            }
            Self::Task { fault, .. } if *fault == TaskFault::Unknown => ErrorKind::NotFound,
            Self::BuildsGone(_) | Self::ListGone => ErrorKind::Gone,
            _ => ErrorKind::Invalid,
        }
    }

    /// What it is about.
    fn subject(&self) -> String {
        match self {
            Self::UnknownTag { tag, .. } | Self::TagNotYet { tag, .. } | Self::Blocked { tag, .. } => {
                tag.to_string()
            }
            Self::FutureEvent { .. } => "koji_event".to_owned(),
            Self::Builds(builds) => joined_of(builds.iter().map(|(nvr, _)| nvr)),
            Self::Embargoed(builds) => joined(builds),
            Self::Task { id, .. } => id.to_string(),
            Self::MissingFiles { shown, .. } => shown.join(" "),
            Self::OtherPackage { file, .. } | Self::OtherSize { file, .. } => file.clone(),
            Self::BuildsGone(builds) => builds.join(" "),
            Self::OtherSource(_) | Self::ListGone => "source".to_owned(),
            Self::NoBuilds => "builds".to_owned(),
        }
    }
}

impl From<KojiSourceError> for Error {
    fn from(error: KojiSourceError) -> Self {
        Self::new(error.kind(), "read Koji", error.subject(), error.to_string()).with_source(error)
    }
}

fn joined<T: std::fmt::Display>(list: &[T]) -> String {
    joined_of(list.iter())
}

/// The first few, and how many more there are.
fn joined_of<T: std::fmt::Display>(list: impl ExactSizeIterator<Item = T>) -> String {
    let more = match list.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<_> = list.take(SHOWN).map(|one| one.to_string()).collect();
    format!("{}{more}", shown.join(", "))
}

fn is_or_are(list: &[String]) -> String {
    let verb = if list.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", joined(list))
}

fn it_or_them(list: &[String]) -> &'static str {
    if list.len() == 1 { "it" } else { "them" }
}

fn builds_sentence(builds: &[(Nvr, BuildFault)]) -> String {
    let each = builds
        .iter()
        .map(|(nvr, fault)| format!("{nvr} {}", fault.sentence()));
    format!(
        "\"builds\": the build {}",
        joined_of(each.collect::<Vec<_>>().iter())
    )
}

fn missing_sentence(count: usize, shown: &[String]) -> String {
    let more = match count.saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "files that Koji has are not there: {}{more}; the volume may be mounted incompletely, or they were deleted",
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_everything_that_is_wrong() {
        let nvr = |text: &str| text.parse::<Nvr>().unwrap();
        let builds = KojiSourceError::Builds(vec![
            (nvr("a-1-1"), BuildFault::Unknown),
            (nvr("b-1-1"), BuildFault::Deleted),
        ]);
        assert_eq!(
            builds.to_string(),
            "\"builds\": the build a-1-1 is not known to Koji, b-1-1 was deleted"
        );
        assert_eq!(builds.kind(), ErrorKind::Invalid);
        let files = (0..25).map(|number| format!("/koji/{number}.rpm")).collect();
        let missing = KojiSourceError::missing_files(files);
        assert!(
            missing.to_string().contains("/koji/19.rpm and 5 more;"),
            "{missing}"
        );
        let blocked = KojiSourceError::Blocked {
            packages: vec!["ed".to_owned()],
            tag: "f36".parse().unwrap(),
        };
        assert_eq!(
            blocked.to_string(),
            "ed is blocked in the Koji tag f36: no build of it belongs to it"
        );
    }
}
