//! Repository closure: whether everything that packages require is there.
//!
//! A requirement is met if some package of the compose or of its lookaside repositories meets it, whether or not
//! that package can be installed beside the one that asks (that is a question for [`installable`](crate::installable)).
//! Rich dependencies are evaluated over all of these packages as RPM evaluates them over those of one system.
//!
//! ```
//! use odcs_rpm::{Dependency, Evr, Nevra, Package, closure};
//!
//! let nevra = |name: &str| -> odcs_rpm::Result<Nevra> {
//!     Ok(Nevra::new(name.parse()?, Evr::new(0, "1", "1")?, "x86_64".parse()?))
//! };
//! let (mut ed, libs) = (Package::new(nevra("ed")?), Package::new(nevra("ed-libs")?));
//! ed.requires.push(Dependency::unversioned("ed-libs"));
//! assert!(closure::check([&ed, &libs], [], []).is_empty());
//!
//! let unmet = closure::check([&ed], [], [&ed, &libs]);
//! assert_eq!(
//!     unmet[0].to_string(),
//!     "ed-0:1-1.x86_64 requires ed-libs, which ed-libs-0:1-1.x86_64 would provide"
//! );
//! # Ok::<(), odcs_rpm::Error>(())
//! ```

mod evaluate;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;

use evaluate::Scope;

use crate::capability::{Meaning, Offers, is_of_rpm};
use crate::{Dependency, Nevra, Package, PackageKind};

/// A requirement that nothing meets. Ordered by package, then requirement.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Unmet {
    /// The package of the compose that has it.
    pub package: Nevra,
    /// The requirement, rich ones as a whole; the same one for installing and for scriptlets is listed once.
    pub requirement: Dependency,
    /// Packages of the package set that would have met it, or a part of a rich one, had they come into the compose:
    /// those that were excluded, are older than the newest, or of another signature. Sorted.
    pub could_be_met_by: Vec<Nevra>,
}

/// Packages that an [`Unmet`] names in its text.
const NAMED: usize = 3;

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requires {}, which ", self.package, self.requirement)?;
        if self.could_be_met_by.is_empty() {
            return f.write_str("nothing provides");
        }
        for (package, number) in self.could_be_met_by.iter().zip(0..NAMED) {
            write!(f, "{}{package}", if number > 0 { ", " } else { "" })?;
        }
        match self.could_be_met_by.len().saturating_sub(NAMED) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        f.write_str(" would provide")
    }
}

/// Finds every requirement (`requires`, those of scriptlets included) of a package of the compose that neither the
/// compose nor a lookaside package meets, sorted.
///
/// All packages are those of one tree arch, of all kinds: debug packages are looked for only by debug packages, source
/// packages offer nothing and what they need for being built is not looked at. `package_set` is where
/// [`Unmet::could_be_met_by`] is looked for; it may hold packages of the compose as well. Files are compared by their
/// whole paths, so `/bin/sh` has to be a file or a provide of some package.
///
/// The time is linear in the number of dependencies and files; nothing is looked up twice.
pub fn check<'a>(
    compose: impl IntoIterator<Item = &'a Package>,
    lookaside: impl IntoIterator<Item = &'a Package>,
    package_set: impl IntoIterator<Item = &'a Package>,
) -> Vec<Unmet> {
    let mut packages: Vec<&Package> = compose.into_iter().collect();
    let asking = packages.clone();
    packages.extend(lookaside);
    let in_reach = packages.len();
    packages.extend(package_set);

    let requirements = Requirements::new(&asking);
    let mut leaves = Vec::new();
    for (_, meaning) in &requirements.list {
        meaning.leaves(&mut leaves);
    }
    let asked: HashSet<&str> = leaves.iter().map(|leaf| &*leaf.name).collect();
    let offers = Offers::new(&packages, &asked);
    let scope = |for_debug| Scope {
        offers: &offers,
        packages: &packages,
        in_reach,
        for_debug,
    };
    let (binary, debug) = (scope(false), scope(true));

    // Each is decided once, however many packages have it.
    let mut decided: HashMap<(usize, bool), Option<Vec<Nevra>>> = HashMap::new();
    let mut unmet = Vec::new();
    for (package, numbers) in asking.iter().zip(&requirements.of_package) {
        let for_debug = package.kind() == PackageKind::Debug;
        let scope = if for_debug { &debug } else { &binary };
        for &number in numbers {
            let Some((requirement, meaning)) = requirements.list.get(number) else {
                continue;
            };
            let hints = decided
                .entry((number, for_debug))
                .or_insert_with(|| (!scope.meets(meaning)).then(|| scope.hints(meaning)));
            if let Some(hints) = hints {
                unmet.push(Unmet {
                    package: package.nevra.clone(),
                    requirement: Dependency {
                        is_pre: false,
                        ..(*requirement).clone()
                    },
                    could_be_met_by: hints.clone(),
                });
            }
        }
    }
    unmet.sort();
    unmet.dedup();
    unmet
}

/// Every different requirement once, and which packages have it.
struct Requirements<'a> {
    list: Vec<(&'a Dependency, Meaning)>,
    of_package: Vec<Vec<usize>>,
}

impl<'a> Requirements<'a> {
    fn new(asking: &[&'a Package]) -> Self {
        let mut known = HashMap::new();
        let mut list = Vec::new();
        let mut number = |dependency: &'a Dependency| {
            *known
                .entry((&*dependency.name, &dependency.version))
                .or_insert_with(|| {
                    list.push((dependency, Meaning::of(dependency)));
                    list.len() - 1
                })
        };
        let of_package = asking
            .iter()
            .map(|package| {
                let is_source = package.kind() == PackageKind::Source;
                let requires: &[Dependency] = if is_source { &[] } else { &package.requires };
                requires
                    .iter()
                    .filter(|dependency| !is_of_rpm(dependency))
                    .map(&mut number)
                    .collect()
            })
            .collect();
        Self { list, of_package }
    }
}
