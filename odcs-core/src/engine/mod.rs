//! How a request becomes a compose: submitting, and the workers that make composes.
//!
//! ```text
//! submit ─▶ store: wait ─▶ claim (lease) ─▶ resolve ─▶ content ─▶ gather ─▶ build ─▶ store: done
//! ```

mod check;
mod checksums;
mod contents;
mod delete;
mod dispatch;
mod fetch;
mod fingerprint;
mod gather;
mod lease;
mod narrow;
mod preview;
mod progress;
mod ready;
mod renew;
mod replay;
mod reuse;
mod run;
mod settings;
mod submit;
mod sweep;
mod worker;

pub use dispatch::Dispatcher;
use ready::LastLook;
pub use settings::{EngineSettings, RawConfig};
pub use sweep::{Sweeper, Swept};
pub use worker::{Shutdown, Worker};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::build::ComposeBuilder;
use crate::compose::{ComposeId, Links};
use crate::content_store::ContentStore;
use crate::fetch::Fetch;
use crate::observe::{NoObserver, Observer};
use crate::source::SourceRegistry;
use crate::store::ComposeStore;
use crate::time::{Clock, SystemClock};

/// The engine: takes requests, and makes composes of them. Cheap to clone; clones are one engine.
#[derive(Clone, Debug)]
pub struct Engine {
    parts: Arc<Parts>,
}

/// Composes with the number of the lease they are made under, and what stops the work.
type RunningWork = HashMap<ComposeId, (i64, CancellationToken)>;

#[derive(Clone, Debug)]
struct Parts {
    store: Arc<dyn ComposeStore>,
    sources: SourceRegistry,
    builder: Arc<dyn ComposeBuilder>,
    clock: Arc<dyn Clock>,
    links: Links,
    settings: EngineSettings,
    observer: Arc<dyn Observer>,
    /// Where packages that are elsewhere are fetched to.
    contents: Option<Arc<dyn ContentStore>>,
    /// What reads headers of packages that are elsewhere.
    fetch: Option<Arc<dyn Fetch>>,
    /// Wakes workers of this process when something was submitted.
    submitted: Arc<Notify>,
    /// Wakes the sweeper of this process when there is something to remove: a compose was deleted, or was
    /// published when it was cancelled already.
    discarded: Arc<Notify>,
    /// What is being made in this process, to stop it when it is cancelled.
    running: Arc<Mutex<RunningWork>>,
    /// When a worker of this process looked for work.
    last_look: Arc<LastLook>,
    /// One for each dry run that may be worked out at once.
    previews: Arc<Semaphore>,
}

impl Parts {
    /// What is being made in this process.
    fn running(&self) -> MutexGuard<'_, RunningWork> {
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
        let previews = Arc::new(Semaphore::new(settings.previews.min(Semaphore::MAX_PERMITS)));
        Self {
            parts: Arc::new(Parts {
                store,
                sources,
                builder,
                clock,
                links,
                settings,
                observer: Arc::new(NoObserver),
                contents: None,
                fetch: None,
                submitted: Arc::default(),
                discarded: Arc::default(),
                running: Arc::default(),
                last_look: Arc::default(),
                previews,
            }),
        }
    }

    /// The engine with somebody watching it; one observer at a time. What was made of this engine before,
    /// clones and workers, stays the same engine but goes unobserved.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        Arc::make_mut(&mut self.parts).observer = observer;
        self
    }

    /// The engine with a place to fetch packages to, for sources whose packages are elsewhere. Composes that need one
    /// fail without it. What was made of this engine before goes on as it was.
    #[must_use]
    pub fn with_content_store(mut self, contents: Arc<dyn ContentStore>) -> Self {
        Arc::make_mut(&mut self.parts).contents = Some(contents);
        self
    }

    /// The engine with something to read the headers of packages with that are elsewhere: of several copies of a package,
    /// only those are fetched whose signatures may do. Without it, all copies are. What was made of this engine before
    /// goes on as it was.
    #[must_use]
    pub fn with_fetch(mut self, fetch: Arc<dyn Fetch>) -> Self {
        Arc::make_mut(&mut self.parts).fetch = Some(fetch);
        self
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
