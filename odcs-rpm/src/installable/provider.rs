//! The universe as the solver asks for it.

use std::any::Any;
use std::cell::Cell;
use std::cmp::Reverse;
use std::fmt::Display;

use resolvo::{
    Candidates, Condition, ConditionId, DenseIndex, Dependencies, DependencyProvider,
    HintDependenciesAvailable, Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache,
    StringId, VersionSetId, VersionSetUnionId,
};

use super::universe::{Group, Needs, Universe, VersionSet};

/// Answers the solver, and stops it when it has asked too often, or whoever wants to know does not any more.
pub(super) struct Provider<'a, 'g> {
    pub(super) universe: Universe<'a>,
    steps_left: Cell<u64>,
    goes_on: &'g dyn Fn() -> bool,
}

impl<'a, 'g> Provider<'a, 'g> {
    pub(super) fn new(universe: Universe<'a>, goes_on: &'g dyn Fn() -> bool) -> Self {
        Self {
            universe,
            steps_left: Cell::new(0),
            goes_on,
        }
    }

    pub(super) fn allow(&self, steps: u64) {
        self.steps_left.set(steps);
    }

    /// What is left of the steps allowed.
    pub(super) fn left(&self) -> u64 {
        self.steps_left.get()
    }

    fn group(&self, name: NameId) -> Option<&Group> {
        self.universe.groups.get(name.to_index())
    }

    fn version_set(&self, id: VersionSetId) -> Option<&VersionSet<'a>> {
        self.universe.version_sets.get(id.to_index())
    }

    fn needs(&self, solvable: SolvableId) -> Option<&Needs<'a>> {
        self.universe.needs.get(solvable.to_index())
    }
}

/// Nothing of the solver's own texts is ever shown.
impl Interner for Provider<'_, '_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        solvable.to_index()
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        name.to_index()
    }

    fn display_version_set(&self, version_set: VersionSetId) -> impl Display + '_ {
        version_set.to_index()
    }

    fn display_string(&self, string: StringId) -> impl Display + '_ {
        string.to_index()
    }

    fn version_set_name(&self, version_set: VersionSetId) -> NameId {
        NameId::from_index(self.version_set(version_set).map_or(0, |set| set.group))
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        let group = self.universe.group_of.get(solvable.to_index());
        NameId::from_index(group.copied().unwrap_or(0))
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        let union = self.universe.unions.get(union.to_index());
        union
            .into_iter()
            .flat_map(|union| &union.version_sets)
            .map(|&version_set| VersionSetId::from_index(version_set))
    }

    fn resolve_condition(&self, _: ConditionId) -> Condition {
        // No requirement has one: see the universe.
        Condition::Requirement(VersionSetId::from_index(0))
    }
}

impl DependencyProvider for Provider<'_, '_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        version_set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let members = self.version_set(version_set).map_or(&[][..], |set| &set.members);
        let is_member = |candidate: &SolvableId| members.binary_search(&candidate.to_index()).is_ok();
        candidates
            .iter()
            .copied()
            .filter(|candidate| is_member(candidate) != inverse)
            .collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates<SolvableId>> {
        let group = self.group(name)?;
        let candidates = group
            .candidates
            .iter()
            .map(|&candidate| SolvableId::from_index(candidate));
        Some(Candidates {
            candidates: candidates.collect(),
            allow_multiple: group.is_install_only,
            hint_dependencies_available: HintDependenciesAvailable::None,
            ..Candidates::default()
        })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        // The newest package first; *absent* before *present*.
        let packages = self.universe.packages.len();
        solvables.sort_by_key(|solvable| {
            let number = solvable.to_index();
            (number < packages).then_some(Reverse(number)).ok_or(number)
        });
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let Some(needs) = self.needs(solvable) else {
            return Dependencies::Known(KnownDependencies::default());
        };
        if needs.too_complex.is_some() {
            return Dependencies::Unknown(StringId::from_index(solvable.to_index()));
        }
        let unions = needs.unions.iter();
        let unions = unions.map(|&union| Requirement::from(VersionSetUnionId::from_index(union)).into());
        let constraints = needs.constraints.iter();
        Dependencies::Known(KnownDependencies {
            requirements: unions.collect(),
            constrains: constraints
                .map(|&version_set| VersionSetId::from_index(version_set))
                .collect(),
        })
    }

    fn should_cancel_with_value(&self) -> Option<Box<dyn Any>> {
        let left = self.steps_left.get();
        self.steps_left.set(left.saturating_sub(1));
        (left == 0 || !(self.goes_on)()).then(|| Box::new(()) as Box<dyn Any>)
    }
}
