//! The records of composes in a database: [`SqliteStore`], a
//! [`ComposeStore`](odcs_core::ComposeStore) on one SQLite file.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use odcs_core::ComposeStore;
//! use odcs_core::store::Query;
//! use odcs_db::SqliteStore;
//!
//! let directory = tempfile::tempdir()?;
//! let store = SqliteStore::open(directory.path().join("odcs.db")).await?;
//! assert_eq!(store.find(&Query::default()).await?.total, 0);
//! store.close().await;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! What any database has in common is in the modules at the top: the columns, how a row becomes a
//! record or an event, how a list is asked for. What only SQLite knows is in `sqlite`.

mod dialect;
mod error;
mod event;
mod list;
mod record;
mod sqlite;

pub use error::{Error, Result};
pub use sqlite::SqliteStore;
