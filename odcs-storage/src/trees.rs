//! Listing and removing the trees of composes.

use std::collections::BTreeSet;
use std::path::Path;

use async_trait::async_trait;
use odcs_core::store::Lease;
use odcs_core::trees::{ComposeTrees, TreeListing};
use odcs_core::{ComposeId, ErrorKind};
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::Result;
use crate::layout;
use crate::publish::{mark_failed, says_finished};
use crate::staging::Staging;
use crate::targets::Targets;

/// Entries of a target directory.
const MAX_ENTRIES: usize = 1_000_000;

/// The trees below the target directories. Everything is done through handles of those directories:
/// neither `..` nor links lead anywhere else. A tree is looked for in all of them, whatever its record says
/// about where it is.
#[derive(Clone, Debug)]
pub struct Trees {
    targets: Targets,
}

impl Trees {
    /// Opens a single target directory, which must exist.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) if it cannot be opened.
    pub fn open(target_dir: impl AsRef<Path>) -> Result<Self> {
        let targets = Targets::single(target_dir.as_ref())?;
        Ok(Self { targets })
    }

    /// The trees of all these directories.
    pub fn of(targets: &Targets) -> Self {
        let targets = targets.clone();
        Self { targets }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        subject: String,
        work: impl FnOnce(&Targets) -> Result<T> + Send + 'static,
    ) -> odcs_core::Result<T> {
        let targets = self.targets.clone();
        match tokio::task::spawn_blocking(move || work(&targets)).await {
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
        self.blocking(layout::STAGING.to_owned(), |targets| {
            let (mut composes, mut attempts) = (BTreeSet::new(), BTreeSet::new());
            for target in targets.all() {
                let top = names(target)?;
                composes.extend(top.iter().filter_map(|name| layout::parse_compose_name(name)));
                let Some(staging) = target.try_open(layout::STAGING)? else {
                    continue;
                };
                let staging = names(&staging)?;
                // A removal that was killed: there is something of the tree left.
                composes.extend(staging.iter().filter_map(|name| layout::parse_removed_name(name)));
                attempts.extend(staging.iter().filter_map(|name| layout::parse_staging_name(name)));
            }
            Ok(TreeListing {
                composes: composes.into_iter().collect(),
                attempts: attempts
                    .into_iter()
                    .map(|(id, number)| Lease { id, number })
                    .collect(),
            })
        })
        .await
    }

    async fn remove(&self, id: ComposeId) -> odcs_core::Result<()> {
        self.blocking(id.name(), move |targets| {
            in_each(targets, |target| remove(target, id))
        })
        .await
    }

    async fn withdraw(&self, id: ComposeId) -> odcs_core::Result<bool> {
        self.blocking(id.name(), move |targets| {
            let mut withdrawn = false;
            in_each(targets, |target| {
                withdrawn |= withdraw(target, id)?;
                Ok(())
            })?;
            Ok(withdrawn)
        })
        .await
    }

    async fn discard_attempts(&self, up_to: &Lease) -> odcs_core::Result<()> {
        let lease = up_to.clone();
        self.blocking(lease.id.name(), move |targets| {
            in_each(targets, |target| Staging::discard(target, &lease))
        })
        .await
    }
}

/// Does something in each directory, also if it fails in another; the first failure counts.
fn in_each(targets: &Targets, mut work: impl FnMut(&Dir) -> Result<()>) -> Result<()> {
    targets
        .all()
        .map(|target| {
            work(target).inspect_err(|error| {
                tracing::warn!(target_dir = %target.root().display(), %error, "not everything could be removed");
            })
        })
        .fold(Ok(()), Result::and)
}

/// The names in a directory that are text.
fn names(directory: &Dir) -> Result<Vec<String>> {
    let entries = directory.entries(MAX_ENTRIES)?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| entry.name.into_string().ok())
        .collect())
}

/// Moves the tree out of sight, and deletes it there. What an earlier try left there goes first.
fn remove(target: &Dir, id: ComposeId) -> Result<()> {
    let staging = target.make_or_open(layout::STAGING)?;
    let gone = layout::removed_name(id);
    staging.remove(&gone)?;
    target.remove_link(&layout::latest_link(id))?;
    match target.rename(&id.name(), &staging, &gone) {
        Err(error) if error.errno() == Some(Errno::NOENT) => return Ok(()),
        result => result?,
    }
    target.sync()?;
    staging.remove(&gone)
}

/// Moves what was published out of sight, deletes it there, and marks the compose as failed. What an earlier
/// try left there goes first; one that died before the mark is told by a `STATUS` that nothing goes with.
fn withdraw(target: &Dir, id: ComposeId) -> Result<bool> {
    let staging = target.make_or_open(layout::STAGING)?;
    let gone = layout::removed_name(id);
    staging.remove(&gone)?;
    let Some(own) = target.try_open(id.name())? else {
        return Ok(false);
    };
    if own.stat(layout::COMPOSE)?.is_none() && !says_finished(&own)? {
        return Ok(false);
    }
    target.remove_link(&layout::latest_link(id))?;
    match own.rename(layout::COMPOSE, &staging, &gone) {
        Err(error) if error.errno() == Some(Errno::NOENT) => {}
        result => result?,
    }
    own.sync()?;
    staging.remove(&gone)?;
    mark_failed(target, &gone, id)?;
    Ok(true)
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
    async fn what_is_withdrawn_counts_as_failed_and_keeps_its_log() {
        let temporary = tempfile::tempdir().unwrap();
        let target = temporary.path();
        for id in [5, 6] {
            let own = target.join(format!("odcs-{id}"));
            write(&own.join("compose/Temporary/file"));
            write(&own.join(layout::LOG));
            std::fs::write(own.join(layout::STATUS), layout::FINISHED).unwrap();
            symlink(format!("odcs-{id}"), target.join(format!("latest-odcs-{id}-1"))).unwrap();
        }
        let trees = Trees::open(target).unwrap();
        let status = || std::fs::read_to_string(target.join("odcs-5/STATUS")).unwrap();
        assert!(trees.withdraw(ComposeId::new(5)).await.unwrap());
        assert_eq!(status(), layout::DOOMED);
        assert!(!target.join("odcs-5/compose").exists());
        assert!(target.join("odcs-5").join(layout::LOG).exists());
        assert!(!target.join("latest-odcs-5-1").is_symlink());
        assert!(target.join("latest-odcs-6-1/compose/Temporary/file").exists());
        let staging = || std::fs::read_dir(target.join(layout::STAGING)).unwrap().count();
        assert_eq!(staging(), 0);

        // Nothing more to do, nor where there is nothing.
        for id in [5, 7] {
            assert!(!trees.withdraw(ComposeId::new(id)).await.unwrap());
        }
        // Killed after the tree was moved, before the compose was marked.
        std::fs::write(target.join("odcs-5/STATUS"), layout::FINISHED).unwrap();
        write(&target.join(layout::STAGING).join("removed-odcs-5/half/gone"));
        assert!(trees.withdraw(ComposeId::new(5)).await.unwrap());
        assert_eq!((status().as_str(), staging()), (layout::DOOMED, 0));
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
