//! Puts the service together from the library crates.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use odcs_auth::{AllowAll, NoAuth};
use odcs_core::engine::{EngineSettings, Sweeper};
use odcs_core::{Engine, Links, Result, SourceRegistry, SystemClock};
use odcs_db::SqliteStore;
use odcs_http::{ApiState, HttpOptions, Metrics};
use odcs_storage::{LinkFallback, NativeBuilder, PublishedComposes, StorageSettings, Trees};
use url::Url;

/// What the service needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where records and composes are kept.
    pub(crate) data_dir: PathBuf,
    /// The URL under which composes are published.
    pub(crate) public_url: Url,
    /// Repositories are taken from below these directories.
    pub(crate) repo_roots: Vec<PathBuf>,
    /// What happens to packages that cannot be hardlinked.
    pub(crate) link_fallback: LinkFallback,
    /// How often expired composes are looked for.
    pub(crate) sweep: Duration,
    /// Threads that read packages.
    pub(crate) threads: usize,
}

/// The service, ready to work.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) sweeper: Sweeper,
    pub(crate) router: axum::Router,
}

pub(crate) async fn service(settings: &Settings) -> Result<Service> {
    let composes = settings.data_dir.join("composes");
    let store = SqliteStore::open(settings.data_dir.join("odcs.sqlite")).await?;
    let storage = StorageSettings::new(&composes)
        .with_link_fallback(settings.link_fallback)
        .with_threads(settings.threads);
    let builder = NativeBuilder::open(storage, Arc::new(SystemClock))?;
    let files = PublishedComposes::open(&composes)?;
    let trees = Trees::open(&composes)?;
    let links = Links::new(&settings.public_url);
    let mut engine_settings = EngineSettings::new()?;
    engine_settings.sweep = settings.sweep;
    let metrics = Arc::new(Metrics::new());
    let engine = Engine::new(
        Arc::new(store),
        sources(settings)?,
        Arc::new(builder),
        links.clone(),
        engine_settings,
    )
    .with_observer(metrics.clone());
    let state = ApiState::new(
        Arc::new(engine.clone()),
        Arc::new(files),
        links,
        Arc::new(NoAuth),
        Arc::new(AllowAll),
        HttpOptions::default(),
    )
    .with_metrics(metrics);
    Ok(Service {
        sweeper: engine.sweeper(Arc::new(trees)),
        engine,
        router: odcs_http::router(state),
    })
}

/// The sources this program was built with.
fn sources(settings: &Settings) -> Result<SourceRegistry> {
    let mut sources = SourceRegistry::new();
    #[cfg(feature = "repo")]
    {
        use odcs_sources::repo::{RepoSettings, RepoSource};
        sources.register(RepoSource::new(RepoSettings::new(&settings.repo_roots))?)?;
    }
    Ok(sources)
}
