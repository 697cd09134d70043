//! A compose that is complete and saved, and not visible yet.

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::manifest::ManifestDocument;
use odcs_core::{Built, ComposeId, Phase, Progress, Staged};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::builder::blocking;
use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::publish::{Published, publish};
use crate::staging::Staging;

/// A compose in its staging directory. The handles stay open however long it waits, so that nothing else
/// can take the place of what was checked. One that was handed over and is dropped leaves its directory: to
/// [`abandon`](odcs_core::ComposeBuilder::abandon), to the next attempt, or to the sweep.
#[derive(Debug)]
pub(crate) struct StagedCompose {
    pub(crate) target: Arc<Dir>,
    pub(crate) staging: Arc<Staging>,
    pub(crate) id: ComposeId,
    pub(crate) manifest: ManifestDocument,
    pub(crate) built: Built,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) cancel: CancellationToken,
    /// Whoever asked for it has it. One that is dropped before, because nobody waits any more, is cleared away.
    pub(crate) claimed: bool,
}

#[async_trait]
impl Staged for StagedCompose {
    fn manifest(&self) -> &ManifestDocument {
        &self.manifest
    }

    async fn publish(self: Box<Self>) -> odcs_core::Result<Built> {
        let cancel = self.cancel.child_token();
        // If nobody waits for it any more before it has begun, it does not begin.
        let _stop = cancel.clone().drop_guard();
        blocking(self.id, move || {
            let result = self.publish_now(&cancel);
            self.staging.clear_away();
            result.map(|()| self.built.clone())
        })
        .await
    }
}

impl StagedCompose {
    fn publish_now(&self, cancel: &CancellationToken) -> Result<()> {
        let id = self.id;
        if cancel.is_cancelled() {
            return Err(Error::Cancelled { id });
        }
        let ident = &self.built.pungi_compose_id;
        self.progress.step(Phase::Publish, &format!("publishing {ident}"));
        let how = publish(&self.target, &self.staging, id, ident)?;
        self.progress.step(
            Phase::Publish,
            match how {
                Published::Now => "the compose is complete",
                Published::Before => "an earlier attempt had published the same compose",
            },
        );
        Ok(())
    }
}

impl Drop for StagedCompose {
    fn drop(&mut self) {
        if self.claimed {
            return;
        }
        let staging = Arc::clone(&self.staging);
        // This may be where a future is dropped, which must not wait for a disk.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || staging.clear_away())),
            Err(_) => staging.clear_away(),
        }
    }
}
