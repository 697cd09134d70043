//! Whether packages meet a requirement, and which ones would have.

use crate::capability::{Meaning, Offers};
use crate::gather::rich::Rich;
use crate::{Dependency, Nevra, Package, PackageKind};

/// What a requirement may be met by.
pub(super) struct Scope<'a, 's> {
    pub(super) offers: &'s Offers<'a>,
    /// Numbered by their places.
    pub(super) packages: &'s [&'a Package],
    /// The packages before this place are those of the compose and its lookaside.
    pub(super) in_reach: usize,
    /// Debug packages may be met by debug packages.
    pub(super) for_debug: bool,
}

impl Scope<'_, '_> {
    /// Whether the packages in reach meet a requirement.
    pub(super) fn meets(&self, meaning: &Meaning) -> bool {
        match meaning {
            Meaning::Expression(expression) => self.holds(expression),
            Meaning::Malformed => false,
        }
    }

    /// The packages out of reach that would have helped, sorted.
    pub(super) fn hints(&self, meaning: &Meaning) -> Vec<Nevra> {
        let mut found = Vec::new();
        if let Meaning::Expression(expression) = meaning {
            self.add_hints(expression, &mut found);
        }
        let mut found: Vec<Nevra> = found
            .into_iter()
            .filter(|&package| package >= self.in_reach && self.is_of_kind(package))
            .filter_map(|package| Some(self.packages.get(package)?.nevra.clone()))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    fn is_of_kind(&self, package: usize) -> bool {
        self.for_debug
            || self
                .packages
                .get(package)
                .is_some_and(|package| package.kind() == PackageKind::Binary)
    }

    fn is_one_in_reach(&self, mut packages: impl Iterator<Item = usize>) -> bool {
        packages.any(|package| package < self.in_reach && self.is_of_kind(package))
    }

    fn holds(&self, expression: &Rich<Dependency>) -> bool {
        match expression {
            Rich::Leaf(leaf) => self.is_one_in_reach(self.offers.providers(leaf)),
            Rich::And(parts) => parts.iter().all(|part| self.holds(part)),
            Rich::Or(parts) => parts.iter().any(|part| self.holds(part)),
            Rich::With(_) | Rich::Without(..) => {
                let matching = self.offers.matching(expression).unwrap_or_default();
                self.is_one_in_reach(matching.into_iter())
            }
            Rich::If {
                condition,
                then,
                otherwise,
            } => match (self.holds(condition), then, otherwise) {
                (true, Some(branch), _) | (false, _, Some(branch)) => self.holds(branch),
                // `A if B` without B asks for nothing.
                (false, _, None) => true,
                // `A unless B` with B cannot be.
                (true, None, _) => false,
            },
        }
    }

    /// Packages, in reach or not, that meet operands which are not met.
    fn add_hints(&self, expression: &Rich<Dependency>, found: &mut Vec<usize>) {
        if self.holds(expression) {
            return;
        }
        match expression {
            Rich::Leaf(_) | Rich::With(_) | Rich::Without(..) => {
                found.extend(self.offers.matching(expression).unwrap_or_default());
            }
            Rich::And(parts) | Rich::Or(parts) => {
                parts.iter().for_each(|part| self.add_hints(part, found));
            }
            Rich::If {
                condition,
                then,
                otherwise,
            } => {
                let branch = if self.holds(condition) { then } else { otherwise };
                if let Some(branch) = branch {
                    self.add_hints(branch, found);
                }
            }
        }
    }
}
