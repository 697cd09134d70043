//! What a compose is made from, pinned and read: its source, and its lookaside repositories.

use std::sync::Arc;

use odcs_rpm::{Digest, Package, TreeArch};
use serde::{Deserialize, Serialize};

use super::Parts;
use crate::manifest::Manifest;
use crate::request::{ComposeRequest, Flag, LookasideRepo, RepoLocation, SourceSpec};
use crate::source::{Candidate, ComposeSource, Content, PackageContent, Pins, Resolved};
use crate::{Error, ErrorKind, Result};

/// The field of requests that lookaside repositories are in.
pub(super) const LOOKASIDE: &str = "lookaside_repos";

/// What a source and lookaside repositories have.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) source: PackageContent,
    pub(super) lookaside: Vec<LookasideContent>,
}

/// What a lookaside repository has.
#[derive(Debug)]
pub(super) struct LookasideContent {
    /// The arches that it is there for.
    pub(super) arches: Vec<TreeArch>,
    pub(super) packages: Vec<Arc<Package>>,
}

/// Everything of a request that packages are read from.
#[derive(Debug)]
pub(super) struct Origins {
    source: Arc<dyn ComposeSource>,
    request: ComposeRequest,
    lookaside: Vec<Lookaside>,
}

/// A lookaside repository: a `repo` source of its own.
#[derive(Debug)]
struct Lookaside {
    source: Arc<dyn ComposeSource>,
    request: ComposeRequest,
    arches: Vec<TreeArch>,
}

/// What is recorded of a request with lookaside repositories; else it is just the pins of the source.
#[derive(Serialize, Deserialize)]
struct AllPins {
    source: Pins,
    lookaside: Vec<Pins>,
}

impl Origins {
    /// Finds out who has the packages of a request. No I/O.
    ///
    /// # Errors
    /// `Invalid`, naming the field, if nobody has.
    pub(super) fn of(parts: &Parts, request: &ComposeRequest) -> Result<Self> {
        let source = Arc::clone(parts.sources.get(&request.source.kind())?);
        let mut lookaside: Vec<Lookaside> = Vec::new();
        for repo in &request.lookaside_repos {
            for arch in &request.arches {
                let spec = SourceSpec::Repo(location(repo, arch)?);
                match lookaside.iter_mut().find(|known| known.request.source == spec) {
                    Some(known) => known.arches.push(arch.clone()),
                    None => lookaside.push(Lookaside::new(parts, spec, arch)?),
                }
            }
        }
        Ok(Self {
            source,
            request: request.clone(),
            lookaside,
        })
    }

    /// Refuses what can never work. No I/O.
    ///
    /// # Errors
    /// As [`ComposeSource::check`].
    pub(super) fn check(&self) -> Result<()> {
        self.source.check(&self.request)?;
        for lookaside in &self.lookaside {
            lookaside.source.check(&lookaside.request).map_err(of_lookaside)?;
        }
        Ok(())
    }

    /// Pins what moves.
    ///
    /// # Errors
    /// As [`ComposeSource::resolve`].
    pub(super) async fn resolve(&self) -> Result<Resolved> {
        let mut resolved = self.source.resolve(&self.request).await?;
        if self.lookaside.is_empty() {
            return Ok(resolved);
        }
        let mut pins = AllPins {
            source: resolved.pins,
            lookaside: Vec::new(),
        };
        for lookaside in &self.lookaside {
            let resolved = lookaside.source.resolve(&lookaside.request).await;
            pins.lookaside.push(resolved.map_err(of_lookaside)?.pins);
        }
        resolved.pins = Pins::new(&pins)?;
        Ok(resolved)
    }

    /// Reads what there is, as pinned.
    ///
    /// # Errors
    /// As [`ComposeSource::content`].
    pub(super) async fn content(&self, pins: &Pins) -> Result<Contents> {
        if self.lookaside.is_empty() {
            let source = if needs_complete_packages(&self.request) {
                complete(&*self.source, pins).await?
            } else {
                let Content::Packages(source) = self.source.content(pins).await?;
                source
            };
            let lookaside = Vec::new();
            return Ok(Contents { source, lookaside });
        }
        let pins: AllPins = pins.read()?;
        if pins.lookaside.len() != self.lookaside.len() {
            let message = "what was pinned of the lookaside repositories does not fit the request";
            return Err(Error::new(ErrorKind::Internal, "read pins", LOOKASIDE, message));
        }
        // A set that one of them has made beforehand knows nothing of the others.
        let source = complete(&*self.source, &pins.source).await?;
        let mut lookaside = Vec::new();
        for (repo, pins) in self.lookaside.iter().zip(&pins.lookaside) {
            let content = complete(&*repo.source, pins).await.map_err(of_lookaside)?;
            lookaside.push(LookasideContent {
                arches: repo.arches.clone(),
                packages: content.candidates.into_iter().map(|it| it.package).collect(),
            });
        }
        Ok(Contents { source, lookaside })
    }

    /// Reads what was in a compose once. Lookaside repositories play no part: nothing is chosen anew.
    ///
    /// # Errors
    /// As [`ComposeSource::replay`].
    pub(super) async fn replay(&self, manifest: &Manifest) -> Result<PackageContent> {
        let Content::Packages(content) = self.source.replay(manifest).await?;
        Ok(content)
    }

    /// The checksums that files must have, as far as the source knows.
    ///
    /// # Errors
    /// As [`ComposeSource::checksums`].
    pub(super) async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        self.source.checksums(chosen).await
    }
}

/// Whether something of the request looks at dependencies or files of packages beyond what a set answers.
fn needs_complete_packages(request: &ComposeRequest) -> bool {
    let checks = [Flag::CheckDeps, Flag::CheckInstall];
    !request.multilib_arches.is_empty() || checks.into_iter().any(|flag| request.flags.contains(flag))
}

/// What a source has, with complete packages.
///
/// # Errors
/// As [`ComposeSource::complete_content`]; `Internal` if they are not complete.
async fn complete(source: &dyn ComposeSource, pins: &Pins) -> Result<PackageContent> {
    let Content::Packages(content) = source.complete_content(pins).await?;
    // Brief packages require nothing: what they need would silently be left out.
    if content.set.is_some() {
        let kind = source.kind();
        let message =
            format!("the source type {kind} did not give complete packages; this is a fault in this program");
        return Err(Error::new(
            ErrorKind::Internal,
            "read source",
            kind.name(),
            message,
        ));
    }
    Ok(content)
}

impl Lookaside {
    fn new(parts: &Parts, spec: SourceSpec, arch: &TreeArch) -> Result<Self> {
        let source = Arc::clone(parts.sources.get(&spec.kind()).map_err(of_lookaside)?);
        let mut request = ComposeRequest::new(spec);
        request.arches = vec![arch.clone()];
        Ok(Self {
            source,
            request,
            arches: vec![arch.clone()],
        })
    }
}

/// Where a lookaside repository is for an arch: a directory of this machine, or a URL.
fn location(repo: &LookasideRepo, arch: &TreeArch) -> Result<RepoLocation> {
    let url = repo.for_arch(arch.as_str()).map_err(of_lookaside)?;
    let text = if url.scheme() == "file" {
        let path = url.to_file_path().ok();
        let path = path.and_then(|path| path.into_os_string().into_string().ok());
        path.ok_or_else(|| {
            let message =
                format!("{repo:?} does not name a directory of this machine; file:///srv/repo would");
            Error::invalid(LOOKASIDE, message)
        })?
    } else {
        url.into()
    };
    text.parse().map_err(of_lookaside)
}

/// What the source of a lookaside repository says is wrong in another field of the request than it knows.
fn of_lookaside(error: Error) -> Error {
    let subject = if error.kind() == ErrorKind::Invalid {
        LOOKASIDE.to_owned()
    } else {
        error.subject().to_owned()
    };
    let message = match error.message().strip_prefix("\"source\": ") {
        Some(message) => format!("\"{LOOKASIDE}\": {message}"),
        None => format!("\"{LOOKASIDE}\": {}", error.message()),
    };
    Error::new(error.kind(), error.operation(), subject, message).with_source(error)
}
