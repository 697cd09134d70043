//! A compose as the world sees it: the JSON of the REST API and of messages.

use std::collections::BTreeMap;

use odcs_rpm::TreeArch;
use serde::Serialize;
use url::Url;

use super::Compose;
use crate::request::{Embargo, KeyOrUnsigned, KojiTag, Nvr, SourceKind, TargetDirName};
use crate::time::Timestamp;

/// The URLs under which composes are published, for each target directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Links {
    base: String,
    targets: BTreeMap<String, Option<String>>,
}

impl Links {
    /// Links of the default target directory, which start with this URL.
    pub fn new(public_url: &Url) -> Self {
        Self {
            base: without_slash(public_url),
            targets: BTreeMap::new(),
        }
    }

    /// Adds another target directory. Without a URL of its own, the links of its composes are empty.
    #[must_use]
    pub fn with_target(mut self, name: &TargetDirName, public_url: Option<&Url>) -> Self {
        self.targets
            .insert(name.to_string(), public_url.map(without_slash));
        self
    }

    /// The URL that all links of the default target directory start with, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The URL that all links of a target directory start with, without a slash at the end; `None` if it has
    /// none, or is not known (any more).
    pub fn base_of(&self, target_dir: &str) -> Option<&str> {
        match self.targets.get(target_dir) {
            Some(base) => base.as_deref(),
            None => (target_dir == TargetDirName::DEFAULT).then_some(&self.base),
        }
    }

    /// The names of the target directories there are, the default one first.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(TargetDirName::DEFAULT).chain(self.targets.keys().map(String::as_str))
    }

    /// The compose's top directory; empty if nothing leads there. A compose that reuses another links to that
    /// one's tree.
    pub fn toplevel(&self, compose: &Compose) -> String {
        match self.base_of(&compose.requested.target_dir) {
            Some(base) => format!("{base}/{}", compose.reused_id.unwrap_or(compose.id).name()),
            None => String::new(),
        }
    }

    /// The directory above the repositories of each arch; empty where a Pungi configuration decides which
    /// repositories there are.
    pub fn result_repo(&self, compose: &Compose) -> String {
        if compose.requested.source_type == i64::from(SourceKind::RAW_CONFIG.number()) {
            return String::new();
        }
        match self.toplevel(compose) {
            top if top.is_empty() => top,
            top => format!("{top}/compose/Temporary"),
        }
    }

    /// The `.repo` file.
    pub fn result_repofile(&self, compose: &Compose) -> String {
        match self.result_repo(compose) {
            repo if repo.is_empty() => repo,
            repo => format!("{repo}/{}.repo", compose.reused_id.unwrap_or(compose.id).name()),
        }
    }
}

fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Builds that are kept out of a compose: those of a tag, or these.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the names say it")]
pub enum EmbargoView {
    Tag(KojiTag),
    Builds(Vec<Nvr>),
}

impl EmbargoView {
    fn of(embargo: &Embargo) -> Self {
        match embargo {
            Embargo::Tag(tag) => Self::Tag(tag.clone()),
            Embargo::Builds(builds) => Self::Builds(builds.clone()),
        }
    }
}

fn keys_of((arch, keys): (&TreeArch, &Vec<KeyOrUnsigned>)) -> (TreeArch, String) {
    let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
    (arch.clone(), keys.join(" "))
}

/// The public record of a compose. Fields are in alphabetical order, as clients have always got them;
/// names and types are frozen on `/api/1`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields are those of the API, documented there and on `Requested`"
)]
pub struct ComposeView {
    /// Keys of arches that have their own, in the words of `sigkeys`. Only where there are any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub arch_sigkeys: BTreeMap<TreeArch, String>,
    pub arches: String,
    pub base_module_br_name: Option<String>,
    pub base_module_br_stream: Option<String>,
    pub base_module_br_stream_version_gte: Option<i64>,
    pub base_module_br_stream_version_lte: Option<i64>,
    pub builds: Option<String>,
    pub compose_type: Option<String>,
    /// Builds that are kept out of it, as they were asked for. Only where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embargo: Option<EmbargoView>,
    pub flags: Vec<&'static str>,
    pub id: i64,
    pub koji_event: Option<i64>,
    pub koji_task_id: Option<i64>,
    pub label: Option<String>,
    pub lookaside_repos: String,
    pub modular_koji_tags: Option<String>,
    pub module_defaults_url: Option<String>,
    pub modules: Option<String>,
    pub multilib_arches: String,
    pub multilib_method: i64,
    pub owner: String,
    pub packages: Option<String>,
    pub parent_pungi_compose_ids: Option<String>,
    pub pungi_compose_id: Option<String>,
    /// Only in the answer for a single compose; `Some(None)` is written as `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pungi_config_dump: Option<Option<String>>,
    pub removed_by: Option<String>,
    pub respin_of: Option<String>,
    pub result_repo: String,
    pub result_repofile: String,
    pub results: Vec<&'static str>,
    pub scratch_build_tasks: Option<String>,
    pub scratch_modules: Option<String>,
    pub sigkeys: String,
    pub source: String,
    pub source_type: i64,
    pub state: i64,
    pub state_name: &'static str,
    pub state_reason: Option<String>,
    pub target_dir: String,
    pub time_done: Option<Timestamp>,
    pub time_removed: Option<Timestamp>,
    pub time_started: Option<Timestamp>,
    pub time_submitted: Timestamp,
    pub time_to_expire: Timestamp,
    pub toplevel_url: String,
}

impl ComposeView {
    /// The public form of a record, as lists and answers to POST have it.
    pub fn new(compose: &Compose, links: &Links) -> Self {
        let requested = compose.requested.clone();
        // Additions of this service: no record from elsewhere has them.
        let request = compose.request.as_ref();
        let arch_sigkeys = request.map(|request| &request.arch_sigkeys);
        Self {
            arch_sigkeys: arch_sigkeys.into_iter().flatten().map(keys_of).collect(),
            arches: requested.arches,
            base_module_br_name: requested.base_module_br_name,
            base_module_br_stream: requested.base_module_br_stream,
            base_module_br_stream_version_gte: requested.base_module_br_stream_version_gte,
            base_module_br_stream_version_lte: requested.base_module_br_stream_version_lte,
            builds: requested.builds,
            compose_type: requested.compose_type,
            embargo: request
                .and_then(|request| request.embargo.as_ref())
                .map(EmbargoView::of),
            flags: requested.flags.iter().map(|flag| flag.as_str()).collect(),
            id: compose.id.number(),
            koji_event: requested.koji_event,
            koji_task_id: compose.koji_task_id,
            label: requested.label,
            lookaside_repos: requested.lookaside_repos,
            modular_koji_tags: requested.modular_koji_tags,
            module_defaults_url: requested.module_defaults_url,
            modules: requested.modules,
            multilib_arches: requested.multilib_arches,
            multilib_method: requested.multilib_method,
            owner: compose.owner.clone(),
            packages: requested.packages,
            parent_pungi_compose_ids: requested.parent_pungi_compose_ids,
            pungi_compose_id: compose.pungi_compose_id.clone(),
            pungi_config_dump: None,
            removed_by: compose.removed_by.clone(),
            respin_of: requested.respin_of,
            result_repo: links.result_repo(compose),
            result_repofile: links.result_repofile(compose),
            results: requested.results.iter().map(|result| result.as_str()).collect(),
            scratch_build_tasks: requested.scratch_build_tasks,
            scratch_modules: requested.scratch_modules,
            sigkeys: requested.sigkeys.unwrap_or_default(),
            source: requested.source,
            source_type: requested.source_type,
            state: compose.state.number(),
            state_name: compose.state.name(),
            state_reason: compose.state_reason.clone(),
            target_dir: requested.target_dir,
            time_done: compose.times.done,
            time_removed: compose.times.removed,
            time_started: compose.times.started,
            time_submitted: compose.times.submitted,
            time_to_expire: compose.times.expires,
            toplevel_url: links.toplevel(compose),
        }
    }

    /// The public form of a single compose.
    #[must_use]
    pub fn in_full(mut self, compose: &Compose) -> Self {
        self.pungi_config_dump = Some(compose.pungi_config_dump.clone());
        self
    }
}
