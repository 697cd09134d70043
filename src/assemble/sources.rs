//! The sources that this program was built with, as they are configured.
#![cfg_attr(
    not(all(feature = "repo", feature = "koji")),
    allow(
        unused_variables,
        unused_mut,
        unused_imports,
        dead_code,
        reason = "there may be none"
    )
)]

use std::sync::Arc;

use odcs_core::allow::UrlPrefix;
use odcs_core::{Fetch, MetadataCache, Result, SourceRegistry};
use odcs_storage::Contents;

use crate::config::Configuration;

/// What is fetched with, and where it is kept.
#[derive(Clone, Debug)]
pub(super) struct Fetching {
    /// For requests: what they may name, and nothing else.
    pub(super) requests: Arc<dyn Fetch>,
    /// For what is configured, too.
    pub(super) all: Arc<dyn Fetch>,
    pub(super) contents: Arc<Contents>,
}

/// What is configured of Koji, and said in the profile.
#[derive(Clone, Debug, Default)]
pub(super) struct Koji {
    #[cfg(feature = "koji")]
    settings: Option<odcs_sources::koji::KojiSettings>,
}

impl Koji {
    /// What has to be fetched for it, though no request may name it.
    pub(super) fn allowed(&self) -> Result<Option<UrlPrefix>> {
        #[cfg(feature = "koji")]
        {
            let topurl = self
                .settings
                .as_ref()
                .and_then(|settings| settings.topurl.as_ref());
            topurl.map(|url| url.as_str().parse()).transpose()
        }
        #[cfg(not(feature = "koji"))]
        Ok(None)
    }
}

/// Reads what is said of Koji: in its own configuration, and here.
///
/// # Errors
/// `Invalid` if the profile cannot be used.
#[cfg(feature = "koji")]
pub(super) fn koji(configuration: &Configuration) -> Result<Koji> {
    use odcs_sources::koji::KojiSettings;
    use odcs_sources::koji::client::{HubSettings, Profile, ProfileFiles};

    let profile = match &configuration.koji_profile {
        Some(name) => {
            let files = ProfileFiles::system(std::env::home_dir().as_deref());
            Some(Profile::read(&name.0, &files).map_err(|error| of_profile(&name.0, error))?)
        }
        None => None,
    };
    let server = configuration.koji_server.as_ref().map(|url| url.0.clone());
    let mut settings = match (profile, server) {
        (Some(profile), server) => {
            let mut settings = KojiSettings::from_profile(&profile);
            if let Some(server) = server.filter(|server| *server != profile.server) {
                // The files of another hub are not a replacement for those of this one.
                (settings.topdir, settings.topurl) = (None, None);
                settings.hub.server = server;
            }
            settings
        }
        (None, Some(server)) => KojiSettings::new(HubSettings::new(server)),
        (None, None) => return Ok(Koji::default()),
    };
    if let Some(topdir) = &configuration.koji_topdir {
        settings.topdir = Some(topdir.clone());
    }
    if let Some(topurl) = &configuration.koji_topurl {
        settings.topurl = Some(topurl.0.clone());
    }
    let hub = &mut settings.hub;
    if let Some(file) = &configuration.koji_ca_file {
        hub.ca_file = Some(file.0.clone());
    }
    if let Some(file) = &configuration.koji_client_certificate {
        hub.client_certificate = Some((file.0.clone(), file.0.clone()));
    }
    hub.attempts = configuration.koji_attempts.unwrap_or(hub.attempts);
    hub.read_timeout = configuration.koji_timeout.unwrap_or(hub.read_timeout);
    hub.call_timeout = hub.call_timeout.max(hub.read_timeout);
    hub.connections = configuration.koji_connections;
    Ok(Koji {
        settings: Some(settings),
    })
}

/// Nothing is read of it.
#[cfg(not(feature = "koji"))]
pub(super) fn koji(_: &Configuration) -> Result<Koji> {
    Ok(Koji::default())
}

#[cfg(feature = "koji")]
fn of_profile(name: &str, error: odcs_sources::koji::client::ProfileError) -> odcs_core::Error {
    let message = format!("koji_profile: {error}");
    odcs_core::Error::new(odcs_core::ErrorKind::Invalid, "read koji.conf", name, message).with_source(error)
}

/// All of them; with what they fetch with and keep it in, or for a look at the configuration only.
///
/// # Errors
/// If something that is configured cannot be used.
pub(super) fn sources(
    configuration: &Configuration,
    koji: Koji,
    fetching: Option<Fetching>,
    cache: Option<Arc<dyn MetadataCache>>,
) -> Result<SourceRegistry> {
    let mut sources = SourceRegistry::new();
    #[cfg(feature = "repo")]
    register_repo(&mut sources, configuration, fetching.clone(), cache.clone())?;
    #[cfg(feature = "koji")]
    register_koji(&mut sources, configuration, koji, fetching, cache)?;
    Ok(sources)
}

#[cfg(feature = "repo")]
fn register_repo(
    sources: &mut SourceRegistry,
    configuration: &Configuration,
    fetching: Option<Fetching>,
    cache: Option<Arc<dyn MetadataCache>>,
) -> Result<()> {
    use crate::config::Mirrors;
    use odcs_sources::repo::{MirrorList, MirrorRule, RepoSettings, RepoSource};

    let mirrors = configuration.mirrors.iter().map(|(repository, list)| MirrorRule {
        repository: repository.0.clone(),
        list: match list {
            Mirrors::List(url) => MirrorList::Mirrorlist(url.clone()),
            Mirrors::Metalink(url) => MirrorList::Metalink(url.clone()),
        },
    });
    let mut settings = RepoSettings::new(&configuration.repo_roots)
        .with_untrusted(&configuration.untrusted_repo_roots)
        .with_trusted_urls(configuration.trusted_urls.clone())
        .with_mirrors(mirrors);
    settings.metadata_bytes = configuration.metadata_bytes.0;
    settings.open_metadata_bytes = configuration.open_metadata_bytes.0;
    settings.metadata_ratio = configuration.metadata_ratio;
    if let Some(Fetching {
        requests, contents, ..
    }) = fetching
    {
        settings = settings.with_fetch(requests, contents);
    }
    if let Some(cache) = cache {
        settings = settings.with_cache(cache);
    }
    sources.register(RepoSource::new(settings)?)
}

#[cfg(feature = "koji")]
fn register_koji(
    sources: &mut SourceRegistry,
    configuration: &Configuration,
    koji: Koji,
    fetching: Option<Fetching>,
    cache: Option<Arc<dyn MetadataCache>>,
) -> Result<()> {
    use odcs_core::SourceKind;
    use odcs_sources::koji::{BuildSource, Koji, TagSource};
    use odcs_sources::pungi_compose::{PungiComposeSettings, PungiComposeSource};

    let Some(mut settings) = koji.settings else {
        let missing = "it has no Koji hub configured (koji_server or koji_profile)";
        for kind in &[SourceKind::TAG, SourceKind::BUILD, SourceKind::PUNGI_COMPOSE] {
            sources.register_absent(kind, missing);
        }
        return Ok(());
    };
    settings.cache = cache;
    settings.keys = required_keys(configuration)?;
    let Some(Fetching { requests, all, .. }) = fetching else {
        // Certificates and URLs are looked at, nothing else.
        settings.topdir.get_or_insert_default();
        return Koji::new(settings).map(|_| ());
    };
    settings.fetch = Some(all);
    let koji = Koji::new(settings)?;
    sources.register(TagSource::new(koji.clone()))?;
    sources.register(BuildSource::new(koji.clone()))?;
    let composes = PungiComposeSettings::new(requests).with_roots(&configuration.repo_roots);
    sources.register(PungiComposeSource::new(koji, composes))
}

/// Where every package must be signed with some key of the keyring, whatever a request asks for: those keys.
///
/// # Errors
/// `Invalid` if the keyring cannot be used.
#[cfg(feature = "koji")]
fn required_keys(configuration: &Configuration) -> Result<Vec<odcs_core::request::KeyOrUnsigned>> {
    if configuration.verify_signatures != crate::config::Verify::Always {
        return Ok(Vec::new());
    }
    let Some(keyring) = super::keyring(configuration)? else {
        return Ok(Vec::new());
    };
    keyring.fingerprints().map(|key| key.as_str().parse()).collect()
}
