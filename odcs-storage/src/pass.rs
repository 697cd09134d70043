//! The one pass over the packages of a compose: while some are read and placed, those before them are written into
//! the repodata of their trees. Nothing of a package's XML or file lists stays in memory after that.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use odcs_core::{Phase, Progress};
use odcs_rpm::repodata::{Described, Pieces, PiecesView};
use rayon::prelude::*;

use crate::arrange::{Layout, PlannedFile};
use crate::error::{Error, Result};
use crate::link::Counts;
use crate::log;
use crate::packages::{Outcome, PlacedPackage, Placing};
use crate::repodata::TreeRepodata;

/// How many packages are done between two lines in the log.
const STEP: u64 = 1_000;

/// Packages that are in memory at a time; twice as many, since those before them are being written.
const CHUNK: usize = 64;

/// Bytes of headers that are in memory at a time: a few packages have as many files as all others together.
const CHUNK_BYTES: u64 = 8 << 20;

/// Buffers that have grown beyond this are given back.
const KEPT: usize = 64 << 10;

/// What of a package is in memory until it is written. Its buffers are used again.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// An entry of the cache.
    pub(crate) entry: Vec<u8>,
    /// Where in it the XML is, if that is where it is.
    pub(crate) xml: Option<Range<usize>>,
    /// The XML, if it is not there.
    pub(crate) pieces: Pieces,
}

impl Slot {
    /// Makes room for the next package.
    pub(crate) fn clear(&mut self) {
        self.xml = None;
        if self.entry.capacity() > KEPT {
            self.entry = Vec::new();
        }
        let held: usize = self.pieces.parts().iter().map(|part| part.len()).sum();
        if held > KEPT {
            self.pieces = Pieces::default();
        }
    }

    /// The XML of the package.
    fn view(&self) -> Option<PiecesView<'_>> {
        match &self.xml {
            Some(xml) => PiecesView::parse(self.entry.get(xml.clone())?),
            None => Some(self.pieces.view()),
        }
    }
}

/// Some packages, and their slots. Which slot belongs to which package is said by their order.
#[derive(Default)]
struct Chunk {
    packages: Range<usize>,
    slots: Vec<Slot>,
}

/// Places all files, and writes them into the repodata of their trees; the number of a tree in the layout is its
/// number among `trees`. The packages are sorted as the layout is.
///
/// # Errors
/// The first failure in that order; if there is none, all packages without the signatures asked for.
pub(crate) fn run(
    placing: &Placing<'_>,
    layout: &Layout,
    trees: &mut [TreeRepodata<'_>],
    progress: &dyn Progress,
) -> Result<(Vec<PlacedPackage>, Counts)> {
    let mut packages = Vec::with_capacity(layout.files.len());
    let (mut counts, mut unsigned) = (Counts::default(), Vec::new());
    let steps = Steps {
        progress,
        done: AtomicU64::new(0),
        total: layout.files.len() as u64,
    };
    let (mut next, mut before) = (Chunk::default(), Chunk::default());
    let mut rest = layout.files.as_slice();
    while !rest.is_empty() {
        let (files, after) = rest.split_at(chunk(rest));
        rest = after;
        let go_on = unsigned.is_empty();
        let (outcomes, written) = rayon::join(
            || prepare(placing, files, &mut next.slots, go_on, &steps),
            || write(trees, &packages, &before),
        );
        written?;
        let begin = packages.len();
        for outcome in outcomes {
            match outcome? {
                Outcome::Placed(package, placed) => {
                    packages.push(*package);
                    placed.into_iter().for_each(|placed| counts.add(placed));
                }
                Outcome::Unsigned(package) => unsigned.push(package),
                Outcome::Passed => {}
            }
        }
        next.packages = if unsigned.is_empty() {
            begin..packages.len()
        } else {
            0..0
        };
        std::mem::swap(&mut next, &mut before);
    }
    if !unsigned.is_empty() {
        return Err(Error::Unsigned {
            packages: unsigned,
            verified: layout.policies.iter().any(|policy| policy.keyring().is_some()),
        });
    }
    write(trees, &packages, &before)?;
    Ok((packages, counts))
}

/// How many of these files, which are not none, go into one chunk.
fn chunk(files: &[PlannedFile]) -> usize {
    let mut bytes = 0_u64;
    let fits = |file: &&PlannedFile| {
        let (begin, end) = file.candidate.package.header_range;
        bytes = bytes.saturating_add(end.saturating_sub(begin));
        bytes <= CHUNK_BYTES
    };
    files.iter().take(CHUNK).take_while(fits).count().max(1)
}

fn prepare(
    placing: &Placing<'_>,
    files: &[PlannedFile],
    slots: &mut Vec<Slot>,
    go_on: bool,
    steps: &Steps<'_>,
) -> Vec<Result<Outcome>> {
    if slots.len() < files.len() {
        slots.resize_with(files.len(), Slot::default);
    }
    let files = files.par_iter().zip(slots.par_iter_mut()).with_min_len(8);
    files
        .map(|(file, slot)| {
            let outcome = placing.one(file, slot, go_on);
            steps.one();
            outcome
        })
        .collect()
}

/// Writes a chunk into the repodata of all trees.
fn write(trees: &mut [TreeRepodata<'_>], packages: &[PlacedPackage], chunk: &Chunk) -> Result<()> {
    let packages = packages.get(chunk.packages.clone()).unwrap_or_default();
    if packages.is_empty() {
        return Ok(());
    }
    trees.par_iter_mut().enumerate().try_for_each(|(number, tree)| {
        let mut here: Vec<Described<'_>> = Vec::with_capacity(packages.len());
        for (package, slot) in packages.iter().zip(&chunk.slots) {
            if !package.places.numbers.contains(&number) {
                continue;
            }
            let pieces = slot.view().ok_or_else(|| Error::ReadBack {
                path: package.location.clone(),
                reason: "what is known of the package was lost".to_owned(),
            })?;
            here.push(Described {
                pieces,
                checksum: &package.sha256,
                location: &package.location,
            });
        }
        if here.is_empty() {
            return Ok(());
        }
        tree.write(&here)
    })
}

/// Says now and then how far it is.
struct Steps<'a> {
    progress: &'a dyn Progress,
    done: AtomicU64,
    total: u64,
}

impl Steps<'_> {
    fn one(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(STEP) && done < self.total {
            let message = format!("{} of {}", log::grouped(done), log::packages(self.total));
            self.progress.step(Phase::Link, &message);
        }
    }
}
