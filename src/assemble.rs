//! Puts the service together from the library crates.

mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use odcs_auth::{AllowAll, NoAuth};
use odcs_core::allow::UrlPrefix;
use odcs_core::engine::{Dispatcher, EngineSettings, Sweeper};
use odcs_core::plan::{Required, SignatureRules};
use odcs_core::request::TargetDirName;
use odcs_core::{Engine, Error, ErrorKind, Fetch, Links, MetadataCache, Result, SystemClock};
use odcs_db::SqliteStore;
use odcs_fetch::{FetchSettings, Fetcher};
use odcs_http::{ApiState, HttpOptions, Metrics};
use odcs_rpm::keyring::Keyring;
use odcs_storage::{
    CacheSettings, ContentDirectory, Contents, ContentsSettings, NativeBuilder, PackCache, PublishedComposes,
    RepodataSettings, StorageSettings, Targets, Trees,
};
use url::Url;

use self::sources::{Fetching, sources};
use crate::config::{Configuration, Verify};

/// The service, ready to work.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) sweeper: Sweeper,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) router: axum::Router,
}

/// Puts it together; links to composes begin with a URL.
pub(crate) async fn service(configuration: &Configuration, public_url: &Url) -> Result<Service> {
    let store = SqliteStore::open(database(configuration)).await?;
    let mut builder = NativeBuilder::open(storage(configuration), Arc::new(SystemClock))?;
    let targets = builder.targets().clone();
    let cache = metadata_cache(configuration, &targets);
    if let Some(cache) = &cache {
        builder = builder.with_cache(Arc::clone(cache));
    }
    let koji = sources::koji(configuration)?;
    let requests: Arc<dyn Fetch> = Arc::new(fetcher(configuration, None)?);
    let fetch: Arc<dyn Fetch> = Arc::new(fetcher(configuration, koji.allowed()?)?);
    let contents = Contents::open(&targets, contents_settings(configuration), Arc::clone(&fetch))?;
    let contents = Arc::new(contents);
    let links = links(configuration, public_url);
    let metrics = Arc::new(Metrics::new());
    let fetching = Fetching {
        requests,
        all: Arc::clone(&fetch),
        contents: contents.clone(),
    };
    let engine = Engine::new(
        Arc::new(store),
        sources(configuration, koji, Some(fetching), cache)?,
        Arc::new(builder),
        links.clone(),
        engine_settings(configuration)?,
    )
    .with_fetch(fetch)
    .with_content_store(contents)
    .with_observer(metrics.clone());
    let mut state = ApiState::new(
        Arc::new(engine.clone()),
        Arc::new(PublishedComposes::of(&targets, TargetDirName::DEFAULT)?),
        links,
        Arc::new(NoAuth),
        Arc::new(AllowAll),
        http_options(configuration),
    )
    .with_metrics(metrics);
    for name in configuration.extra_target_dirs.keys() {
        state = state.with_target(name, Arc::new(PublishedComposes::of(&targets, name.as_str())?));
    }
    Ok(Service {
        sweeper: engine.sweeper(Arc::new(Trees::of(&targets))),
        // Message buses come with their own sinks; until then events are recorded, and go to nobody.
        dispatcher: engine.dispatcher(Vec::new()),
        engine,
        router: odcs_http::router(state),
    })
}

/// Whether a configuration fits this machine, as far as can be said without changing anything on it.
pub(crate) fn check(configuration: &Configuration) -> Result<()> {
    let koji = sources::koji(configuration)?;
    fetcher(configuration, koji.allowed()?)?;
    sources(configuration, koji, None, None)?;
    signatures(configuration)?;
    Ok(())
}

/// What sweeps up, for a command beside the service.
///
/// # Errors
/// `NotFound` if there is no database: without records every tree would be nobody's.
pub(crate) async fn sweeper(configuration: &Configuration) -> Result<Sweeper> {
    let database = database(configuration);
    if !tokio::fs::try_exists(&database).await.unwrap_or(false) {
        let message = format!(
            "there is no database {}; data_dir of the configuration says where it should be",
            database.display()
        );
        return Err(Error::new(
            ErrorKind::NotFound,
            "open database",
            database.display().to_string(),
            message,
        ));
    }
    let nowhere = Url::parse("http://localhost").map_err(|error| Error::invalid("url", error.to_string()))?;
    Ok(service(configuration, &nowhere).await?.sweeper)
}

/// The files that were fetched, for a command beside the service.
///
/// # Errors
/// `NotFound` if there is no directory of composes, which may be that of another configuration.
pub(crate) async fn content_directory(configuration: &Configuration) -> Result<ContentDirectory> {
    let directory = &configuration.target_dir;
    if !tokio::fs::try_exists(directory).await.unwrap_or(false) {
        return Err(no_directory("open content store", directory));
    }
    let targets = Targets::open(&storage(configuration))?;
    Ok(ContentDirectory::open(
        &targets,
        contents_settings(configuration),
    )?)
}

/// What is known about packages, for the builder and the sources together. Without it composes take longer, and are
/// the same.
fn metadata_cache(configuration: &Configuration, targets: &Targets) -> Option<Arc<dyn MetadataCache>> {
    if configuration.cache_bytes.0 == 0 {
        return None;
    }
    match PackCache::open(targets, cache_settings(configuration)) {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            tracing::warn!(%error, "the metadata cache cannot be used; composes go on without");
            None
        }
    }
}

/// What is known about packages, for a command beside the service.
///
/// # Errors
/// `NotFound` if there is no directory of composes, which may be that of another configuration.
pub(crate) async fn pack_cache(configuration: &Configuration) -> Result<PackCache> {
    let directory = &configuration.target_dir;
    if !tokio::fs::try_exists(directory).await.unwrap_or(false) {
        return Err(no_directory("open metadata cache", directory));
    }
    let targets = Targets::open(&storage(configuration))?;
    Ok(PackCache::open(&targets, cache_settings(configuration))?)
}

fn no_directory(operation: &'static str, directory: &Path) -> Error {
    let subject = directory.display().to_string();
    let message = format!(
        "there is no directory {subject}; target_dir or data_dir of the configuration says where it should be"
    );
    Error::new(ErrorKind::NotFound, operation, subject, message)
}

/// How much of what is found out is kept.
fn cache_settings(configuration: &Configuration) -> CacheSettings {
    CacheSettings::default().with_bytes(configuration.cache_bytes.0)
}

/// How much of what is fetched is kept.
fn contents_settings(configuration: &Configuration) -> ContentsSettings {
    ContentsSettings::default().with_bytes(configuration.store_bytes.0)
}

fn database(configuration: &Configuration) -> PathBuf {
    configuration.data_dir.join("odcs.sqlite")
}

fn storage(configuration: &Configuration) -> StorageSettings {
    let storage = StorageSettings::new(&configuration.target_dir)
        .with_link_fallback(configuration.link_fallback)
        .with_threads(configuration.threads.into())
        .with_verification(configuration.verify_packages)
        .with_repodata(
            RepodataSettings::default()
                .with_compression(configuration.repodata_compression)
                .with_filelists_ext(configuration.filelists_ext),
        )
        .with_xorriso(&configuration.xorriso.0);
    let extra = configuration.extra_target_dirs.iter();
    extra.fold(storage, |storage, (name, target)| {
        storage.with_target(name.clone(), &target.path)
    })
}

fn links(configuration: &Configuration, public_url: &Url) -> Links {
    let extra = configuration.extra_target_dirs.iter();
    extra.fold(Links::new(public_url), |links, (name, target)| {
        links.with_target(name, target.url.as_ref().map(|url| &url.0))
    })
}

fn engine_settings(configuration: &Configuration) -> Result<EngineSettings> {
    let mut settings = EngineSettings::new()?;
    settings.default_arches.clone_from(&configuration.arches);
    settings.default_lifetime = configuration.seconds_to_live;
    settings.maximum_lifetime = configuration.max_seconds_to_live;
    settings.lease = configuration.lease;
    settings.attempts = configuration.attempts;
    settings.poll = configuration.poll;
    settings.sweep = configuration.sweep;
    settings.concurrency = configuration.concurrency;
    settings.previews = configuration.dry_runs;
    settings.preview_timeout = configuration.dry_run_timeout;
    settings.allowed_urls = configuration.allowed_urls.clone();
    settings.raw_configs = configuration.raw_config_urls.clone();
    settings.fetches = configuration.fetches;
    settings.package_bytes = configuration.package_bytes.0;
    settings.signatures = signatures(configuration)?;
    Ok(settings)
}

/// What leads out of this machine: to what requests may name, and to what is configured beside that.
///
/// # Errors
/// If certificates or keys cannot be used; it names the file.
fn fetcher(configuration: &Configuration, beside: Option<UrlPrefix>) -> Result<Fetcher> {
    let allowed = configuration.allowed_urls.prefixes().iter().cloned();
    let mut settings = FetchSettings::new(allowed.chain(beside).collect());
    settings.networks.clone_from(&configuration.allowed_networks);
    settings.connections_per_host = configuration.fetch_connections;
    settings.attempts = configuration.fetch_attempts;
    settings.read_timeout = configuration.fetch_timeout;
    settings.proxy = configuration.proxy.as_ref().map(|proxy| proxy.0.clone());
    settings.no_proxy = configuration.no_proxy.iter().map(ToString::to_string).collect();
    settings.ca_files = configuration.ca_files.iter().map(|file| file.0.clone()).collect();
    let certificate = configuration.client_certificate.as_ref();
    let certificate = certificate.zip(configuration.client_key.as_ref());
    settings.client_certificate =
        certificate.map(|(certificate, key)| (certificate.0.clone(), key.0.clone()));
    Ok(Fetcher::new(settings)?)
}

/// How signatures are taken.
///
/// # Errors
/// `Invalid` if the keyring cannot be used; it says why.
fn signatures(configuration: &Configuration) -> Result<SignatureRules> {
    let Some(keyring) = keyring(configuration)? else {
        return Ok(SignatureRules::claimed());
    };
    let keyring = Arc::new(keyring);
    Ok(match configuration.verify_signatures {
        Verify::Never => SignatureRules::claimed(),
        Verify::Untrusted => SignatureRules::verified(keyring, Required::Untrusted),
        Verify::Always => SignatureRules::verified(keyring, Required::Always),
    })
}

/// The keys that signatures are verified against, if there are any.
///
/// # Errors
/// `Invalid` if they cannot be used; it says why.
fn keyring(configuration: &Configuration) -> Result<Option<Keyring>> {
    let Some(path) = &configuration.keyring else {
        return Ok(None);
    };
    let keyring = Keyring::open(&path.0).map_err(|error| {
        let subject = path.0.display().to_string();
        Error::new(
            ErrorKind::Invalid,
            "read keyring",
            subject,
            format!("keyring: {error}"),
        )
        .with_source(error)
    });
    keyring.map(Some)
}

fn http_options(configuration: &Configuration) -> HttpOptions {
    let mut options = HttpOptions::default();
    options.trusted_proxies.clone_from(&configuration.trusted_proxies);
    options.max_body_bytes = usize::try_from(configuration.max_body_bytes.0).unwrap_or(usize::MAX);
    options.allowed_hosts = configuration
        .allowed_hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    options
}
