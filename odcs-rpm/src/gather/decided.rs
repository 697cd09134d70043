//! What was chosen for requirements.

use super::resolve::Domain;
use super::table::{Column, PackageId, RequirementId};

/// The choice for each requirement that somebody had so far; whoever has it next gets the same.
pub(super) struct Decided {
    binary: Column<RequirementId, u32>,
    /// Empty until the first of them is decided.
    debug: Column<RequirementId, u32>,
    requirements: usize,
    /// What was decided, in the order of deciding: the columns say where. Nothing is at the place [`OPEN`].
    all: Vec<Option<Picks>>,
    picks: Vec<PackageId>,
}

/// Not decided. Zero, as memory is that nobody has touched: few of all requirements are ever looked at.
const OPEN: u32 = 0;

/// The packages chosen for a requirement: a place among all that were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Picks {
    start: u32,
    end: u32,
}

impl Decided {
    pub(super) fn new(requirements: usize) -> Self {
        Self {
            binary: Column::from(vec![OPEN; requirements]),
            debug: Column::new(),
            requirements,
            // At the place of `OPEN`.
            all: vec![None],
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
            &OPEN => None,
            place => self.all.get(*place as usize).copied(),
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
                    self.debug = Column::from(vec![OPEN; self.requirements]);
                }
                &mut self.debug
            }
        };
        if let Some(state) = states.get_mut(requirement) {
            *state = u32::try_from(self.all.len()).unwrap_or(OPEN);
            self.all.push(picks);
        }
        picks
    }

    pub(super) fn packages(&self, picks: Picks) -> &[PackageId] {
        let range = picks.start as usize..picks.end as usize;
        self.picks.get(range).unwrap_or_default()
    }
}
