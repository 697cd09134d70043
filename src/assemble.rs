//! Puts the service together from the library crates.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_core::engine::EngineSettings;
use odcs_core::{Engine, Links, Result, SourceRegistry};
use odcs_db::SqliteStore;
use odcs_storage::{LinkFallback, NativeBuilder, StorageSettings};
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
    /// Threads that read packages.
    pub(crate) threads: usize,
}

/// The parts that the HTTP side needs.
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) builder: Arc<NativeBuilder>,
}

pub(crate) async fn service(settings: &Settings) -> Result<Service> {
    let store = SqliteStore::open(&settings.data_dir.join("odcs.sqlite")).await?;
    let mut storage = StorageSettings::new(settings.data_dir.join("composes"));
    storage.link_fallback = settings.link_fallback;
    storage.threads = settings.threads;
    let builder = Arc::new(NativeBuilder::new(storage)?);
    let engine = Engine::new(
        Arc::new(store),
        sources(settings)?,
        Arc::clone(&builder) as _,
        Links::new(&settings.public_url),
        EngineSettings::new()?,
    );
    Ok(Service { engine, builder })
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
