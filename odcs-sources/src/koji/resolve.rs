//! From a request to what a compose goes by.

use std::collections::BTreeSet;

use odcs_core::request::{ComposeRequest, Embargo, Flag, KojiEvent, KojiTag, Nvr};
use odcs_core::source::{Pins, Resolved, ResolvedFields};
use odcs_core::{Error, Result};
use odcs_rpm::PackagePattern;

use super::Koji;
use super::client::{Build, BuildId, BuildRef, BuildState, EventId, TaggedBuilds};
use super::copies::Policies;
use super::error::{BuildFault, KojiSourceError};
use super::pins::KojiPins;

impl Koji {
    /// Pins the event, and makes sure that everything is there that was asked for.
    ///
    /// # Errors
    /// Those of the hub; `NotFound` and `Invalid` as [`KojiSourceError`] says.
    pub(super) async fn resolve(&self, request: &ComposeRequest, tags: &[KojiTag]) -> Result<Resolved> {
        let asked_for = request.koji_event.filter(|_| !tags.is_empty());
        let event = self.event(asked_for).await?;
        for tag in tags {
            self.check_tag(tag, event, asked_for.is_some()).await?;
        }
        let asked = request.builds.as_deref().unwrap_or_default();
        let mut builds = self.usable_builds(asked).await?;
        // Only tags have other builds to take instead, and a past.
        let embargoed = match &request.embargo {
            Some(embargo) if !tags.is_empty() => self.embargoed(embargo).await?,
            _ => Vec::new(),
        };
        let conflicting: Vec<Nvr> = builds
            .iter()
            .zip(asked)
            .filter(|(build, _)| embargoed.contains(build))
            .map(|(_, nvr)| nvr.clone())
            .collect();
        if !conflicting.is_empty() {
            return Err(KojiSourceError::Embargoed(conflicting).into());
        }
        // Asked for twice is asked for.
        let mut seen = BTreeSet::new();
        builds.retain(|build| seen.insert(*build));
        let tasks = request.scratch_build_tasks.as_deref().unwrap_or_default();
        let no_deps = request.flags.contains(Flag::NoDeps);
        let pins = KojiPins {
            event,
            tags: tags.to_vec(),
            inherit: !request.flags.contains(Flag::NoInheritance),
            builds,
            embargoed,
            scratch: self.scratch_files(tasks).await?,
            arches: request.arches.clone(),
            only: request
                .packages
                .clone()
                .filter(|packages| no_deps && !packages.is_empty()),
            asked: literal_names(request),
            listed: None,
            no_deps,
            description: description(request, tags),
            signatures: Policies::new(request.arches.iter().map(|arch| match request.sigkeys_for(arch) {
                [] => self.settings.keys.as_slice(),
                asked => asked,
            })),
        };
        let pins = self.pin_listed(pins).await?;
        let mut fields = ResolvedFields::default();
        if !tags.is_empty() {
            fields.koji_event = Some(event.0);
        }
        Ok(Resolved {
            pins: Pins::new(&pins)?,
            fields,
        })
    }

    /// The event that was asked for, or the last one. A hub takes one that is yet to come for now: that would be
    /// another compose tomorrow.
    async fn event(&self, asked_for: Option<KojiEvent>) -> Result<EventId> {
        let last = self.hub.last_event().await?.id;
        match asked_for.map(|event| EventId(event.number())) {
            Some(event) if event > last => Err(KojiSourceError::FutureEvent {
                event: event.0,
                last: last.0,
                hub: self.hub.server().to_owned(),
            }
            .into()),
            Some(event) => Ok(event),
            None => Ok(last),
        }
    }

    async fn check_tag(&self, tag: &KojiTag, event: EventId, was_given: bool) -> Result<()> {
        if self.hub.tag(tag.as_str(), Some(event)).await?.is_some() {
            return Ok(());
        }
        let is_there_now = was_given && self.hub.tag(tag.as_str(), None).await?.is_some();
        let tag = tag.clone();
        Err(if is_there_now {
            let event = event.0;
            KojiSourceError::TagNotYet { tag, event }
        } else {
            let hub = self.hub.server().to_owned();
            KojiSourceError::UnknownTag { tag, hub }
        }
        .into())
    }

    /// The builds that were asked for by name.
    pub(super) async fn usable_builds(&self, asked: &[Nvr]) -> Result<Vec<BuildId>> {
        let found = self.builds_by_name(asked).await?;
        let (mut usable, mut faulty) = (Vec::new(), Vec::new());
        for (nvr, build) in asked.iter().zip(found) {
            match fault_of(build.as_ref()) {
                None => usable.extend(build.map(|build| build.id)),
                Some(fault) => faulty.push((nvr.clone(), fault)),
            }
        }
        if faulty.is_empty() {
            Ok(usable)
        } else {
            Err(KojiSourceError::Builds(faulty).into())
        }
    }

    /// Builds by their names, `None` for those that the hub does not know.
    pub(crate) async fn builds_by_name(&self, asked: &[Nvr]) -> Result<Vec<Option<Build>>> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<BuildRef> = asked.iter().map(|nvr| nvr.as_str().into()).collect();
        let found = self.hub.builds(&names).await?;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }

    /// The builds under embargo: those that were named, or those that are in a tag itself by now, whatever event is looked
    /// at. One that the hub does not know keeps nothing out, and is most likely misspelt.
    async fn embargoed(&self, embargo: &Embargo) -> Result<Vec<BuildId>> {
        match embargo {
            Embargo::Builds(asked) => {
                let (mut found, mut unknown) = (Vec::new(), Vec::new());
                for (nvr, build) in asked.iter().zip(self.builds_by_name(asked).await?) {
                    match build {
                        Some(build) => found.push(build.id),
                        None => unknown.push((nvr.clone(), BuildFault::Unknown)),
                    }
                }
                if !unknown.is_empty() {
                    return Err(in_embargo(KojiSourceError::Builds(unknown).into()));
                }
                Ok(found)
            }
            Embargo::Tag(tag) => {
                let now = self.hub.last_event().await?.id;
                self.check_tag(tag, now, false).await.map_err(in_embargo)?;
                let mut query = TaggedBuilds::new(tag.as_str());
                query.event = Some(now);
                let tagged = self.hub.tagged_builds(&query).await?;
                Ok(tagged.into_iter().map(|tagged| tagged.build.id).collect())
            }
        }
    }
}

/// Why a build cannot be used.
fn fault_of(build: Option<&Build>) -> Option<BuildFault> {
    match build.map(|build| build.state) {
        None => Some(BuildFault::Unknown),
        Some(BuildState::Complete) => None,
        Some(BuildState::Building) => Some(BuildFault::Building),
        Some(BuildState::Deleted) => Some(BuildFault::Deleted),
        Some(BuildState::Failed) => Some(BuildFault::Failed),
        Some(BuildState::Canceled) => Some(BuildFault::Canceled),
        Some(_) => Some(BuildFault::Unusable),
    }
}

/// What is wrong is wrong in another field.
fn in_embargo(error: Error) -> Error {
    let message = error.message().trim_start_matches("\"builds\": ");
    let message = format!("\"embargo\": {message}");
    Error::new(error.kind(), error.operation(), "embargo", message)
        .with_retryable(error.is_retryable())
        .with_source(error)
}

/// Builds that a description names.
const NAMED: usize = 3;

/// What a compose is from.
fn description(request: &ComposeRequest, tags: &[KojiTag]) -> String {
    let mut parts = Vec::new();
    match tags {
        [] => {}
        [tag] => parts.push(format!("the Koji tag {tag}")),
        tags => {
            let names: Vec<_> = tags.iter().map(KojiTag::as_str).collect();
            parts.push(format!("the Koji tags {}", names.join(", ")));
        }
    }
    match request.builds.as_deref().unwrap_or_default() {
        [] => {}
        [build] => parts.push(format!("the Koji build {build}")),
        builds if builds.len() <= NAMED => {
            let names: Vec<_> = builds.iter().map(Nvr::as_str).collect();
            parts.push(format!("the Koji builds {}", names.join(", ")));
        }
        builds => parts.push(format!("{} Koji builds", builds.len())),
    }
    match request.scratch_build_tasks.as_deref().unwrap_or_default() {
        [] => {}
        [task] => parts.push(format!("the scratch build of task {task}")),
        tasks => parts.push(format!("the scratch builds of {} tasks", tasks.len())),
    }
    parts.join(" with ")
}

/// The names that were asked for, without wildcards and exclusions.
fn literal_names(request: &ComposeRequest) -> Vec<PackagePattern> {
    let is_literal = |pattern: &&PackagePattern| {
        !pattern.as_str().starts_with('-') && !pattern.as_str().contains(['*', '?', '['])
    };
    request.packages().iter().filter(is_literal).cloned().collect()
}
