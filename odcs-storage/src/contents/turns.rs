//! Taking turns at a file within this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use odcs_core::content_store::Wanted;
use odcs_core::{Error, ErrorKind};
use tokio::sync::OwnedMutexGuard;

/// How the last one who had a turn failed, for those who have waited for it.
#[derive(Debug)]
struct Failure {
    wanted: Wanted,
    kind: ErrorKind,
    is_retryable: bool,
    operation: &'static str,
    subject: String,
    message: String,
}

type Slot = Arc<tokio::sync::Mutex<Option<Failure>>>;

/// Who is at work on which file. Between processes the locks of partial files decide; here, waiting costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<String, Slot>>>);

impl Turns {
    /// Returns when it is one's turn at a file.
    pub(super) async fn wait(&self, name: &str) -> Turn {
        // Before anything is waited for, so that one who gives up waiting clears up as well.
        let mut turn = Turn {
            held: None,
            name: name.to_owned(),
            turns: self.clone(),
        };
        let slot = Arc::clone(self.slots().entry(name.to_owned()).or_default());
        turn.held = Some(slot.lock_owned().await);
        turn
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one at a file, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    held: Option<OwnedMutexGuard<Option<Failure>>>,
    name: String,
    turns: Turns,
}

impl Turn {
    /// How the same was tried in vain while this one waited: what one of a hundred has found out in a minute, all
    /// others need not find out one after the other.
    pub(super) fn failure(&self, wanted: &Wanted) -> Option<Error> {
        let failure = self.held.as_ref()?.as_ref()?;
        (failure.wanted == *wanted).then(|| {
            let Failure { kind, operation, .. } = *failure;
            Error::new(kind, operation, &failure.subject, &failure.message)
                .with_retryable(failure.is_retryable)
        })
    }

    /// Whatever went wrong before is no news any more: who asks for the file otherwise may have got it.
    pub(super) fn succeeded(&mut self) {
        if let Some(held) = &mut self.held {
            **held = None;
        }
    }

    /// Leaves word for those who wait.
    pub(super) fn failed(&mut self, wanted: &Wanted, error: &Error) {
        if let Some(held) = &mut self.held {
            **held = Some(Failure {
                wanted: wanted.clone(),
                kind: error.kind(),
                is_retryable: error.is_retryable(),
                operation: error.operation(),
                subject: error.subject().to_owned(),
                message: error.message().to_owned(),
            });
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut slots = self.turns.slots();
        // Whoever waits has a handle of its own, taken while the map was locked.
        if slots
            .get(&self.name)
            .is_some_and(|slot| Arc::strong_count(slot) == 1)
        {
            slots.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_waited_learn_how_it_failed_and_later_ones_do_not() {
        let turns = Turns::default();
        let wanted = Wanted::new(vec!["http://a/x".parse().unwrap()], None, 5);
        let mut first = turns.wait("x").await;
        let waiting = tokio::spawn({
            let (turns, wanted) = (turns.clone(), wanted.clone());
            async move {
                turns
                    .wait("x")
                    .await
                    .failure(&wanted)
                    .map(|error| error.to_string())
            }
        });
        let cancelled = tokio::time::timeout(std::time::Duration::from_millis(10), turns.wait("x"));
        assert!(cancelled.await.is_err());
        tokio::task::yield_now().await;
        first.failed(&wanted, &Error::invalid("x", "no such luck"));
        let other = Wanted::new(Vec::new(), None, 5);
        assert!(first.failure(&other).is_none());
        drop(first);
        assert_eq!(waiting.await.unwrap().as_deref(), Some("no such luck"));
        assert!(turns.slots().is_empty());
        assert!(turns.wait("x").await.failure(&wanted).is_none());
    }
    #[tokio::test]
    async fn what_has_gone_well_since_is_not_said_to_have_failed() {
        let turns = Turns::default();
        let wanted = Wanted::new(vec!["http://a/x".parse().unwrap()], None, 5);
        let mut first = turns.wait("x").await;
        let (second, third) = (turns.wait("x"), turns.wait("x"));
        tokio::pin!(second, third);
        // They wait in this order.
        assert!(futures_now(&mut second).await.is_none() && futures_now(&mut third).await.is_none());
        first.failed(&wanted, &Error::invalid("x", "no such luck"));
        drop(first);
        // From another mirror it is to be had.
        second.await.succeeded();
        assert!(third.await.failure(&wanted).is_none());
    }

    async fn futures_now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::time::timeout(std::time::Duration::from_millis(1), future)
            .await
            .ok()
    }
}
