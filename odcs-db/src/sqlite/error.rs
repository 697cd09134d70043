//! SQLite's result codes as errors of this crate.

use std::io;

use sqlx::migrate::MigrateError;

use crate::error::Error;

/// Primary result codes, <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const PERM: u32 = 3;
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const READONLY: u32 = 8;
    pub(super) const IOERR: u32 = 10;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANTOPEN: u32 = 14;
    pub(super) const PROTOCOL: u32 = 15;
    pub(super) const NOTADB: u32 = 26;
}

/// What a failure of sqlx means for the service.
pub(super) fn classify(operation: &'static str, database: &str, error: sqlx::Error) -> Error {
    let database = database.to_owned();
    // The low byte of an extended code is the primary one.
    let primary = match &error {
        sqlx::Error::Database(refusal) => refusal
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .map(|code| code & 0xff),
        _ => None,
    };
    let full =
        |error: &sqlx::Error| matches!(error, sqlx::Error::Io(e) if e.kind() == io::ErrorKind::StorageFull);
    match error {
        error if primary == Some(code::FULL) || full(&error) => Error::DiskFull {
            operation,
            database,
            source: error.into(),
        },
        error
            if matches!(primary, Some(code::BUSY | code::LOCKED | code::PROTOCOL))
                || matches!(error, sqlx::Error::PoolTimedOut) =>
        {
            Error::Busy {
                operation,
                database,
                source: error.into(),
            }
        }
        error
            if matches!(
                primary,
                Some(code::PERM | code::READONLY | code::IOERR | code::CANTOPEN)
            ) || matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolClosed) =>
        {
            Error::Io {
                operation,
                database,
                source: error.into(),
            }
        }
        error if matches!(primary, Some(code::CORRUPT | code::NOTADB)) => Error::Corrupt {
            operation,
            database,
            source: error.into(),
        },
        error => Error::Refused {
            operation,
            database,
            source: error.into(),
        },
    }
}

/// What a failure while the tables are brought up to date means.
pub(super) fn classify_migration(operation: &'static str, database: &str, error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            classify(operation, database, error)
        }
        error => Error::Schema {
            operation,
            database: database.to_owned(),
            source: error.into(),
        },
    }
}
