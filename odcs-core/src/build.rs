//! Who lays a compose out on disk: the trait, and what it is given and gives back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::compose::{Compose, Links};
use crate::manifest::ManifestDocument;
use crate::plan::Plan;
use crate::request::{ComposeResult, ComposeResults};
use crate::store::Lease;

/// Lays a compose out and publishes it.
///
/// Building is idempotent: it may be killed anywhere and run again, under another lease, by another
/// process, even while a stale attempt still runs. The compose becomes visible in one step, complete.
#[async_trait]
pub trait ComposeBuilder: fmt::Debug + Send + Sync + 'static {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// What it can make; a request for anything else is refused.
    fn capability(&self) -> BuilderCapability;

    /// Makes ready to report on a compose: its log exists from here on.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` if the target directory cannot be written.
    async fn begin(&self, compose: &Compose) -> Result<Arc<dyn Progress>>;

    /// Builds everything where nobody sees it, checks it and saves it to disk.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` or `Gone` if packages are not what they should be, `Unavailable` if the disk
    /// is full, `Cancelled` if the job's token was.
    async fn stage(&self, job: Job, progress: Arc<dyn Progress>) -> Result<Box<dyn Staged>>;

    /// Whether this compose has been published, whole, by an attempt that may not have lived to say so.
    ///
    /// # Errors
    /// `Internal` if the target directory cannot be read.
    async fn is_published(&self, compose: &Compose) -> Result<bool>;

    /// Clears away what a failed or abandoned attempt left, and marks the compose's directory as failed
    /// if it did fail. Published trees are not touched.
    ///
    /// # Errors
    /// `Internal` if something could not be removed.
    async fn abandon(&self, job: &Abandoned) -> Result<()>;
}

/// A compose that is complete and saved, and that nobody sees yet. One that is dropped stays on disk until
/// [`ComposeBuilder::abandon`] clears it away, or the next attempt does.
#[async_trait]
pub trait Staged: fmt::Debug + Send + Sync + 'static {
    /// What is in it, to be recorded before it is published.
    fn manifest(&self) -> &ManifestDocument;

    /// Makes it visible, in one step. If an earlier attempt was faster, and made the same, that one counts.
    ///
    /// # Errors
    /// `Conflict` if something else is in its place; `Unavailable` or `Internal` if the target directory cannot
    /// be written.
    async fn publish(self: Box<Self>) -> Result<Built>;
}

/// What a builder can make, beyond a repository of packages that were chosen for it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BuilderCapability {
    /// What a compose may consist of.
    pub results: ComposeResults,
    /// Why it cannot make other results, half a sentence each: what is missing, and what administrators could do
    /// about it.
    pub missing: BTreeMap<ComposeResult, String>,
    /// It fails composes with dependencies that nothing provides (`check_deps`).
    pub check_deps: bool,
    /// It fails composes with packages that cannot be installed (`check_install`).
    pub check_install: bool,
    /// It adds multilib packages.
    pub multilib: bool,
    /// It takes repositories whose packages satisfy dependencies and stay out.
    pub lookaside: bool,
    /// It adds module defaults.
    pub module_defaults: bool,
    /// It adds modules to what the source has.
    pub modules: bool,
    /// How its settings show in what it makes, in words of its own; empty if they do not. Composes made in different
    /// ways are not the same.
    pub layout: String,
}

/// An attempt that ended without a compose.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// The compose.
    pub compose: Compose,
    /// The lease it was tried under.
    pub lease: Lease,
    /// Whether that was the end of it (else it is going to be tried again).
    pub failed: bool,
}

/// What is to be built.
#[derive(Clone, Debug)]
pub struct Job {
    /// The record of the compose.
    pub compose: Compose,
    /// The lease it is made under; the name of the staging directory.
    pub lease: Lease,
    /// What goes into it.
    pub work: Work,
    /// The URLs that the `.repo` file names.
    pub links: Links,
    /// Told when to stop.
    pub cancel: CancellationToken,
}

/// What goes into a compose.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Work {
    /// These packages.
    Packages(Plan),
}

/// What was built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Built {
    /// The compose's id in its metadata.
    pub pungi_compose_id: String,
    /// How many packages it holds, sources and debug packages included.
    pub packages: u64,
    /// How many of them are hardlinks to the source.
    pub linked: u64,
    /// How many had to be copied, because the source is on another file system for instance.
    pub copied: u64,
}

/// Where a compose is in its making.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Pinning what moves.
    Resolve,
    /// Reading what the source has.
    Content,
    /// Deciding which packages belong.
    Gather,
    /// Fetching packages that are elsewhere.
    Fetch,
    /// Reading, checking and linking packages.
    Link,
    /// Writing repodata.
    Repodata,
    /// Making ISO images.
    Iso,
    /// Writing metadata.
    Metadata,
    /// Reading everything back.
    Check,
    /// Making it visible.
    Publish,
    /// It could not be made.
    Failed,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Content => "content",
            Self::Gather => "gather",
            Self::Fetch => "fetch",
            Self::Link => "link",
            Self::Repodata => "repodata",
            Self::Iso => "iso",
            Self::Metadata => "metadata",
            Self::Check => "check",
            Self::Publish => "publish",
            Self::Failed => "failed",
        })
    }
}

/// Told how the work goes on. May be called from any thread, also blocking ones.
pub trait Progress: fmt::Debug + Send + Sync + 'static {
    /// One step, as one line of the compose's log.
    fn step(&self, phase: Phase, message: &str);
}
