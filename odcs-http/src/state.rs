//! What the handlers share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use odcs_auth::{Authenticator, Policy};
use odcs_core::compose::Links;
use odcs_core::files::ComposeFiles;
use odcs_core::request::TargetDirName;
use odcs_core::service::ComposeService;
use tokio::sync::Semaphore;
use url::Url;

use crate::files;

use crate::health::Watch;
use crate::metrics::Metrics;

/// Requests that have a manifest read at once, each of which may be tens of megabytes; others wait.
const MANIFESTS: usize = 4;

/// What the handlers share. Clones share it, too.
#[derive(Clone, Debug)]
pub struct ApiState(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    service: Arc<dyn ComposeService>,
    /// The published composes of each target directory.
    targets: BTreeMap<String, Mount>,
    links: Links,
    authenticator: Arc<dyn Authenticator>,
    policy: Arc<dyn Policy>,
    options: HttpOptions,
    public: Option<Url>,
    metrics: Arc<Metrics>,
    watch: Arc<Watch>,
    manifests: Arc<Semaphore>,
}

/// The published composes of a target directory, and where they are served.
#[derive(Clone, Debug)]
struct Mount {
    /// Without a slash at the end; `None` if they are not served.
    path: Option<String>,
    files: Arc<dyn ComposeFiles>,
}

/// Published composes that a request leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published<'a> {
    /// The path they are served at, without a slash at the end.
    pub(crate) path: &'a str,
    pub(crate) files: &'a Arc<dyn ComposeFiles>,
}

/// How requests are answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Largest body of a request in bytes; 1 MiB.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive; 30 seconds.
    pub body_timeout: Duration,
    /// Names under which the service answers although it does not ask who calls, besides those of the
    /// machine itself (`localhost`, `127.0.0.1`, `[::1]`) and the host of the public URL. Without a port.
    pub allowed_hosts: Vec<String>,
    /// The scheme by which callers reach the service, unless a trusted proxy says otherwise.
    pub scheme: Scheme,
    /// Proxies in front that are believed when they say by which name, scheme and path a request reached
    /// them, and from where (`X-Forwarded-*`, `X-Script-Name`, `X-Scheme`): networks, or single addresses
    /// as `192.0.2.7/32`. They must set these headers themselves, or drop what callers send in them.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            body_timeout: Duration::from_secs(30),
            allowed_hosts: Vec::new(),
            scheme: Scheme::Http,
            trusted_proxies: Vec::new(),
        }
    }
}

/// The scheme of URLs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Scheme {
    #[default]
    Http,
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl ApiState {
    /// What is served, and who decides about it.
    pub fn new(
        service: Arc<dyn ComposeService>,
        files: Arc<dyn ComposeFiles>,
        links: Links,
        authenticator: Arc<dyn Authenticator>,
        policy: Arc<dyn Policy>,
        options: HttpOptions,
    ) -> Self {
        let public = Url::parse(links.base()).ok();
        let path = public.as_ref().map_or("/composes", Url::path);
        let mount = Mount {
            path: Some(path.trim_end_matches('/').to_owned()),
            files,
        };
        let targets = BTreeMap::from([(TargetDirName::DEFAULT.to_owned(), mount)]);
        Self(Arc::new(Inner {
            service,
            targets,
            links,
            authenticator,
            policy,
            options,
            public,
            metrics: Arc::default(),
            watch: Arc::default(),
            manifests: Arc::new(Semaphore::new(MANIFESTS)),
        }))
    }

    /// Adds the published composes of another target directory. They are served at the path of the URL that its
    /// links begin with; without one only their logs can be read, through the API.
    #[must_use]
    pub fn with_target(mut self, name: &TargetDirName, files: Arc<dyn ComposeFiles>) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        let url = inner
            .links
            .base_of(name.as_str())
            .and_then(|base| Url::parse(base).ok());
        let path = url.map(|url| url.path().trim_end_matches('/').to_owned());
        inner.targets.insert(name.to_string(), Mount { path, files });
        self
    }

    /// The state with metrics that somebody else adds to as well; without, it counts its requests in its own.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        Arc::make_mut(&mut self.0).metrics = metrics;
        self
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// A permit for each manifest that may be read at once.
    pub(crate) fn manifests(&self) -> &Semaphore {
        &self.0.manifests
    }

    pub(crate) fn service(&self) -> &Arc<dyn ComposeService> {
        &self.0.service
    }

    /// The published composes of a target directory; `None` if there is none of that name.
    pub(crate) fn files_of(&self, target_dir: &str) -> Option<&Arc<dyn ComposeFiles>> {
        self.0.targets.get(target_dir).map(|mount| &mount.files)
    }

    /// All target directories.
    pub(crate) fn all_files(&self) -> impl Iterator<Item = &Arc<dyn ComposeFiles>> {
        self.0.targets.values().map(|mount| &mount.files)
    }

    /// The composes that are published at a path or above it. Where one target directory is published below
    /// another, the longer path counts; of the same path, the default directory.
    pub(crate) fn published_at(&self, path: &str) -> Option<Published<'_>> {
        let mounts = self.0.targets.iter().filter_map(|(name, mount)| {
            let published = Published {
                path: mount.path.as_deref()?,
                files: &mount.files,
            };
            Some((name == TargetDirName::DEFAULT, published))
        });
        mounts
            .filter(|(_, published)| files::is_below(published.path, path))
            .max_by_key(|(is_default, published)| (published.path.len(), *is_default))
            .map(|(_, published)| published)
    }

    /// The composes that are published where a request asks, and the path to look for them under.
    ///
    /// A proxy that shows the service below a prefix has it left out of the path. The public URL is the one that
    /// clients use: if its path begins with that prefix, composes are found under the whole path only.
    pub(crate) fn published_below(&self, prefix: &str, path: &str) -> Option<(Published<'_>, String)> {
        let whole = format!("{prefix}{path}");
        if let Some(published) = self
            .published_at(&whole)
            .filter(|it| files::is_below(prefix, it.path))
        {
            return Some((published, whole));
        }
        let published = self.published_at(path)?;
        Some((published, path.to_owned()))
    }

    pub(crate) fn links(&self) -> &Links {
        &self.0.links
    }

    pub(crate) fn authenticator(&self) -> &dyn Authenticator {
        &*self.0.authenticator
    }

    pub(crate) fn policy(&self) -> &dyn Policy {
        &*self.0.policy
    }

    pub(crate) fn options(&self) -> &HttpOptions {
        &self.0.options
    }

    /// The URL under which composes are published.
    pub(crate) fn public_url(&self) -> Option<&Url> {
        self.0.public.as_ref()
    }

    /// The path under which composes of the default target directory are published, without a slash at the end:
    /// `/composes`, or empty if that is the top.
    pub(crate) fn mount(&self) -> &str {
        let mount = self.0.targets.get(TargetDirName::DEFAULT);
        mount.and_then(|mount| mount.path.as_deref()).unwrap_or_default()
    }
}
