//! The builder that lays packages out itself, without Pungi.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::build::Abandoned;
use odcs_core::plan::Plan;
use odcs_core::productmd::ComposeIdent;
use odcs_core::request::{ComposeResult, ComposeResults};
use odcs_core::{Built, Clock, Compose, ComposeBuilder, ComposeId, ErrorKind, Job, Phase, Progress, Work};
use rayon::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::layout::{self, Tree};
use crate::link::Counts;
use crate::log::{self, ComposeLog};
use crate::packages::{Layout, PlacedPackage, Placing};
use crate::publish::{Published, is_published, mark_failed, publish};
use crate::settings::StorageSettings;
use crate::staging::Staging;
use crate::{check, manifest, space, tree};

/// Lays gathered packages out as a compose and publishes it.
///
/// All work is done on a blocking thread and a pool of its own; an attempt whose future is dropped
/// stops soon and clears away what it made. A clone shares all of it.
///
/// ```
/// use std::sync::Arc;
/// use odcs_core::{ComposeBuilder, SystemClock};
/// use odcs_storage::{NativeBuilder, PublishedComposes, StorageSettings};
///
/// let target = tempfile::tempdir()?;
/// let builder = NativeBuilder::open(StorageSettings::new(target.path()), Arc::new(SystemClock))?;
/// assert_eq!(builder.name(), "native");
/// let files = PublishedComposes::open(target.path())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct NativeBuilder {
    inner: Arc<Inner>,
}

struct Inner {
    settings: StorageSettings,
    target: Dir,
    clock: Arc<dyn Clock>,
    pool: rayon::ThreadPool,
}

impl fmt::Debug for NativeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeBuilder")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

impl NativeBuilder {
    /// A builder for a target directory, which is made if need be. Blocks for a moment.
    ///
    /// # Errors
    /// [`Error::Target`] if the directory cannot be made or opened, [`Error::Threads`] if there are no
    /// threads to be had.
    #[expect(
        clippy::disallowed_methods,
        reason = "this path is the operator's own; all others are opened beneath it"
    )]
    pub fn open(settings: StorageSettings, clock: Arc<dyn Clock>) -> Result<Self> {
        let path = &settings.target_dir;
        std::fs::create_dir_all(path)
            .map_err(|error| Error::target("make the directory", path, Path::new(""), error))?;
        let target = Dir::open_root(path)?;
        target.make_or_open(layout::STAGING)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .thread_name(|number| format!("storage-{number}"))
            .build()
            .map_err(|error| Error::Threads {
                reason: error.to_string(),
            })?;
        let inner = Inner {
            settings,
            target,
            clock,
            pool,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Runs on a blocking thread.
    async fn blocking<T: Send + 'static>(
        &self,
        id: ComposeId,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> odcs_core::Result<T> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => Ok(result?),
            Err(source) => Err(Error::Broken { id, source }.into()),
        }
    }
}

#[async_trait]
impl ComposeBuilder for NativeBuilder {
    fn name(&self) -> &'static str {
        "native"
    }

    fn results(&self) -> ComposeResults {
        ComposeResults::from_iter([ComposeResult::Repository])
    }

    async fn begin(&self, compose: &Compose) -> odcs_core::Result<Arc<dyn Progress>> {
        let id = compose.id;
        self.blocking(id, move |inner| {
            let file = inner.target.make_or_open(id.name())?.append(layout::LOG)?;
            let log = ComposeLog::new(file, Arc::clone(&inner.clock), id.name());
            Ok(Arc::new(log) as Arc<dyn Progress>)
        })
        .await
    }

    async fn build(&self, job: Job, progress: Arc<dyn Progress>) -> odcs_core::Result<Built> {
        let id = job.compose.id;
        // The blocking thread outlives this future if that is dropped: then nobody wants the result.
        let cancel = job.cancel.child_token();
        let _stop = cancel.clone().drop_guard();
        self.blocking(id, move |inner| {
            let staging = Staging::begin(&inner.target, &job.lease)?;
            let result = inner
                .pool
                .install(|| inner.build(&job, &staging, &*progress, &cancel));
            if let Err(error) = staging.remove() {
                // What it left is removed when the compose is tried again.
                tracing::warn!(compose = %id.name(), %error, "an attempt could not be cleared away");
            }
            result
        })
        .await
    }

    async fn is_published(&self, compose: &Compose) -> odcs_core::Result<bool> {
        let (id, compose_id) = (compose.id, ComposeIdent::of(compose).to_string());
        self.blocking(id, move |inner| is_published(&inner.target, id, &compose_id))
            .await
    }

    async fn abandon(&self, job: &Abandoned) -> odcs_core::Result<()> {
        let (lease, failed) = (job.lease.clone(), job.failed);
        self.blocking(job.compose.id, move |inner| {
            Staging::discard(&inner.target, &lease)?;
            if failed {
                mark_failed(&inner.target, &layout::staging_name(&lease), lease.id)?;
            }
            Ok(())
        })
        .await
    }
}

impl Inner {
    fn build(
        &self,
        job: &Job,
        staging: &Staging,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Built> {
        let id = job.compose.id;
        let go_on = || {
            if cancel.is_cancelled() {
                Err(Error::Cancelled { id })
            } else {
                Ok(())
            }
        };
        let plan = match &job.work {
            Work::Packages(plan) => plan,
            _ => return Err(cannot_build(id)),
        };
        let ident = ComposeIdent::of(&job.compose);
        let layout = Layout::of(plan)?;
        space::check(&self.target, &layout, &self.settings)?;
        let trees = layout.trees.clone();
        let compose = staging.dir().make(layout::COMPOSE)?;

        let (packages, counts) = self.place(job, plan, &compose, layout, progress, cancel)?;
        let total = counts.linked() + counts.copied();
        progress.step(
            Phase::Link,
            &format!("{}: {}", log::packages(total), counts.describe()),
        );

        go_on()?;
        progress.step(Phase::Repodata, &format!("writing {} repositories", trees.len()));
        trees.par_iter().try_for_each(|tree| {
            go_on()?;
            tree::write_tree_repodata(&compose, tree, plan, &packages)?;
            tree::write_tree_files(&compose, tree, &ident, plan.timestamp)
        })?;

        go_on()?;
        progress.step(
            Phase::Metadata,
            "writing composeinfo.json, rpms.json, modules.json and the .repo file",
        );
        tree::write_metadata(&compose, &job.compose, &job.links, plan, &packages)?;

        go_on()?;
        progress.step(Phase::Check, "saving everything to disk and reading it back");
        // The disk is waited for while the processors read back.
        let (saved, checked) = rayon::join(
            || manifest::save(&compose),
            || {
                trees.par_iter().try_for_each(|tree| {
                    go_on()?;
                    let here: Vec<&PlacedPackage> = tree::packages_of(tree, &packages).collect();
                    check::check_tree(&compose, tree, &here)
                })
            },
        );
        saved?;
        checked?;
        check_counts(plan, &packages)?;

        go_on()?;
        progress.step(Phase::Publish, &format!("publishing {ident}"));
        let how = publish(&self.target, staging, id, &ident.to_string())?;
        progress.step(
            Phase::Publish,
            match how {
                Published::Now => "the compose is complete",
                Published::Before => "an earlier attempt had published the same compose",
            },
        );
        Ok(Built {
            pungi_compose_id: ident.to_string(),
            packages: total,
            linked: counts.linked(),
            copied: counts.copied(),
        })
    }

    fn place(
        &self,
        job: &Job,
        plan: &Plan,
        compose: &Dir,
        layout: Layout,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(Vec<PlacedPackage>, Counts)> {
        let directories = tree::make_directories(compose, &layout)?;
        let placing = Placing {
            id: job.compose.id,
            directories: &directories,
            signatures: &plan.signatures,
            fallback: self.settings.link_fallback,
            progress,
            cancel,
        };
        progress.step(Phase::Link, &log::packages(layout.files.len() as u64));
        placing.run(layout)
    }
}

/// Every package that was planned must be in its tree.
fn check_counts(plan: &Plan, packages: &[PlacedPackage]) -> Result<()> {
    for arch in &plan.arches {
        for planned in &arch.packages {
            let tree = Tree::of(planned.kind, &arch.arch);
            let nevra = &planned.candidate.package.nevra;
            let range = packages.partition_point(|placed| placed.planned < *nevra);
            let same = packages
                .get(range..)
                .unwrap_or_default()
                .iter()
                .take_while(|placed| placed.planned == *nevra);
            if !same.into_iter().any(|placed| placed.places.contains(&tree)) {
                return Err(Error::ReadBack {
                    path: tree.to_string(),
                    reason: format!("{nevra} is missing"),
                });
            }
        }
    }
    Ok(())
}

fn cannot_build(id: ComposeId) -> Error {
    let message = format!(
        "this builder cannot build {}: its work is not a list of packages",
        id.name()
    );
    odcs_core::Error::new(ErrorKind::Internal, "build compose", id.name(), message).into()
}
