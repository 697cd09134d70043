//! Sources of all seven types, a builder of everything, no files. Nothing is ever built.

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::build::{Abandoned, BuilderCapability};
use odcs_core::files::{ComposeFiles, OpenedPath, RelativePath};
use odcs_core::request::{ComposeResult, Flag, RepoLocation, SourceKind, SourceSpec};
use odcs_core::source::{Capability, Content, Pins, Resolved};
use odcs_core::{
    Compose, ComposeBuilder, ComposeRequest, ComposeSource, Error, ErrorKind, Job, Manifest, Progress,
    Result, Staged,
};

fn nothing() -> Error {
    Error::new(ErrorKind::Internal, "test", "test", "nothing is built here")
}

/// A source of a type, as far as requests go.
#[derive(Debug)]
pub struct StubSource(pub SourceKind);

#[async_trait]
impl ComposeSource for StubSource {
    fn kind(&self) -> SourceKind {
        self.0.clone()
    }

    /// A Pungi configuration and content sets say themselves which packages there are; only Koji has builds
    /// and events.
    fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        let is = |kinds: &[SourceKind]| kinds.contains(&self.0);
        let koji = is(&[SourceKind::TAG, SourceKind::MODULE, SourceKind::BUILD]);
        let chooses = koji || is(&[SourceKind::REPO, SourceKind::PUNGI_COMPOSE]);
        capability.packages = chooses;
        capability.sigkeys = chooses;
        capability.builds = koji;
        capability.scratch_build_tasks = koji;
        capability.koji_event = koji || is(&[SourceKind::RAW_CONFIG]);
        capability.flags = Flag::ALL.to_vec();
        capability
    }

    /// Directories of the machine are taken below certain roots, as by the source of the program.
    fn check(&self, request: &ComposeRequest) -> Result<()> {
        match &request.source {
            SourceSpec::Repo(RepoLocation::Path(path))
                if !["/srv/", "/path/"].iter().any(|root| path.starts_with(root)) =>
            {
                Err(Error::invalid("source", format!("{path} is not below a root")))
            }
            _ => Ok(()),
        }
    }

    async fn resolve(&self, _: &ComposeRequest) -> Result<Resolved> {
        Err(nothing())
    }

    async fn content(&self, _: &Pins) -> Result<Content> {
        Err(nothing())
    }

    async fn replay(&self, _: &Manifest) -> Result<Content> {
        Err(nothing())
    }
}

#[derive(Debug)]
pub struct StubBuilder;

#[async_trait]
impl ComposeBuilder for StubBuilder {
    fn name(&self) -> &'static str {
        "stub"
    }

    fn capability(&self) -> BuilderCapability {
        let mut capability = BuilderCapability::default();
        capability.results = ComposeResult::ALL.into_iter().collect();
        capability.check_deps = true;
        capability.multilib = true;
        capability.lookaside = true;
        capability.module_defaults = true;
        capability.modules = true;
        capability
    }

    async fn begin(&self, _: &Compose) -> Result<Arc<dyn Progress>> {
        Err(nothing())
    }

    async fn stage(&self, _: Job, _: Arc<dyn Progress>) -> Result<Box<dyn Staged>> {
        Err(nothing())
    }

    async fn is_published(&self, _: &Compose) -> Result<bool> {
        Err(nothing())
    }

    async fn abandon(&self, _: &Abandoned) -> Result<()> {
        Err(nothing())
    }
}

#[derive(Debug)]
pub struct NoFiles;

impl ComposeFiles for NoFiles {
    fn open(&self, _: Option<&RelativePath>) -> Result<OpenedPath> {
        Err(Error::new(
            ErrorKind::NotFound,
            "open",
            "file",
            "there are no files",
        ))
    }
}
