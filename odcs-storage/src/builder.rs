//! The builder that lays packages out itself, without Pungi.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::build::{Abandoned, BuilderCapability};
use odcs_core::productmd::ComposeIdent;
use odcs_core::request::ComposeResult;
use odcs_core::{Clock, Compose, ComposeBuilder, ComposeId, Job, MetadataCache, Progress, Staged};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::iso::Xorriso;
use crate::layout;
use crate::log::ComposeLog;
use crate::publish::{is_published, mark_failed};
use crate::settings::StorageSettings;
use crate::staging::Staging;
use crate::targets::Targets;

/// Lays gathered packages out as a compose and publishes it.
///
/// All work is done on a blocking thread and a pool of its own; an attempt whose future is dropped
/// stops soon and clears away what it made. A clone shares all of it.
///
/// ```
/// use std::sync::Arc;
/// use odcs_core::{ComposeBuilder, SystemClock};
/// use odcs_storage::{NativeBuilder, PublishedComposes, StorageSettings, Trees};
///
/// let target = tempfile::tempdir()?;
/// let builder = NativeBuilder::open(StorageSettings::new(target.path()), Arc::new(SystemClock))?;
/// assert_eq!(builder.name(), "native");
/// let files = PublishedComposes::of(builder.targets(), "default")?;
/// let trees = Trees::of(builder.targets());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct NativeBuilder {
    inner: Arc<Inner>,
    /// What is known about packages from composes before.
    cache: Option<Arc<dyn MetadataCache>>,
}

/// Why there are no ISO images.
const NO_XORRISO: &str = "it does not find the program xorriso, which makes ISO images; its administrators can install \
                          the package xorriso, and start the service again";
/// Why there is nothing that this builder does not make at all.
const NO_PUNGI: &str = "only Pungi makes that, and this server makes composes without Pungi";

/// What all attempts share.
pub(crate) struct Inner {
    pub(crate) settings: StorageSettings,
    pub(crate) targets: Targets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pool: rayon::ThreadPool,
    /// What makes ISO images, if it is there.
    pub(crate) xorriso: Option<Xorriso>,
}

impl fmt::Debug for NativeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeBuilder")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

impl NativeBuilder {
    /// A builder for the target directories of the settings, which are made if need be. Blocks for a moment. Whether
    /// it makes ISO images is decided here, by looking for the program that does.
    ///
    /// # Errors
    /// As [`Targets::open`]; [`Error::Threads`](crate::Error::Threads) if there are no threads to be had.
    pub fn open(settings: StorageSettings, clock: Arc<dyn Clock>) -> Result<Self> {
        let targets = Targets::open(&settings)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .thread_name(|number| format!("storage-{number}"))
            .build()
            .map_err(|error| Error::Threads {
                reason: error.to_string(),
            })?;
        let xorriso = settings.xorriso.as_deref().and_then(Xorriso::find);
        if let (None, Some(program)) = (&xorriso, &settings.xorriso) {
            tracing::info!(program = %program.display(), "there is no such program: no ISO images are made");
        }
        let inner = Inner {
            settings,
            targets,
            clock,
            pool,
            xorriso,
        };
        Ok(Self {
            inner: Arc::new(inner),
            cache: None,
        })
    }

    /// Keeps what is found out about packages in a cache, and does not read what is found there again. What composes
    /// consist of does not depend on it. The other clones of this builder keep the one that they have.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<dyn MetadataCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The target directories, for whoever lists, removes or serves what is in them.
    pub fn targets(&self) -> &Targets {
        &self.inner.targets
    }

    fn target_of(&self, compose: &Compose) -> Result<Arc<Dir>> {
        self.inner.targets.find(&compose.requested.target_dir)
    }
}

/// Runs work on a compose on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    id: ComposeId,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> odcs_core::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(source) => Err(Error::Broken { id, source }.into()),
    }
}

#[async_trait]
impl ComposeBuilder for NativeBuilder {
    fn name(&self) -> &'static str {
        "native"
    }

    fn capability(&self) -> BuilderCapability {
        let mut capability = BuilderCapability::default();
        let iso = self.inner.xorriso.as_ref().map(|_| ComposeResult::Iso);
        capability.results = [ComposeResult::Repository].into_iter().chain(iso).collect();
        // The engine does these before anything is laid out.
        capability.check_deps = true;
        capability.check_install = true;
        capability.multilib = true;
        capability.lookaside = true;
        capability.layout = self.inner.settings.repodata.to_string();
        let missing = [
            (ComposeResult::Iso, NO_XORRISO),
            (ComposeResult::BootIso, NO_PUNGI),
            (ComposeResult::Ostree, NO_PUNGI),
        ];
        for (result, why) in missing {
            if !capability.results.contains(result) {
                capability.missing.insert(result, why.to_owned());
            }
        }
        capability
    }

    async fn begin(&self, compose: &Compose) -> odcs_core::Result<Arc<dyn Progress>> {
        let (id, target) = (compose.id, self.target_of(compose)?);
        let clock = Arc::clone(&self.inner.clock);
        blocking(id, move || {
            let file = target.make_or_open(id.name())?.append(layout::LOG)?;
            Ok(Arc::new(ComposeLog::new(file, clock, id.name())) as Arc<dyn Progress>)
        })
        .await
    }

    async fn stage(&self, job: Job, progress: Arc<dyn Progress>) -> odcs_core::Result<Box<dyn Staged>> {
        let (id, target) = (job.compose.id, self.target_of(&job.compose)?);
        // The blocking thread outlives this future if that is dropped: then nobody wants the result.
        let cancel = job.cancel.child_token();
        let _stop = cancel.clone().drop_guard();
        let (inner, cache) = (Arc::clone(&self.inner), self.cache.clone());
        let stage = move || inner.stage(target, job, cache.as_deref(), progress, &cancel);
        let mut staged = blocking(id, stage).await?;
        staged.claimed = true;
        Ok(Box::new(staged))
    }

    async fn is_published(&self, compose: &Compose) -> odcs_core::Result<bool> {
        let (id, target) = (compose.id, self.target_of(compose)?);
        let compose_id = ComposeIdent::of(compose).to_string();
        blocking(id, move || is_published(&target, id, &compose_id)).await
    }

    async fn abandon(&self, job: &Abandoned) -> odcs_core::Result<()> {
        let target = self.target_of(&job.compose)?;
        let (lease, failed) = (job.lease.clone(), job.failed);
        blocking(job.compose.id, move || {
            Staging::discard(&target, &lease)?;
            if failed {
                mark_failed(&target, &layout::staging_name(&lease), lease.id)?;
            }
            Ok(())
        })
        .await
    }
}
