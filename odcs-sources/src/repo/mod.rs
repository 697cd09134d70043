//! Packages from a plain RPM repository: a directory of this machine, below one of the configured
//! roots, with repodata or without; or one on an HTTP server, with repodata.
//!
//! With repodata, `repomd.xml` is pinned by its checksum, and every file of it is verified before it
//! is used. Without, the headers of all RPMs in the directory are read, and their names, sizes and
//! times are pinned.
//!
//! Of a repository on a server, `repomd.xml` and what it names are fetched into the content store when it is pinned:
//! what an earlier compose has fetched is not fetched again, and a repository that is published anew meanwhile is
//! read as it was. Mirrors may stand in for the server ([`MirrorRule`]): which ones is pinned, too.
//!
//! What went into a compose once is taken from where it was; packages that were moved are looked for by their
//! checksums in the repository around them.
//!
//! Some of the roots may be untrusted: what has a package from below one of those says so, also if it was asked for
//! by a link or is one, and also if it was made from there once and is looked for again.

mod config;
mod directory;
mod error;
mod listing;
mod metadata;
mod metalink;
mod mirrors;
mod pins;
mod remote;
mod replay;
mod roots;
mod streamed;
mod trees;
mod verified;

pub use config::RepoSettings;
pub use error::RepoError;
pub use mirrors::{MirrorList, MirrorRule};
pub use pins::RepoPins;

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::request::{ComposeRequest, RepoLocation, SourceKind, SourceSpec};
use odcs_core::source::local::blocking;
use odcs_core::source::{Capability, Content, PackageContent, Pins, Resolved, ResolvedFields};
use odcs_core::{ComposeSource, Manifest, Result};
use url::Url;

use self::error::Reason;
use self::remote::Remote;
use self::replay::Known;
use self::roots::{Repository, Roots};
use self::trees::Trees;
use crate::catalog::Amount;

/// The `repo` source.
///
/// ```
/// use odcs_core::{ComposeRequest, ComposeSource};
/// use odcs_core::request::SourceSpec;
/// use odcs_sources::repo::{RepoSettings, RepoSource};
///
/// let source = RepoSource::new(RepoSettings::new(["/usr/share"]))?;
/// let outside = ComposeRequest::new(SourceSpec::Repo("/etc".parse()?));
/// assert!(source.check(&outside).unwrap_err().to_string().contains("/usr/share"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RepoSource {
    roots: Arc<Roots>,
    remote: Option<Remote>,
    settings: Arc<RepoSettings>,
    trees: Arc<Trees>,
}

/// Where the repository of a request is.
enum Located<'a> {
    Here(Repository),
    There(&'a Remote, &'a Url),
}

impl RepoSource {
    /// Opens the roots.
    ///
    /// # Errors
    /// If one of them is not a directory that can be opened.
    pub fn new(settings: RepoSettings) -> Result<Self, RepoError> {
        let roots = Arc::new(Roots::open(&settings.roots, &settings.untrusted_roots)?);
        let settings = Arc::new(settings);
        Ok(Self {
            roots,
            remote: Remote::new(&settings),
            settings,
            trees: Arc::default(),
        })
    }

    /// Finds the repository of a request, without touching the disk or anything else.
    fn locate<'a>(&'a self, request: &'a ComposeRequest) -> Result<Located<'a>> {
        match &request.source {
            SourceSpec::Repo(RepoLocation::Path(path)) => Ok(Located::Here(self.roots.locate(path)?)),
            SourceSpec::Repo(RepoLocation::Url(url)) => {
                Ok(Located::There(self.remote(url.as_str())?, url.url()))
            }
            other => Err(RepoError::new(Reason::OtherSource, other.kind().name()).into()),
        }
    }

    /// What a URL is fetched with.
    fn remote(&self, url: &str) -> Result<&Remote, RepoError> {
        self.remote
            .as_ref()
            .ok_or_else(|| RepoError::new(Reason::Url, url))
    }

    /// Reads a repository as it was pinned.
    async fn read(&self, pins: &Pins, amount: Amount) -> Result<Content> {
        let pins: RepoPins = pins.read()?;
        let content = match &pins {
            RepoPins::Remote {
                url, mirrors, repomd, ..
            } => {
                let remote = self.remote(url.as_str())?;
                remote.content(url, mirrors, repomd, amount).await?
            }
            RepoPins::Repodata { .. } | RepoPins::Directory { .. } => self.read_here(pins, amount).await?,
        };
        if let (Some(remote), Some(updates)) = (&self.remote, &content.updateinfo) {
            remote.keep_updates(updates).await;
        }
        Ok(Content::Packages(content))
    }

    /// Reads a directory as it was pinned.
    async fn read_here(&self, pins: RepoPins, amount: Amount) -> Result<PackageContent> {
        let (repository, settings) = (self.roots.locate(pins.location())?, Arc::clone(&self.settings));
        let (roots, trees) = (Arc::clone(&self.roots), Arc::clone(&self.trees));
        let content = blocking(move || {
            let content = match &pins {
                RepoPins::Directory { listing, .. } => {
                    directory::read(&repository, listing, &settings, &trees, amount)?
                }
                RepoPins::Repodata { repomd, .. } | RepoPins::Remote { repomd, .. } => {
                    metadata::read(&repository, repomd, &settings, amount)?
                }
            };
            Ok(roots.trusting(content))
        });
        content.await
    }
}

#[async_trait]
impl ComposeSource for RepoSource {
    fn kind(&self) -> SourceKind {
        SourceKind::REPO
    }

    fn capability(&self) -> Capability {
        Capability::plain_packages()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        match self.locate(request)? {
            Located::Here(_) => Ok(()),
            Located::There(remote, url) => remote.site(url).map(|_| ()),
        }
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        let pins = match self.locate(request)? {
            Located::There(remote, url) => remote.resolve(url).await?,
            Located::Here(repository) => {
                let (settings, trees) = (Arc::clone(&self.settings), Arc::clone(&self.trees));
                blocking(move || Ok(pins::pin(&repository, &settings, &trees)?)).await?
            }
        };
        let mut fields = ResolvedFields::default();
        // As the reference server records it: the revision stands where a tag has its event.
        fields.koji_event = pins.revision().and_then(|revision| revision.parse().ok());
        Ok(Resolved {
            pins: Pins::new(&pins)?,
            fields,
        })
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        self.read(pins, Amount::Brief).await
    }

    async fn complete_content(&self, pins: &Pins) -> Result<Content> {
        self.read(pins, Amount::Complete).await
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        let mut known = Known::default();
        if let Some(remote) = &self.remote {
            known.packages = remote.replay(manifest).await?;
            if let Some(recorded) = &manifest.updateinfo {
                known.updates = remote.recorded_updates(manifest, recorded).await?;
            }
        }
        let (roots, settings) = (Arc::clone(&self.roots), Arc::clone(&self.settings));
        let (manifest, remote) = (manifest.clone(), self.remote.clone());
        let content = blocking(move || {
            let content = replay::replay(&roots, &manifest, known, &settings)?;
            let content = roots.trusting(content);
            Ok(match &remote {
                Some(remote) => remote.trusting(content),
                None => content,
            })
        });
        Ok(Content::Packages(content.await?))
    }
}
