//! What comes with a package though it does not require it: what comps adds to it, its source and debug
//! packages, its translations and its multilib build.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::take;

use super::Options;
use super::choice::Purpose;
use super::pattern::NamePattern;
use super::result::Flag;
use super::run::{Link, Run, sorted};
use super::set::{Entry, PackageSet, split_source_rpm};
use super::table::PackageId;
use super::view::View;
use crate::PackagePattern;
use crate::arch::ArchClass;

/// Names that match like translations of `man-pages`, but are none.
const NO_LANGPACKS: &[&str] = &["man-pages-overrides"];

/// What comps and the whitelist say, by the names of packages.
pub(super) struct Companions<'a> {
    /// Names of the packages to add for one that is there.
    conditional: HashMap<&'a str, BTreeSet<&'a str>>,
    /// Globs for the names of its translations.
    langpacks: HashMap<&'a str, BTreeSet<String>>,
    whitelist: Vec<&'a PackagePattern>,
    /// Names of source packages that bring none of their other packages.
    fulltree_excludes: HashSet<&'a str>,
}

impl<'a> Companions<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        let mut conditional: HashMap<_, BTreeSet<_>> = HashMap::new();
        for entry in &options.conditional {
            conditional
                .entry(&*entry.requires)
                .or_default()
                .insert(&*entry.package);
        }
        let mut langpacks: HashMap<_, BTreeSet<_>> = HashMap::new();
        for entry in &options.langpacks {
            langpacks
                .entry(&*entry.name)
                .or_default()
                .insert(entry.install.replace("%s", "*"));
        }
        let mut whitelist: Vec<_> = options.multilib_whitelist.iter().collect();
        whitelist.sort_unstable_by_key(|pattern| super::input::plainness(pattern));
        Self {
            conditional,
            langpacks,
            whitelist,
            fulltree_excludes: options
                .fulltree_excludes
                .iter()
                .map(|name| name.as_str())
                .collect(),
        }
    }

    /// Whether this source RPM, by its file name, is to bring nothing.
    pub(super) fn is_fulltree_excluded<'s>(&self, source_rpm: impl FnOnce() -> &'s str) -> bool {
        !self.fulltree_excludes.is_empty()
            && split_source_rpm(source_rpm()).is_some_and(|(name, ..)| self.fulltree_excludes.contains(name))
    }
}

impl<'a> Run<'a> {
    /// What comps adds to new binaries. The flag goes to the package that met the condition.
    pub(super) fn add_conditional(&mut self) -> bool {
        let mut added = false;
        let new = take(&mut self.queues.conditional);
        if self.companions.conditional.is_empty() {
            return false;
        }
        for by in sorted(new) {
            let Some(entry) = self.set.entry(by) else { continue };
            let Some(packages) = self.companions.conditional.get(self.set.name(entry)) else {
                continue;
            };
            let choices = packages.iter().map(|name| self.visible_binaries(name));
            let chosen: Vec<_> = choices
                .flat_map(|candidates| self.best(candidates, Purpose::Name))
                .collect();
            for id in chosen {
                if self.bring(id, by, Link::Conditional) {
                    self.flag(by, Flag::Conditional);
                    added = true;
                }
            }
        }
        added
    }

    /// The source package of each new binary, from the same repository if it is there.
    pub(super) fn add_sources(&mut self) -> bool {
        let mut added = false;
        for by in sorted(take(&mut self.queues.sources)) {
            let Some(entry) = self.set.entry(by) else { continue };
            let candidates = self.set.source_packages(entry.source);
            let candidates: Vec<_> = candidates.filter(|&id| self.view.is_visible(id)).collect();
            if entry.origin.is_lookaside() {
                // Whoever has a package there gets its source there, for all that were built from it.
                candidates.iter().for_each(|&id| self.flag(id, Flag::Lookaside));
            }
            let is_beside = |id: &&PackageId| {
                let source = self.set.entry(**id);
                source.is_some_and(|source| source.origin == entry.origin)
            };
            let Some(&id) = candidates.iter().find(is_beside).or(candidates.first()) else {
                continue;
            };
            added |= self.bring(id, by, Link::SourceOf);
        }
        added
    }

    /// The debug packages of each new binary: of the same build and arch, and of its own name, or
    /// with the sources for all.
    pub(super) fn add_debug(&mut self) -> bool {
        let mut added = false;
        for by in sorted(take(&mut self.queues.debug)) {
            let Some(entry) = self.set.entry(by) else { continue };
            let belongs = |debug: Entry| {
                let name = self.set.name(debug);
                debug.arch == entry.arch
                    && (name.contains("-debugsource")
                        || name.strip_suffix("-debuginfo") == Some(self.set.name(entry)))
            };
            let found: Vec<(PackageId, Entry)> = self
                .set
                .debug_built_from(entry.source)
                .filter(|&id| self.view.is_visible(id))
                .filter_map(|id| Some((id, self.set.entry(id)?)))
                .filter(|(_, debug)| belongs(*debug))
                .collect();
            for (id, debug) in &found {
                // What lookaside has, too, must not enter the compose.
                let is_twin = |(_, other): &(PackageId, Entry)| {
                    other.origin.is_lookaside() && other.version == debug.version
                };
                if debug.origin.is_lookaside() || !found.iter().any(is_twin) {
                    if entry.origin.is_lookaside() {
                        self.flag(*id, Flag::Lookaside);
                    }
                    added |= self.bring(*id, by, Link::DebugOf);
                }
            }
        }
        added
    }

    /// The translations of new binaries, one package for each name.
    pub(super) fn add_langpacks(&mut self) -> bool {
        let mut added = false;
        let new = take(&mut self.queues.langpacks);
        if self.companions.langpacks.is_empty() {
            return false;
        }
        for by in sorted(new) {
            let Some(entry) = self.set.entry(by) else { continue };
            let Some(globs) = self.companions.langpacks.get(self.set.name(entry)) else {
                continue;
            };
            let mut chosen = Vec::new();
            for glob in globs {
                for name in self.set.named(NamePattern::Shell(glob)) {
                    let candidates = name.filter(|&id| {
                        self.fits(id, super::resolve::Domain::Binary)
                            && self
                                .set
                                .entry(id)
                                .is_some_and(|entry| is_langpack(self.set.name(entry)))
                    });
                    // One translation is enough, also where everything is taken otherwise.
                    chosen.extend(self.best(candidates.collect(), Purpose::Name).first().copied());
                }
            }
            for id in chosen {
                // Also what was there before is a translation.
                self.flag(id, Flag::Langpack);
                added |= self.bring(id, by, Link::Langpack);
            }
        }
        added
    }

    /// The multilib builds of new native packages, where something selects them.
    pub(super) fn add_multilib(&mut self) -> bool {
        let mut added = false;
        let new = take(&mut self.queues.multilib);
        if self.options.multilib_methods.is_empty() && self.companions.whitelist.is_empty() {
            return false;
        }
        for by in sorted(new) {
            let Some(entry) = self.set.entry(by) else { continue };
            if !is_native(self.set, &self.view, entry) {
                continue;
            }
            // What the blacklist has is not visible.
            let mut candidates = self.visible_binaries(self.set.name(entry));
            let (_, version, release) = self.set.evr(by);
            candidates.retain(|&id| {
                let (_, its_version, its_release) = self.set.evr(id);
                let is_multilib = self
                    .set
                    .entry(id)
                    .is_some_and(|other| self.view.is_multilib(other));
                is_multilib && (version, release) == (its_version, its_release)
            });
            for id in self.best(candidates, Purpose::Name) {
                if let Some(link) = self.selects_multilib(id) {
                    self.flag(id, Flag::Multilib);
                    added |= self.bring(id, by, link);
                }
            }
        }
        added
    }

    fn selects_multilib(&self, id: PackageId) -> Option<Link<'a>> {
        let entry = self.set.entry(id)?;
        let name = self.set.name(entry);
        let mut whitelist = self.companions.whitelist.iter();
        if let Some(pattern) = whitelist.find(|pattern| pattern.matches(name)) {
            return Some(Link::Whitelist(pattern));
        }
        let mut methods = self.options.multilib_methods.iter();
        methods
            .find(|method| entry.multilib.selects(*method))
            .map(Link::Method)
    }
}

/// Whether it is native and made for an arch: `noarch` is not.
pub(super) fn is_native(set: &PackageSet, view: &View<'_>, entry: Entry) -> bool {
    matches!(view.class(entry), ArchClass::Native(_)) && !set.is_noarch(entry)
}

fn is_langpack(name: &str) -> bool {
    !name.ends_with("-devel") && !name.ends_with("-static") && !NO_LANGPACKS.contains(&name)
}
