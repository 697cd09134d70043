//! Who requires and who provides what.
//!
//! A distribution has millions of provides and files, and asks for a few ten thousand of them: only what a
//! requirement names is here.

use std::cmp::Ordering;
use std::sync::OnceLock;

use super::rich::{self, Rich};
use super::stored::{Stored, StoredRows, StoredTexts, StoredVarints};
use super::table::{CapabilityId, Column, Id as _, PackageId, RangeId, RequirementId, RichId, TextId};
use crate::Comparison;
use crate::dependency::{BorrowedDependency, BorrowedVersion};

/// The one capability that can be asked for like a package.
pub(super) const SYSTEM_RELEASE: &str = "system-release";

/// The requirements of packages, and the packages that might satisfy them.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) texts: StoredTexts,
    /// The first asks for [`SYSTEM_RELEASE`] in any version.
    pub(super) requirements: Stored<RequirementId, Requirement>,
    pub(super) ranges: Stored<RangeId, Range>,
    /// The ordinary requirements that rich ones are made of, in the order in which
    /// [`Rich::map`] meets them.
    pub(super) operands: StoredRows<RichId, RequirementId>,
    /// Expressions are read when they are first evaluated: few of a set ever are.
    pub(super) expressions: Column<RichId, OnceLock<Option<Rich<RequirementId>>>>,
    pub(super) requires: StoredVarints<PackageId>,
    pub(super) offers: StoredRows<CapabilityId, Offer>,
}

/// Something that packages require; each is there once, however many do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirement {
    pub(super) name: TextId,
    pub(super) range: Option<RangeId>,
    /// As the first package that has it says.
    pub(super) is_pre: bool,
    pub(super) target: Target,
}

/// What a requirement is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Capability(CapabilityId),
    Rich(RichId),
    Malformed,
}

/// What a requirement takes to be satisfied.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning<'a> {
    /// One package that offers the capability.
    Capability,
    /// An expression over other requirements.
    Rich(&'a Rich<RequirementId>),
    /// Nothing can satisfy it.
    Malformed,
}

/// That a package offers a capability.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Offer {
    pub(super) package: PackageId,
    /// In which versions; files have none, and what has none satisfies every one.
    pub(super) range: Option<RangeId>,
}

/// A version with how it compares.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub(super) struct Range {
    pub(super) comparison: Comparison,
    pub(super) epoch: u32,
    pub(super) version: TextId,
    pub(super) release: Option<TextId>,
}

impl Index {
    /// What a package requires.
    pub(super) fn requires(&self, package: PackageId) -> impl Iterator<Item = RequirementId> + '_ {
        let mut numbers = self.requires.row(package);
        std::iter::from_fn(move || numbers.next_id())
    }

    /// A requirement as packages have it.
    pub(super) fn dependency(&self, id: RequirementId) -> Option<BorrowedDependency<'_>> {
        let requirement = self.requirements.get(id)?;
        Some(BorrowedDependency {
            name: self.texts.get(requirement.name),
            version: requirement.range.and_then(|range| self.version(range)),
            is_pre: requirement.is_pre,
        })
    }

    /// Compares requirements as [`dependency`](Self::dependency) has them: mostly, their names tell.
    pub(super) fn compare(&self, left: RequirementId, right: RequirementId) -> Ordering {
        let name = |id| {
            self.requirements
                .get(id)
                .map(|requirement| self.texts.bytes(requirement.name))
        };
        name(left)
            .cmp(&name(right))
            .then_with(|| self.dependency(left).cmp(&self.dependency(right)))
    }

    pub(super) fn meaning(&self, id: RequirementId) -> Meaning<'_> {
        let Some(requirement) = self.requirements.get(id) else {
            return Meaning::Malformed;
        };
        match requirement.target {
            Target::Capability(_) => Meaning::Capability,
            Target::Rich(rich) => self
                .expression(rich, requirement.name)
                .map_or(Meaning::Malformed, Meaning::Rich),
            Target::Malformed => Meaning::Malformed,
        }
    }

    fn expression(&self, id: RichId, text: TextId) -> Option<&Rich<RequirementId>> {
        let read = || {
            let expression = rich::parse(self.texts.get(text))?;
            let mut operands = self.operands.row(id);
            // There are as many as the expression has operands, if nothing is damaged.
            let nothing = RequirementId::from_number(u32::MAX);
            Some(expression.map(&mut |_| operands.next().unwrap_or(nothing)))
        };
        self.expressions.get(id)?.get_or_init(read).as_ref()
    }

    /// The requirement of `system-release` in any version.
    pub(super) fn system_release(&self) -> RequirementId {
        RequirementId::from_number(0)
    }

    /// The packages that satisfy an ordinary requirement, ascending.
    pub(super) fn providers(&self, id: RequirementId) -> impl Iterator<Item = PackageId> {
        let (asked, offers) = match self.requirements.get(id) {
            Some(Requirement {
                range,
                target: Target::Capability(capability),
                ..
            }) => (range, Some(self.offers.row(capability))),
            _ => (None, None),
        };
        let mut last = None;
        offers
            .into_iter()
            .flatten()
            .filter(move |offer| match (asked, offer.range) {
                (None, _) | (_, None) => true,
                // Whatever its comparison, a range has something in common with itself.
                (Some(asked), Some(own)) if asked == own => true,
                (Some(asked), Some(own)) => {
                    let versions = self.version(own).zip(self.version(asked));
                    versions.is_some_and(|(own, asked)| own.overlaps(asked))
                }
            })
            .map(|offer| offer.package)
            .filter(move |&id| last.replace(id) != Some(id))
    }

    fn version(&self, id: RangeId) -> Option<BorrowedVersion<'_>> {
        let range = self.ranges.get(id)?;
        Some(BorrowedVersion {
            comparison: range.comparison,
            epoch: range.epoch,
            version: self.texts.get(range.version),
            release: range.release.map(|release| self.texts.get(release)),
        })
    }
}
