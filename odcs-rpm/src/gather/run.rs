//! The loop: packages asked for, and then whatever they bring, until nothing is added.

use std::collections::BTreeSet;
use std::mem::take;

use super::companions::Companions;
use super::decided::Decided;
use super::fulltree::Fulltree;
use super::index::Index;
use super::pattern::Wanted;
use super::resolve::{Domain, Watched};
use super::result::{Flag, Flags, Gathered};
use super::set::PackageSet;
use super::table::{Column, IdSet, PackageId, RequirementId};
use super::view::View;
use super::{Options, Request};
use crate::multilib::Method;
use crate::{PackageKind, PackagePattern};

/// Gathers the packages of one tree.
///
/// Nothing found for a pattern or a requirement is no error, but listed in the result.
pub fn gather(set: &PackageSet, request: &Request, options: &Options) -> Gathered {
    let patterns: &[PackagePattern] = match request {
        Request::Everything => &[],
        Request::Packages(patterns) => patterns,
    };
    let wanted: Vec<Wanted<'_>> = patterns.iter().map(|p| Wanted::parse(p.as_str())).collect();
    let mut run = Run::new(set, options, View::new(set, options, &wanted));
    let unmatched = match request {
        Request::Everything => {
            run.add_everything();
            Vec::new()
        }
        Request::Packages(patterns) => run.add_wanted(patterns, &wanted),
    };
    run.prepopulate();
    run.complete();
    run.finish(unmatched)
}

/// A gather under way.
pub(super) struct Run<'a> {
    pub(super) set: &'a PackageSet,
    pub(super) index: &'a Index,
    pub(super) options: &'a Options,
    pub(super) view: View<'a>,
    is_member: IdSet<PackageId>,
    pub(super) members: Vec<(PackageId, Cause<'a>)>,
    pub(super) flags: Column<PackageId, Flags>,
    /// What each step has still to look at.
    pub(super) queues: Queues,
    pub(super) decided: Decided,
    pub(super) watched: Vec<Watched>,
    pub(super) broken: BTreeSet<(PackageId, RequirementId)>,
    pub(super) companions: Companions<'a>,
    pub(super) fulltree: Fulltree,
}

/// Members that a step has not seen yet, for each step.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) conditional: Vec<PackageId>,
    binary_dependencies: Vec<PackageId>,
    build_dependencies: Vec<PackageId>,
    pub(super) sources: Vec<PackageId>,
    pub(super) debug: Vec<PackageId>,
    debug_dependencies: Vec<PackageId>,
    pub(super) fulltree: Vec<PackageId>,
    pub(super) langpacks: Vec<PackageId>,
    pub(super) multilib: Vec<PackageId>,
}

/// Why a package is a member.
#[derive(Clone, Copy)]
pub(super) enum Cause<'a> {
    Asked(&'a PackagePattern),
    Everything,
    Prepopulated,
    Brought { by: PackageId, link: Link<'a> },
}

/// For what one package brings another.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Link<'a> {
    Requires(RequirementId),
    BuildRequires(RequirementId),
    Conditional,
    SourceOf,
    DebugOf,
    Fulltree,
    Langpack,
    Whitelist(&'a PackagePattern),
    Method(Method),
}

impl Link<'_> {
    /// The requirement that is met.
    pub(super) fn requirement(self) -> Option<RequirementId> {
        match self {
            Self::Requires(id) | Self::BuildRequires(id) => Some(id),
            _ => None,
        }
    }
}

impl<'a> Run<'a> {
    fn new(set: &'a PackageSet, options: &'a Options, view: View<'a>) -> Self {
        Self {
            set,
            index: set.index(),
            options,
            view,
            is_member: IdSet::new(set.len()),
            members: Vec::new(),
            flags: std::iter::repeat_n(Flags::default(), set.len()).collect(),
            queues: Queues::default(),
            decided: Decided::new(set.index().requirements.len()),
            watched: Vec::new(),
            broken: BTreeSet::new(),
            companions: Companions::new(options),
            fulltree: Fulltree::default(),
        }
    }

    pub(super) fn is_member(&self, id: PackageId) -> bool {
        self.is_member.contains(id)
    }

    pub(super) fn flag(&mut self, id: PackageId, flag: Flag) {
        if let Some(flags) = self.flags.get_mut(id) {
            flags.set(flag);
        }
    }

    /// Makes a package a member. Returns whether it is new.
    pub(super) fn add(&mut self, id: PackageId, cause: Cause<'a>) -> bool {
        let Some(entry) = self.set.entry(id) else {
            return false;
        };
        if !self.is_member.insert(id) {
            return false;
        }
        self.members.push((id, cause));
        if entry.origin.is_lookaside() {
            self.flag(id, Flag::Lookaside);
        }
        // Also without fulltree. Debug packages that only belong to another one are passed over.
        let is_companion = matches!(
            cause,
            Cause::Brought {
                link: Link::SourceOf | Link::DebugOf,
                ..
            }
        );
        if let Some(source) = entry.source.filter(|_| !is_companion)
            && self
                .companions
                .is_fulltree_excluded(|| self.set.source_rpm(source))
        {
            self.flag(id, Flag::FulltreeExclude);
        }
        match entry.kind {
            PackageKind::Binary => {
                self.queues.conditional.push(id);
                self.queues.binary_dependencies.push(id);
                self.queues.sources.push(id);
                self.queues.debug.push(id);
                self.queues.langpacks.push(id);
                self.queues.multilib.push(id);
                let link = Link::Fulltree;
                if !matches!(cause, Cause::Brought { link: own, .. } if own == link) {
                    self.queues.fulltree.push(id);
                }
                self.note_for_fulltree(entry);
            }
            PackageKind::Debug => self.queues.debug_dependencies.push(id),
            PackageKind::Source => self.queues.build_dependencies.push(id),
        }
        true
    }

    /// Makes a package a member because another one brings it. Returns whether it is new.
    pub(super) fn bring(&mut self, id: PackageId, by: PackageId, link: Link<'a>) -> bool {
        self.add(id, Cause::Brought { by, link })
    }

    /// Runs the steps until a whole pass adds nothing; after a step that added something, the first
    /// is next.
    fn complete(&mut self) {
        while self.add_what_is_required()
            || self.add_what_belongs_to_it()
            || self.add_more()
            || self.add_alternatives()
        {}
    }

    fn add_what_is_required(&mut self) -> bool {
        self.options.resolve_deps
            && (self.add_conditional()
                || self.add_binary_dependencies()
                || (self.options.selfhosting && self.add_build_dependencies()))
    }

    fn add_what_belongs_to_it(&mut self) -> bool {
        let Options {
            resolve_deps,
            exclude_source,
            exclude_debug,
            ..
        } = *self.options;
        (!exclude_source && self.add_sources())
            || (!exclude_debug && (self.add_debug() || (resolve_deps && self.add_debug_dependencies())))
    }

    fn add_more(&mut self) -> bool {
        (self.options.fulltree && self.add_fulltree()) || self.add_langpacks() || self.add_multilib()
    }

    /// The last step, when nothing more is coming but for what conditional requirements ask for instead.
    fn add_alternatives(&mut self) -> bool {
        self.options.resolve_deps
            && (self.decide_alternatives(Domain::Binary)
                || (!self.options.exclude_debug && self.decide_alternatives(Domain::Debug)))
    }

    fn add_binary_dependencies(&mut self) -> bool {
        let new = sorted(take(&mut self.queues.binary_dependencies));
        self.add_dependencies(&new, Domain::Binary)
    }

    fn add_build_dependencies(&mut self) -> bool {
        let new = sorted(take(&mut self.queues.build_dependencies));
        // What was watched before was looked at again for binaries just now.
        !new.is_empty() && self.add_dependencies(&new, Domain::Binary)
    }

    fn add_debug_dependencies(&mut self) -> bool {
        let new = sorted(take(&mut self.queues.debug_dependencies));
        self.add_dependencies(&new, Domain::Debug)
    }
}

pub(super) fn sorted(mut ids: Vec<PackageId>) -> Vec<PackageId> {
    ids.sort_unstable();
    ids
}
