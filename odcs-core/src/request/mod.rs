//! What somebody asks for: every field of the API, as types that cannot be wrong.
//!
//! [`parse::compose_request`] turns a JSON body into a [`ComposeRequest`]; from there on nothing of a
//! request is a raw string any more.

mod fields;
mod flags;
mod lifetime;
pub mod parse;
mod renewal;
mod source;

pub use fields::{
    BaseModule, ComposeLabel, ComposeType, Embargo, GitReference, KeyOrUnsigned, KojiEvent, KojiTag,
    LookasideRepo, ModuleDefaults, ModulePart, ModuleSpec, MultilibMethods, Nsvc, Nvr, PungiComposeId,
    RequestedKey, RespinOf, SpelledUrl, TargetDirName, TaskId,
};
pub use flags::{ComposeResult, ComposeResults, Flag, Flags};
pub use lifetime::Lifetime;
pub use renewal::Renewal;
pub use source::{ContentSet, RawConfigKey, RepoLocation, SourceKind, SourceSpec, SourceWord};

use std::collections::BTreeMap;

use odcs_rpm::{PackagePattern, TreeArch};
use serde::{Deserialize, Serialize};

/// A request for a compose.
///
/// Lists that may be absent are `Option`: the public record tells an absent list (`null`) from an
/// empty one (`""`); to the engine both mean the same.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ComposeRequest {
    /// Where the packages come from.
    pub source: SourceSpec,
    /// The packages asked for, names or globs; none means all that the source has.
    pub packages: Option<Vec<PackagePattern>>,
    /// Koji builds, added to those of the source.
    pub builds: Option<Vec<Nvr>>,
    /// Signing keys in order of preference, as they were asked for; empty means that signatures do not matter.
    /// [`KeyOrUnsigned::Unsigned`] comes last wherever it stands.
    pub sigkeys: Option<Vec<KeyOrUnsigned>>,
    /// The same for some of the arches, which have their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arch_sigkeys: BTreeMap<TreeArch, Vec<KeyOrUnsigned>>,
    /// Builds that must not be in the compose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embargo: Option<Embargo>,
    /// The point in Koji's history to look at.
    pub koji_event: Option<KojiEvent>,
    /// Koji tags to take modules from.
    pub modular_koji_tags: Option<Vec<KojiTag>>,
    /// Where module defaults are.
    pub module_defaults: Option<ModuleDefaults>,
    /// Scratch modules to include.
    pub scratch_modules: Option<Vec<Nsvc>>,
    /// Koji tasks with scratch builds to include.
    pub scratch_build_tasks: Option<Vec<TaskId>>,
    /// Modules to include.
    pub modules: Option<Vec<Nsvc>>,
    /// Which base module the modules asked for must have been built against.
    pub base_module: BaseModule,
    /// How long the compose is to be kept; the default of the service without it.
    pub lifetime: Option<Lifetime>,
    /// Flags that change how the compose is made.
    pub flags: Flags,
    /// What is made besides a repository.
    pub results: ComposeResults,
    /// The arches to make it for; the default of the service if empty.
    pub arches: Vec<TreeArch>,
    /// Those of the arches that get multilib packages.
    pub multilib_arches: Vec<TreeArch>,
    /// How multilib packages are told.
    pub multilib_methods: MultilibMethods,
    /// Repositories whose packages satisfy dependencies and stay out of the compose.
    pub lookaside_repos: Vec<LookasideRepo>,
    /// A label such as `RC-1.0`; the outer `Option` tells whether there was one.
    pub label: Option<ComposeLabel>,
    /// Test, nightly, production, …
    pub compose_type: ComposeType,
    /// Where the compose is to be put.
    pub target_dir: TargetDirName,
    /// Ids of the composes that this one is built upon.
    pub parent_pungi_compose_ids: Option<Vec<PungiComposeId>>,
    /// Id of the compose that this one is a respin of.
    pub respin_of: Option<RespinOf>,
}

impl ComposeRequest {
    /// A request for all packages of a source, everything else as it is by default.
    pub fn new(source: SourceSpec) -> Self {
        Self {
            source,
            packages: None,
            builds: None,
            sigkeys: None,
            arch_sigkeys: BTreeMap::new(),
            embargo: None,
            koji_event: None,
            modular_koji_tags: None,
            module_defaults: None,
            scratch_modules: None,
            scratch_build_tasks: None,
            modules: None,
            base_module: BaseModule::default(),
            lifetime: None,
            flags: Flags::default(),
            results: ComposeResults::default(),
            arches: Vec::new(),
            multilib_arches: Vec::new(),
            multilib_methods: MultilibMethods::default(),
            lookaside_repos: Vec::new(),
            label: None,
            compose_type: ComposeType::default(),
            target_dir: TargetDirName::default(),
            parent_pungi_compose_ids: None,
            respin_of: None,
        }
    }

    /// The packages asked for; empty means all.
    pub fn packages(&self) -> &[PackagePattern] {
        self.packages.as_deref().unwrap_or_default()
    }

    /// The signing keys asked for, in order of preference, for arches that have none of their own.
    pub fn sigkeys(&self) -> &[KeyOrUnsigned] {
        self.sigkeys.as_deref().unwrap_or_default()
    }

    /// The signing keys asked for, in order of preference, for an arch; empty means that signatures do not matter.
    pub fn sigkeys_for(&self, arch: &TreeArch) -> &[KeyOrUnsigned] {
        let own = self.arch_sigkeys.get(arch);
        own.map_or_else(|| self.sigkeys(), Vec::as_slice)
    }
}
