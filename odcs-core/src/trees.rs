//! The trees of composes on disk, for whoever decides which of them may go.

use std::fmt;

use async_trait::async_trait;

use crate::Result;
use crate::compose::ComposeId;
use crate::store::Lease;

/// Lists and removes what is in the target directory. Which trees may go is not decided here: the
/// records say so.
#[async_trait]
pub trait ComposeTrees: fmt::Debug + Send + Sync + 'static {
    /// What there is.
    ///
    /// # Errors
    /// `Internal` or `Unavailable` if the target directory cannot be read.
    async fn list(&self) -> Result<TreeListing>;

    /// Removes the tree of a compose with its links. It vanishes in one step before it is deleted, and
    /// nothing outside of it is touched, whatever links it holds. One that is not there is no error.
    ///
    /// # Errors
    /// `Internal` or `Unavailable` if something could not be removed; trying again is safe.
    async fn remove(&self, id: ComposeId) -> Result<()>;

    /// Takes a compose out of sight that was published although it counts as failed: its `compose/` goes, and
    /// its directory says from then on that it failed; the log stays. Whether there was anything to do.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    async fn withdraw(&self, id: ComposeId) -> Result<bool>;

    /// Removes what attempts at a compose left, up to and including a lease.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    async fn discard_attempts(&self, up_to: &Lease) -> Result<()>;
}

/// What is in a target directory.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TreeListing {
    /// Composes that have a directory, by id.
    pub composes: Vec<ComposeId>,
    /// Attempts that are under way, or were left behind.
    pub attempts: Vec<Lease>,
}
