//! Cancelling what has not ended, deleting what has.

use super::{Engine, progress};
use crate::compose::{Compose, ComposeId, ComposeState};
use crate::{Error, ErrorKind, Result};

impl Engine {
    /// Cancels a compose that waits or is being made; one that is done or has failed expires now, and its
    /// tree goes with the next sweep, which is soon.
    ///
    /// # Errors
    /// `NotFound` for an unknown id, `Invalid` for a compose that is removed already.
    pub async fn delete(&self, id: ComposeId, by: &str) -> Result<Compose> {
        // Its state may change between the look and the change; then the store refuses, and we look again.
        for _ in 0..3 {
            let compose = self.parts.store.get(id).await?;
            let state = compose
                .map(|compose| compose.state)
                .ok_or_else(|| not_found(id))?;
            let changed = match state {
                ComposeState::Wait | ComposeState::Generating => self.cancel(id, by).await,
                ComposeState::Done | ComposeState::Failed => self.discard(id, by).await,
                ComposeState::Removed => {
                    let message =
                        format!("compose {id} is removed already; only one that is not can be deleted");
                    return Err(Error::invalid("id", message));
                }
            };
            match changed {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                changed => return changed,
            }
        }
        let message = format!("compose {id} changes all the time; try again");
        Err(Error::new(
            ErrorKind::Unavailable,
            "delete compose",
            id.to_string(),
            message,
        ))
    }

    async fn cancel(&self, id: ComposeId, by: &str) -> Result<Compose> {
        let compose = self.parts.store.cancel(id, by, self.parts.clock.now()).await?;
        tracing::info!(compose = %id, by, "cancelled");
        progress::cancelled(&self.parts, &compose);
        // Elsewhere the lost lease stops the work.
        if let Some((_, work)) = self.parts.running().get(&id) {
            work.cancel();
        }
        Ok(compose)
    }

    async fn discard(&self, id: ComposeId, by: &str) -> Result<Compose> {
        let compose = self.parts.store.discard(id, by, self.parts.clock.now()).await?;
        tracing::info!(compose = %id, by, "deleted");
        self.parts.discarded.notify_one();
        Ok(compose)
    }
}

fn not_found(id: ComposeId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "delete compose",
        id.to_string(),
        format!("there is no compose {id}"),
    )
}
