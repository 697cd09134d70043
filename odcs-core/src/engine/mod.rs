//! How a request becomes a compose: submitting, and the workers that make composes.
//!
//! ```text
//! submit ─▶ store: wait ─▶ claim (lease) ─▶ resolve ─▶ content ─▶ gather ─▶ build ─▶ store: done
//! ```

mod check;
mod delete;
mod dispatch;
mod gather;
mod lease;
mod renew;
mod replay;
mod reuse;
mod run;
mod settings;
mod submit;
mod sweep;
mod worker;

pub use dispatch::Dispatcher;
pub use settings::{EngineSettings, RawConfig};
pub use sweep::{Sweeper, Swept};
pub use worker::{Shutdown, Worker};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::build::ComposeBuilder;
use crate::compose::{ComposeId, Links};
use crate::source::SourceRegistry;
use crate::store::ComposeStore;
use crate::time::{Clock, SystemClock};

/// The engine: takes requests, and makes composes of them. Cheap to clone; clones are one engine.
#[derive(Clone, Debug)]
pub struct Engine {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    store: Arc<dyn ComposeStore>,
    sources: SourceRegistry,
    builder: Arc<dyn ComposeBuilder>,
    clock: Arc<dyn Clock>,
    links: Links,
    settings: EngineSettings,
    /// Wakes workers of this process when something was submitted.
    submitted: Notify,
    /// Wakes the sweeper of this process when a compose was deleted.
    discarded: Notify,
    /// What is being made in this process, to stop it when it is cancelled.
    running: Mutex<HashMap<ComposeId, CancellationToken>>,
}

impl Parts {
    /// What is being made in this process.
    fn running(&self) -> MutexGuard<'_, HashMap<ComposeId, CancellationToken>> {
        // The map is whole at any time, also when somebody panicked while holding the lock.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Puts an engine together; the clock is the machine's.
    pub fn new(
        store: Arc<dyn ComposeStore>,
        sources: SourceRegistry,
        builder: Arc<dyn ComposeBuilder>,
        links: Links,
        settings: EngineSettings,
    ) -> Self {
        Self::with_clock(store, sources, builder, links, settings, Arc::new(SystemClock))
    }

    /// Puts an engine together with a clock of your own.
    pub fn with_clock(
        store: Arc<dyn ComposeStore>,
        sources: SourceRegistry,
        builder: Arc<dyn ComposeBuilder>,
        links: Links,
        settings: EngineSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (submitted, discarded) = (Notify::new(), Notify::new());
        Self {
            parts: Arc::new(Parts {
                store,
                sources,
                builder,
                clock,
                links,
                settings,
                submitted,
                discarded,
                running: Mutex::default(),
            }),
        }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn ComposeStore> {
        &self.parts.store
    }

    /// The links under which composes are published.
    pub fn links(&self) -> &Links {
        &self.parts.links
    }

    /// A worker of this engine.
    pub fn worker(&self) -> Worker {
        Worker::new(self.clone())
    }
}
