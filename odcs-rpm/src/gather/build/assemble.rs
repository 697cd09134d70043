//! From packages in the order of adding to a set: sorted, numbered anew, and without what nobody asks for.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::kept::Kept;
use super::numbered::Numbered;
use super::offers::offers;
use super::requirements::Requirements;
use super::{Added, SetBuilder};
use crate::Dependency;
use crate::evr::compare_evrs;
use crate::gather::index::{Offer, Range, Requirement, SYSTEM_RELEASE};
use crate::gather::set::PackageSet;
use crate::gather::table::{
    AddedId, CapabilityId, Column, Id as _, PackageId, RangeId, RequirementId, RichId, Rows, TextId,
};
use crate::gather::texts::Texts;

/// The set; `None` only if there is a mistake here.
pub(super) fn assemble(mut builder: SetBuilder) -> Option<PackageSet> {
    let order = sort(&builder);
    // Numbers depend on the packages alone, not on the order of adding.
    let mut requirements = Requirements::new();
    let system_release = builder.draft(&Dependency::unversioned(SYSTEM_RELEASE));
    requirements.number(system_release, &mut builder);
    let requires = requirements.of_packages(&order, &mut builder);
    let offers = offers(&order, &builder, &requirements);
    // What is most of it is of no more use.
    (builder.requires, builder.provides, builder.paths) = (Rows::empty(), Rows::empty(), Rows::empty());

    let SetBuilder {
        numbers,
        ranges,
        arches,
        added,
        signatures,
        is_brief,
        ..
    } = builder;
    let mut kept = Kept::new(&numbers.texts, &ranges.values);
    let mut set = Numbered::new();
    for id in &order {
        let package = added.get(id.index());
        if let Some((package, (arch, _))) = package.and_then(|p| Some((p, arches.get(p.arch)?))) {
            set.add(package, arch, signatures.row(*id), &mut kept);
        }
    }
    let list = requirements.list.iter().map(|requirement| Requirement {
        name: kept.text(requirement.name),
        range: requirement.range.map(|range| kept.range(range)),
        ..*requirement
    });
    let list: Column<_, _> = list.collect();
    let offers = offers.into_iter().map(|(capability, offer)| {
        let range = offer.range.map(|range| kept.range(range));
        (capability, Offer { range, ..offer })
    });
    let offers: Vec<_> = offers.collect();
    let index = Indexed {
        texts: kept.texts,
        ranges: kept.ranges.into_iter().collect(),
        requirements: list,
        offers: Rows::new(requirements.by_name.len(), &offers),
        operands: requirements.operands,
        requires,
    };
    set.finish(&index, is_brief)
}

/// Who requires and who offers what.
pub(super) struct Indexed {
    pub(super) texts: Texts,
    pub(super) requirements: Column<RequirementId, Requirement>,
    pub(super) ranges: Column<RangeId, Range>,
    pub(super) operands: Rows<RichId, RequirementId>,
    pub(super) requires: Rows<PackageId, u8>,
    pub(super) offers: Rows<CapabilityId, Offer>,
}

/// The packages sorted by NEVRA, then origin, each pair of these once: the first one added.
fn sort(builder: &SetBuilder) -> Vec<AddedId> {
    let texts = &builder.numbers.texts;
    let added = |id: &AddedId| builder.added.get(id.index());
    let arch = |package: &Added| builder.arches.get(package.arch).map(|(arch, _)| arch);
    let evr = |Added { brief, .. }: &Added| (brief.epoch, texts.get(brief.version), texts.get(brief.release));
    let compare = |left: &AddedId, right: &AddedId| {
        let Some((left, right)) = added(left).zip(added(right)) else {
            return left.cmp(right);
        };
        let by_text = |left: TextId, right: TextId| {
            if left == right {
                Ordering::Equal
            } else {
                texts.get(left).cmp(texts.get(right))
            }
        };
        by_text(left.name, right.name)
            .then_with(|| {
                let is_same = left.own == right.own;
                if is_same {
                    Ordering::Equal
                } else {
                    compare_evrs(evr(left), evr(right))
                }
            })
            .then_with(|| arch(left).cmp(&arch(right)))
            .then_with(|| left.origin.cmp(&right.origin))
    };
    let mut order: Vec<AddedId> = (0..builder.added.len()).map(AddedId::from_index).collect();
    order.par_sort_by(compare);
    order.dedup_by(|later, first| compare(first, later).is_eq());
    order
}
