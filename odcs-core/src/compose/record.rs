//! The record of a compose.

use serde::{Deserialize, Serialize};

use super::{ComposeId, ComposeState};
use crate::Result;
use crate::request::{ComposeRequest, ComposeResults, Flags, Lifetime, parse};
use crate::source::Pins;
use crate::time::Timestamp;

/// The record of a compose: kept for ever, also when its tree is long gone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Compose {
    /// Its id.
    pub id: ComposeId,
    /// Who asked for it.
    pub owner: String,
    /// Its state.
    pub state: ComposeState,
    /// Why it is in this state, as a sentence.
    pub state_reason: Option<String>,
    /// When what happened.
    pub times: Times,
    /// How long it is kept once it has ended.
    pub lifetime: Lifetime,
    /// Who removed or cancelled it.
    pub removed_by: Option<String>,
    /// The compose whose tree this one uses.
    pub reused_id: Option<ComposeId>,
    /// The Koji task that made it, where one did.
    pub koji_task_id: Option<i64>,
    /// Its id in the metadata of the tree: `odcs-1-1-20261121.t.0`.
    pub pungi_compose_id: Option<String>,
    /// The Pungi configuration that it was made with.
    #[serde(default)]
    pub pungi_config_dump: Option<String>,
    /// What was asked for, in the words of the public record.
    pub requested: Requested,
    /// What was asked for, as types; `None` for records taken over from elsewhere.
    #[serde(skip)]
    pub request: Option<ComposeRequest>,
    /// What resolving pinned; `None` before.
    #[serde(skip)]
    pub pins: Option<Pins>,
    /// The compose that this one is to be the same as: it is made as that one's manifest says.
    #[serde(default)]
    pub renews: Option<ComposeId>,
}

impl Compose {
    /// The request as resolving has left it: what it rewrote in the words of the record counts, the rest is as it was
    /// asked for. The source, which finds all of that out, is told what was asked for.
    ///
    /// # Errors
    /// `Invalid` for words that nobody may ask for.
    pub fn resolved_request(&self) -> Result<Option<ComposeRequest>> {
        let request = self.request.clone();
        request
            .map(|request| parse::as_recorded(request, &self.requested))
            .transpose()
    }
}

/// When what happened to a compose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Asked for.
    pub submitted: Timestamp,
    /// Taken up by a worker.
    pub started: Option<Timestamp>,
    /// Done or failed.
    pub done: Option<Timestamp>,
    /// Removed.
    pub removed: Option<Timestamp>,
    /// When it is to be removed.
    pub expires: Timestamp,
}

/// What was asked for, as the public record writes it: lists parted by spaces, absent ones `None`.
///
/// These are texts on purpose. Records outlive the rules they were made under and are taken over from
/// other servers; nothing is ever made from them, [`Compose::request`] is what the engine works with.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// Number of the source type.
    pub source_type: i64,
    /// The source; resolving may rewrite it.
    pub source: String,
    /// Packages asked for.
    pub packages: Option<String>,
    /// Builds asked for.
    pub builds: Option<String>,
    /// Keys in order of preference; a leading or trailing space stands for "unsigned".
    pub sigkeys: Option<String>,
    /// Koji event asked for or pinned; for a repository the revision of its metadata.
    pub koji_event: Option<i64>,
    /// Koji tags with modules.
    pub modular_koji_tags: Option<String>,
    /// URL and commit of module defaults, parted by a space.
    pub module_defaults_url: Option<String>,
    /// Scratch modules.
    pub scratch_modules: Option<String>,
    /// Tasks with scratch builds.
    pub scratch_build_tasks: Option<String>,
    /// Modules to include.
    pub modules: Option<String>,
    /// Base module: its name.
    pub base_module_br_name: Option<String>,
    /// Base module: its stream.
    pub base_module_br_stream: Option<String>,
    /// Base module: highest stream version.
    pub base_module_br_stream_version_lte: Option<i64>,
    /// Base module: lowest stream version.
    pub base_module_br_stream_version_gte: Option<i64>,
    /// Flags.
    pub flags: Flags,
    /// Results.
    pub results: ComposeResults,
    /// Arches.
    pub arches: String,
    /// Arches with multilib packages.
    pub multilib_arches: String,
    /// Bits: runtime 1, devel 2, all 4.
    pub multilib_method: i64,
    /// Lookaside repositories.
    pub lookaside_repos: String,
    /// Label.
    pub label: Option<String>,
    /// Compose type.
    pub compose_type: Option<String>,
    /// Name of the target directory.
    pub target_dir: String,
    /// Composes this one is built upon.
    pub parent_pungi_compose_ids: Option<String>,
    /// Compose this one is a respin of.
    pub respin_of: Option<String>,
}

impl Requested {
    /// The request that a record speaks of, for records that were taken over from elsewhere.
    ///
    /// # Errors
    /// `Invalid`, naming the field, if the record holds what nobody may ask for (any more).
    pub fn to_request(&self) -> Result<ComposeRequest> {
        parse::recorded_request(self)
    }

    /// The public words for a request. `request.arches` must have been filled in by then.
    pub fn from_request(request: &ComposeRequest) -> Self {
        let defaults = request.module_defaults.as_ref();
        Self {
            source_type: request.source.kind().number().into(),
            source: request.source.to_string(),
            packages: request.packages.as_deref().map(words),
            builds: request.builds.as_deref().map(words),
            sigkeys: Some(words(request.sigkeys())),
            koji_event: request.koji_event.map(Into::into),
            modular_koji_tags: request.modular_koji_tags.as_deref().map(words),
            module_defaults_url: defaults.map(|defaults| format!("{} {}", defaults.url, defaults.commit)),
            scratch_modules: request.scratch_modules.as_deref().map(words),
            scratch_build_tasks: request.scratch_build_tasks.as_deref().map(words),
            modules: request.modules.as_deref().map(words),
            base_module_br_name: request.base_module.name.as_ref().map(ToString::to_string),
            base_module_br_stream: request.base_module.stream.as_ref().map(ToString::to_string),
            base_module_br_stream_version_lte: request.base_module.stream_version_lte,
            base_module_br_stream_version_gte: request.base_module.stream_version_gte,
            flags: request.flags,
            results: request.results,
            arches: words(&request.arches),
            multilib_arches: words(&request.multilib_arches),
            multilib_method: request.multilib_methods.bits().into(),
            lookaside_repos: words(&request.lookaside_repos),
            label: request.label.as_ref().map(ToString::to_string),
            compose_type: Some(request.compose_type.to_string()),
            target_dir: request.target_dir.to_string(),
            parent_pungi_compose_ids: request.parent_pungi_compose_ids.as_deref().map(words),
            respin_of: request.respin_of.as_ref().map(ToString::to_string),
        }
    }
}

fn words<T: ToString>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}
