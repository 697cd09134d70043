//! What can go wrong with the records.

use std::error::Error as StdError;

use odcs_core::ErrorKind;
use odcs_core::compose::{ComposeId, ComposeState};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// A failure of the store. `operation` is what was being done ("claim compose"), `database` names the
/// file; the message is for the person who runs the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process holds the database, or too many wait for it.
    #[error("the database {database} is busy; try again, and see what else has it open if this goes on")]
    Busy {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// What was underneath.
        source: Source,
    },
    /// The disk is full.
    #[error("no space is left for the database {database}; free some on its disk, nothing was changed")]
    DiskFull {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// What was underneath.
        source: Source,
    },
    /// The file cannot be opened, read or written.
    #[error(
        "the database {database} cannot be opened, read or written ({source}); check its disk and that the \
         service may write to the file and its directory"
    )]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// What was underneath.
        source: Source,
    },
    /// The file is damaged, or is no database.
    #[error(
        "the database {database} is damaged or no SQLite database ({source}); stop the service, keep a copy \
         of the file with its -wal, and restore a backup or what `sqlite3 {database} .recover` can save"
    )]
    Corrupt {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// What was underneath.
        source: Source,
    },
    /// The tables are not those of this version.
    #[error(
        "the tables of the database {database} do not fit this version of ODCS ({source}); run the version \
         that last used it or a later one, or restore the backup from before the upgrade"
    )]
    Schema {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// What was underneath.
        source: Source,
    },
    /// A record holds what no version of this program writes.
    #[error("the record of compose {id} in {database} cannot be read: {column} is {found}")]
    Record {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// The compose.
        id: ComposeId,
        /// The column.
        column: &'static str,
        /// What is in it.
        found: String,
    },
    /// The lease under which a change was to be made is not, or no longer, the one that counts.
    #[error("the work on compose {id} under lease {lease} is void, nothing was recorded: {reason}")]
    LeaseLost {
        /// What was being done.
        operation: &'static str,
        /// The compose.
        id: ComposeId,
        /// The fencing number of the lease.
        lease: i64,
        /// Who has the compose now, or what became of it.
        reason: String,
    },
    /// There is no record of this id.
    #[error("there is no compose {id}")]
    Unknown {
        /// What was being done.
        operation: &'static str,
        /// The id.
        id: ComposeId,
    },
    /// The compose is not in a state in which this could be done to it.
    #[error("compose {id} is {state}; {expected}")]
    State {
        /// What was being done.
        operation: &'static str,
        /// The compose.
        id: ComposeId,
        /// Its state.
        state: ComposeState,
        /// What it would have to be, as a sentence.
        expected: &'static str,
    },
    /// The tree that was to be used belongs to nobody any more.
    #[error("the tree of compose {of} cannot be used for compose {id}: nobody keeps it any more")]
    TreeGone {
        /// What was being done.
        operation: &'static str,
        /// The compose that was to use it.
        id: ComposeId,
        /// The compose that it was made for.
        of: ComposeId,
    },
    /// A record was to be taken over under an id that is in use.
    #[error("there already is a compose {id} in {database}; nothing was taken over")]
    IdTaken {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// The id.
        id: ComposeId,
    },
    /// What was to be recorded has no JSON form.
    #[error("what was to be recorded has no JSON form: {source}")]
    Json {
        /// What was being done.
        operation: &'static str,
        /// What was underneath.
        source: serde_json::Error,
    },
    /// Anything else the database refuses: a fault of this program.
    #[error("the database {database} refused to {operation}: {source}")]
    Refused {
        /// What was being done.
        operation: &'static str,
        /// The database.
        database: String,
        /// What was underneath.
        source: Source,
    },
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy { .. } | Self::DiskFull { .. } | Self::Io { .. } => ErrorKind::Unavailable,
            Self::LeaseLost { .. } | Self::IdTaken { .. } | Self::State { .. } => ErrorKind::Conflict,
            Self::Unknown { .. } => ErrorKind::NotFound,
            Self::TreeGone { .. } => ErrorKind::Gone,
            Self::Corrupt { .. }
            | Self::Schema { .. }
            | Self::Record { .. }
            | Self::Json { .. }
            | Self::Refused { .. } => ErrorKind::Internal,
        }
    }

    /// Whether the same operation may work when tried again.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Busy { operation, .. }
            | Self::DiskFull { operation, .. }
            | Self::Io { operation, .. }
            | Self::Corrupt { operation, .. }
            | Self::Schema { operation, .. }
            | Self::Record { operation, .. }
            | Self::LeaseLost { operation, .. }
            | Self::IdTaken { operation, .. }
            | Self::Unknown { operation, .. }
            | Self::State { operation, .. }
            | Self::TreeGone { operation, .. }
            | Self::Json { operation, .. }
            | Self::Refused { operation, .. } => operation,
        }
    }

    /// What it was done to: a compose where one is concerned, else the database.
    pub fn subject(&self) -> String {
        match self {
            Self::Busy { database, .. }
            | Self::DiskFull { database, .. }
            | Self::Io { database, .. }
            | Self::Corrupt { database, .. }
            | Self::Schema { database, .. }
            | Self::Refused { database, .. } => database.clone(),
            Self::Record { id, .. }
            | Self::LeaseLost { id, .. }
            | Self::IdTaken { id, .. }
            | Self::Unknown { id, .. }
            | Self::State { id, .. }
            | Self::TreeGone { id, .. } => id.name(),
            Self::Json { .. } => "record".to_owned(),
        }
    }
}

impl From<Error> for odcs_core::Error {
    fn from(error: Error) -> Self {
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
