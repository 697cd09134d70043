//! The other packages of each source RPM.

use std::collections::{HashMap, HashSet};
use std::mem::take;

use super::Greedy;
use super::companions::is_native;
use super::resolve::Domain;
use super::result::Flag;
use super::run::{Link, Run, sorted};
use super::set::Entry;
use super::table::{PackageId, SourceId};

/// What is known of the source RPMs that binaries in the result were built from.
#[derive(Default)]
pub(super) struct Fulltree {
    builds: HashMap<SourceId, Build>,
}

/// The binaries of one source RPM.
#[derive(Default)]
struct Build {
    /// What is there to add; found when it is first asked for.
    found: Option<Found>,
    /// Which classes have a package in the result.
    inside: Classes,
    /// Which have been added completely. A source RPM may have thousands of packages, each of which
    /// asks for all others.
    done: Classes,
}

struct Found {
    packages: Vec<(PackageId, Class)>,
    /// The classes that have one.
    existing: Classes,
    /// Whether it is to bring nothing.
    is_excluded: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Native,
    Multilib,
    Noarch,
}

impl Class {
    const ALL: [Self; 3] = [Self::Native, Self::Multilib, Self::Noarch];
}

/// Which classes have some quality.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Classes {
    native: bool,
    multilib: bool,
    noarch: bool,
}

impl Classes {
    fn insert(&mut self, class: Class) {
        *match class {
            Class::Native => &mut self.native,
            Class::Multilib => &mut self.multilib,
            Class::Noarch => &mut self.noarch,
        } = true;
    }

    fn contains(self, class: Class) -> bool {
        match class {
            Class::Native => self.native,
            Class::Multilib => self.multilib,
            Class::Noarch => self.noarch,
        }
    }
}

/// Which classes to add. One of a real arch is enough, and it is that of what is there already.
fn wanted(greedy: Greedy, existing: Classes, inside: Classes) -> Classes {
    let native = existing.native && (inside.native || !inside.multilib);
    Classes {
        native: native || greedy == Greedy::All,
        multilib: !native || greedy == Greedy::All,
        noarch: true,
    }
}

impl Run<'_> {
    fn fulltree_class(&self, entry: Entry) -> Class {
        if self.set.is_noarch(entry) {
            Class::Noarch
        } else if is_native(self.set, &self.view, entry) {
            Class::Native
        } else {
            Class::Multilib
        }
    }

    /// Takes notice of a new binary.
    pub(super) fn note_for_fulltree(&mut self, entry: Entry) {
        if let Some(source) = entry.source.filter(|_| self.options.fulltree) {
            let class = self.fulltree_class(entry);
            let build = self.fulltree.builds.entry(source).or_default();
            build.inside.insert(class);
        }
    }

    /// The other packages built from the source RPMs of new binaries.
    pub(super) fn add_fulltree(&mut self) -> bool {
        let mut added = false;
        for by in sorted(take(&mut self.queues.fulltree)) {
            let Some(source) = self.set.entry(by).and_then(|entry| entry.source) else {
                continue;
            };
            let unknown = |build: &Build| build.found.is_none();
            if self.fulltree.builds.get(&source).is_none_or(unknown) {
                let found = self.find_build(source);
                self.fulltree.builds.entry(source).or_default().found = Some(found);
            }
            let greedy = self.options.greedy;
            let build = self.fulltree.builds.get_mut(&source);
            let Some(due) = build.and_then(|build| build.due(greedy)) else {
                continue;
            };
            for id in due {
                if self.bring(id, by, Link::Fulltree) {
                    self.flag(id, Flag::Fulltree);
                    added = true;
                }
            }
        }
        added
    }

    fn find_build(&self, source: SourceId) -> Found {
        let built = self.set.binaries_built_from(Some(source));
        let visible: Vec<_> = built
            .filter(|&id| self.fits(id, Domain::Binary))
            .filter_map(|id| Some((id, self.set.entry(id)?)))
            .collect();
        // What lookaside has, too, for the same arch, must not enter the compose.
        let in_lookaside: HashSet<_> = visible
            .iter()
            .filter(|(_, entry)| entry.origin.is_lookaside())
            .map(|(_, entry)| (entry.version, entry.arch))
            .collect();
        let packages: Vec<_> = visible
            .into_iter()
            .filter(|(_, entry)| {
                entry.origin.is_lookaside() || !in_lookaside.contains(&(entry.version, entry.arch))
            })
            .map(|(id, entry)| (id, self.fulltree_class(entry)))
            .collect();
        let mut existing = Classes::default();
        packages.iter().for_each(|(_, class)| existing.insert(*class));
        Found {
            packages,
            existing,
            is_excluded: self
                .companions
                .is_fulltree_excluded(|| self.set.source_rpm(source)),
        }
    }
}

impl Build {
    /// What is still to be added; `None` if it is excluded.
    fn due(&mut self, greedy: Greedy) -> Option<Vec<PackageId>> {
        let found = self.found.as_ref().filter(|found| !found.is_excluded)?;
        let wanted = wanted(greedy, found.existing, self.inside);
        let due = Class::ALL.map(|class| wanted.contains(class) && !self.done.contains(class));
        if due == [false; 3] {
            return Some(Vec::new());
        }
        let is_due = |class| {
            Class::ALL
                .into_iter()
                .zip(due)
                .any(|(own, due)| own == class && due)
        };
        for class in Class::ALL.into_iter().filter(|class| is_due(*class)) {
            self.done.insert(class);
        }
        let packages = found.packages.iter().filter(|(_, class)| is_due(*class));
        Some(packages.map(|(id, _)| *id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_of_a_real_arch_is_wanted_unless_gathering_greedily() {
        let classes = |text: &str| Classes {
            native: text.contains('n'),
            multilib: text.contains('m'),
            noarch: text.contains('o'),
        };
        for (existing, inside, expected) in [
            ("nmo", "n", "no"),
            ("nmo", "nm", "no"),
            ("nmo", "m", "mo"),
            ("nmo", "o", "no"),
            ("nmo", "mo", "mo"),
            ("mo", "o", "mo"),
            ("mo", "m", "mo"),
        ] {
            let found = wanted(Greedy::None, classes(existing), classes(inside));
            assert_eq!(found, classes(expected), "{existing} {inside}");
            let all = wanted(Greedy::All, classes(existing), classes(inside));
            assert_eq!(all, classes("nmo"));
        }
    }
}
