//! Adding entries: to the last segment, under the lock, all that were collected in one write.

use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::PackCache;
use super::batch::Batch;
use super::directory::{Directory, Listing};
use super::index;
use super::segment::{self, START, Segment};
use super::view::View;
use crate::error::Result;

/// Entries without an index that make it worth while to write one.
const WORTH_AN_INDEX: usize = 1024;
/// For how long nothing is written after it did not work.
const PAUSE: Duration = Duration::from_secs(60);

/// What adding entries needs from one time to the next.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Room for the next batch.
    spare: Batch,
    /// When something could not be written last.
    trouble: Option<Duration>,
}

impl PackCache {
    /// Writes what was put. With `all`, it is made quick to find, too, if it has become much.
    pub(super) fn write(&self, log: &mut Log, all: bool) {
        let mut batch = std::mem::take(&mut log.spare);
        std::mem::swap(&mut batch, &mut *self.pending());
        let now = self.settings.clock.monotonic();
        let paused = log.trouble.is_some_and(|since| now.saturating_sub(since) < PAUSE);
        let last = self.view.load().last().cloned();
        let worth = all && last.is_some_and(|segment| is_worth_an_index(&segment));
        if !paused && (!batch.is_empty() || worth) {
            match self.add(&mut batch, all) {
                Ok(()) => log.trouble = None,
                Err(error) => {
                    if log.trouble.is_none() {
                        tracing::warn!(%error, "the metadata cache cannot be written; composes go on without");
                    }
                    log.trouble = Some(now);
                }
            }
        }
        batch.clear();
        log.spare = batch;
    }

    fn add(&self, batch: &mut Batch, all: bool) -> Result<()> {
        let (directory, _locked) = self.lock()?;
        let view = self.reload()?;
        tidy(&directory, &directory.list()?, &view)?;
        batch.retain(|prefix, entry| self.is_kept(&view, prefix, entry.check, entry.length.into()));
        let mut view = view;
        if !batch.is_empty() {
            view = self.add_to_last(&directory, view, batch)?;
        }
        let last = view.last().map(|segment| segment.number);
        for segment in &view.segments {
            let is_last = Some(segment.number) == last;
            let wanted = if is_last {
                all && is_worth_an_index(segment)
            } else {
                segment.tail.len() > 0
            };
            if wanted {
                let bytes = index::encode(segment.number, segment.end(), &segment.entries());
                directory.write_index(segment.number, &bytes)?;
            }
        }
        // Everything that this has changed is known by now.
        self.reload()?;
        Ok(())
    }

    /// The directory, locked. It is another one if it was removed and made again.
    pub(super) fn lock(&self) -> Result<(Arc<Directory>, super::directory::Locked)> {
        let mut directory = self.directory.load_full();
        if directory.stamp()?.is_removed() {
            self.reload()?;
            directory = self.directory.load_full();
        }
        let locked = directory.lock()?;
        Ok((directory, locked))
    }

    fn add_to_last(&self, directory: &Directory, view: Arc<View>, batch: &Batch) -> Result<Arc<View>> {
        let size = batch.bytes.len() as u64;
        if directory.free()? < size.saturating_add(self.settings.reserve) {
            return Err(directory.failed("add to", "a segment", Errno::NOSPC));
        }
        let fits = |segment: &&Arc<Segment>| {
            segment.end() == START || segment.end().saturating_add(size) <= self.settings.segment()
        };
        let unindexed: usize = view.segments.iter().map(|segment| segment.tail.len()).sum();
        let indexes = index::size_about(batch.len().saturating_add(unindexed));
        let more = size.saturating_add(indexes).saturating_add(START);
        let removed = self.make_room(directory, &view, more)?;
        let mut view = if removed { self.reload()? } else { view };
        let segment = match view.last().filter(fits) {
            Some(segment) => Arc::clone(segment),
            None => {
                let mut number = view.last().map_or(1, |last| last.number + 1);
                let segment = loop {
                    match directory.create(number) {
                        // Something that is none of ours is in the way.
                        Err(error) if error.errno() == Some(Errno::EXIST) => number += 1,
                        result => break Arc::new(result?),
                    }
                };
                let mut segments = view.segments.clone();
                segments.push(Arc::clone(&segment));
                view = Arc::new(View::new(segments, self.settings.cap(), view.stamp, view.at));
                self.view.store(Arc::clone(&view));
                segment
            }
        };
        append(directory, &segment, batch)?;
        Ok(view)
    }

    /// Removes the oldest segments until there is room for so many more bytes. Whether any was.
    fn make_room(&self, directory: &Directory, view: &View, more: u64) -> Result<bool> {
        let sizes = self.sizes(directory, view);
        let mut total = sizes
            .iter()
            .fold(more, |sum, (_, size)| sum.saturating_add(*size));
        let mut removed = false;
        for (number, size) in sizes {
            if total <= self.settings.cap() {
                break;
            }
            directory.remove(number)?;
            total = total.saturating_sub(size);
            removed = true;
        }
        Ok(removed)
    }

    /// The numbers of the segments, and how many bytes they and their indexes have; oldest first.
    pub(super) fn sizes(&self, directory: &Directory, view: &View) -> Vec<(u64, u64)> {
        let sizes = view.segments.iter().map(|segment| {
            let size = segment
                .size()
                .saturating_add(directory.index_size(segment.number));
            (segment.number, size)
        });
        sizes.collect()
    }
}

/// Whether finding what was added since the index was written takes long enough for another index.
fn is_worth_an_index(segment: &Segment) -> bool {
    let covered = segment.index.as_ref().map_or(START, |index| index.covered);
    segment.tail.len() >= WORTH_AN_INDEX || segment.end().saturating_sub(covered) >= 8 << 20
}

/// Adds a batch to a segment of which everything is known that is in it.
fn append(directory: &Directory, segment: &Segment, batch: &Batch) -> Result<()> {
    let failed = |errno| directory.failed("write", "a segment", errno);
    cut(directory, segment)?;
    let end = segment.end();
    segment.expect(end.saturating_add(batch.bytes.len() as u64));
    if let Err(errno) = segment::write(&segment.file, &batch.bytes, end) {
        // Half of it would do no harm, but takes room.
        let _ = rustix::fs::ftruncate(&*segment.file, end);
        segment.expect(end);
        return Err(failed(errno));
    }
    for (prefix, entry) in batch.placed(end) {
        segment.add(prefix, entry);
    }
    Ok(())
}

/// Cuts off what follows the last entry of a segment, of which everything is known that is in it: who wrote it was
/// killed over that, or it was damaged later. How many bytes that was.
pub(super) fn cut(directory: &Directory, segment: &Segment) -> Result<u64> {
    let (size, end) = (segment.size(), segment.end());
    if size <= end {
        return Ok(0);
    }
    // An index that says more of it is wrong.
    let index = directory.index(segment.number, size);
    if index.is_some_and(|index| index.covered > end) {
        directory.remove_index(segment.number)?;
    }
    rustix::fs::ftruncate(&*segment.file, end)
        .map_err(|errno| directory.failed("cut", "a segment", errno))?;
    segment.expect(end);
    Ok(size - end)
}

/// Removes what is called like something of ours and is not: nobody else is going to. Numbers of what was called like
/// segments.
pub(super) fn tidy(directory: &Directory, listing: &Listing, view: &View) -> Result<Vec<u64>> {
    let mut removed = Vec::new();
    let is_known = |number: &u64| view.segments.iter().any(|segment| segment.number == *number);
    for number in listing.segments.iter().filter(|number| !is_known(number)) {
        directory.remove(*number)?;
        removed.push(*number);
    }
    for number in listing.indexes.iter().filter(|number| !is_known(number)) {
        directory.remove_index(*number)?;
    }
    Ok(removed)
}
