//! Store, source, builder and trees as they are, in a process that dies at one of their calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::{Signal, raise};
use odcs_core::build::{Abandoned, BuilderCapability, Built, Job, Phase, Progress, Staged};
use odcs_core::event::EventId;
use odcs_core::manifest::{Fingerprint, ManifestDocument};
use odcs_core::request::SourceKind;
use odcs_core::source::{Capability, Content, Pins, Resolved, ResolvedFields};
use odcs_core::store::{Claim, Equal, Lease, NewCompose, Outcome, Page, Query};
use odcs_core::trees::TreeListing;
use odcs_core::{
    Compose, ComposeBuilder, ComposeId, ComposeRequest, ComposeSource, ComposeState, ComposeStore,
    ComposeTrees, Event, Manifest, Result, Timestamp,
};

/// Where the process dies: the name of a point, and which time it gets there, from 1.
#[derive(Debug)]
pub(crate) struct Bomb {
    point: String,
    left: AtomicUsize,
}

impl Bomb {
    /// From `NAME` or `NAME#3`; an empty text never goes off.
    pub(crate) fn new(point: &str) -> Arc<Self> {
        let (point, count) = point.split_once('#').unwrap_or((point, "1"));
        Arc::new(Self {
            point: point.to_owned(),
            left: AtomicUsize::new(count.parse().unwrap()),
        })
    }

    pub(crate) fn pass(&self, point: &str) {
        if self.point == point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            raise(Signal::SIGKILL).unwrap();
        }
    }
}

/// Any of the traits, with a bomb.
#[derive(Debug)]
pub(crate) struct Deadly<T: ?Sized> {
    pub(crate) bomb: Arc<Bomb>,
    pub(crate) inner: Arc<T>,
}

/// An implementation of a trait whose calls may be the last thing that the process does. What is in the second
/// pair of braces stands as it is.
macro_rules! deadly {
    (
        impl $trait:ident {
            $(async fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $answer:ty;)*
        }
        { $($rest:tt)* }
    ) => {
        #[async_trait]
        impl<T: $trait + ?Sized> $trait for Deadly<T> {
            $(
                async fn $name(&self $(, $arg: $type)*) -> $answer {
                    self.bomb.pass(concat!("before ", stringify!($name)));
                    let answer = self.inner.$name($($arg),*).await;
                    if answer.is_ok() {
                        self.bomb.pass(concat!("after ", stringify!($name)));
                    }
                    answer
                }
            )*
            $($rest)*
        }
    };
}

deadly! {
    impl ComposeStore {
        async fn insert(&self, new: NewCompose) -> Result<Compose>;
        async fn skip_ids(&self, up_to: ComposeId) -> Result<()>;
        async fn get(&self, id: ComposeId) -> Result<Option<Compose>>;
        async fn find(&self, query: &Query) -> Result<Page>;
        async fn heartbeat(&self, lease: &Lease, until: Timestamp) -> Result<()>;
        async fn holds(&self, lease: &Lease) -> Result<bool>;
        async fn record_resolved(&self, lease: &Lease, pins: &Pins, fields: &ResolvedFields) -> Result<Compose>;
        async fn find_equal(&self, lease: &Lease, fingerprint: &Fingerprint, now: Timestamp) -> Result<Option<Equal>>;
        async fn record_manifest(&self, lease: &Lease, manifest: &ManifestDocument) -> Result<()>;
        async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>>;
        async fn cancel(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose>;
        async fn extend(&self, id: ComposeId, until: Timestamp) -> Result<Compose>;
        async fn discard(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose>;
        async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<Compose>>;
        async fn is_tree_in_use(&self, id: ComposeId) -> Result<Option<bool>>;
        async fn undelivered(&self, limit: u32) -> Result<Vec<Event>>;
        async fn delivered(&self, up_to: EventId, at: Timestamp) -> Result<()>;
        async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>>;
    }
    {

    async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        let claim = self.inner.claim(worker, now, lease).await?;
        if claim.is_some() {
            self.bomb.pass("after claim");
        }
        Ok(claim)
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<Compose> {
        let how = match outcome {
            Outcome::Done { .. } => "done",
            Outcome::Reused { .. } => "reused",
            Outcome::Failed { .. } => "failed",
            _ => "handed back",
        };
        self.bomb.pass(&format!("before finish {how}"));
        let compose = self.inner.finish(lease, outcome).await?;
        self.bomb.pass(&format!("after finish {how}"));
        Ok(compose)
    }

    async fn remove(&self, id: ComposeId, at: Timestamp) -> Result<Compose> {
        self.bomb.pass("before remove");
        let compose = self.inner.remove(id, at).await?;
        self.bomb.pass("after remove");
        Ok(compose)
    }
    }
}

deadly! {
    impl ComposeSource {
        async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved>;
        async fn content(&self, pins: &Pins) -> Result<Content>;
        async fn replay(&self, manifest: &Manifest) -> Result<Content>;
    }
    {
    fn kind(&self) -> SourceKind {
        self.inner.kind()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        self.inner.check(request)
    }

    }
}

deadly! {
    impl ComposeBuilder {
        async fn is_published(&self, compose: &Compose) -> Result<bool>;
        async fn abandon(&self, job: &Abandoned) -> Result<()>;
    }
    {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capability(&self) -> BuilderCapability {
        self.inner.capability()
    }

    async fn begin(&self, compose: &Compose) -> Result<Arc<dyn Progress>> {
        let progress = self.inner.begin(compose).await?;
        self.bomb.pass("after begin");
        Ok(Arc::new(Deadly {
            bomb: Arc::clone(&self.bomb),
            inner: progress,
        }))
    }

    async fn stage(&self, job: Job, progress: Arc<dyn Progress>) -> Result<Box<dyn Staged>> {
        let staged = self.inner.stage(job, progress).await?;
        self.bomb.pass("after stage");
        Ok(Box::new(DeadlyStaged {
            bomb: Arc::clone(&self.bomb),
            staged,
        }))
    }

    }
}

impl<T: Progress + ?Sized> Progress for Deadly<T> {
    fn step(&self, phase: Phase, message: &str) {
        self.inner.step(phase, message);
        self.bomb.pass(&format!("in phase {phase}"));
    }
}

#[derive(Debug)]
struct DeadlyStaged {
    bomb: Arc<Bomb>,
    staged: Box<dyn Staged>,
}

#[async_trait]
impl Staged for DeadlyStaged {
    fn manifest(&self) -> &ManifestDocument {
        self.staged.manifest()
    }

    async fn publish(self: Box<Self>) -> Result<Built> {
        self.bomb.pass("before publish");
        let built = self.staged.publish().await?;
        self.bomb.pass("after publish");
        Ok(built)
    }
}

#[async_trait]
impl<T: ComposeTrees + ?Sized> ComposeTrees for Deadly<T> {
    async fn list(&self) -> Result<TreeListing> {
        self.inner.list().await
    }

    async fn remove(&self, id: ComposeId) -> Result<()> {
        self.bomb.pass("before tree removal");
        self.inner.remove(id).await?;
        self.bomb.pass("after tree removal");
        Ok(())
    }

    async fn withdraw(&self, id: ComposeId) -> Result<bool> {
        self.inner.withdraw(id).await
    }

    async fn discard_attempts(&self, up_to: &Lease) -> Result<()> {
        self.inner.discard_attempts(up_to).await
    }
}
