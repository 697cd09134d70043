//! Removing what has expired, and what nobody owns any more.

use std::sync::Arc;

use super::{Engine, Shutdown};
use crate::compose::{Compose, ComposeId, ComposeState};
use crate::store::{ComposeStore, Lease, Query};
use crate::trees::ComposeTrees;
use crate::{Error, ErrorKind, Result};

/// Composes that are looked up at a time.
const BATCH: u32 = 100;
/// Composes that may have been made since the oldest copy of a database that anybody puts back.
const FAR: i64 = 1_000_000;

/// Removes composes whose time is up, and clears up after workers that died.
///
/// A record is marked as removed first and its tree deleted then. Should the process die in between, the
/// next sweep finds a tree whose record says that it is gone.
#[derive(Clone, Debug)]
pub struct Sweeper {
    engine: Engine,
    trees: Arc<dyn ComposeTrees>,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Composes that were marked as removed.
    pub removed: Vec<ComposeId>,
    /// Trees that were deleted.
    pub deleted: Vec<ComposeId>,
    /// Composes that were published in the moment in which they were cancelled: nobody sees them any more.
    pub withdrawn: Vec<ComposeId>,
    /// Composes that no record speaks of, though there is a tree of theirs or what attempts at them left. They
    /// are reported and left.
    pub orphans: Vec<ComposeId>,
    /// What could not be deleted. The next sweep tries again; the others do not wait for it.
    pub stuck: Vec<ComposeId>,
}

impl Engine {
    /// A sweeper for the trees that this engine's builder makes.
    pub fn sweeper(&self, trees: Arc<dyn ComposeTrees>) -> Sweeper {
        Sweeper {
            engine: self.clone(),
            trees,
        }
    }
}

impl Sweeper {
    /// Sees to it that no compose gets an id that there is a tree of: the store may have been put back to an
    /// older copy, and knows nothing of what was made since. For before the first request is taken.
    ///
    /// Names that are far from all ids so far were made by somebody else, and are left out of account.
    ///
    /// # Errors
    /// What the store says, and what the target directories say if they cannot be listed.
    pub async fn skip_ids_of_trees(&self) -> Result<()> {
        let store = &self.engine.parts.store;
        let newest = newest(&**store).await?.map_or(0, ComposeId::number);
        let trees = self.trees.list().await?.composes;
        let trees = trees.into_iter().filter(|id| id.number() - newest < FAR);
        match trees.max() {
            Some(highest) if highest.number() > newest => {
                tracing::warn!(%highest, newest, "there are trees of composes newer than all records; their ids are not given again");
                store.skip_ids(highest).await
            }
            _ => Ok(()),
        }
    }

    /// Sweeps at once, and then whenever something was deleted, or some time has passed, until `drain` is
    /// cancelled.
    pub async fn run(&self, shutdown: Shutdown) {
        let parts = &self.engine.parts;
        while !shutdown.drain.is_cancelled() {
            if let Err(error) = self.sweep().await {
                tracing::error!(%error, "expired composes cannot be removed now");
            }
            tokio::select! {
                () = shutdown.drain.cancelled() => {}
                () = parts.discarded.notified() => {}
                () = parts.clock.sleep(parts.settings.sweep) => {}
            }
        }
    }

    /// Sweeps once.
    ///
    /// # Errors
    /// What the store says, and what the target directory says if it cannot be listed; what was done until
    /// then stays done, and the next sweep goes on.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        self.expire(&mut swept).await?;
        self.clear(&mut swept).await?;
        for ids in [&mut swept.orphans, &mut swept.stuck] {
            ids.sort_unstable();
            ids.dedup();
        }
        self.engine.parts.observer.swept(&swept);
        Ok(swept)
    }

    /// What a sweep would do, without doing it.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub async fn look(&self) -> Result<Swept> {
        let parts = &self.engine.parts;
        let mut swept = Swept::default();
        let expired = parts.store.expired(parts.clock.now(), u32::MAX).await?;
        swept.removed = expired.iter().map(|compose| compose.id).collect();
        let listing = self.trees.list().await?;
        for id in listing.composes {
            match parts.store.is_tree_in_use(id).await? {
                Some(true) => {}
                Some(false) => swept.deleted.push(id),
                None => swept.orphans.push(id),
            }
        }
        for attempt in listing.attempts {
            if parts.store.is_tree_in_use(attempt.id).await?.is_none() {
                swept.orphans.push(attempt.id);
            }
        }
        swept.orphans.sort_unstable();
        swept.orphans.dedup();
        Ok(swept)
    }

    /// Which of these are newer than all composes that there is a record of: no compose of this store can have
    /// had such an id, unless the store was put back to an older copy.
    ///
    /// # Errors
    /// What the store says.
    pub async fn newer_than_all_records(&self, ids: &[ComposeId]) -> Result<Vec<ComposeId>> {
        let newest = newest(&*self.engine.parts.store).await?;
        Ok(ids.iter().copied().filter(|id| Some(*id) > newest).collect())
    }

    /// Deletes the orphans that a sweep has reported, and returns those that were deleted. One that has got a
    /// record meanwhile is left.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete_orphans(&self, swept: &mut Swept) -> Result<Vec<ComposeId>> {
        let mut deleted = Vec::new();
        for id in std::mem::take(&mut swept.orphans) {
            if self.engine.parts.store.is_tree_in_use(id).await?.is_some() {
                continue;
            }
            let number = i64::MAX;
            let tree = self.trees.remove(id).await;
            let attempts = self.trees.discard_attempts(&Lease { id, number }).await;
            match tree.and(attempts) {
                Ok(()) => deleted.push(id),
                Err(error) => {
                    tracing::error!(compose = %id, %error, "its tree cannot be deleted now");
                    swept.stuck.push(id);
                }
            }
        }
        tracing::info!(trees = ?deleted, "trees without a record were deleted");
        Ok(deleted)
    }

    async fn expire(&self, swept: &mut Swept) -> Result<()> {
        let parts = &self.engine.parts;
        let now = parts.clock.now();
        loop {
            let expired = parts.store.expired(now, BATCH).await?;
            if expired.is_empty() {
                return Ok(());
            }
            for compose in expired {
                match parts.store.remove(compose.id, now).await {
                    Ok(compose) => {
                        tracing::info!(compose = %compose.id, "removed");
                        swept.removed.push(compose.id);
                        let target = compose.requested.target_dir.as_str();
                        if !parts.links.targets().any(|known| known == target) {
                            tracing::warn!(compose = %compose.id, target_dir = target,
                                "the target directory that its tree is in is not configured (any more): the tree is left, \
                                 and deleted once it is configured again");
                        }
                        self.delete_unused(&compose, swept).await?;
                    }
                    // Somebody extended it just now, or another process removed it.
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Deletes the trees that were a removed compose's: its own, and the one that it reused.
    async fn delete_unused(&self, compose: &Compose, swept: &mut Swept) -> Result<()> {
        for id in [Some(compose.id), compose.reused_id].into_iter().flatten() {
            if self.engine.parts.store.is_tree_in_use(id).await? == Some(false) {
                self.delete(id, swept).await;
            }
        }
        Ok(())
    }

    async fn delete(&self, id: ComposeId, swept: &mut Swept) {
        match self.trees.remove(id).await {
            Ok(()) => swept.deleted.push(id),
            Err(error) => {
                tracing::error!(compose = %id, %error, "its tree cannot be deleted now");
                swept.stuck.push(id);
            }
        }
    }

    /// Goes through what is on disk: deletes what a sweep that was killed did not get to, and what
    /// attempts that were killed left behind.
    async fn clear(&self, swept: &mut Swept) -> Result<()> {
        let store = &self.engine.parts.store;
        let listing = self.trees.list().await?;
        for id in listing.composes {
            match store.is_tree_in_use(id).await? {
                Some(true) => self.withdraw_cancelled(id, swept).await?,
                Some(false) => self.delete(id, swept).await,
                None => swept.orphans.push(id),
            }
        }
        for attempt in listing.attempts {
            let compose = match store.get(attempt.id).await {
                Ok(Some(compose)) => compose,
                Ok(None) => {
                    swept.orphans.push(attempt.id);
                    continue;
                }
                Err(error) => {
                    leave(error, attempt.id, swept)?;
                    continue;
                }
            };
            // An attempt at a compose that waits or is being made goes when the next one begins.
            let ended = !compose.state.is_unfinished();
            if ended && let Err(error) = self.trees.discard_attempts(&attempt).await {
                tracing::error!(compose = %attempt.id, %error, "what an attempt left cannot be deleted now");
                swept.stuck.push(attempt.id);
            }
        }
        if !swept.orphans.is_empty() {
            tracing::warn!(trees = ?swept.orphans, "there are trees of composes that there is no record of; they are left alone");
        }
        Ok(())
    }

    /// A compose that was cancelled in the moment in which it was published, or while the worker that had
    /// published it was dead, must not stay visible: its record says that it failed, for good. Nobody shares
    /// its tree, for it never was done.
    async fn withdraw_cancelled(&self, id: ComposeId, swept: &mut Swept) -> Result<()> {
        let record = match self.engine.parts.store.get(id).await {
            Ok(record) => record,
            Err(error) => return leave(error, id, swept),
        };
        let cancelled =
            |compose: &Compose| compose.state == ComposeState::Failed && compose.removed_by.is_some();
        if !record.as_ref().is_some_and(cancelled) {
            return Ok(());
        }
        match self.trees.withdraw(id).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(compose = %id, "it was published although it had been cancelled, and is withdrawn");
                swept.withdrawn.push(id);
            }
            Err(error) => {
                tracing::error!(compose = %id, %error, "its tree cannot be withdrawn now");
                swept.stuck.push(id);
            }
        }
        Ok(())
    }
}

/// One record that cannot be read holds up none of the others; a store that cannot be asked does.
fn leave(error: Error, id: ComposeId, swept: &mut Swept) -> Result<()> {
    if error.is_retryable() {
        return Err(error);
    }
    tracing::error!(compose = %id, %error, "what is on disk of it is left alone");
    swept.stuck.push(id);
    Ok(())
}

/// The newest compose that there is a record of.
async fn newest(store: &dyn ComposeStore) -> Result<Option<ComposeId>> {
    let newest = Query {
        per_page: 1,
        ..Query::default()
    };
    let newest = store.find(&newest).await?;
    Ok(newest.items.first().map(|compose| compose.id))
}
