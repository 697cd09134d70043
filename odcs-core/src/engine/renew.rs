//! Keeping a compose longer, or making it once more.

use super::Engine;
use crate::compose::{Compose, ComposeId, ComposeState, Requested};
use crate::request::{
    ComposeRequest, KojiEvent, Lifetime, RawConfigKey, Renewal, RespinOf, SourceKind, SourceSpec,
};
use crate::service::Submitted;
use crate::store::NewCompose;
use crate::{Error, ErrorKind, Result};

impl Engine {
    /// Renews a compose. One that is done, and of which nothing else is to be different, is kept longer, and
    /// with it those that share its tree; never shorter than it would have been. For everything else a new
    /// one is made, in the name of whoever asks: as the manifest of the old one says, unless what goes into it
    /// is to be different, or it never had one.
    ///
    /// What counts as different is what did with the reference server: other keys than recorded, a label
    /// that is not empty and not the one it has, and builds or modules other than recorded. An empty list of
    /// builds or modules, where none are recorded, has a new compose made with what the old one had.
    ///
    /// # Errors
    /// `NotFound` for an unknown id and for a compose that has not ended; `Invalid` for what this server cannot
    /// make (any more).
    pub async fn renew(&self, id: ComposeId, renewal: Renewal, by: &str) -> Result<Submitted> {
        let parts = &self.parts;
        let now = parts.clock.now();
        let record = parts.store.get(id).await?;
        let compose = record
            .filter(|compose| !compose.state.is_unfinished())
            .ok_or_else(|| nothing_to_renew(id))?;
        let change = Change::of(&compose, &renewal);
        let lifetime = self.renewed_lifetime(&compose, &renewal);
        if compose.state == ComposeState::Done && change == Change::Nothing {
            match parts.store.extend(id, now.plus(lifetime.duration())).await {
                Ok(compose) => {
                    tracing::info!(compose = %id, by, until = %compose.times.expires, "kept longer");
                    return Ok(Submitted {
                        compose,
                        warnings: Vec::new(),
                    });
                }
                // It has been removed meanwhile.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        let Renewed { request, requested } = self.renewed(&compose, &renewal)?;
        let warnings = self.check(&request)?;
        let manifest = match change {
            Change::Nothing | Change::Copy => parts.store.manifest(id).await?,
            Change::Content => None,
        };
        let new = NewCompose {
            owner: by.to_owned(),
            request,
            requested,
            renews: manifest.is_some().then_some(id),
            pungi_config_dump: compose.pungi_config_dump,
            submitted: now,
            lifetime,
        };
        let compose = parts.store.insert(new).await?;
        parts.observer.compose_submitted(compose.requested.source_type);
        tracing::info!(compose = %compose.id, renewed = %id, by, "submitted");
        parts.submitted.notify_one();
        Ok(Submitted { compose, warnings })
    }

    /// What would have been asked for if a compose were asked for anew, as it is to be renewed.
    ///
    /// # Errors
    /// `Invalid` for a record that was taken over from elsewhere and holds what nobody may ask for.
    pub(super) fn renewed(&self, old: &Compose, renewal: &Renewal) -> Result<Renewed> {
        let mut requested = old.requested.clone();
        let mut request = match &old.request {
            Some(request) => request.clone(),
            None => requested.to_request()?,
        };
        // Resolving has told versions; the same packages are wanted again.
        if request.source.to_string() != requested.source {
            request.source = match request.source {
                SourceSpec::Custom { kind, .. } => SourceSpec::Custom {
                    kind,
                    source: requested.source.clone(),
                },
                _ => requested.to_request()?.source,
            };
        }
        // For a repository, the number is the revision of its metadata, and nobody can ask for that.
        let source = self.parts.sources.get(&request.source.kind());
        if source.is_ok_and(|source| source.capability().koji_event) {
            let event = requested.koji_event.map(KojiEvent::try_from);
            request.koji_event = event.transpose()?;
        }
        let respin_of: Option<RespinOf> = old.pungi_compose_id.as_deref().and_then(|id| id.parse().ok());
        requested.respin_of = respin_of.as_ref().map(ToString::to_string);
        request.respin_of = respin_of;
        request.lifetime = Some(self.renewed_lifetime(old, renewal));
        apply(renewal, &mut request, &mut requested);
        Ok(Renewed { request, requested })
    }

    fn renewed_lifetime(&self, old: &Compose, renewal: &Renewal) -> Lifetime {
        let key = raw_config_key(&old.requested);
        self.parts.settings.lifetime(renewal.lifetime, key.as_ref())
    }
}

/// A compose as it would be asked for once more.
#[derive(Debug)]
pub(super) struct Renewed {
    pub(super) request: ComposeRequest,
    requested: Requested,
}

/// What is to be different about a compose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Change {
    Nothing,
    /// Nothing about its packages: the same ones under another label.
    Copy,
    /// Other packages, or other copies of them.
    Content,
}

impl Change {
    fn of(compose: &Compose, renewal: &Renewal) -> Self {
        let recorded = &compose.requested;
        let sigkeys = renewal.sigkeys.as_deref().map(words);
        // Recorded as no list and as an empty one: the same to the engine, and two composes to clients.
        let of_arches = compose.request.as_ref().map(|request| &request.arch_sigkeys);
        let same_arches = of_arches.map_or(renewal.arch_sigkeys.is_empty(), |of_arches| {
            *of_arches == renewal.arch_sigkeys
        });
        let keys = match sigkeys {
            Some(_) if !same_arches => Self::Content,
            Some(asked) if recorded.sigkeys.as_deref().unwrap_or_default() != asked => Self::Content,
            Some(_) if recorded.sigkeys.is_none() => Self::Copy,
            _ => Self::Nothing,
        };
        let label = renewal.label.as_ref().map(|label| label.as_str());
        let label = match label.filter(|label| !label.is_empty()) {
            label if label.is_some() && label != recorded.label.as_deref() => Self::Copy,
            _ => Self::Nothing,
        };
        let builds = Self::of_list(renewal.builds.as_deref(), recorded.builds.as_deref());
        let modules = Self::of_list(renewal.modules.as_deref(), recorded.modules.as_deref());
        keys.max(label).max(builds).max(modules)
    }

    /// An empty list takes nothing away.
    fn of_list<T: ToString>(asked: Option<&[T]>, recorded: Option<&str>) -> Self {
        match asked.map(|list| words(list)) {
            Some(asked) if Some(&*asked) == recorded => Self::Nothing,
            Some(asked) if asked.is_empty() => Self::Copy,
            Some(_) => Self::Content,
            None => Self::Nothing,
        }
    }
}

fn apply(renewal: &Renewal, request: &mut ComposeRequest, requested: &mut Requested) {
    if let Some(sigkeys) = &renewal.sigkeys {
        requested.sigkeys = Some(words(sigkeys));
        request.sigkeys = Some(sigkeys.clone());
        request.arch_sigkeys.clone_from(&renewal.arch_sigkeys);
    }
    if let Some(builds) = renewal.builds.as_ref().filter(|builds| !builds.is_empty()) {
        requested.builds = Some(words(builds));
        request.builds = Some(builds.clone());
    }
    if let Some(modules) = renewal.modules.as_ref().filter(|modules| !modules.is_empty()) {
        requested.modules = Some(words(modules));
        request.modules = Some(modules.clone());
    }
    if let Some(label) = renewal.label.as_ref().filter(|label| !label.as_str().is_empty()) {
        requested.label = Some(label.to_string());
        request.label = Some(label.clone());
    }
}

/// From the words of the record: one that was taken over from elsewhere may have no others.
fn raw_config_key(requested: &Requested) -> Option<RawConfigKey> {
    let is_raw = requested.source_type == i64::from(SourceKind::RAW_CONFIG.number());
    let key = requested.source.split('#').next().filter(|_| is_raw);
    key.and_then(|key| key.parse().ok())
}

fn words<T: ToString>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

fn nothing_to_renew(id: ComposeId) -> Error {
    let message =
        format!("there is no compose {id} that is done, removed or failed; no other can be renewed");
    Error::new(ErrorKind::NotFound, "renew compose", id.to_string(), message)
}
