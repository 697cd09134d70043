//! The bodies of requests.

#![allow(dead_code, reason = "these types describe what others read")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// A compose to be made. What is not known is taken no notice of, but for a warning in the answer.
#[derive(ToSchema)]
pub(super) struct ComposeRequest {
    source: Source,
    /// How many seconds it is kept once it has ended; `seconds-to-live` and a text of digits mean the same.
    /// Cut to the longest time that the server allows.
    #[schema(required = false, minimum = 1, default = 86_400)]
    seconds_to_live: u64,
    /// Flags that change how it is made.
    #[schema(required = false)]
    flags: Vec<Flag>,
    /// What it consists of.
    #[schema(required = false)]
    results: Vec<ComposeResult>,
    /// The arches that it is made for.
    #[schema(required = false, example = json!(["x86_64"]))]
    arches: Vec<String>,
    /// Arches, among `arches`, that have multilib packages.
    #[schema(required = false)]
    multilib_arches: Vec<String>,
    /// How multilib packages are found.
    #[schema(required = false)]
    multilib_method: Vec<MultilibMethod>,
    /// URLs of repositories whose packages count as there, and are left out.
    #[schema(required = false)]
    lookaside_repos: Vec<String>,
    /// The label in the metadata of its tree.
    #[schema(required = false, example = "RC-1.0")]
    label: String,
    /// The type in the metadata of its tree.
    #[schema(required = false)]
    compose_type: ComposeType,
    /// The directory that it goes to, one of the server's by name.
    #[schema(required = false, default = "default")]
    target_dir: String,
    /// The composes that it is built upon.
    #[schema(required = false)]
    parent_pungi_compose_ids: Vec<String>,
    /// The compose that it is a respin of.
    #[schema(required = false)]
    respin_of: String,
}

/// What a compose is made of.
#[derive(ToSchema)]
pub(super) struct Source {
    /// The type; a server may have more than those of the API (see `about`): `tag`, `module`, `repo`, `pulp`,
    /// `raw_config`, `build`, `pungi_compose`.
    #[schema(example = "repo")]
    r#type: String,
    /// By type: the names of Koji tags; modules as `NAME:STREAM[:VERSION[:CONTEXT]]`; the path or URL of a
    /// repository; the names of content sets; the name of a Pungi configuration and a commit as
    /// `NAME#COMMIT`; nothing for builds; the URL of a variant of a compose. Several are parted by spaces.
    /// Only `build`, and `module` with `scratch_modules`, can do without.
    #[schema(required = false, example = "/srv/repo")]
    source: String,
    /// Names of packages, `*` for any characters; without, all packages of the source.
    #[schema(required = false, example = json!(["ed", "line-editor-*"]))]
    packages: Vec<String>,
    /// Koji builds, by name, version and release, that go into it as well; for `build` all that does.
    #[schema(required = false)]
    builds: Vec<String>,
    /// Key ids, in order of preference, that packages must be signed with; an empty text stands for unsigned.
    #[schema(required = false)]
    sigkeys: Sigkeys,
    /// Koji builds that must not be in it: each is replaced by the newest build before it.
    #[schema(required = false)]
    embargo: Embargo,
    /// The Koji event to see tags at; without, the newest.
    #[schema(required = false)]
    koji_event: i64,
    /// Koji tags with modules that go into it.
    #[schema(required = false)]
    modular_koji_tags: Vec<String>,
    /// The URL of a git repository with module defaults; with `module_defaults_commit`.
    #[schema(required = false)]
    module_defaults_url: String,
    /// The commit or branch of `module_defaults_url`.
    #[schema(required = false)]
    module_defaults_commit: String,
    /// Scratch builds of modules, as `NAME:STREAM:VERSION:CONTEXT`.
    #[schema(required = false)]
    scratch_modules: Vec<String>,
    /// Koji tasks whose scratch builds go into it.
    #[schema(required = false)]
    scratch_build_tasks: Vec<String>,
    /// Modules, as `NAME:STREAM:VERSION:CONTEXT`, that go into it as well.
    #[schema(required = false)]
    modules: Vec<String>,
    /// Only modules that are built for this base module, mostly `platform`.
    #[schema(required = false)]
    base_module_br_name: String,
    /// The stream of that base module.
    #[schema(required = false)]
    base_module_br_stream: String,
    /// The highest stream version of that base module.
    #[schema(required = false)]
    base_module_br_stream_version_lte: i64,
    /// The lowest stream version of that base module.
    #[schema(required = false)]
    base_module_br_stream_version_gte: i64,
}

/// Key ids in order of preference; or such a list for each arch, `*` being those that are not named.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Sigkeys {
    All(Vec<String>),
    ByArch(BTreeMap<String, Vec<String>>),
}

/// Builds that are kept out: those with a tag, by its name, or some by name, version and release.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Embargo {
    Tag(String),
    Builds(Vec<String>),
}

/// How to renew a compose. Without `sigkeys`, `label` and `source`, or where they are what they have been, a
/// compose that is done is kept longer; else, and if it has failed or is removed, a new one is made.
#[derive(ToSchema)]
pub(super) struct RenewalRequest {
    /// How many seconds it is kept from now on; `seconds-to-live` and a text of digits mean the same.
    #[schema(required = false, minimum = 1)]
    seconds_to_live: u64,
    /// Other keys, instead of all there are.
    #[schema(required = false)]
    sigkeys: Sigkeys,
    /// Another label.
    #[schema(required = false)]
    label: String,
    #[schema(required = false)]
    source: RenewalSource,
}

/// What of the source is to be another.
#[derive(ToSchema)]
pub(super) struct RenewalSource {
    /// Other Koji builds.
    #[schema(required = false)]
    builds: Vec<String>,
    /// Other modules.
    #[schema(required = false)]
    modules: Vec<String>,
}

/// What changes how a compose is made. Which of them a server knows is in `about`.
///
/// - `no_deps`: the packages that are asked for and nothing that they require.
/// - `no_inheritance`: nothing that the tag inherits.
/// - `include_unpublished_pulp_repos`: Pulp repositories that are not published, too.
/// - `check_deps`: fails if something that a package requires is missing.
/// - `include_done_modules`: modules in the state "done", too.
/// - `ignore_absent_pulp_repos`: content sets that are not there are left out.
/// - `no_reuse`: makes it even if there is an equal one.
/// - `use_only_compatible_arch`: `$basearch` in place of the arch in URLs of Pulp.
/// - `no_label`: does not give it a label.
/// - `check_install`: fails if a package that is asked for cannot be installed.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Flag {
    NoDeps,
    NoInheritance,
    IncludeUnpublishedPulpRepos,
    CheckDeps,
    IncludeDoneModules,
    IgnoreAbsentPulpRepos,
    NoReuse,
    UseOnlyCompatibleArch,
    NoLabel,
    CheckInstall,
}

/// What a compose consists of: repositories, which are always there, ISO images, OSTree repositories, a boot
/// image.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ComposeResult {
    Repository,
    Iso,
    Ostree,
    #[schema(rename = "boot.iso")]
    BootIso,
}

/// How multilib packages are found: `runtime` are those with shared libraries, `devel` those for developers.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum MultilibMethod {
    None,
    Runtime,
    Devel,
    All,
}

/// The type in the metadata of a tree.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ComposeType {
    Test,
    Nightly,
    Ci,
    Production,
}
