//! Puts the service together from the library crates.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_auth::{AllowAll, NoAuth};
use odcs_core::engine::{Dispatcher, EngineSettings, Sweeper};
use odcs_core::plan::{Required, SignatureRules};
use odcs_core::request::TargetDirName;
use odcs_core::{Engine, Error, ErrorKind, Links, Result, SourceRegistry, SystemClock};
use odcs_db::SqliteStore;
use odcs_http::{ApiState, HttpOptions, Metrics};
use odcs_rpm::keyring::Keyring;
use odcs_storage::{NativeBuilder, PublishedComposes, RepodataSettings, StorageSettings, Trees};
use url::Url;

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
    let builder = NativeBuilder::open(storage(configuration), Arc::new(SystemClock))?;
    let targets = builder.targets().clone();
    let links = links(configuration, public_url);
    let metrics = Arc::new(Metrics::new());
    let engine = Engine::new(
        Arc::new(store),
        sources(configuration)?,
        Arc::new(builder),
        links.clone(),
        engine_settings(configuration)?,
    )
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
    sources(configuration)?;
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

fn database(configuration: &Configuration) -> PathBuf {
    configuration.data_dir.join("odcs.sqlite")
}

fn storage(configuration: &Configuration) -> StorageSettings {
    let storage = StorageSettings::new(&configuration.target_dir)
        .with_link_fallback(configuration.link_fallback)
        .with_threads(configuration.threads.into())
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
    settings.signatures = signatures(configuration)?;
    Ok(settings)
}

/// How signatures are taken.
///
/// # Errors
/// `Invalid` if the keyring cannot be used; it says why.
fn signatures(configuration: &Configuration) -> Result<SignatureRules> {
    let Some(path) = &configuration.keyring else {
        return Ok(SignatureRules::claimed());
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
    })?;
    let keyring = Arc::new(keyring);
    Ok(match configuration.verify_signatures {
        Verify::Never => SignatureRules::claimed(),
        Verify::Untrusted => SignatureRules::verified(keyring, Required::Untrusted),
        Verify::Always => SignatureRules::verified(keyring, Required::Always),
    })
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

/// The sources this program was built with.
#[cfg_attr(
    not(feature = "repo"),
    allow(unused_variables, unused_mut, reason = "there may be none")
)]
fn sources(configuration: &Configuration) -> Result<SourceRegistry> {
    let mut sources = SourceRegistry::new();
    #[cfg(feature = "repo")]
    {
        use odcs_sources::repo::{RepoSettings, RepoSource};
        let settings =
            RepoSettings::new(&configuration.repo_roots).with_untrusted(&configuration.untrusted_repo_roots);
        sources.register(RepoSource::new(settings)?)?;
    }
    Ok(sources)
}
