//! Taking a request: what can never work is refused here, the rest is recorded.

use async_trait::async_trait;
use odcs_rpm::TreeArch;

use super::Engine;
use crate::compose::{Compose, ComposeId, ComposeState, Requested};
use crate::manifest::Manifest;
use crate::request::{ComposeRequest, Flag, Flags, Renewal, SourceKind, parse};
use crate::service::{About, ComposeService, Readiness, Submitted};
use crate::store::{Filter, NewCompose, Page, Query};
use crate::{Error, Result};

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
        if request.arches.is_empty() {
            request.arches = settings.default_arches.clone();
        }
        let warnings = self.check(&request)?;
        let lifetime = request
            .lifetime
            .unwrap_or(settings.default_lifetime)
            .min(settings.maximum_lifetime);
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

    /// The flags that do something here: those that the engine handles for all sources, and those that a
    /// source that is installed knows.
    fn flags(&self) -> Flags {
        let check_deps = self
            .parts
            .builder
            .capability()
            .check_deps
            .then_some(Flag::CheckDeps);
        let engine = [Flag::NoDeps, Flag::NoReuse].into_iter().chain(check_deps);
        let sources = self.parts.sources.capabilities();
        let sources = sources.flat_map(|capability| capability.flags);
        engine.chain(sources).collect()
    }

    /// Refuses what this server cannot make. Anything that would change the content of the compose and
    /// cannot be honoured is refused, never dropped; what merely has no meaning for the source becomes
    /// a warning.
    pub(super) fn check(&self, request: &ComposeRequest) -> Result<Vec<String>> {
        let kind = request.source.kind();
        let source = self.parts.sources.get(&kind)?;
        let capability = source.capability();
        let refuse = |field: &str, what: &str| {
            Err(Error::invalid(
                field,
                format!("{field:?}: this server cannot make composes {what}"),
            ))
        };
        let targets = &self.parts.links;
        if !targets.targets().any(|name| name == request.target_dir.as_str()) {
            let known: Vec<_> = targets.targets().collect();
            return Err(Error::invalid(
                "target_dir",
                format!(
                    "unknown \"target_dir\" {:?}; there is {}",
                    request.target_dir.as_str(),
                    known.join(", ")
                ),
            ));
        }
        let makes = self.parts.builder.capability();
        if let Some(result) = request
            .results
            .iter()
            .find(|result| !makes.results.contains(*result))
        {
            return refuse("results", &format!("with a {result}"));
        }
        if request.flags.contains(Flag::CheckDeps) && !makes.check_deps {
            return refuse("flags", "with the flag check_deps");
        }
        if !makes.multilib && !request.multilib_arches.is_empty() && request.multilib_methods.bits() != 0 {
            return refuse("multilib_arches", "with multilib packages");
        }
        if !makes.lookaside && !request.lookaside_repos.is_empty() {
            return refuse("lookaside_repos", "with lookaside repositories");
        }
        if !makes.module_defaults && request.module_defaults.is_some() {
            return refuse("module_defaults_url", "with module defaults");
        }
        let modular = [&request.modules, &request.scratch_modules];
        if !makes.modules && modular.into_iter().flatten().any(|list| !list.is_empty()) {
            return refuse("modules", "with modules");
        }
        if !capability.builds {
            let none = |list: &Option<Vec<_>>| list.as_ref().is_none_or(Vec::is_empty);
            let no_tasks = request.scratch_build_tasks.as_ref().is_none_or(Vec::is_empty);
            if !none(&request.builds) || !no_tasks {
                return refuse("builds", &format!("of source type {kind} with Koji builds added"));
            }
        }
        if !capability.packages && !request.packages().is_empty() {
            return refuse(
                "packages",
                &format!("of source type {kind} with single packages chosen"),
            );
        }
        if !capability.sigkeys && !request.sigkeys().is_empty() {
            return refuse(
                "sigkeys",
                &format!("of source type {kind} with signatures chosen"),
            );
        }
        source.check(request)?;
        let mut warnings = Vec::new();
        if request.koji_event.is_some() && !capability.koji_event {
            warnings.push(format!("\"koji_event\" means nothing to source type {kind}"));
        }
        Ok(warnings)
    }
}

#[async_trait]
impl ComposeService for Engine {
    async fn submit(&self, body: &[u8], owner: &str) -> Result<Submitted> {
        let custom: Vec<_> = self
            .parts
            .sources
            .kinds()
            .filter(|kind| !SourceKind::BUILTIN.contains(kind))
            .collect();
        let body = parse::body_from_bytes(body, BODY_DEPTH)?;
        let parsed = parse::compose_request(&body, &custom)?;
        let mut submitted = Self::submit(self, parsed.request, owner).await?;
        submitted.warnings.splice(..0, parsed.warnings);
        Ok(submitted)
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

    async fn renew(&self, id: ComposeId, body: &[u8], by: &str) -> Result<Submitted> {
        if body.is_empty() {
            return Self::renew(self, id, Renewal::default(), by).await;
        }
        let body = parse::body_from_bytes(body, BODY_DEPTH)?;
        let parsed = parse::renewal_request(&body)?;
        let mut renewed = Self::renew(self, id, parsed.request, by).await?;
        renewed.warnings.splice(..0, parsed.warnings);
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
