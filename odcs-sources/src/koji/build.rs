//! The `build` source.

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::request::{ComposeRequest, SourceKind, SourceSpec};
use odcs_core::source::{Candidate, Capability, Content, Pins, Resolved};
use odcs_core::{ComposeSource, Manifest, Result};
use odcs_rpm::Digest;

use super::Koji;
use super::error::KojiSourceError;
use crate::catalog::Amount;

/// Packages of exactly the Koji builds that are asked for, and of scratch builds.
#[derive(Clone, Debug)]
pub struct BuildSource(Koji);

impl BuildSource {
    /// Builds of a hub.
    pub fn new(koji: Koji) -> Self {
        Self(koji)
    }
}

fn check(request: &ComposeRequest) -> Result<()> {
    let is_empty = |count: Option<usize>| count.is_none_or(|count| count == 0);
    match &request.source {
        SourceSpec::Build(_)
            if is_empty(request.builds.as_ref().map(Vec::len))
                && is_empty(request.scratch_build_tasks.as_ref().map(Vec::len)) =>
        {
            Err(KojiSourceError::NoBuilds.into())
        }
        SourceSpec::Build(_) => Ok(()),
        other => Err(KojiSourceError::OtherSource(other.kind().name().to_owned()).into()),
    }
}

#[async_trait]
impl ComposeSource for BuildSource {
    fn kind(&self) -> SourceKind {
        SourceKind::BUILD
    }

    fn capability(&self) -> Capability {
        super::capability()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        check(request)
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        check(request)?;
        self.0.resolve(request, &[]).await
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        let content = self.0.content(&pins.read()?, Amount::Brief).await?;
        Ok(Content::Packages(content))
    }

    async fn complete_content(&self, pins: &Pins) -> Result<Content> {
        let content = self.0.content(&pins.read()?, Amount::Complete).await?;
        Ok(Content::Packages(content))
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        Ok(Content::Packages(self.0.replay(manifest).await?))
    }

    async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        self.0.checksums(chosen).await
    }
}
