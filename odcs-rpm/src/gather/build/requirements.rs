//! Numbering what packages require.

use hashbrown::HashMap;

use super::{Draft, SetBuilder};
use crate::PackageKind;
use crate::gather::index::{Requirement, Target};
use crate::gather::rich;
use crate::gather::table::{
    AddedId, CapabilityId, Column, DraftId, Id as _, PackageId, RangeId, RequirementId, RichId, Rows, TextId,
};
use crate::gather::varints;

/// What is required, numbered in the order of the packages that require it.
pub(super) struct Requirements {
    known: HashMap<(TextId, Option<RangeId>), RequirementId>,
    /// With texts and ranges as the builder has them.
    pub(super) list: Vec<Requirement>,
    pub(super) operands: Rows<RichId, RequirementId>,
    pub(super) by_name: HashMap<TextId, CapabilityId>,
}

impl Requirements {
    pub(super) fn new() -> Self {
        Self {
            known: HashMap::new(),
            list: Vec::new(),
            operands: Rows::empty(),
            by_name: HashMap::new(),
        }
    }

    pub(super) fn number(&mut self, draft: Draft, builder: &mut SetBuilder) -> RequirementId {
        let key = (draft.name, draft.range);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let text = builder.numbers.texts.get(draft.name);
        let target = if text.starts_with('(') {
            match rich::parse(text) {
                None => Target::Malformed,
                Some(expression) => {
                    let mut operands = Vec::new();
                    // The operands are never rich themselves, so this recurses no further.
                    expression.map(&mut |operand| {
                        let draft = builder.draft(operand);
                        operands.push(self.number(draft, builder));
                    });
                    operands
                        .into_iter()
                        .for_each(|operand| self.operands.push(operand));
                    Target::Rich(self.operands.end_row())
                }
            }
        } else {
            let next = CapabilityId::from_index(self.by_name.len());
            Target::Capability(*self.by_name.entry(draft.name).or_insert(next))
        };
        self.list.push(Requirement {
            name: draft.name,
            range: draft.range,
            is_pre: draft.is_pre,
            target,
        });
        let id = RequirementId::from_index(self.list.len() - 1);
        self.known.insert(key, id);
        id
    }

    pub(super) fn of_packages(&mut self, order: &[AddedId], builder: &mut SetBuilder) -> Rows<PackageId, u8> {
        // Build requirements last: what others see of a requirement does not depend on who builds with it.
        let (sources, others): (Vec<AddedId>, Vec<AddedId>) = order.iter().partition(|id| {
            let added = builder.added.get(id.index());
            added.is_some_and(|package| package.kind == PackageKind::Source)
        });
        let mut numbers: Column<DraftId, Option<RequirementId>> =
            std::iter::repeat_n(None, builder.drafts.values.len()).collect();
        for id in others.into_iter().chain(sources) {
            for at in 0..builder.requires.row(id).len() {
                let draft = builder.requires.row(id).get(at).copied();
                let Some(draft) = draft.filter(|draft| numbers.get(*draft) == Some(&None)) else {
                    continue;
                };
                let Some(value) = builder.drafts.get(draft) else {
                    continue;
                };
                let number = self.number(value, builder);
                if let Some(place) = numbers.get_mut(draft) {
                    *place = Some(number);
                }
            }
        }
        let mut requires = Rows::empty();
        for &id in order {
            for &draft in builder.requires.row(id) {
                if let Some(number) = numbers.get(draft).copied().flatten() {
                    varints::push(&mut requires, number.number().into());
                }
            }
            requires.end_row();
        }
        requires
    }
}
