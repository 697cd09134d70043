//! The `tag` source.

use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::request::{ComposeRequest, Flag, KojiTag, SourceKind, SourceSpec};
use odcs_core::source::{Candidate, Capability, Content, Pins, Resolved};
use odcs_core::{ComposeSource, Manifest, Result};
use odcs_rpm::Digest;

use super::Koji;
use super::error::KojiSourceError;
use crate::catalog::Amount;

/// Packages of one or several Koji tags, in order of preference: the first tag that has a package decides which build
/// of it is taken, the one that was tagged last. Builds that are asked for by themselves take the place of those.
#[derive(Clone, Debug)]
pub struct TagSource(Koji);

impl TagSource {
    /// Tags of a hub.
    pub fn new(koji: Koji) -> Self {
        Self(koji)
    }
}

fn tags_of(request: &ComposeRequest) -> Result<&[KojiTag]> {
    match &request.source {
        SourceSpec::Tag(tags) => Ok(tags),
        other => Err(KojiSourceError::OtherSource(other.kind().name().to_owned()).into()),
    }
}

#[async_trait]
impl ComposeSource for TagSource {
    fn kind(&self) -> SourceKind {
        SourceKind::TAG
    }

    fn capability(&self) -> Capability {
        let mut capability = super::capability();
        capability.koji_event = true;
        capability.embargo = true;
        capability.flags = vec![Flag::NoInheritance];
        capability
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        tags_of(request).map(|_| ())
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        self.0.resolve(request, tags_of(request)?).await
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
