//! The bodies of requests.

#![allow(dead_code, reason = "these types describe what others read")]

use utoipa::ToSchema;

/// A compose to be made. What is not known is taken no notice of, but for a warning in the answer.
#[derive(ToSchema)]
pub(super) struct ComposeRequest {
    source: Source,
    /// How many seconds it is kept once it has ended; `seconds-to-live` and a text of digits mean the same.
    /// Cut to the longest time that the server allows.
    #[schema(minimum = 1, default = 86_400)]
    seconds_to_live: Option<u64>,
    /// Flags that change how it is made.
    flags: Option<Vec<Flag>>,
    /// What it consists of.
    results: Option<Vec<ComposeResult>>,
    /// The arches that it is made for.
    #[schema(example = json!(["x86_64"]))]
    arches: Option<Vec<String>>,
    /// Arches, among `arches`, that have multilib packages.
    multilib_arches: Option<Vec<String>>,
    /// How multilib packages are found.
    multilib_method: Option<Vec<MultilibMethod>>,
    /// URLs of repositories whose packages count as there, and are left out.
    lookaside_repos: Option<Vec<String>>,
    /// The label in the metadata of its tree.
    #[schema(example = "RC-1.0")]
    label: Option<String>,
    /// The type in the metadata of its tree.
    compose_type: Option<ComposeType>,
    /// The directory that it goes to, one of the server's by name.
    #[schema(default = "default")]
    target_dir: Option<String>,
    /// The composes that it is built upon.
    parent_pungi_compose_ids: Option<Vec<String>>,
    /// The compose that it is a respin of.
    respin_of: Option<String>,
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
    #[schema(example = "/srv/repo")]
    source: Option<String>,
    /// Names of packages, `*` for any characters; without, all packages of the source.
    #[schema(example = json!(["ed", "line-editor-*"]))]
    packages: Option<Vec<String>>,
    /// Koji builds, by name, version and release, that go into it as well; for `build` all that does.
    builds: Option<Vec<String>>,
    /// Key ids, in order of preference, that packages must be signed with; an empty text stands for unsigned.
    sigkeys: Option<Vec<String>>,
    /// The Koji event to see tags at; without, the newest.
    koji_event: Option<i64>,
    /// Koji tags with modules that go into it.
    modular_koji_tags: Option<Vec<String>>,
    /// The URL of a git repository with module defaults; with `module_defaults_commit`.
    module_defaults_url: Option<String>,
    /// The commit or branch of `module_defaults_url`.
    module_defaults_commit: Option<String>,
    /// Scratch builds of modules, as `NAME:STREAM:VERSION:CONTEXT`.
    scratch_modules: Option<Vec<String>>,
    /// Koji tasks whose scratch builds go into it.
    scratch_build_tasks: Option<Vec<String>>,
    /// Modules, as `NAME:STREAM:VERSION:CONTEXT`, that go into it as well.
    modules: Option<Vec<String>>,
    /// Only modules that are built for this base module, mostly `platform`.
    base_module_br_name: Option<String>,
    /// The stream of that base module.
    base_module_br_stream: Option<String>,
    /// The highest stream version of that base module.
    base_module_br_stream_version_lte: Option<i64>,
    /// The lowest stream version of that base module.
    base_module_br_stream_version_gte: Option<i64>,
}

/// How to renew a compose. Without `sigkeys`, `label` and `source`, or where they are what they have been, a
/// compose that is done is kept longer; else, and if it has failed or is removed, a new one is made.
#[derive(ToSchema)]
pub(super) struct RenewalRequest {
    /// How many seconds it is kept from now on; `seconds-to-live` and a text of digits mean the same.
    #[schema(minimum = 1)]
    seconds_to_live: Option<u64>,
    /// Other keys.
    sigkeys: Option<Vec<String>>,
    /// Another label.
    label: Option<String>,
    source: Option<RenewalSource>,
}

/// What of the source is to be another.
#[derive(ToSchema)]
pub(super) struct RenewalSource {
    /// Other Koji builds.
    builds: Option<Vec<String>>,
    /// Other modules.
    modules: Option<Vec<String>>,
}

/// What changes how a compose is made. Which of them a server knows is in `about`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Flag {
    /// The packages that are asked for and nothing that they require.
    NoDeps,
    /// Nothing that the tag inherits.
    NoInheritance,
    /// Pulp repositories that are not published, too.
    IncludeUnpublishedPulpRepos,
    /// Fails if something that a package requires is missing.
    CheckDeps,
    /// Modules in the state "done", too.
    IncludeDoneModules,
    /// Content sets that are not there are left out.
    IgnoreAbsentPulpRepos,
    /// Makes it even if there is an equal one.
    NoReuse,
    /// `$basearch` in place of the arch in URLs of Pulp.
    UseOnlyCompatibleArch,
    /// Does not give it a label.
    NoLabel,
}

/// What a compose consists of.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ComposeResult {
    /// Repositories; always there.
    Repository,
    /// ISO images.
    Iso,
    /// OSTree repositories.
    Ostree,
    /// A boot image.
    #[schema(rename = "boot.iso")]
    BootIso,
}

/// How multilib packages are found.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum MultilibMethod {
    /// There are none.
    None,
    /// Packages with shared libraries.
    Runtime,
    /// Packages for developers.
    Devel,
    /// All packages.
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
