//! Changes of state as others learn of them: recorded together with the change, delivered until somebody
//! has taken them.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::compose::{Compose, ComposeState};
use crate::time::Timestamp;

/// The number of an event; they rise in the order in which things happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(i64);

impl EventId {
    /// From the number of a row.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A compose changed its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// The state before; `None` for a compose that has just been submitted.
    pub from: Option<ComposeState>,
    /// The record as it was right after the change, without the request as types and what resolving
    /// pinned.
    pub compose: Compose,
}

/// Takes events on their way out: to a message bus, to whoever is listening.
///
/// Events arrive in order and at least once: what could not be delivered, or recorded as delivered, comes
/// again.
#[async_trait]
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Its name, for logs.
    fn name(&self) -> &str;

    /// Takes an event.
    ///
    /// # Errors
    /// Whatever keeps it from being taken; it comes again, and the events behind it wait.
    async fn deliver(&self, event: &Event) -> Result<()>;
}
