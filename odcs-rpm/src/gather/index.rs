//! Who requires and who provides what.
//!
//! A distribution has millions of provides and files, and asks for a few ten thousand of them. The
//! requirements are therefore numbered first, and only what one of them names is indexed.

use std::collections::HashMap;

use rayon::prelude::*;

use super::rich::{self, Rich};
use super::set::Entry;
use super::table::{CapabilityId, Column, Id as _, PackageId, RequirementId, Rows};
use crate::{Comparison, Dependency, DependencyVersion, Package, PackageKind};

/// The one capability that can be asked for like a package.
pub(super) const SYSTEM_RELEASE: &str = "system-release";

/// The requirements of packages, and the packages that might satisfy them.
#[derive(Debug)]
pub(super) struct Index {
    requirements: Column<RequirementId, Requirement>,
    requires: Rows<PackageId, RequirementId>,
    offers: Rows<CapabilityId, Offer>,
    system_release: RequirementId,
}

/// Something that packages require; each is there once, however many do.
#[derive(Debug)]
pub(super) struct Requirement {
    /// As packages have it.
    pub(super) dependency: Dependency,
    pub(super) meaning: Meaning,
}

/// What a requirement takes to be satisfied.
#[derive(Debug)]
pub(super) enum Meaning {
    /// One package that offers this.
    Capability(CapabilityId),
    /// An expression over others.
    Rich(Rich<RequirementId>),
    /// Nothing can satisfy it.
    Malformed,
}

/// That a package offers a capability.
#[derive(Clone, Copy, Debug)]
struct Offer {
    package: PackageId,
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// By this entry of its provides.
    Provide(u32),
    /// By its own name.
    Name,
    /// By a file.
    File,
}

/// Whose requirements are indexed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scope {
    /// Those of binary and debug packages.
    Installing,
    /// Those of source packages, too.
    Building,
}

impl Index {
    /// Indexes packages.
    pub(super) fn new(packages: &Column<PackageId, Entry>, scope: Scope) -> Self {
        let expressions = parse_rich(packages, scope);
        let mut names = Numbering::default();
        let system_release = Dependency::unversioned(SYSTEM_RELEASE);
        let system_release = names.number(&system_release, &expressions);
        let mut pairs = Vec::new();
        for (id, entry) in packages.iter() {
            for dependency in requirements_of(entry, scope) {
                let requirement = names.number(dependency, &expressions);
                pairs.push((id, requirement));
            }
        }
        let offers = offers(packages, &names.capabilities);
        Self {
            offers: Rows::new(names.capabilities.len(), &offers),
            requires: Rows::new(packages.len(), &pairs),
            requirements: names.requirements,
            system_release,
        }
    }

    /// What a package requires.
    pub(super) fn requires(&self, package: PackageId) -> &[RequirementId] {
        self.requires.row(package)
    }

    pub(super) fn requirement(&self, id: RequirementId) -> Option<&Requirement> {
        self.requirements.get(id)
    }

    /// The requirement of `system-release` in any version.
    pub(super) fn system_release(&self) -> RequirementId {
        self.system_release
    }

    /// The packages that satisfy an ordinary requirement, ascending; `package` finds one by
    /// its id.
    pub(super) fn providers<'a>(
        &'a self,
        id: RequirementId,
        package: impl Fn(PackageId) -> Option<&'a Package> + 'a,
    ) -> impl Iterator<Item = PackageId> + 'a {
        let (asked, offers) = match self.requirement(id) {
            Some(Requirement {
                dependency,
                meaning: Meaning::Capability(capability),
            }) => (dependency.version.as_ref(), self.offers.row(*capability)),
            _ => (None, &[][..]),
        };
        let mut last = None;
        offers
            .iter()
            .filter(move |offer| asked.is_none_or(|asked| offer.is_within(asked, &package)))
            .map(|offer| offer.package)
            .filter(move |&id| last.replace(id) != Some(id))
    }
}

impl Offer {
    fn is_within<'a>(
        &self,
        asked: &DependencyVersion,
        package: impl Fn(PackageId) -> Option<&'a Package>,
    ) -> bool {
        match self.how {
            // Files have no version, and what has none satisfies every one.
            How::File => true,
            How::Name => package(self.package).is_some_and(|package| own_version(package).overlaps(asked)),
            How::Provide(number) => package(self.package)
                .and_then(|package| package.provides.get(number as usize))
                .is_some_and(|provide| provide.version.as_ref().is_none_or(|own| own.overlaps(asked))),
        }
    }
}

fn own_version(package: &Package) -> DependencyVersion {
    let evr = package.nevra.evr();
    DependencyVersion {
        comparison: Comparison::Equal,
        epoch: evr.epoch(),
        version: evr.version().into(),
        release: Some(evr.release().into()),
    }
}

/// The requirements that gathering looks at. `rpmlib(…)` is satisfied by RPM itself.
fn requirements_of(entry: &Entry, scope: Scope) -> impl Iterator<Item = &Dependency> {
    let is_nobodys = entry.kind == PackageKind::Source && scope == Scope::Installing;
    let requires: &[Dependency] = if is_nobodys { &[] } else { &entry.package.requires };
    requires
        .iter()
        .filter(|dependency| !dependency.name.starts_with("rpmlib("))
}

/// All rich dependencies, each parsed once; `None` for malformed ones.
fn parse_rich(packages: &Column<PackageId, Entry>, scope: Scope) -> HashMap<&str, Option<Rich<Dependency>>> {
    let mut expressions = HashMap::new();
    for entry in packages.as_slice() {
        for dependency in requirements_of(entry, scope).filter(|dependency| dependency.is_rich()) {
            expressions
                .entry(&*dependency.name)
                .or_insert_with(|| rich::parse(&dependency.name));
        }
    }
    expressions
}

/// Gives equal requirements, and equal capabilities, one number each.
struct Numbering<'a> {
    known: HashMap<(&'a str, Option<&'a DependencyVersion>), RequirementId>,
    requirements: Column<RequirementId, Requirement>,
    capabilities: HashMap<&'a str, CapabilityId>,
}

impl Default for Numbering<'_> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            requirements: Column::new(),
            capabilities: HashMap::new(),
        }
    }
}

impl<'a> Numbering<'a> {
    fn number(
        &mut self,
        dependency: &'a Dependency,
        expressions: &'a HashMap<&str, Option<Rich<Dependency>>>,
    ) -> RequirementId {
        let key = (&*dependency.name, dependency.version.as_ref());
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let meaning = if dependency.is_rich() {
            let expression = expressions.get(&*dependency.name).and_then(Option::as_ref);
            expression.map_or(Meaning::Malformed, |expression| {
                // The operands are never rich themselves, so this recurses no further.
                Meaning::Rich(expression.map(&mut |operand| self.number(operand, expressions)))
            })
        } else {
            let next = CapabilityId::from_index(self.capabilities.len());
            Meaning::Capability(*self.capabilities.entry(&dependency.name).or_insert(next))
        };
        let id = self.requirements.push(Requirement {
            dependency: dependency.clone(),
            meaning,
        });
        self.known.insert(key, id);
        id
    }
}

/// Every offer of a capability that some requirement names, in order of packages.
fn offers(
    packages: &Column<PackageId, Entry>,
    capabilities: &HashMap<&str, CapabilityId>,
) -> Vec<(CapabilityId, Offer)> {
    let paths = PathFilter::new(capabilities.keys().copied());
    let of_package = |(index, entry): (usize, &Entry)| {
        let id = PackageId::from_index(index);
        let package = &entry.package;
        let mut found = Vec::new();
        if entry.kind == PackageKind::Source {
            return found;
        }
        let mut offer = |name: &str, how| {
            if let Some(&capability) = capabilities.get(name) {
                found.push((capability, Offer { package: id, how }));
            }
        };
        // Not all repositories list it among the provides.
        offer(package.nevra.name().as_str(), How::Name);
        for (provide, number) in package.provides.iter().zip(0..) {
            offer(&provide.name, How::Provide(number));
        }
        for file in package.files.iter().filter(|file| paths.may_hold(&file.path)) {
            offer(&file.path, How::File);
        }
        found
    };
    packages
        .as_slice()
        .par_iter()
        .enumerate()
        .map(of_package)
        .collect::<Vec<_>>()
        .concat()
}

/// Tells most paths that nothing requires by their last bytes, which is much cheaper than hashing a
/// million paths.
struct PathFilter {
    bits: Vec<bool>,
}

impl PathFilter {
    fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut bits = vec![false; 1 << 16];
        for name in names.filter(|name| name.starts_with('/')) {
            if let Some(bit) = bits.get_mut(Self::place(name)) {
                *bit = true;
            }
        }
        Self { bits }
    }

    fn may_hold(&self, path: &str) -> bool {
        self.bits.get(Self::place(path)).copied().unwrap_or(false)
    }

    fn place(path: &str) -> usize {
        let tail = path.as_bytes().iter().rev().take(8);
        let mixed = tail.fold(path.len() as u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        ((mixed >> 24) & 0xffff) as usize
    }
}
