//! The loop: packages asked for, and then whatever they bring, until nothing is added.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::take;

use super::choice::Purpose;
use super::pattern::{NamePattern, Wanted};
use super::resolve::{Domain, Watched};
use super::result::{Flag, Flags, Gathered, Member, Reason, Why};
use super::set::{Entry, PackageSet};
use super::table::{IdSet, PackageId, RequirementId};
use super::view::View;
use super::{Greedy, Options, Request};
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
    let mut unmatched = Vec::new();
    match request {
        Request::Everything => run.add_everything(),
        Request::Packages(_) => {
            // All choices are made before the first of them is a member, so that the order of the
            // patterns does not matter.
            let mut chosen = Vec::new();
            for (wanted, pattern) in wanted.iter().zip(patterns) {
                if !run.choose(*wanted, &mut chosen) {
                    unmatched.push(pattern.clone());
                }
            }
            run.add_input(chosen);
        }
    }
    run.complete();
    run.finish(unmatched)
}

/// A gather under way.
pub(super) struct Run<'a> {
    pub(super) set: &'a PackageSet,
    pub(super) options: &'a Options,
    pub(super) view: View<'a>,
    is_member: IdSet<PackageId>,
    members: Vec<(PackageId, Option<Cause>)>,
    input: IdSet<PackageId>,
    /// Members that count as lookaside's though they may be from the package set.
    lookaside: IdSet<PackageId>,
    /// What a step has still to look at.
    queues: Queues,
    pub(super) decided: HashMap<(Domain, RequirementId), Option<Vec<PackageId>>>,
    pub(super) watched: Vec<Watched>,
    pub(super) broken: BTreeSet<(PackageId, RequirementId)>,
}

#[derive(Default)]
struct Queues {
    binary_dependencies: Vec<PackageId>,
    sources: Vec<PackageId>,
    debug: Vec<PackageId>,
    debug_dependencies: Vec<PackageId>,
}

/// What pulled a member in.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    pub(super) by: PackageId,
    pub(super) link: Link,
}

#[derive(Clone, Copy)]
pub(super) enum Link {
    Requires(RequirementId),
    SourceOf,
    DebugOf,
}

impl<'a> Run<'a> {
    fn new(set: &'a PackageSet, options: &'a Options, view: View<'a>) -> Self {
        Self {
            set,
            options,
            view,
            is_member: IdSet::new(set.len()),
            members: Vec::new(),
            input: IdSet::new(set.len()),
            lookaside: IdSet::new(set.len()),
            queues: Queues::default(),
            decided: HashMap::new(),
            watched: Vec::new(),
            broken: BTreeSet::new(),
        }
    }

    pub(super) fn is_member(&self, id: PackageId) -> bool {
        self.is_member.contains(id)
    }

    /// Adds what one entry of a request chooses. Returns whether anything matched.
    fn choose(&self, wanted: Wanted<'_>, chosen: &mut Vec<PackageId>) -> bool {
        let (pattern, kind, multilib_only) = match wanted {
            Wanted::Exclude(_) => return true,
            Wanted::Binary(NamePattern::Shell(super::index::SYSTEM_RELEASE))
                if self.options.greedy == Greedy::All =>
            {
                let providers = self.candidates(self.set.index().system_release(), Domain::Binary);
                let any = !providers.is_empty();
                chosen.extend(providers);
                return any;
            }
            Wanted::Binary(pattern) => (pattern, PackageKind::Binary, false),
            Wanted::Multilib(pattern) => (pattern, PackageKind::Binary, true),
            Wanted::Debug(pattern) => (pattern, PackageKind::Debug, false),
            Wanted::MultilibDebug(pattern) => (pattern, PackageKind::Debug, true),
        };
        let fits = |id: &PackageId| {
            self.view.is_visible(*id)
                && self.set.entry(*id).is_some_and(|entry| {
                    entry.kind == kind && (!multilib_only || self.view.is_multilib(entry))
                })
        };
        let mut any = false;
        for name in self.set.named(pattern) {
            let best = self.best(name.filter(fits).collect(), Purpose::Name);
            any |= !best.is_empty();
            chosen.extend(best);
        }
        any
    }

    fn add_everything(&mut self) {
        let mut chosen = Vec::new();
        for name in self.set.names() {
            let visible = name.filter_map(|id| {
                let entry = self.set.entry(id).filter(|_| self.view.is_visible(id))?;
                let is_asked = match entry.kind {
                    PackageKind::Binary => true,
                    PackageKind::Debug => !self.options.exclude_debug,
                    PackageKind::Source => false,
                };
                is_asked.then_some((id, entry))
            });
            let visible: Vec<(PackageId, &Entry)> = visible.collect();
            // Names that only lookaside has would bring nothing that enters the compose.
            if visible.iter().any(|(_, entry)| !entry.origin.is_lookaside()) {
                let candidates = visible.into_iter().map(|(id, _)| id).collect();
                chosen.extend(self.best(candidates, Purpose::Name));
            }
        }
        self.add_input(chosen);
    }

    fn add_input(&mut self, chosen: Vec<PackageId>) {
        for id in chosen {
            self.input.insert(id);
            self.add(id, None);
        }
    }

    /// Makes a package a member. Returns whether it is new.
    pub(super) fn add(&mut self, id: PackageId, cause: Option<Cause>) -> bool {
        let Some(entry) = self.set.entry(id) else {
            return false;
        };
        if !self.is_member.insert(id) {
            return false;
        }
        self.members.push((id, cause));
        if entry.origin.is_lookaside() {
            self.lookaside.insert(id);
        }
        match entry.kind {
            PackageKind::Binary => {
                self.queues.binary_dependencies.push(id);
                self.queues.sources.push(id);
                self.queues.debug.push(id);
            }
            PackageKind::Debug => self.queues.debug_dependencies.push(id),
            PackageKind::Source => {}
        }
        true
    }

    /// Runs the steps until a whole pass adds nothing; after a step that added something, the first
    /// is next.
    fn complete(&mut self) {
        let Options {
            resolve_deps,
            exclude_source,
            exclude_debug,
            ..
        } = *self.options;
        while (resolve_deps && self.add_binary_dependencies())
            || (!exclude_source && self.add_sources())
            || (!exclude_debug && self.add_debug())
            || (resolve_deps && !exclude_debug && self.add_debug_dependencies())
        {}
    }

    fn add_binary_dependencies(&mut self) -> bool {
        let new = sorted(take(&mut self.queues.binary_dependencies));
        self.add_dependencies(&new, Domain::Binary)
    }

    fn add_debug_dependencies(&mut self) -> bool {
        let new = sorted(take(&mut self.queues.debug_dependencies));
        self.add_dependencies(&new, Domain::Debug)
    }

    /// The source package of each new binary, from the same repository if it is there.
    fn add_sources(&mut self) -> bool {
        let mut added = false;
        for by in sorted(take(&mut self.queues.sources)) {
            let Some(entry) = self.set.entry(by) else { continue };
            let candidates = self.set.source_packages(entry.source).iter();
            let mut candidates = candidates
                .filter(|&&id| self.view.is_visible(id))
                .filter_map(|&id| Some((id, self.set.entry(id)?)));
            let mut same = candidates
                .clone()
                .filter(|(_, source)| source.origin == entry.origin);
            let Some((id, _)) = same.next().or_else(|| candidates.next()) else {
                continue;
            };
            if entry.origin.is_lookaside() {
                self.lookaside.insert(id);
            }
            let link = Link::SourceOf;
            added |= self.add(id, Some(Cause { by, link }));
        }
        added
    }

    /// The debug packages of each new binary: of the same build and arch, and of its own name, or
    /// with the sources for all.
    fn add_debug(&mut self) -> bool {
        let mut added = false;
        for by in sorted(take(&mut self.queues.debug)) {
            let Some(entry) = self.set.entry(by) else { continue };
            let belongs = |debug: &Entry| {
                debug.kind == PackageKind::Debug
                    && debug.arch == entry.arch
                    && (debug.name().contains("-debugsource")
                        || debug.name().strip_suffix("-debuginfo") == Some(entry.name()))
            };
            let found: Vec<(PackageId, &Entry)> = self
                .set
                .built_from(entry.source)
                .iter()
                .filter(|&&id| self.view.is_visible(id))
                .filter_map(|&id| Some((id, self.set.entry(id)?)))
                .filter(|(_, debug)| belongs(debug))
                .collect();
            for (id, debug) in &found {
                // What lookaside has, too, must not enter the compose.
                let is_twin = |(_, other): &(PackageId, &Entry)| {
                    other.origin.is_lookaside() && other.version == debug.version
                };
                if debug.origin.is_lookaside() || !found.iter().any(is_twin) {
                    let link = Link::DebugOf;
                    added |= self.add(*id, Some(Cause { by, link }));
                }
            }
        }
        added
    }

    fn finish(mut self, unmatched: Vec<PackagePattern>) -> Gathered {
        self.members.sort_unstable_by_key(|(id, _)| *id);
        let members = self.members.iter().filter_map(|&(id, cause)| {
            let entry = self.set.entry(id)?;
            let mut flags = Flags::default();
            if self.input.contains(id) {
                flags.set(Flag::Input);
            }
            if self.lookaside.contains(id) {
                flags.set(Flag::Lookaside);
            }
            Some(Member {
                package: entry.package.clone(),
                origin: entry.origin,
                kind: entry.kind,
                flags,
                why: cause.and_then(|cause| self.why(cause)),
            })
        });
        let mut broken: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for &(package, requirement) in &self.broken {
            let requirement = self.set.index().requirement(requirement);
            if let (Some(entry), Some(requirement)) = (self.set.entry(package), requirement) {
                let of_package = broken.entry(entry.package.nevra.clone()).or_default();
                of_package.insert(requirement.dependency.to_string());
            }
        }
        Gathered {
            members: members.collect(),
            broken,
            unmatched,
        }
    }

    fn why(&self, cause: Cause) -> Option<Why> {
        let by = self.set.entry(cause.by)?;
        let reason = match cause.link {
            Link::Requires(id) => Reason::Requires(self.set.index().requirement(id)?.dependency.clone()),
            Link::SourceOf => Reason::SourceOf,
            Link::DebugOf => Reason::DebugOf,
        };
        Some(Why {
            by: by.package.clone(),
            origin: by.origin,
            reason,
        })
    }
}

fn sorted(mut ids: Vec<PackageId>) -> Vec<PackageId> {
    ids.sort_unstable();
    ids
}
