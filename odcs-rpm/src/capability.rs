//! Which packages offer what others ask for.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::gather::rich::{self, Rich};
use crate::{Comparison, Dependency, DependencyVersion, Package};

/// Requirements that RPM itself meets.
pub(crate) fn is_of_rpm(dependency: &Dependency) -> bool {
    dependency.name.starts_with("rpmlib(")
}

/// A dependency, its expression parsed if it has one.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// A capability, or an expression over several.
    Expression(Rich<Dependency>),
    /// A rich dependency that RPM cannot read either.
    Malformed,
}

impl Meaning {
    pub(crate) fn of(dependency: &Dependency) -> Self {
        if dependency.is_rich() {
            rich::parse(&dependency.name).map_or(Self::Malformed, Self::Expression)
        } else {
            Self::Expression(Rich::Leaf(dependency.clone()))
        }
    }

    /// Every capability in it.
    pub(crate) fn leaves<'m>(&'m self, found: &mut Vec<&'m Dependency>) {
        if let Self::Expression(expression) = self {
            leaves(expression, found);
        }
    }
}

fn leaves<'m>(expression: &'m Rich<Dependency>, found: &mut Vec<&'m Dependency>) {
    match expression {
        Rich::Leaf(leaf) => found.push(leaf),
        Rich::And(parts) | Rich::Or(parts) | Rich::With(parts) => {
            parts.iter().for_each(|part| leaves(part, found));
        }
        Rich::Without(left, right) => [left, right].into_iter().for_each(|part| leaves(part, found)),
        Rich::If {
            condition,
            then,
            otherwise,
        } => {
            let branches = [Some(condition), then.as_ref(), otherwise.as_ref()];
            branches
                .into_iter()
                .flatten()
                .for_each(|part| leaves(part, found));
        }
    }
}

/// The offers of packages, as far as somebody asks for them. Packages are numbered by their places.
#[derive(Debug)]
pub(crate) struct Offers<'a> {
    by_name: HashMap<&'a str, Vec<Offer<'a>>>,
}

#[derive(Clone, Copy, Debug)]
struct Offer<'a> {
    package: usize,
    how: How<'a>,
}

#[derive(Clone, Copy, Debug)]
enum How<'a> {
    /// Has no version, and thereby every one: files, and provides without version.
    Any,
    Provide(&'a DependencyVersion),
    /// By its name.
    Own(&'a Package),
}

impl How<'_> {
    fn overlaps(&self, asked: &DependencyVersion) -> bool {
        match self {
            Self::Any => true,
            Self::Provide(offered) => offered.overlaps(asked),
            Self::Own(package) => own_version(package).overlaps(asked),
        }
    }
}

/// The EVR of a package, as it stands in its provide of itself.
pub(crate) fn own_version(package: &Package) -> DependencyVersion {
    let evr = package.nevra.evr();
    DependencyVersion {
        comparison: Comparison::Equal,
        epoch: evr.epoch(),
        version: evr.version().into(),
        release: Some(evr.release().into()),
    }
}

impl<'a> Offers<'a> {
    /// Indexes what `packages` offer of the names in `asked`. Source packages offer nothing.
    pub(crate) fn new(packages: &[&'a Package], asked: &HashSet<&'a str>) -> Self {
        let has_paths = asked.iter().any(|name| name.starts_with('/'));
        let of_package = |(number, &package): (usize, &&'a Package)| {
            let mut found = Vec::new();
            if package.nevra.arch().is_source() {
                return found;
            }
            let mut offer = |name: &str, how: How<'a>| {
                if let Some(&name) = asked.get(name) {
                    found.push((name, Offer { package: number, how }));
                }
            };
            // Not all repositories list it among the provides.
            offer(package.nevra.name().as_str(), How::Own(package));
            for provide in &package.provides {
                let how = provide.version.as_ref().map_or(How::Any, How::Provide);
                offer(&provide.name, how);
            }
            for file in package.files.iter().filter(|_| has_paths) {
                offer(&file.path, How::Any);
            }
            found
        };
        let found: Vec<_> = packages.par_iter().enumerate().map(of_package).collect();
        let mut by_name: HashMap<&str, Vec<Offer<'a>>> = HashMap::new();
        for (name, offer) in found.into_iter().flatten() {
            by_name.entry(name).or_default().push(offer);
        }
        Self { by_name }
    }

    /// The packages that offer a capability, ascending.
    pub(crate) fn providers(&self, asked: &Dependency) -> impl Iterator<Item = usize> {
        let mut last = None;
        self.by_name
            .get(&*asked.name)
            .into_iter()
            .flatten()
            .filter(|offer| {
                asked
                    .version
                    .as_ref()
                    .is_none_or(|version| offer.how.overlaps(version))
            })
            .map(|offer| offer.package)
            .filter(move |&package| last.replace(package) != Some(package))
    }

    /// The packages that are, each alone, what an expression of capabilities, `or`, `with` and `without` asks for,
    /// ascending. `None` for others: RPM does not allow them as operands of `with` and `without`.
    pub(crate) fn matching(&self, expression: &Rich<Dependency>) -> Option<Vec<usize>> {
        Some(match expression {
            Rich::Leaf(leaf) => self.providers(leaf).collect(),
            Rich::Or(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    found.extend(self.matching(part)?);
                }
                found.sort_unstable();
                found.dedup();
                found
            }
            Rich::With(parts) => {
                let mut parts = parts.iter();
                let mut found = self.matching(parts.next()?)?;
                for part in parts {
                    let other = self.matching(part)?;
                    found.retain(|package| other.binary_search(package).is_ok());
                }
                found
            }
            Rich::Without(left, right) => {
                let mut found = self.matching(left)?;
                let other = self.matching(right)?;
                found.retain(|package| other.binary_search(package).is_err());
                found
            }
            Rich::And(_) | Rich::If { .. } => return None,
        })
    }
}
