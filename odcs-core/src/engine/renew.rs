//! Keeping a compose longer, or making it once more.

use super::Engine;
use crate::compose::{Compose, ComposeId, ComposeState, Requested};
use crate::request::{ComposeRequest, Lifetime, Renewal, RespinOf};
use crate::service::Submitted;
use crate::store::NewCompose;
use crate::time::Timestamp;
use crate::{Error, ErrorKind, Result};

impl Engine {
    /// Renews a compose. One that is done, and of which nothing else is to be different, is kept longer, and
    /// with it those that share its tree; never shorter than it would have been. For everything else a new
    /// one is made, in the name of whoever asks: as the manifest of the old one says, unless what goes into it
    /// is to be different, or it never had one.
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
        let lifetime = renewal.lifetime.unwrap_or(parts.settings.default_lifetime);
        let lifetime = lifetime.min(parts.settings.maximum_lifetime);
        if compose.state == ComposeState::Done && change == Change::Nothing {
            match parts.store.extend(id, now.plus(lifetime.duration()), now).await {
                Ok(compose) => {
                    tracing::info!(compose = %id, by, until = %compose.times.expires, "kept longer");
                    return Ok(Submitted {
                        compose,
                        warnings: Vec::new(),
                    });
                }
                // It has expired meanwhile.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        let (new, warnings) = self
            .once_more(compose, renewal, change, lifetime, by, now)
            .await?;
        let compose = parts.store.insert(new).await?;
        parts.observer.compose_submitted(compose.requested.source_type);
        tracing::info!(compose = %compose.id, renewed = %id, by, "submitted");
        parts.submitted.notify_one();
        Ok(Submitted { compose, warnings })
    }

    async fn once_more(
        &self,
        old: Compose,
        renewal: Renewal,
        change: Change,
        lifetime: Lifetime,
        by: &str,
        now: Timestamp,
    ) -> Result<(NewCompose, Vec<String>)> {
        let mut request = match old.request {
            Some(request) => request,
            None => old.requested.to_request()?,
        };
        let mut requested = old.requested;
        let respin_of: Option<RespinOf> = old.pungi_compose_id.as_deref().and_then(|id| id.parse().ok());
        request.lifetime = Some(lifetime);
        request.respin_of.clone_from(&respin_of);
        apply(renewal, &mut request, &mut requested);
        requested.respin_of = respin_of.map(|id| id.to_string());
        let warnings = self.check(&request)?;
        let manifest = match change {
            Change::Nothing | Change::Label => self.parts.store.manifest(old.id).await?,
            Change::Content => None,
        };
        let new = NewCompose {
            owner: by.to_owned(),
            request,
            requested,
            renews: manifest.is_some().then_some(old.id),
            pungi_config_dump: old.pungi_config_dump,
            submitted: now,
            lifetime,
        };
        Ok((new, warnings))
    }
}

/// What is to be different about a compose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Change {
    Nothing,
    /// The same packages under another label.
    Label,
    /// Other packages, or other copies of them.
    Content,
}

impl Change {
    fn of(compose: &Compose, renewal: &Renewal) -> Self {
        let recorded = &compose.requested;
        let content = [
            (renewal.sigkeys.as_deref().map(words), &recorded.sigkeys),
            (renewal.builds.as_deref().map(words), &recorded.builds),
            (renewal.modules.as_deref().map(words), &recorded.modules),
        ];
        let mut content = content.into_iter();
        if content.any(|(asked, recorded)| asked.is_some() && asked != *recorded) {
            return Self::Content;
        }
        let label = renewal.label.as_ref().map(ToString::to_string);
        match label.filter(|label| !label.is_empty()) {
            label if label.is_some() && label != recorded.label => Self::Label,
            _ => Self::Nothing,
        }
    }
}

fn apply(renewal: Renewal, request: &mut ComposeRequest, requested: &mut Requested) {
    if let Some(sigkeys) = renewal.sigkeys {
        requested.sigkeys = Some(words(&sigkeys));
        request.sigkeys = Some(sigkeys);
    }
    if let Some(builds) = renewal.builds {
        requested.builds = Some(words(&builds));
        request.builds = Some(builds);
    }
    if let Some(modules) = renewal.modules {
        requested.modules = Some(words(&modules));
        request.modules = Some(modules);
    }
    if let Some(label) = renewal.label.filter(|label| !label.as_str().is_empty()) {
        requested.label = Some(label.to_string());
        request.label = Some(label);
    }
}

fn words<T: ToString>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

fn nothing_to_renew(id: ComposeId) -> Error {
    let message =
        format!("there is no compose {id} that is done, removed or failed; no other can be renewed");
    Error::new(ErrorKind::NotFound, "renew compose", id.to_string(), message)
}
