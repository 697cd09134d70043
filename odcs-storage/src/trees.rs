//! Listing and removing the trees of composes.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::store::Lease;
use odcs_core::trees::{ComposeTrees, TreeListing};
use odcs_core::{ComposeId, ErrorKind};
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::Result;
use crate::layout;
use crate::staging::Staging;

/// Entries of a target directory.
const MAX_ENTRIES: usize = 1_000_000;

/// The trees below a target directory. Everything is done through handles of that directory: neither
/// `..` nor links lead anywhere else.
#[derive(Clone, Debug)]
pub struct Trees {
    target: Arc<Dir>,
}

impl Trees {
    /// Opens a target directory, which must exist.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if it cannot be opened.
    pub fn open(target_dir: impl AsRef<Path>) -> Result<Self> {
        let target = Arc::new(Dir::open_root(target_dir.as_ref())?);
        Ok(Self { target })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        subject: String,
        work: impl FnOnce(&Dir) -> Result<T> + Send + 'static,
    ) -> odcs_core::Result<T> {
        let target = Arc::clone(&self.target);
        match tokio::task::spawn_blocking(move || work(&target)).await {
            Ok(result) => Ok(result?),
            Err(error) => {
                let message = "a fault in this program stopped the work on the composes' directory";
                Err(
                    odcs_core::Error::new(ErrorKind::Internal, "clear up", subject, message)
                        .with_source(error),
                )
            }
        }
    }
}

#[async_trait]
impl ComposeTrees for Trees {
    async fn list(&self) -> odcs_core::Result<TreeListing> {
        self.blocking(layout::STAGING.to_owned(), |target| {
            let mut listing = TreeListing::default();
            for entry in target.entries(MAX_ENTRIES)? {
                listing
                    .composes
                    .extend(entry.name.to_str().and_then(layout::parse_compose_name));
            }
            listing.composes.sort_unstable();
            let Some(staging) = target.try_open(layout::STAGING)? else {
                return Ok(listing);
            };
            for entry in staging.entries(MAX_ENTRIES)? {
                let attempt = entry.name.to_str().and_then(layout::parse_staging_name);
                listing
                    .attempts
                    .extend(attempt.map(|(id, number)| Lease { id, number }));
            }
            Ok(listing)
        })
        .await
    }

    async fn remove(&self, id: ComposeId) -> odcs_core::Result<()> {
        self.blocking(id.name(), move |target| remove(target, id)).await
    }

    async fn discard_attempts(&self, up_to: &Lease) -> odcs_core::Result<()> {
        let lease = up_to.clone();
        self.blocking(lease.id.name(), move |target| Staging::discard(target, &lease))
            .await
    }
}

/// Moves the tree out of sight, and deletes it there. What an earlier try left there goes first.
fn remove(target: &Dir, id: ComposeId) -> Result<()> {
    let staging = target.make_or_open(layout::STAGING)?;
    let gone = layout::removed_name(id);
    staging.remove(&gone)?;
    target.remove(layout::latest_link(id))?;
    match target.rename(&id.name(), &staging, &gone) {
        Err(error) if error.errno() == Some(Errno::NOENT) => return Ok(()),
        result => result?,
    }
    target.sync()?;
    staging.remove(&gone)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }

    #[tokio::test]
    async fn one_tree_goes_and_nothing_else() {
        let (temporary, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = temporary.path();
        for id in [1, 2, 11] {
            write(&target.join(format!("odcs-{id}/compose/Temporary/file")));
            symlink(format!("odcs-{id}"), target.join(format!("latest-odcs-{id}-1"))).unwrap();
        }
        write(&outside.path().join("precious"));
        symlink(outside.path(), target.join("odcs-1/compose/out")).unwrap();
        symlink(outside.path(), target.join("odcs-3")).unwrap();
        let trees = Trees::open(target).unwrap();
        for id in [1, 3, 4] {
            trees.remove(ComposeId::new(id)).await.unwrap();
        }
        assert!(outside.path().join("precious").exists());
        let listing = trees.list().await.unwrap();
        assert_eq!(listing.composes, [2, 11].map(ComposeId::new));
        assert!(!target.join("latest-odcs-1-1").is_symlink());
        assert!(target.join("latest-odcs-11-1/compose/Temporary/file").exists());
        assert_eq!(
            std::fs::read_dir(target.join(layout::STAGING)).unwrap().count(),
            0
        );
    }

    #[tokio::test]
    async fn what_a_killed_removal_left_goes_with_the_next() {
        let temporary = tempfile::tempdir().unwrap();
        let target = temporary.path();
        write(
            &target
                .join(layout::STAGING)
                .join(layout::removed_name(ComposeId::new(7)))
                .join("half/gone"),
        );
        write(&target.join("odcs-7/compose/file"));
        write(&target.join(layout::STAGING).join("odcs-8.3/compose/file"));
        let trees = Trees::open(target).unwrap();
        let lease = Lease {
            id: ComposeId::new(8),
            number: 3,
        };
        assert_eq!(trees.list().await.unwrap().attempts, std::slice::from_ref(&lease));
        trees.remove(ComposeId::new(7)).await.unwrap();
        trees.discard_attempts(&lease).await.unwrap();
        assert_eq!(
            std::fs::read_dir(target.join(layout::STAGING)).unwrap().count(),
            0
        );
        assert!(!target.join("odcs-7").exists());
    }
}
