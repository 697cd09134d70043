//! An engine on a directory of its own, and the faults that can be put into it.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use odcs_core::build::{Abandoned, BuilderCapability};
use odcs_core::engine::EngineSettings;
use odcs_core::event::EventId;
use odcs_core::manifest::{Fingerprint, ManifestDocument};
use odcs_core::request::{SourceKind, SourceSpec};
use odcs_core::source::{Candidate, Capability, Content, Pins, Resolved, ResolvedFields};
use odcs_core::store::{Claim, Equal, Lease, NewCompose, Outcome, Page, Query};
use odcs_core::testing::{ManualClock, MemoryCache};
use odcs_core::{
    Clock, Compose, ComposeBuilder, ComposeId, ComposeRequest, ComposeSource, ComposeState, ComposeStore,
    Engine, Error, Event, Job, Links, Manifest, Progress, Result, SourceRegistry, Staged, SystemClock,
    Timestamp,
};
use odcs_db::SqliteStore;
use odcs_rpm::Digest;
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{NativeBuilder, RepodataSettings, StorageSettings, Trees};
use tempfile::TempDir;
pub(crate) use test_support::without_signature;
use test_support::{copy_tree, test_repository};

/// A call of the store that can be made to fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Call {
    Find,
    Get,
    Heartbeat,
    RecordResolved,
    RecordManifest,
    Finish,
}

type Fault = (usize, fn() -> Error);

type Hook = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Something that happens at a certain point, for all clones.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Option<Hook>>>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn set(
        &self,
        hook: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
    ) {
        *self.0.lock().unwrap() = Some(Arc::new(hook));
    }

    async fn run(&self) {
        let hook = self.0.lock().unwrap().clone();
        if let Some(hook) = hook {
            hook().await;
        }
    }
}

/// The SQLite store, failing when told to.
#[derive(Clone, Debug)]
pub(crate) struct Flaky {
    store: SqliteStore,
    faults: Arc<Mutex<BTreeMap<Call, Fault>>>,
    before_finish: Shared,
}

impl Flaky {
    /// The next so many calls fail.
    pub(crate) fn fail(&self, call: Call, times: usize, error: fn() -> Error) {
        self.faults.lock().unwrap().insert(call, (times, error));
    }

    /// What happens when the end of a compose is about to be recorded.
    pub(crate) fn before_finish(
        &self,
        hook: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
    ) {
        self.before_finish.set(hook);
    }

    pub(crate) fn failures_left(&self) -> usize {
        self.faults.lock().unwrap().values().map(|(times, _)| times).sum()
    }

    /// Takes a record over from elsewhere.
    pub(crate) async fn import(&self, record: &Compose) {
        self.store.import(std::slice::from_ref(record)).await.unwrap();
    }

    fn pass(&self, call: Call) -> Result<()> {
        match self.faults.lock().unwrap().get_mut(&call) {
            Some((times, error)) if *times > 0 => {
                *times -= 1;
                Err(error())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl ComposeStore for Flaky {
    async fn insert(&self, new: NewCompose) -> Result<Compose> {
        self.store.insert(new).await
    }

    async fn skip_ids(&self, up_to: ComposeId) -> Result<()> {
        self.store.skip_ids(up_to).await
    }

    async fn get(&self, id: ComposeId) -> Result<Option<Compose>> {
        self.pass(Call::Get)?;
        self.store.get(id).await
    }

    async fn find(&self, query: &Query) -> Result<Page> {
        self.pass(Call::Find)?;
        self.store.find(query).await
    }

    async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        self.store.claim(worker, now, lease).await
    }

    async fn heartbeat(&self, lease: &Lease, until: Timestamp) -> Result<()> {
        self.pass(Call::Heartbeat)?;
        self.store.heartbeat(lease, until).await
    }

    async fn record_resolved(&self, lease: &Lease, pins: &Pins, fields: &ResolvedFields) -> Result<Compose> {
        self.pass(Call::RecordResolved)?;
        self.store.record_resolved(lease, pins, fields).await
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<Compose> {
        self.before_finish.run().await;
        self.pass(Call::Finish)?;
        self.store.finish(lease, outcome).await
    }

    async fn cancel(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        self.store.cancel(id, by, at).await
    }

    async fn discard(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        self.store.discard(id, by, at).await
    }

    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<Compose>> {
        self.store.expired(now, limit).await
    }

    async fn remove(&self, id: ComposeId, at: Timestamp) -> Result<Compose> {
        self.store.remove(id, at).await
    }

    async fn is_tree_in_use(&self, id: ComposeId) -> Result<Option<bool>> {
        self.store.is_tree_in_use(id).await
    }

    async fn holds(&self, lease: &Lease) -> Result<bool> {
        self.store.holds(lease).await
    }

    async fn find_equal(
        &self,
        lease: &Lease,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Equal>> {
        self.store.find_equal(lease, fingerprint, now).await
    }

    async fn record_manifest(&self, lease: &Lease, manifest: &ManifestDocument) -> Result<()> {
        self.pass(Call::RecordManifest)?;
        self.store.record_manifest(lease, manifest).await
    }

    async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>> {
        self.store.manifest(id).await
    }

    async fn extend(&self, id: ComposeId, until: Timestamp) -> Result<Compose> {
        self.store.extend(id, until).await
    }

    async fn undelivered(&self, limit: u32) -> Result<Vec<Event>> {
        self.store.undelivered(limit).await
    }

    async fn delivered(&self, up_to: EventId, at: Timestamp) -> Result<()> {
        self.store.delivered(up_to, at).await
    }

    async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>> {
        self.store.counts().await
    }
}

/// The `repo` source, with something that happens before it is read.
#[derive(Clone)]
pub(crate) struct Hooked {
    source: RepoSource,
    hook: Shared,
}

impl std::fmt::Debug for Hooked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)
    }
}

impl Hooked {
    pub(crate) fn before_content(
        &self,
        hook: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
    ) {
        self.hook.set(hook);
    }
}

#[async_trait]
impl ComposeSource for Hooked {
    fn kind(&self) -> SourceKind {
        self.source.kind()
    }

    fn capability(&self) -> Capability {
        self.source.capability()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        self.source.check(request)
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        self.source.resolve(request).await
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        self.hook.run().await;
        self.source.content(pins).await
    }

    async fn complete_content(&self, pins: &Pins) -> Result<Content> {
        self.hook.run().await;
        self.source.complete_content(pins).await
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        self.source.replay(manifest).await
    }

    async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        self.source.checksums(chosen).await
    }
}

/// The native builder, with something that happens before it clears away.
#[derive(Clone, Debug)]
struct Clearing {
    builder: NativeBuilder,
    before_abandon: Shared,
}

#[async_trait]
impl ComposeBuilder for Clearing {
    fn name(&self) -> &'static str {
        self.builder.name()
    }

    fn capability(&self) -> BuilderCapability {
        self.builder.capability()
    }

    async fn begin(&self, compose: &Compose) -> Result<Arc<dyn Progress>> {
        self.builder.begin(compose).await
    }

    async fn stage(&self, job: Job, progress: Arc<dyn Progress>) -> Result<Box<dyn Staged>> {
        self.builder.stage(job, progress).await
    }

    async fn is_published(&self, compose: &Compose) -> Result<bool> {
        self.builder.is_published(compose).await
    }

    async fn abandon(&self, job: &Abandoned) -> Result<()> {
        self.before_abandon.run().await;
        self.builder.abandon(job).await
    }
}

/// The machine's clock, set to another time when told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct SkewedClock(Arc<AtomicI64>);

impl SkewedClock {
    /// Sets it forward by so many seconds, or back.
    pub(crate) fn step(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(SystemClock.now().seconds() + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}

/// An engine with a copy of the project's test repository.
pub(crate) struct Lab {
    _dir: TempDir,
    pub(crate) repository: PathBuf,
    pub(crate) target_dir: PathBuf,
    pub(crate) store: Flaky,
    pub(crate) source: Hooked,
    pub(crate) clock: SkewedClock,
    /// What happens when the builder is about to clear away what attempts left.
    pub(crate) before_abandon: Shared,
    pub(crate) engine: Engine,
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with(|settings| settings).await
    }

    /// One whose source knows what it has read, and for which no time passes.
    pub(crate) async fn caching() -> Self {
        Self::with(|settings| {
            let mut settings = settings.with_cache(Arc::new(MemoryCache::default()));
            // Later than all files were changed.
            settings.clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1 << 40)));
            settings
        })
        .await
    }

    async fn with(settings: fn(RepoSettings) -> RepoSettings) -> Self {
        let dir = TempDir::new().unwrap();
        let (repository, target_dir) = (dir.path().join("repo"), dir.path().join("composes"));
        copy_tree(&test_repository(), &repository);
        let store = Flaky {
            store: SqliteStore::in_memory().await.unwrap(),
            faults: Arc::default(),
            before_finish: Shared::default(),
        };
        let source = Hooked {
            source: RepoSource::new(settings(RepoSettings::new([dir.path()]))).unwrap(),
            hook: Shared::default(),
        };
        let clock = SkewedClock::default();
        let before_abandon = Shared::default();
        let storage = StorageSettings::new(&target_dir);
        let engine = engine(&store, &source, storage, &clock, &before_abandon, PUBLIC_URL);
        Self {
            _dir: dir,
            repository,
            target_dir,
            store,
            source,
            clock,
            before_abandon,
            engine,
        }
    }

    /// Another engine at the same store and the same directory, as in another process: they know nothing of
    /// each other.
    pub(crate) fn another_engine(&self) -> Engine {
        self.engine_at(PUBLIC_URL)
    }

    /// The same, but its composes are published under another URL.
    pub(crate) fn engine_at(&self, url: &str) -> Engine {
        self.engine_of(StorageSettings::new(&self.target_dir), url)
    }

    /// The same, but the repodata of its composes is different.
    pub(crate) fn engine_with(&self, repodata: RepodataSettings) -> Engine {
        let storage = StorageSettings::new(&self.target_dir).with_repodata(repodata);
        self.engine_of(storage, PUBLIC_URL)
    }

    fn engine_of(&self, storage: StorageSettings, url: &str) -> Engine {
        let Self {
            store,
            source,
            clock,
            before_abandon,
            ..
        } = self;
        engine(store, source, storage, clock, before_abandon, url)
    }

    pub(crate) fn trees(&self) -> Arc<Trees> {
        Arc::new(Trees::open(&self.target_dir).unwrap())
    }

    pub(crate) fn request(&self, packages: &[&str]) -> ComposeRequest {
        let location = self.repository.to_str().unwrap().parse().unwrap();
        let mut request = ComposeRequest::new(SourceSpec::Repo(location));
        request.packages = Some(packages.iter().map(|name| name.parse().unwrap()).collect());
        request
    }

    pub(crate) async fn submit(&self, packages: &[&str]) -> ComposeId {
        let submitted = self.engine.submit(self.request(packages), "me").await.unwrap();
        submitted.compose.id
    }

    pub(crate) async fn run_one(&self) -> Compose {
        let compose = self.engine.worker().run_one().await.unwrap();
        compose.expect("something waits")
    }

    pub(crate) async fn get(&self, id: ComposeId) -> Compose {
        self.store.get(id).await.unwrap().unwrap()
    }

    /// A worker that takes a compose up, and is never heard of again; long ago.
    pub(crate) async fn claim_and_die(&self) {
        let claim = self
            .store
            .claim("killed", Timestamp::from_seconds(1_000_000), Duration::ZERO)
            .await
            .unwrap();
        claim.expect("something waits");
    }

    /// Waits until another worker may take a compose over.
    pub(crate) async fn lease_has_run_out(&self) {
        tokio::time::sleep(Duration::from_millis(3_100)).await;
    }

    /// Something in the directory of a compose.
    pub(crate) fn target(&self, id: ComposeId, path: &str) -> PathBuf {
        self.target_dir.join(id.name()).join(path)
    }

    pub(crate) fn staging(&self) -> Vec<String> {
        entries(&self.target_dir.join(".staging"))
    }
}

const PUBLIC_URL: &str = "http://localhost/composes";

fn engine(
    store: &Flaky,
    source: &Hooked,
    storage: StorageSettings,
    clock: &SkewedClock,
    before_abandon: &Shared,
    url: &str,
) -> Engine {
    let mut sources = SourceRegistry::new();
    sources.register(source.clone()).unwrap();
    let builder = Clearing {
        builder: NativeBuilder::open(storage.with_threads(1), Arc::new(clock.clone())).unwrap(),
        before_abandon: before_abandon.clone(),
    };
    let mut settings = EngineSettings::new().unwrap();
    settings.lease = Duration::from_secs(1);
    settings.poll = Duration::from_millis(5);
    settings.preview_timeout = Duration::from_secs(2);
    Engine::with_clock(
        Arc::new(store.clone()),
        sources,
        Arc::new(builder),
        Links::new(&url.parse().unwrap()),
        settings,
        Arc::new(clock.clone()),
    )
}

/// The names in a directory, sorted.
pub(crate) fn entries(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The packages of a tree, sorted.
pub(crate) fn packages(directory: &Path) -> Vec<String> {
    let letters = entries(directory);
    letters
        .iter()
        .flat_map(|letter| entries(&directory.join(letter)))
        .collect()
}
