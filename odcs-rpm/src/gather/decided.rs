//! What was chosen for requirements.

use super::resolve::Domain;
use super::table::{Column, PackageId, RequirementId};

/// The choice for each requirement that somebody had so far; whoever has it next gets the same.
pub(super) struct Decided {
    binary: Column<RequirementId, State>,
    /// Empty until the first of them is decided.
    debug: Column<RequirementId, State>,
    requirements: usize,
    picks: Vec<PackageId>,
}

#[derive(Clone, Copy)]
enum State {
    Open,
    Decided(Option<Picks>),
}

/// The packages chosen for a requirement: a place among all that were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Picks {
    start: u32,
    end: u32,
}

impl Decided {
    pub(super) fn new(requirements: usize) -> Self {
        Self {
            binary: std::iter::repeat_n(State::Open, requirements).collect(),
            debug: Column::new(),
            requirements,
            picks: Vec::new(),
        }
    }

    /// What was decided; `Some(None)` that nothing satisfies it.
    pub(super) fn get(&self, domain: Domain, requirement: RequirementId) -> Option<Option<Picks>> {
        let states = match domain {
            Domain::Binary => &self.binary,
            Domain::Debug => &self.debug,
        };
        match states.get(requirement)? {
            State::Open => None,
            State::Decided(picks) => Some(*picks),
        }
    }

    pub(super) fn insert(
        &mut self,
        domain: Domain,
        requirement: RequirementId,
        packages: Option<&[PackageId]>,
    ) -> Option<Picks> {
        let place = |picks: &Vec<PackageId>| u32::try_from(picks.len()).unwrap_or(u32::MAX);
        let picks = packages.map(|packages| {
            let start = place(&self.picks);
            self.picks.extend_from_slice(packages);
            Picks {
                start,
                end: place(&self.picks),
            }
        });
        let states = match domain {
            Domain::Binary => &mut self.binary,
            Domain::Debug => {
                if self.debug.len() == 0 {
                    self.debug = std::iter::repeat_n(State::Open, self.requirements).collect();
                }
                &mut self.debug
            }
        };
        if let Some(state) = states.get_mut(requirement) {
            *state = State::Decided(picks);
        }
        picks
    }

    pub(super) fn packages(&self, picks: Picks) -> &[PackageId] {
        let range = picks.start as usize..picks.end as usize;
        self.picks.get(range).unwrap_or_default()
    }
}
