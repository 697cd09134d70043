//! From the solver's proof that something is impossible to facts about packages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use resolvo::conflict::{ConflictCause, ConflictEdge, ConflictGraph, ConflictNode};
use resolvo::{DenseIndex, Requirement, SolvableId};

use super::problem::{NotInstallable, Problem};
use super::universe::{Cause, Universe};
use crate::{Dependency, Nevra};

/// The facts of a proof, each after the one that leads to it.
pub(super) fn explain(universe: &Universe<'_>, graph: &ConflictGraph<SolvableId>) -> Vec<Problem> {
    let mut found = Facts {
        universe,
        of_package: BTreeMap::new(),
        leads_to: BTreeMap::new(),
    };
    let mut providers: BTreeMap<(usize, usize), BTreeSet<usize>> = BTreeMap::new();
    let mut starts = BTreeSet::new();
    for edge in graph.graph.raw_edges() {
        let node = |index| graph.graph.node_weight(index).copied();
        let (Some(from), Some(to)) = (node(edge.source()), node(edge.target())) else {
            continue;
        };
        match (from, edge.weight) {
            (ConflictNode::Root, _) => starts.extend(found.package(to)),
            (ConflictNode::Solvable(package), ConflictEdge::Requires(Requirement::Union(union))) => {
                let of_union = providers.entry((package.to_index(), union.to_index()));
                of_union.or_default().extend(found.package(to));
            }
            (ConflictNode::Solvable(package), ConflictEdge::Conflict(cause)) => {
                found.add_conflict(package.to_index(), to, cause);
            }
            _ => {}
        }
    }
    for ((package, union), providers) in providers {
        found.add_requirement(package, union, &providers);
    }
    found.in_order(starts)
}

struct Facts<'u, 'a> {
    universe: &'u Universe<'a>,
    of_package: BTreeMap<usize, BTreeSet<Problem>>,
    leads_to: BTreeMap<usize, BTreeSet<usize>>,
}

impl<'a> Facts<'_, 'a> {
    fn package(&self, node: ConflictNode<SolvableId>) -> Option<usize> {
        match node {
            ConflictNode::Solvable(solvable) => {
                Some(solvable.to_index()).filter(|&number| number < self.universe.packages.len())
            }
            _ => None,
        }
    }

    fn nevra(&self, package: usize) -> Option<&'a Nevra> {
        self.universe.packages.get(package).map(|package| &package.nevra)
    }

    fn add(&mut self, package: usize, problem: Problem) {
        self.of_package.entry(package).or_default().insert(problem);
    }

    fn add_requirement(&mut self, package: usize, union: usize, providers: &BTreeSet<usize>) {
        let (Some(nevra), Some(union)) = (self.nevra(package), self.universe.unions.get(union)) else {
            return;
        };
        let Some(dependency) = union.dependency else {
            return;
        };
        let is_impossible = union.version_sets.iter().all(|&version_set| {
            let version_set = self.universe.version_sets.get(version_set);
            version_set.is_none_or(|version_set| version_set.members.is_empty())
        });
        let (package_nevra, requirement) = (nevra.clone(), bare(dependency));
        let problem = if is_impossible {
            Problem::NothingProvides {
                package: package_nevra,
                requirement,
            }
        } else {
            let names = providers
                .iter()
                .filter_map(|&provider| self.nevra(provider).cloned());
            Problem::Requires {
                package: package_nevra,
                requirement,
                providers: names.collect(),
            }
        };
        self.add(package, problem);
        self.leads_to.entry(package).or_default().extend(providers);
    }

    fn add_conflict(
        &mut self,
        package: usize,
        to: ConflictNode<SolvableId>,
        cause: ConflictCause<SolvableId>,
    ) {
        let Some(nevra) = self.nevra(package).cloned() else {
            return;
        };
        if cause == ConflictCause::Excluded {
            let needs = self.universe.needs.get(package);
            if let Some(dependency) = needs.and_then(|needs| needs.too_complex) {
                let dependency = bare(dependency);
                self.add(
                    package,
                    Problem::TooComplex {
                        package: nevra,
                        dependency,
                    },
                );
            }
            return;
        }
        let Some(other) = self.package(to) else { return };
        let Some(other_nevra) = self.nevra(other).cloned() else {
            return;
        };
        let cause = match cause {
            ConflictCause::Constrains(version_set) => {
                let version_set = self.universe.version_sets.get(version_set.to_index());
                version_set.map_or(Cause::SameName, |version_set| version_set.cause)
            }
            _ => Cause::SameName,
        };
        let problem = match cause {
            Cause::Conflict(conflict) => Problem::Conflicts {
                package: nevra,
                conflict: bare(conflict),
                with: other_nevra,
            },
            Cause::Obsolete(obsolete) => Problem::Obsoletes {
                package: nevra,
                obsolete: bare(obsolete),
                obsoleted: other_nevra,
            },
            Cause::SameName | Cause::Requirement => Problem::SameName {
                package: nevra.clone().min(other_nevra.clone()),
                other: nevra.max(other_nevra),
            },
        };
        self.add(package, problem);
    }

    /// Breadth first from what was asked for; what is not reached that way comes last.
    fn in_order(mut self, starts: BTreeSet<usize>) -> Vec<Problem> {
        let mut queue: VecDeque<usize> = starts.into_iter().collect();
        let mut told: Vec<Problem> = Vec::new();
        while let Some(package) = queue
            .pop_front()
            .or_else(|| self.of_package.keys().next().copied())
        {
            told.extend(self.of_package.remove(&package).into_iter().flatten());
            queue.extend(self.leads_to.remove(&package).into_iter().flatten());
        }
        let mut seen = BTreeSet::new();
        told.retain(|problem| seen.insert(problem.clone()));
        told.truncate(NotInstallable::MAX_REASONS);
        told
    }
}

/// The dependency, however its package needs it.
fn bare(dependency: &Dependency) -> Dependency {
    Dependency {
        is_pre: false,
        ..dependency.clone()
    }
}
