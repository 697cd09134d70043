//! Everything that could be installed, in the terms of the solver.
//!
//! The solver knows *names*, of which it takes one candidate each, *version sets* (some candidates of a name), unions
//! of those as requirements, and constraints (if a candidate of the name is taken, then one of the version set). A
//! name here is a package name together with a kind of arch, so that i686 and x86_64 can stand side by side.
//!
//! Conditions of rich dependencies ask whether none of some packages is installed. Each such set of packages gets a
//! name of its own with two candidates: *absent*, which the dependency takes as one of its alternatives, and *present*,
//! which every package of the set requires. They exclude each other, so that this is exact in both directions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::formula::{self, Clause, Clauses, Set};
use crate::capability::{Meaning, Offers, is_of_rpm, own_version};
use crate::{Arch, Dependency, Package};

/// Provides by which packages tell that several versions of them may be installed at once: dnf's `installonlypkgs`.
const INSTALL_ONLY: &[&str] = &[
    "installonlypkg(kernel)",
    "installonlypkg(kernel-module)",
    "installonlypkg(vm)",
    "kernel",
    "kernel-PAE",
    "multiversion(kernel)",
];

/// What the solver takes one candidate of.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Ascending; packages from old to new.
    pub(super) candidates: Vec<usize>,
    /// Whether it takes several: some package of it is to be installed in several versions.
    pub(super) is_install_only: bool,
}

/// The group that never has candidates.
const NOTHING: usize = 0;

/// Some candidates of a group.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub(super) struct VersionSet<'a> {
    pub(super) group: usize,
    /// Ascending.
    pub(super) members: Vec<usize>,
    pub(super) cause: Cause<'a>,
}

/// Where a version set comes from, so that a problem with it can be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub(super) enum Cause<'a> {
    /// Part of a requirement.
    Requirement,
    /// Leaves out what conflicts.
    Conflict(&'a Dependency),
    /// Leaves out what is obsoleted.
    Obsolete(&'a Dependency),
    /// Leaves out other versions of the same name.
    SameName,
}

/// A requirement: one candidate of one of the version sets.
#[derive(Debug)]
pub(super) struct Union<'a> {
    /// Never empty: what nothing provides is a version set without members.
    pub(super) version_sets: Vec<usize>,
    /// `None` for what the solver alone knows of.
    pub(super) dependency: Option<&'a Dependency>,
}

/// What a candidate needs: places of unions and of version sets.
#[derive(Debug, Default)]
pub(super) struct Needs<'a> {
    pub(super) unions: Vec<usize>,
    pub(super) constraints: Vec<usize>,
    /// A dependency that could not be taken apart.
    pub(super) too_complex: Option<&'a Dependency>,
}

/// All that the solver asks for. Candidates are numbered: first the packages, by their places, then *absent* and
/// *present* of each set.
#[derive(Debug)]
pub(super) struct Universe<'a> {
    pub(super) packages: Vec<&'a Package>,
    pub(super) groups: Vec<Group>,
    pub(super) group_of: Vec<usize>,
    pub(super) version_sets: Vec<VersionSet<'a>>,
    pub(super) unions: Vec<Union<'a>>,
    pub(super) needs: Vec<Needs<'a>>,
    known_version_sets: HashMap<VersionSet<'a>, usize>,
    /// Unions of dependencies that several packages have, by clause.
    known_unions: HashMap<ClauseId, usize>,
    /// The group of each set that some dependency asks the absence of.
    sets: BTreeMap<Set, usize>,
}

impl<'a> Universe<'a> {
    /// Of several packages of one NEVRA the first one is taken. Source packages cannot be installed.
    pub(super) fn new(packages: impl IntoIterator<Item = &'a Package>) -> Self {
        let mut packages: Vec<&Package> = packages
            .into_iter()
            .filter(|package| !package.nevra.arch().is_source())
            .collect();
        packages.sort_by(|left, right| left.nevra.cmp(&right.nevra));
        packages.dedup_by(|left, right| left.nevra == right.nevra);

        let mut universe = Self {
            groups: vec![Group::default()],
            group_of: Vec::new(),
            version_sets: Vec::new(),
            unions: Vec::new(),
            needs: packages.iter().map(|_| Needs::default()).collect(),
            known_version_sets: HashMap::new(),
            known_unions: HashMap::new(),
            sets: BTreeMap::new(),
            packages,
        };
        universe.group();
        let dependencies = Dependencies::new(&universe.packages);
        for package in 0..universe.packages.len() {
            universe.add_requirements(package, &dependencies);
            universe.add_conflicts(package, &dependencies);
        }
        universe.add_obsoletes();
        universe.add_presences();
        universe
    }

    /// A requirement of one of these packages, for somebody outside.
    pub(super) fn request(&mut self, packages: impl IntoIterator<Item = usize>) -> usize {
        self.union(&packages.into_iter().collect(), &BTreeSet::new(), None)
    }

    /// Forms the groups, and keeps packages of one name apart where that is not done by their being in one group.
    fn group(&mut self) {
        let mut of_name: HashMap<&str, BTreeMap<Bits, usize>> = HashMap::new();
        let mut install_only = Vec::with_capacity(self.packages.len());
        for (number, package) in self.packages.iter().enumerate() {
            let groups = of_name.entry(package.nevra.name().as_str()).or_default();
            let group = *groups.entry(Bits::of(package.nevra.arch())).or_insert_with(|| {
                self.groups.push(Group::default());
                self.groups.len() - 1
            });
            install_only.push(is_install_only(package));
            self.group_of.push(group);
            if let Some(group) = self.groups.get_mut(group) {
                group.candidates.push(number);
                group.is_install_only |= is_install_only(package);
            }
        }
        let is_install_only = |number: usize| install_only.get(number).copied().unwrap_or(false);
        for number in 0..self.packages.len() {
            let Some(&package) = self.packages.get(number) else {
                continue;
            };
            let Some(groups) = of_name.get(package.nevra.name().as_str()) else {
                continue;
            };
            let bits = Bits::of(package.nevra.arch());
            for (&other_bits, &group) in groups {
                let is_one_of_many = self.groups.get(group).is_some_and(|group| group.is_install_only);
                if other_bits == bits && !is_one_of_many {
                    continue;
                }
                let is_wider = bits != other_bits && bits != Bits::Any && other_bits != Bits::Any;
                let can_stand_beside = |&other: &usize| {
                    let evr = self.packages.get(other).map(|other| other.nevra.evr());
                    other == number
                        || (is_install_only(number) && is_install_only(other))
                        || (is_wider && evr == Some(package.nevra.evr()))
                };
                let allowed: Vec<_> = self.candidates(group).filter(can_stand_beside).collect();
                if allowed.len() < self.candidates(group).count() {
                    self.constrain(number, group, allowed, Cause::SameName);
                }
            }
        }
    }

    fn candidates(&self, group: usize) -> impl Iterator<Item = usize> {
        let group = self.groups.get(group);
        group
            .into_iter()
            .flat_map(|group| group.candidates.iter().copied())
    }

    fn version_set(&mut self, version_set: VersionSet<'a>) -> usize {
        if let Some(&known) = self.known_version_sets.get(&version_set) {
            return known;
        }
        let number = self.version_sets.len();
        self.version_sets.push(version_set.clone());
        self.known_version_sets.insert(version_set, number);
        number
    }

    fn constrain(&mut self, package: usize, group: usize, allowed: Vec<usize>, cause: Cause<'a>) {
        let version_set = self.version_set(VersionSet {
            group,
            members: allowed,
            cause,
        });
        if let Some(needs) = self.needs.get_mut(package) {
            needs.constraints.push(version_set);
        }
    }

    /// Keeps `package` apart from all of `others`.
    fn forbid(&mut self, package: usize, others: impl IntoIterator<Item = usize>, cause: Cause<'a>) {
        let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for other in others.into_iter().filter(|&other| other != package) {
            if let Some(&group) = self.group_of.get(other) {
                groups.entry(group).or_default().insert(other);
            }
        }
        for (group, forbidden) in groups {
            let mut allowed: Vec<_> = self.candidates(group).collect();
            // A group that it is in itself has one candidate anyway, or else it may stand beside itself.
            allowed.retain(|other| !forbidden.contains(other));
            self.constrain(package, group, allowed, cause);
        }
    }

    fn union(
        &mut self,
        any: &BTreeSet<usize>,
        absent: &BTreeSet<Set>,
        dependency: Option<&'a Dependency>,
    ) -> usize {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &package in any {
            if let Some(&group) = self.group_of.get(package) {
                groups.entry(group).or_default().push(package);
            }
        }
        // To leave something out comes before putting something in.
        let mut wanted: Vec<_> = absent
            .iter()
            .map(|set| {
                let group = self.absence(set);
                (group, self.candidates(group).take(1).collect())
            })
            .collect();
        wanted.extend(groups);
        if wanted.is_empty() {
            wanted.push((NOTHING, Vec::new()));
        }
        let mut version_sets = Vec::with_capacity(wanted.len());
        for (group, members) in wanted {
            let cause = Cause::Requirement;
            version_sets.push(self.version_set(VersionSet {
                group,
                members,
                cause,
            }));
        }
        self.unions.push(Union {
            version_sets,
            dependency,
        });
        self.unions.len() - 1
    }

    /// The group of *absent* and *present* for a set of packages.
    fn absence(&mut self, set: &Set) -> usize {
        if let Some(&known) = self.sets.get(set) {
            return known;
        }
        let absent = self.needs.len();
        let group = self.groups.len();
        self.groups.push(Group {
            candidates: vec![absent, absent + 1],
            is_install_only: false,
        });
        self.group_of.extend([group, group]);
        self.needs.extend([Needs::default(), Needs::default()]);
        self.sets.insert(set.clone(), group);
        group
    }

    fn add_requirements(&mut self, package: usize, dependencies: &Dependencies<'a>) {
        let mut seen = HashSet::new();
        for dependency in dependencies.requires(package) {
            let Some(known) = dependencies.get(dependency) else {
                continue;
            };
            if !seen.insert(known.number) {
                continue;
            }
            let Ok(clauses) = &known.required else {
                self.too_complex(package, dependency);
                continue;
            };
            for (clause, place) in clauses.iter().zip(0..) {
                self.require(package, clause, (known.number, place, false), dependency);
            }
        }
    }

    fn add_conflicts(&mut self, package: usize, dependencies: &Dependencies<'a>) {
        for dependency in dependencies.conflicts(package) {
            let Some(known) = dependencies.get(dependency) else {
                continue;
            };
            let Ok(clauses) = &known.in_conflict else {
                self.too_complex(package, dependency);
                continue;
            };
            for (clause, place) in clauses.iter().zip(0..) {
                // Nothing conflicts with itself.
                let is_itself = |set: &Set| set.binary_search(&package).is_ok();
                let is_about_it = match (clause.any.is_empty(), clause.absent.len()) {
                    (true, 2..) => clause.absent.iter().all(is_itself),
                    _ => false,
                };
                if !is_about_it {
                    self.require(package, clause, (known.number, place, true), dependency);
                }
            }
        }
    }

    /// Has `package` need that a clause holds; it is there itself.
    fn require(&mut self, package: usize, clause: &Clause, id: ClauseId, dependency: &'a Dependency) {
        if clause.any.contains(&package) {
            return;
        }
        let (_, _, in_conflict) = id;
        let is_itself = |set: &Set| set.binary_search(&package).is_ok();
        if let (true, 1, Some(set)) = (clause.any.is_empty(), clause.absent.len(), clause.absent.first())
            && (in_conflict || !is_itself(set))
        {
            return self.forbid(package, set.iter().copied(), Cause::Conflict(dependency));
        }
        let union = if clause.absent.iter().any(is_itself) {
            let others = clause.absent.iter().filter(|set| !is_itself(set));
            let others = others.cloned().collect();
            self.union(&clause.any, &others, Some(dependency))
        } else if let Some(&known) = self.known_unions.get(&id) {
            known
        } else {
            let union = self.union(&clause.any, &clause.absent, Some(dependency));
            self.known_unions.insert(id, union);
            union
        };
        if let Some(needs) = self.needs.get_mut(package) {
            needs.unions.push(union);
        }
    }

    /// Obsoletes look at names and EVRs of packages, never at what they provide.
    fn add_obsoletes(&mut self) {
        let mut of_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, package) in self.packages.iter().enumerate() {
            of_name
                .entry(package.nevra.name().as_str())
                .or_default()
                .push(number);
        }
        for number in 0..self.packages.len() {
            let Some(&package) = self.packages.get(number) else {
                continue;
            };
            for obsolete in &package.obsoletes {
                let named = of_name.get(&*obsolete.name).map_or(&[][..], Vec::as_slice);
                let obsoleted = named.iter().copied().filter(|&other| {
                    let other = self.packages.get(other);
                    let asked = obsolete.version.as_ref();
                    other.is_some_and(|other| asked.is_none_or(|asked| own_version(other).overlaps(asked)))
                });
                let obsoleted: Vec<_> = obsoleted.collect();
                self.forbid(number, obsoleted, Cause::Obsolete(obsolete));
            }
        }
    }

    /// Every package of a set requires that the set is present.
    fn add_presences(&mut self) {
        for (set, group) in self.sets.clone() {
            let present = self.candidates(group).skip(1).collect();
            let version_set = self.version_set(VersionSet {
                group,
                members: present,
                cause: Cause::Requirement,
            });
            self.unions.push(Union {
                version_sets: vec![version_set],
                dependency: None,
            });
            let union = self.unions.len() - 1;
            for package in set {
                if let Some(needs) = self.needs.get_mut(package) {
                    needs.unions.push(union);
                }
            }
        }
    }

    fn too_complex(&mut self, package: usize, dependency: &'a Dependency) {
        if let Some(needs) = self.needs.get_mut(package) {
            needs.too_complex.get_or_insert(dependency);
        }
    }
}

/// What kind of arch a package is of: those of one kind exclude each other, `noarch` excludes all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Bits {
    Any,
    Narrow,
    Wide,
}

impl Bits {
    fn of(arch: &Arch) -> Self {
        match arch.as_str() {
            "noarch" => Self::Any,
            "s390x" => Self::Wide,
            other if other.contains("64") => Self::Wide,
            _ => Self::Narrow,
        }
    }
}

fn is_install_only(package: &Package) -> bool {
    INSTALL_ONLY.contains(&package.nevra.name().as_str())
        || package
            .provides
            .iter()
            .any(|provide| INSTALL_ONLY.contains(&&*provide.name))
}

/// Every different dependency, taken apart once.
struct Dependencies<'a> {
    packages: Vec<&'a Package>,
    known: HashMap<Key<'a>, Known>,
}

/// Number of a dependency, place among its clauses, and whether it is those of a conflict.
type ClauseId = (usize, usize, bool);

type Key<'a> = (&'a str, Option<&'a crate::DependencyVersion>);

struct Known {
    number: usize,
    required: Clauses,
    in_conflict: Clauses,
}

impl<'a> Dependencies<'a> {
    fn new(packages: &[&'a Package]) -> Self {
        let mut meanings: HashMap<Key<'a>, (Meaning, bool, bool)> = HashMap::new();
        for package in packages {
            let requires = package.requires.iter().map(|dependency| (dependency, true));
            let conflicts = package.conflicts.iter().map(|dependency| (dependency, false));
            for (dependency, is_requirement) in requires.chain(conflicts) {
                let (_, required, in_conflict) = meanings
                    .entry(key(dependency))
                    .or_insert_with(|| (Meaning::of(dependency), false, false));
                *(if is_requirement { required } else { in_conflict }) = true;
            }
        }
        let mut leaves = Vec::new();
        for (meaning, ..) in meanings.values() {
            meaning.leaves(&mut leaves);
        }
        let asked: HashSet<&str> = leaves.iter().map(|leaf| &*leaf.name).collect();
        let offers = Offers::new(packages, &asked);
        let known = meanings
            .iter()
            .enumerate()
            .map(|(number, (&key, (meaning, required, in_conflict)))| {
                let none = || Ok(Vec::new());
                let known = Known {
                    number,
                    required: if *required {
                        formula::requirement(meaning, &offers)
                    } else {
                        none()
                    },
                    in_conflict: if *in_conflict {
                        formula::conflict(meaning, &offers)
                    } else {
                        none()
                    },
                };
                (key, known)
            })
            .collect();
        Self {
            packages: packages.to_vec(),
            known,
        }
    }

    fn get(&self, dependency: &'a Dependency) -> Option<&Known> {
        self.known.get(&key(dependency))
    }

    fn requires(&self, package: usize) -> impl Iterator<Item = &'a Dependency> + use<'a> {
        let package = self.packages.get(package).copied();
        package
            .into_iter()
            .flat_map(|package| &package.requires)
            .filter(|dependency| !is_of_rpm(dependency))
    }

    fn conflicts(&self, package: usize) -> impl Iterator<Item = &'a Dependency> + use<'a> {
        let package = self.packages.get(package).copied();
        package.into_iter().flat_map(|package| &package.conflicts)
    }
}

fn key(dependency: &Dependency) -> Key<'_> {
    (&dependency.name, dependency.version.as_ref())
}
