//! Taking a request: what can never work is refused here, the rest is recorded.

use async_trait::async_trait;
use odcs_rpm::TreeArch;

use super::Engine;
use crate::Result;
use crate::compose::{Compose, ComposeId, ComposeState, Requested};
use crate::manifest::Manifest;
use crate::request::parse::{self, Parsed};
use crate::request::{ComposeRequest, Flag, Flags, Renewal, SourceKind};
use crate::service::{About, ComposeService, Preview, Readiness, Submitted};
use crate::store::{Filter, NewCompose, Page, Query};

/// Levels of lists and objects in a request; the API needs three.
const BODY_DEPTH: usize = 16;

impl Engine {
    /// Checks a request and records it in the name of its owner.
    ///
    /// # Errors
    /// `Invalid`, naming the field, for what can never work on this server; what the store says if it
    /// cannot be recorded.
    pub async fn submit(&self, mut request: ComposeRequest, owner: &str) -> Result<Submitted> {
        let settings = &self.parts.settings;
        self.complete(&mut request);
        let warnings = self.check(&request)?;
        let lifetime = settings.lifetime(request.lifetime, request.source.raw_config_key());
        let new = NewCompose {
            owner: owner.to_owned(),
            requested: Requested::from_request(&request),
            request,
            renews: None,
            pungi_config_dump: None,
            submitted: self.parts.clock.now(),
            lifetime,
        };
        let compose = self.parts.store.insert(new).await?;
        tracing::info!(compose = %compose.id, owner, source = %compose.requested.source, "submitted");
        self.parts
            .observer
            .compose_submitted(compose.requested.source_type);
        self.parts.submitted.notify_one();
        Ok(Submitted { compose, warnings })
    }

    /// Fills in what a request leaves to the server.
    pub(super) fn complete(&self, request: &mut ComposeRequest) {
        if request.arches.is_empty() {
            request.arches.clone_from(&self.parts.settings.default_arches);
        }
    }

    /// The flags that do something here: those that the engine handles for all sources, and those that a
    /// source that is installed knows.
    fn flags(&self) -> Flags {
        let makes = self.parts.builder.capability();
        let checks = [
            (Flag::CheckDeps, makes.check_deps),
            (Flag::CheckInstall, makes.check_install),
        ];
        let checks = checks
            .into_iter()
            .filter_map(|(flag, is_made)| is_made.then_some(flag));
        let engine = [Flag::NoDeps, Flag::NoReuse].into_iter().chain(checks);
        let sources = self.parts.sources.capabilities();
        let sources = sources.flat_map(|capability| capability.flags);
        engine.chain(sources).collect()
    }
}

#[async_trait]
impl ComposeService for Engine {
    fn read_request(&self, body: &[u8]) -> Result<Parsed<ComposeRequest>> {
        let kinds = self.parts.sources.kinds();
        let custom: Vec<_> = kinds.filter(|kind| !SourceKind::BUILTIN.contains(kind)).collect();
        let body = parse::body_from_bytes(body, BODY_DEPTH)?;
        let mut parsed = parse::compose_request(&body, &custom)?;
        self.complete(&mut parsed.request);
        self.check(&parsed.request)?;
        Ok(parsed)
    }

    async fn submit(&self, request: Parsed<ComposeRequest>, owner: &str) -> Result<Submitted> {
        let mut submitted = Self::submit(self, request.request, owner).await?;
        submitted.warnings.splice(..0, request.warnings);
        Ok(submitted)
    }

    async fn preview(&self, request: Parsed<ComposeRequest>) -> Result<Preview> {
        let mut preview = Self::preview(self, request.request).await?;
        preview.warnings.splice(..0, request.warnings);
        Ok(preview)
    }

    async fn get(&self, id: ComposeId) -> Result<Option<Compose>> {
        self.parts.store.get(id).await
    }

    async fn find(&self, query: &Query) -> Result<Page> {
        // Types of the API are filtered by number only, as clients know it; the number of a type from outside is
        // known to this server alone.
        let mut query = query.clone();
        for (_, wanted) in query
            .filters
            .iter_mut()
            .filter(|(filter, _)| *filter == Filter::SourceType)
        {
            let named = self.parts.sources.kinds().find(|kind| kind.name() == wanted);
            if let Some(kind) = named.filter(|kind| !SourceKind::BUILTIN.contains(kind)) {
                *wanted = kind.number().to_string();
            }
        }
        self.parts.store.find(&query).await
    }

    fn read_renewal(&self, body: &[u8]) -> Result<Parsed<Renewal>> {
        if body.is_empty() {
            let (request, warnings) = (Renewal::default(), Vec::new());
            return Ok(Parsed { request, warnings });
        }
        let body = parse::body_from_bytes(body, BODY_DEPTH)?;
        parse::renewal_request(&body)
    }

    fn renewed_request(&self, compose: &Compose, renewal: &Renewal) -> Option<ComposeRequest> {
        let renewed = self.renewed(compose, renewal);
        renewed.ok().map(|renewed| renewed.request)
    }

    async fn renew(&self, id: ComposeId, renewal: Parsed<Renewal>, by: &str) -> Result<Submitted> {
        let mut renewed = Self::renew(self, id, renewal.request, by).await?;
        renewed.warnings.splice(..0, renewal.warnings);
        Ok(renewed)
    }

    async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>> {
        self.parts.store.manifest(id).await
    }

    async fn delete(&self, id: ComposeId, by: &str) -> Result<Compose> {
        Self::delete(self, id, by).await
    }

    fn about(&self) -> About {
        About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source_types: self.parts.sources.kinds().collect(),
            flags: self.flags(),
            results: self.parts.builder.capability().results,
            arches: TreeArch::all().collect(),
        }
    }

    async fn ready(&self) -> Readiness {
        self.readiness().await
    }

    async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>> {
        self.parts.store.counts().await
    }
}
