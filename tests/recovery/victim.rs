//! The service that is killed: the engine on the real store, source and builder, in a process of its own.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sys::signal::{Signal, raise};
use odcs_core::engine::{EngineSettings, Shutdown};
use odcs_core::request::{Lifetime, SourceSpec};
use odcs_core::store::Query;
use odcs_core::{ComposeBuilder, Event, EventSink, Result, SystemClock};
use odcs_core::{ComposeRequest, ComposeState, ComposeStore, ComposeTrees, Engine, Links, SourceRegistry};
use odcs_db::SqliteStore;
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{NativeBuilder, StorageSettings, Trees};

use crate::wrappers::{Bomb, Deadly};

/// Where it works; only set in the process that is to be killed.
const DIR: &str = "ODCS_VICTIM_DIR";
/// The point at which it dies.
const POINT: &str = "ODCS_VICTIM_POINT";
/// It dies as soon as this path, relative to its directory, is there.
const PATH: &str = "ODCS_VICTIM_PATH";
/// Whether it submits requests first.
const SUBMIT: &str = "ODCS_VICTIM_SUBMIT";
/// How long it may take to make everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// How and where the service is to die.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death<'a> {
    /// Not at all: it ends when everything is made.
    Never,
    /// At a point of the wrappers.
    At(&'a str),
    /// When a path comes into being.
    When(&'a str),
}

/// Runs the service in a directory, in a process of its own.
pub(crate) fn run(dir: &Path, submit: bool, death: Death<'_>) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "victim::service", "--nocapture"])
        .env(DIR, dir)
        .env(SUBMIT, if submit { "yes" } else { "" })
        .stdout(std::process::Stdio::null());
    match death {
        Death::Never => {}
        Death::At(point) => {
            command.env(POINT, point);
        }
        Death::When(path) => {
            command.env(PATH, path);
        }
    }
    command.status().unwrap()
}

/// Whether it was SIGKILL that ended it.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::SIGKILL as i32)
}

/// Ids that were given to whoever asked, in order.
pub(crate) fn acknowledged(dir: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(dir.join("acknowledged")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Not a test: what [`run`] starts. Without the variable it has nothing to do.
#[test]
fn service() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let var = |name| std::env::var(name).unwrap_or_default();
    let path = var(PATH);
    if !path.is_empty() {
        let path = dir.join(path);
        std::thread::spawn(move || {
            loop {
                if path.symlink_metadata().is_ok() {
                    raise(Signal::SIGKILL).unwrap();
                }
                std::thread::yield_now();
            }
        });
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(serve(&dir, &Bomb::new(&var(POINT)), !var(SUBMIT).is_empty()));
}

async fn serve(dir: &Path, bomb: &Arc<Bomb>, submit: bool) {
    let store = SqliteStore::open(dir.join("odcs.sqlite")).await.unwrap();
    let store: Arc<dyn ComposeStore> = deadly(bomb, store);
    let source = RepoSource::new(RepoSettings::new([dir.join("repo")])).unwrap();
    let mut sources = SourceRegistry::new();
    sources
        .register(Deadly {
            bomb: Arc::clone(bomb),
            inner: Arc::new(source),
        })
        .unwrap();
    let target = dir.join("composes");
    let storage = StorageSettings::new(&target).with_threads(1);
    let builder = NativeBuilder::open(storage, Arc::new(SystemClock)).unwrap();
    let trees: Arc<dyn ComposeTrees> = deadly(bomb, Trees::of(builder.targets()));
    let builder: Arc<dyn ComposeBuilder> = deadly(bomb, builder);
    let mut settings = EngineSettings::new().unwrap();
    settings.lease = Duration::from_secs(1);
    settings.poll = Duration::from_millis(20);
    settings.sweep = Duration::from_millis(100);
    settings.concurrency = 2;
    settings.attempts = 5;
    let links = Links::new(&"http://localhost/composes".parse().unwrap());
    let engine = Engine::new(store, sources, builder, links, settings);
    if submit {
        submit_all(&engine, dir).await;
    }
    let shutdown = Shutdown::default();
    let (worker, sweeper, dispatcher) = (
        engine.worker(),
        engine.sweeper(trees),
        engine.dispatcher(vec![Arc::new(Recorder::open(dir))]),
    );
    let working = tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            tokio::join!(
                worker.run(shutdown.clone()),
                sweeper.run(shutdown.clone()),
                dispatcher.run(shutdown)
            )
        }
    });
    let begun = Instant::now();
    while !is_all_over(&engine, dir).await {
        assert!(begun.elapsed() < PATIENCE, "something is stuck");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shutdown.drain.cancel();
    working.await.unwrap();
}

/// Writes down what is delivered: number, time, state before and after, and the compose.
#[derive(Debug)]
struct Recorder(Mutex<File>);

impl Recorder {
    fn open(dir: &Path) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(dir.join("delivered"));
        Self(Mutex::new(file.unwrap()))
    }
}

#[async_trait]
impl EventSink for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    async fn deliver(&self, event: &Event) -> Result<()> {
        let mut file = self.0.lock().unwrap();
        writeln!(file, "{}", line(event)).unwrap();
        file.sync_all().unwrap();
        Ok(())
    }
}

/// An event in a line; lines of events sort as they happened.
pub(crate) fn line(event: &Event) -> String {
    let from = event.from.map_or("-", ComposeState::name);
    format!(
        "{:08} {} {from} {}",
        event.id.number(),
        event.compose.id,
        event.compose.state
    )
}

fn deadly<T>(bomb: &Arc<Bomb>, inner: T) -> Arc<Deadly<T>> {
    Arc::new(Deadly {
        bomb: Arc::clone(bomb),
        inner: Arc::new(inner),
    })
}

/// Two that are the same, one that is not, and one that soon expires.
async fn submit_all(engine: &Engine, dir: &Path) {
    let mut acknowledged = File::create(dir.join("acknowledged")).unwrap();
    for (package, seconds) in [
        ("ed", 3600),
        ("ed", 3600),
        ("line-editor-common", 3600),
        ("ed-doc", 1),
    ] {
        let repository = dir.join("repo").to_str().unwrap().parse().unwrap();
        let mut request = ComposeRequest::new(SourceSpec::Repo(repository));
        request.packages = Some(vec![package.parse().unwrap()]);
        request.lifetime = Some(Lifetime::from_seconds(seconds).unwrap());
        let submitted = engine.submit(request, "me").await.unwrap();
        writeln!(acknowledged, "{}", submitted.compose.id).unwrap();
        acknowledged.sync_all().unwrap();
    }
}

/// Whether nothing waits or is being made, and what has expired is gone.
async fn is_all_over(engine: &Engine, dir: &Path) -> bool {
    let all = Query {
        per_page: 100,
        ..Query::default()
    };
    let records = engine.store().find(&all).await.unwrap().items;
    records.iter().all(|compose| match compose.state {
        ComposeState::Wait | ComposeState::Generating => false,
        ComposeState::Removed => !dir.join("composes").join(compose.id.name()).exists(),
        ComposeState::Done | ComposeState::Failed => compose.lifetime.seconds() > 1,
    })
}
