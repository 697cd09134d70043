//! The content store as something on a disk, without anything to fetch with.

use std::sync::Arc;

use super::partial::{self, broken};
use super::settings::ContentsSettings;
use super::shelf::Shelf;
use crate::error::Result;
use crate::targets::Targets;

/// The content store for whoever looks after it: how much there is, whether it is as it was, and what may go. A clone
/// is the same store.
///
/// ```
/// use odcs_storage::{ContentDirectory, ContentsSettings, StorageSettings, Targets};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = tempfile::tempdir()?;
/// let targets = Targets::open(&StorageSettings::new(target.path()))?;
/// let store = ContentDirectory::open(&targets, ContentsSettings::default())?;
/// assert_eq!(store.stats().await?.files, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ContentDirectory {
    pub(super) shelf: Arc<Shelf>,
}

impl ContentDirectory {
    /// Opens the store in the default target directory, and makes it if it is missing. What was left unfinished too
    /// long ago is removed. Blocks for a moment.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if it cannot be made or opened,
    /// [`Error::Tampered`](crate::Error::Tampered) if it belongs to somebody else.
    pub fn open(targets: &Targets, settings: ContentsSettings) -> Result<Self> {
        let shelf = Arc::new(Shelf::open(targets, settings)?);
        for (name, _) in partial::stale(&shelf)? {
            partial::remove_abandoned(&shelf, &name)?;
        }
        Ok(Self { shelf })
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shelf>) -> Result<T> + Send + 'static,
    ) -> odcs_core::Result<T> {
        let shelf = Arc::clone(&self.shelf);
        match tokio::task::spawn_blocking(move || work(&shelf)).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(broken(&error.to_string())),
        }
    }
}
