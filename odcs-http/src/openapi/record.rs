//! The public record of a compose.

#![allow(dead_code, reason = "these types describe what others write")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::requests::Embargo;

/// The public record of a compose. Lists in it are texts, parted by spaces. `null` stands for what was not
/// said, or is not known (yet).
#[derive(ToSchema)]
pub(super) struct ComposeRecord {
    /// The keys of arches that have their own, in the form of `sigkeys`; missing if there are none.
    #[schema(nullable = false)]
    arch_sigkeys: Option<BTreeMap<String, String>>,
    /// The arches it is made for.
    #[schema(example = "x86_64 s390x")]
    arches: String,
    /// The name of the base module that modules must be built for, mostly `platform`.
    #[schema(required)]
    base_module_br_name: Option<String>,
    /// The stream of that base module.
    #[schema(required)]
    base_module_br_stream: Option<String>,
    /// The lowest stream version of that base module.
    #[schema(required)]
    base_module_br_stream_version_gte: Option<i64>,
    /// The highest stream version of that base module.
    #[schema(required)]
    base_module_br_stream_version_lte: Option<i64>,
    /// Koji builds in it besides the source, by name, version and release.
    #[schema(required)]
    builds: Option<String>,
    /// Its type in the metadata of the tree.
    #[schema(required, example = "test")]
    compose_type: Option<String>,
    /// Koji builds that are kept out of it; missing if there are none.
    #[schema(nullable = false)]
    embargo: Option<Embargo>,
    /// The flags that it is made with; see the request.
    flags: Vec<String>,
    /// Its id; never given twice.
    #[schema(minimum = 1)]
    id: i64,
    /// The Koji event it is made at; for a repository the revision of its metadata.
    #[schema(required)]
    koji_event: Option<i64>,
    /// The Koji task that made it, where one did.
    #[schema(required)]
    koji_task_id: Option<i64>,
    /// Its label in the metadata of the tree.
    #[schema(required, example = "RC-1.0")]
    label: Option<String>,
    /// Repositories whose packages count as there, and are left out.
    lookaside_repos: String,
    /// Koji tags with modules that go into it.
    #[schema(required)]
    modular_koji_tags: Option<String>,
    /// The URL and the commit of module defaults.
    #[schema(required)]
    module_defaults_url: Option<String>,
    /// Modules that go into it besides the source.
    #[schema(required)]
    modules: Option<String>,
    /// The arches that have multilib packages.
    multilib_arches: String,
    /// How multilib packages are found, the sum of 1 (runtime), 2 (devel) and 4 (all).
    #[schema(minimum = 0, maximum = 7)]
    multilib_method: i64,
    /// Who asked for it.
    owner: String,
    /// The packages that were asked for.
    #[schema(required)]
    packages: Option<String>,
    /// The composes that it is built upon.
    #[schema(required)]
    parent_pungi_compose_ids: Option<String>,
    /// Its id in the metadata of the tree, once it is done.
    #[schema(required, example = "odcs-1-1-20261121.t.0")]
    pungi_compose_id: Option<String>,
    /// The configuration of Pungi, where it made the compose. Only in the answer for a single compose.
    pungi_config_dump: Option<String>,
    /// Who deleted it.
    #[schema(required)]
    removed_by: Option<String>,
    /// The compose that it is a respin of.
    #[schema(required)]
    respin_of: Option<String>,
    /// The directory above the repositories of each arch.
    result_repo: String,
    /// The `.repo` file for dnf.
    result_repofile: String,
    /// What it consists of.
    #[schema(example = json!(["repository"]))]
    results: Vec<String>,
    /// Koji tasks whose scratch builds go into it.
    #[schema(required)]
    scratch_build_tasks: Option<String>,
    /// Scratch builds of modules that go into it.
    #[schema(required)]
    scratch_modules: Option<String>,
    /// The keys that packages are signed with, in order of preference; nothing before or after a space
    /// stands for unsigned packages.
    sigkeys: String,
    /// What it is made of, in the words of its source type.
    source: String,
    /// The type of its source: tag 1, module 2, repo 3, pulp 4, raw_config 5, build 6, pungi_compose 7; types
    /// that a server has besides are 100 and up.
    #[schema(minimum = 1)]
    source_type: i64,
    /// Its state: wait 0, generating 1, done 2, removed 3, failed 4.
    #[schema(minimum = 0, maximum = 4)]
    state: i64,
    /// Its state by name.
    state_name: StateName,
    /// Why it is in this state, a sentence.
    #[schema(required)]
    state_reason: Option<String>,
    /// The directory that it goes to, one of the server's by name.
    target_dir: String,
    /// When it was done, or failed.
    #[schema(required, format = DateTime)]
    time_done: Option<String>,
    /// When it was removed.
    #[schema(required, format = DateTime)]
    time_removed: Option<String>,
    /// When a worker took it up.
    #[schema(required, format = DateTime)]
    time_started: Option<String>,
    /// When it was asked for; in UTC and in whole seconds, as all times.
    #[schema(format = DateTime, example = "2026-11-21T12:00:00Z")]
    time_submitted: String,
    /// When it is going to be removed.
    #[schema(format = DateTime)]
    time_to_expire: String,
    /// The top of its tree.
    toplevel_url: String,
}

/// The state of a compose.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum StateName {
    Wait,
    Generating,
    Done,
    Removed,
    Failed,
}
