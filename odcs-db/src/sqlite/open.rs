//! Opening the database: file, connections, tables.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::SqliteStore;
use super::error::{classify, classify_migration};
use crate::error::{Error, Result};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const OPERATION: &str = "open database";

/// How long a statement waits for another process before it is told that the database is busy.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long opening waits for another process that is opening the same file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Lists and single records; SQLite reads from a file on as many connections as it gets.
const READERS: u32 = 4;

/// What messages call the database that is none.
const IN_MEMORY: &str = "in memory";

/// The store in a file.
pub(super) async fn file(path: &Path, busy_timeout: Duration) -> Result<SqliteStore> {
    // Absolute also because SQLite would take "file:x" for a URI.
    let path = std::path::absolute(path).map_err(|e| failed(&path.display().to_string(), e.into()))?;
    let database = path.display().to_string();

    // Two processes that create the same tables at the same time, or switch to WAL, would refuse each
    // other. Held until the tables are there.
    let lock = lock(&path, &database).await?;
    prepare(&path, &database).await?;

    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(busy_timeout);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options.clone())
        .await
        .map_err(|e| classify(OPERATION, &database, e))?;
    let store = SqliteStore {
        reader: writer.clone(),
        writer,
        database: database.into(),
    };
    migrate(&store).await?;
    drop(lock);

    let reader = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(|e| classify(OPERATION, &store.database, e))?;
    Ok(SqliteStore { reader, ..store })
}

/// The store in memory: one connection, for every one has a memory of its own, and for good.
pub(super) async fn memory() -> Result<SqliteStore> {
    let database: Arc<str> = IN_MEMORY.into();
    let only = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(
            SqliteConnectOptions::new()
                .filename(":memory:")
                .in_memory(true)
                .foreign_keys(true),
        )
        .await
        .map_err(|e| classify(OPERATION, &database, e))?;
    let store = SqliteStore {
        reader: only.clone(),
        writer: only,
        database,
    };
    migrate(&store).await?;
    Ok(store)
}

async fn migrate(store: &SqliteStore) -> Result<()> {
    let migrated = MIGRATIONS.run(&store.writer).await;
    migrated.map_err(|e| classify_migration("update tables", &store.database, e))
}

/// Makes the directory and the empty file, for their owner only: who asked for what is nobody's business.
async fn prepare(path: &Path, database: &str) -> Result<()> {
    let path = path.to_owned();
    blocking(database, move || {
        // Only if it is not there: opening and closing a file that is in use would, by the rules of POSIX,
        // give up the locks that SQLite holds on it in this process.
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            created => created.map(drop),
        }
    })
    .await
}

/// Takes the lock that keeps two openers apart; it goes with the file handle, and with the process.
async fn lock(path: &Path, database: &str) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let (lock_path, directory) = (PathBuf::from(name), path.parent().map(Path::to_owned));
    let file = blocking(database, move || {
        if let Some(directory) = directory {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(lock_path)
    })
    .await?;

    let taken = tokio::time::timeout(LOCK_TIMEOUT, async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(failed(database, error.into())),
            }
        }
    });
    match taken.await {
        Ok(taken) => taken.map(|()| file),
        Err(elapsed) => Err(Error::Busy {
            operation: OPERATION,
            database: database.to_owned(),
            source: elapsed.into(),
        }),
    }
}

async fn blocking<T: Send + 'static>(
    database: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
        .map_err(|error| failed(database, error.into()))
}

fn failed(database: &str, error: sqlx::Error) -> Error {
    classify(OPERATION, database, error)
}
