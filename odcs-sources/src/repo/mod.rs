//! Packages from a plain RPM repository: a directory of this machine, below one of the configured
//! roots, with repodata or without.
//!
//! With repodata, `repomd.xml` is pinned by its checksum, and every file of it is verified before it
//! is used. Without, the headers of all RPMs in the directory are read, and their names, sizes and
//! times are pinned.
//!
//! What went into a compose once is taken from where it was; packages that were moved are looked for by their
//! checksums in the repository around them.
//!
//! Some of the roots may be untrusted: what has a package from below one of those says so, also if it was asked for
//! by a link or is one, and also if it was made from there once and is looked for again.

mod config;
mod directory;
mod error;
mod metadata;
mod pins;
mod replay;
mod roots;

pub use config::RepoSettings;
pub use error::RepoError;
pub use pins::RepoPins;

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::request::{ComposeRequest, RepoLocation, SourceKind, SourceSpec};
use odcs_core::source::local::blocking;
use odcs_core::source::{Capability, Content, Pins, Resolved, ResolvedFields};
use odcs_core::{ComposeSource, Manifest, Result};

use self::error::Reason;
use self::roots::{Repository, Roots};

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
    settings: Arc<RepoSettings>,
}

impl RepoSource {
    /// Opens the roots.
    ///
    /// # Errors
    /// If one of them is not a directory that can be opened.
    pub fn new(settings: RepoSettings) -> Result<Self, RepoError> {
        let roots = Arc::new(Roots::open(&settings.roots, &settings.untrusted_roots)?);
        Ok(Self {
            roots,
            settings: Arc::new(settings),
        })
    }

    /// Finds the repository of a request below the roots, without touching the disk.
    fn locate(&self, request: &ComposeRequest) -> Result<Repository, RepoError> {
        match &request.source {
            SourceSpec::Repo(RepoLocation::Path(path)) => self.roots.locate(path),
            SourceSpec::Repo(RepoLocation::Url(url)) => Err(RepoError::new(Reason::Url, url.as_str())),
            other => Err(RepoError::new(Reason::OtherSource, other.kind().name())),
        }
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
        self.locate(request)?;
        Ok(())
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        let (repository, settings) = (self.locate(request)?, Arc::clone(&self.settings));
        let pins = blocking(move || Ok(pins::pin(&repository, &settings)?)).await?;
        let mut fields = ResolvedFields::default();
        // As the reference server records it: the revision stands where a tag has its event.
        fields.koji_event = pins.revision().and_then(|revision| revision.parse().ok());
        Ok(Resolved {
            pins: Pins::new(&pins)?,
            fields,
        })
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        let pins: RepoPins = pins.read()?;
        let (repository, settings) = (self.roots.locate(pins.path())?, Arc::clone(&self.settings));
        let roots = Arc::clone(&self.roots);
        let content = blocking(move || {
            let content = match &pins {
                RepoPins::Repodata { repomd, .. } => metadata::read(&repository, repomd, &settings)?,
                RepoPins::Directory { listing, .. } => directory::read(&repository, listing, &settings)?,
            };
            Ok(roots.trusting(content))
        });
        Ok(Content::Packages(content.await?))
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        let (roots, settings) = (Arc::clone(&self.roots), Arc::clone(&self.settings));
        let manifest = manifest.clone();
        let content = blocking(move || {
            let content = replay::replay(&roots, &manifest, &settings)?;
            Ok(roots.trusting(content))
        });
        Ok(Content::Packages(content.await?))
    }
}
