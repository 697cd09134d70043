//! What a package requires, and the packages chosen for it.

use super::choice::Purpose;
use super::decided::Picks;
use super::index::Meaning;
use super::result::Flag;
use super::rich::Rich;
use super::run::{Link, Run};
use super::table::{PackageId, RequirementId};
use crate::PackageKind;
use crate::arch::ArchClass;

/// Among which packages a requirement looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub(super) enum Domain {
    /// The requirements of binary packages, and of source packages: among binary packages.
    Binary,
    /// Those of debug packages: among debug packages, unless a binary of the result will do.
    Debug,
}

/// A requirement with a condition, which later members may meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    package: PackageId,
    requirement: RequirementId,
    domain: Domain,
}

/// How to take a condition that is not met (yet).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unmet {
    /// Something may still be added that meets it: ask for nothing.
    Wait,
    /// Nothing more is coming: ask for the alternative.
    Decide,
}

/// The packages for a requirement; `None` if it cannot be satisfied.
type Packages = Option<Vec<PackageId>>;

/// A package to bring, and for what.
type Pick<'a> = (PackageId, PackageId, Link<'a>);

impl<'a> Run<'a> {
    /// Adds what new packages require, and what older ones require now that a condition is met. Returns
    /// whether anything was added.
    ///
    /// The choices for one package are made against the result before any of them is added: the order
    /// in which a package lists its requirements, which repodata and headers do not agree on, does not
    /// matter.
    pub(super) fn add_dependencies(&mut self, new: &[PackageId], domain: Domain) -> bool {
        let (set, index) = (self.set, self.index);
        let mut added = false;
        let mut picks = Vec::new();
        for &package in new {
            if set.entry(package).is_none_or(|entry| entry.origin.is_lookaside()) {
                continue;
            }
            for requirement in index.requires(package) {
                let watched = Watched {
                    package,
                    requirement,
                    domain,
                };
                if self.is_conditional(requirement) {
                    self.watched.push(watched);
                }
                self.pick(watched, Unmet::Wait, &mut picks);
            }
            // Of several requirements that choose the same package the first is the reason.
            picks.sort_by(|(left, _, its), (right, _, other)| {
                left.cmp(right)
                    .then_with(|| match (its.requirement(), other.requirement()) {
                        (Some(its), Some(other)) => index.compare(its, other),
                        (its, other) => its.cmp(&other),
                    })
            });
            added |= self.add_picks(&mut picks);
        }
        self.look_again(domain, Unmet::Wait, added)
    }

    /// Adds what conditional requirements ask for while their conditions are not met.
    pub(super) fn decide_alternatives(&mut self, domain: Domain) -> bool {
        self.look_again(domain, Unmet::Decide, false)
    }

    /// Evaluates the conditional requirements again. Alternatives are decided one at a time: what one
    /// adds may meet the conditions of the others.
    fn look_again(&mut self, domain: Domain, unmet: Unmet, mut added: bool) -> bool {
        let index = self.index;
        let mut watched = self.watched.clone();
        watched.retain(|watched| watched.domain == domain);
        // Ids of requirements depend on who was numbered first: only their texts give a stable order.
        watched.sort_by(|left, right| {
            let by_text = || index.compare(left.requirement, right.requirement);
            left.package
                .cmp(&right.package)
                .then_with(by_text)
                .then_with(|| left.requirement.cmp(&right.requirement))
        });
        let mut picks = Vec::new();
        for watched in watched {
            self.pick(watched, unmet, &mut picks);
            added |= self.add_picks(&mut picks);
            if added && unmet == Unmet::Decide {
                break;
            }
        }
        added
    }

    fn add_picks(&mut self, picks: &mut Vec<Pick<'a>>) -> bool {
        let mut added = false;
        for (id, by, link) in picks.drain(..) {
            if self.bring(id, by, link) {
                added = true;
                if matches!(link, Link::BuildRequires(_)) {
                    self.flag(by, Flag::SelfHosting);
                }
            }
        }
        added
    }

    /// Adds what satisfies a requirement of a package to the picks, but for what is a member already.
    /// Records the requirement as broken if nothing does.
    fn pick(&mut self, watched: Watched, unmet: Unmet, picks: &mut Vec<Pick<'a>>) {
        let Watched {
            package,
            requirement,
            domain,
        } = watched;
        let link = match self.kind(package) {
            Some(PackageKind::Source) => Link::BuildRequires(requirement),
            _ => Link::Requires(requirement),
        };
        let is_satisfied = {
            let evaluated;
            let decided = match self.index.meaning(requirement) {
                Meaning::Capability => {
                    let decided = self.decide(requirement, domain);
                    decided.map(|decided| self.decided.packages(decided))
                }
                Meaning::Rich(expression) => {
                    evaluated = self.evaluate(expression, domain, unmet);
                    evaluated.as_deref()
                }
                Meaning::Malformed => None,
            };
            let new = decided.into_iter().flatten().filter(|id| !self.is_member(**id));
            picks.extend(new.map(|id| (*id, package, link)));
            decided.is_some()
        };
        if !is_satisfied {
            self.broken.insert((package, requirement));
        }
    }

    fn is_conditional(&self, requirement: RequirementId) -> bool {
        match self.index.meaning(requirement) {
            Meaning::Rich(expression) => expression.is_conditional(),
            Meaning::Capability | Meaning::Malformed => false,
        }
    }

    /// The packages chosen for an ordinary requirement: decided once, whoever has it.
    fn decide(&mut self, requirement: RequirementId, domain: Domain) -> Option<Picks> {
        if domain == Domain::Debug && self.has_binary(self.providers(requirement)) {
            return Some(Picks::default());
        }
        if let Some(decided) = self.decided.get(domain, requirement) {
            return decided;
        }
        let candidates = self.candidates(requirement, domain);
        let best = self.best(candidates, Purpose::Requirement);
        let is_met = !best.is_empty() || (domain == Domain::Debug && self.is_left_out(requirement));
        self.decided.insert(domain, requirement, is_met.then_some(&best))
    }

    fn evaluate(&mut self, expression: &Rich<RequirementId>, domain: Domain, unmet: Unmet) -> Packages {
        match expression {
            Rich::Leaf(requirement) => {
                let decided = self.decide(*requirement, domain)?;
                Some(self.decided.packages(decided).to_vec())
            }
            Rich::And(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.evaluate(part, domain, unmet)?);
                }
                Some(all)
            }
            Rich::Or(parts) => {
                if parts.iter().any(|part| self.is_met(part, domain)) {
                    return Some(Vec::new());
                }
                parts.iter().find_map(|part| self.evaluate(part, domain, unmet))
            }
            Rich::With(_) | Rich::Without(..) => {
                let matching = self.matching(expression)?;
                if domain == Domain::Debug && self.has_binary(matching.iter().copied()) {
                    return Some(Vec::new());
                }
                let fitting = matching.into_iter().filter(|&id| self.fits(id, domain));
                let best = self.best(fitting.collect(), Purpose::Requirement);
                (!best.is_empty()).then_some(best)
            }
            Rich::If {
                condition,
                then,
                otherwise,
            } => {
                let branch = match (self.is_met(condition, domain), unmet) {
                    (true, _) => then,
                    (false, Unmet::Decide) => otherwise,
                    (false, Unmet::Wait) => &None,
                };
                match branch {
                    Some(branch) => self.evaluate(branch, domain, unmet),
                    None => Some(Vec::new()),
                }
            }
        }
    }

    /// Whether the result satisfies the expression as it is.
    fn is_met(&self, expression: &Rich<RequirementId>, domain: Domain) -> bool {
        let has_one = |mut ids: Box<dyn Iterator<Item = PackageId> + '_>| {
            ids.any(|id| {
                self.is_member(id) && (domain == Domain::Debug || self.kind(id) == Some(PackageKind::Binary))
            })
        };
        match expression {
            Rich::Leaf(requirement) => has_one(Box::new(self.providers(*requirement))),
            Rich::And(parts) => parts.iter().all(|part| self.is_met(part, domain)),
            Rich::Or(parts) => parts.iter().any(|part| self.is_met(part, domain)),
            Rich::With(_) | Rich::Without(..) => {
                let matching = self.matching(expression).unwrap_or_default();
                has_one(Box::new(matching.into_iter()))
            }
            Rich::If {
                condition,
                then,
                otherwise,
            } => {
                let branch = if self.is_met(condition, domain) {
                    then
                } else {
                    otherwise
                };
                branch.as_deref().is_none_or(|branch| self.is_met(branch, domain))
            }
        }
    }

    /// The packages that are, each alone, what the expression asks for, ascending. `None` for operands
    /// that are not about one package: RPM does not allow them there.
    fn matching(&self, expression: &Rich<RequirementId>) -> Option<Vec<PackageId>> {
        match expression {
            Rich::Leaf(requirement) => Some(self.providers(*requirement).collect()),
            Rich::With(parts) => {
                let mut parts = parts.iter();
                let mut found = self.matching(parts.next()?)?;
                for part in parts {
                    let other = self.matching(part)?;
                    found.retain(|id| other.binary_search(id).is_ok());
                }
                Some(found)
            }
            Rich::Without(left, right) => {
                let mut found = self.matching(left)?;
                let other = self.matching(right)?;
                found.retain(|id| other.binary_search(id).is_err());
                Some(found)
            }
            Rich::Or(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    found.extend(self.matching(part)?);
                }
                found.sort_unstable();
                found.dedup();
                Some(found)
            }
            Rich::And(_) | Rich::If { .. } => None,
        }
    }

    /// All packages that offer what an ordinary requirement asks for, visible or not, ascending.
    fn providers(&self, requirement: RequirementId) -> impl Iterator<Item = PackageId> {
        self.index.providers(requirement)
    }

    /// Those of them that may be chosen.
    pub(super) fn candidates(&self, requirement: RequirementId, domain: Domain) -> Vec<PackageId> {
        self.providers(requirement)
            .filter(|&id| self.fits(id, domain))
            .collect()
    }

    /// Whether a package may be chosen. Debug packages may require older ones than the newest.
    pub(super) fn fits(&self, id: PackageId, domain: Domain) -> bool {
        match domain {
            Domain::Binary => self.kind(id) == Some(PackageKind::Binary) && self.view.is_visible(id),
            Domain::Debug => self.kind(id) == Some(PackageKind::Debug) && self.view.is_present(id),
        }
    }

    /// Whether debug packages would do that the request excludes: who does so does not want to hear of them.
    fn is_left_out(&self, requirement: RequirementId) -> bool {
        self.providers(requirement).any(|id| {
            self.set.entry(id).is_some_and(|entry| {
                entry.kind == PackageKind::Debug && self.view.class(entry) != ArchClass::Foreign
            })
        })
    }

    fn has_binary(&self, mut ids: impl Iterator<Item = PackageId>) -> bool {
        ids.any(|id| self.is_member(id) && self.kind(id) == Some(PackageKind::Binary))
    }

    fn kind(&self, id: PackageId) -> Option<PackageKind> {
        self.set.entry(id).map(|entry| entry.kind)
    }
}
