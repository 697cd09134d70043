//! The segments that are there, as they were when it was last looked.

use std::sync::Arc;
use std::time::Duration;

use super::directory::Stamp;
use super::record::{Entry, Prefix};
use super::segment::Segment;

/// What lookups go through. It is replaced as a whole when segments come or go.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Oldest first; entries are added to the last.
    pub(super) segments: Vec<Arc<Segment>>,
    /// Segments with a lower number are among the next to go: what is used of them is written once more.
    pub(super) kept_from: u64,
    /// The state of the directory that this is.
    pub(super) stamp: Stamp,
    /// When it was looked, by the clock that does not run backwards.
    pub(super) at: Duration,
}

impl View {
    pub(super) fn new(segments: Vec<Arc<Segment>>, cap: u64, stamp: Stamp, at: Duration) -> Self {
        // A quarter of the cap is how much has to be written before what is used goes.
        let keeping = cap - cap / 4;
        let (mut newer, mut kept_from) = (0_u64, 0);
        for segment in segments.iter().rev() {
            if newer >= keeping {
                kept_from = segment.number + 1;
                break;
            }
            newer = newer.saturating_add(segment.end());
        }
        Self {
            segments,
            kept_from,
            stamp,
            at,
        }
    }

    /// Looks for an entry: the last one with this key.
    pub(super) fn find(&self, prefix: Prefix) -> Option<(&Arc<Segment>, Entry)> {
        let mut newest_first = self.segments.iter().rev();
        newest_first.find_map(|segment| Some((segment, segment.find(prefix)?)))
    }

    /// Whether an entry of this segment should be written once more when it is used.
    pub(super) fn is_fading(&self, segment: &Segment) -> bool {
        segment.number < self.kept_from
    }

    /// Where entries are added.
    pub(super) fn last(&self) -> Option<&Arc<Segment>> {
        self.segments.last()
    }
}
