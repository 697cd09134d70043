//! Room for what is fetched: the cap, shared by all processes.
//!
//! How many bytes there are is written down in a small file, under a lock that is held for moments: looking at each of
//! some hundred thousand files before each fetch would take longer than fetching. A process that is killed leaves what
//! it had reserved in that number. Therefore nothing is refused or evicted because of the number alone: everything is
//! counted first, and what was counted is written down. Each process counts before its first fetch, too, and so does
//! whoever surveys the store. Of what other processes are fetching while one counts, only what is there already is
//! seen; by so much the cap can be passed until it is reached again.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::address::USAGE;
use super::shelf::Shelf;
use super::survey::Survey;
use crate::error::{Error, Result};

/// Characters of the number in the file, with the end of the line.
const DIGITS: usize = 21;
/// For how long it is not counted again after there was not enough room.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the room there is.
#[derive(Debug)]
pub(super) struct Room {
    usage: File,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the number has in it for each partial file of this process.
    reserved: BTreeMap<String, u64>,
    /// Whether this process has counted.
    counted: bool,
    /// The last time that there was not enough room.
    refused: Option<Refusal>,
}

/// What there was when there was not enough room.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    /// When, by the clock that does not run backwards.
    at: Duration,
    /// How much there could have been room for.
    room: u64,
    linked: u64,
    recent: u64,
}

impl Room {
    pub(super) fn new(usage: File) -> Self {
        Self {
            usage,
            state: Mutex::default(),
        }
    }
}

/// The number in the file, locked for this process until it is dropped.
struct Usage<'a> {
    shelf: &'a Shelf,
    state: MutexGuard<'a, State>,
}

impl Drop for Usage<'_> {
    fn drop(&mut self) {
        // Fails for no reason that could be told.
        let _ = rustix::fs::flock(&self.shelf.room.usage, FlockOperation::Unlock);
    }
}

impl Usage<'_> {
    fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        self.shelf.dir.failed(operation, USAGE, errno)
    }

    /// The number; none if nothing that could be one is there.
    fn read(&self) -> Result<Option<u64>> {
        let mut bytes = [0; DIGITS];
        let read = loop {
            match rustix::io::pread(&self.shelf.room.usage, &mut bytes, 0) {
                Err(Errno::INTR) => {}
                result => break result.map_err(|errno| self.failed("read", errno))?,
            }
        };
        let text = bytes
            .get(..read)
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        Ok(text
            .filter(|text| text.len() == DIGITS)
            .and_then(|text| text.trim_end().parse().ok()))
    }

    fn write(&self, total: u64) -> Result<()> {
        // All of it at once, and always as long: it cannot be half of one number and half of another.
        let text = format!("{total:020}\n");
        let written = rustix::io::pwrite(&self.shelf.room.usage, text.as_bytes(), 0);
        match written {
            Ok(_) => Ok(()),
            Err(errno) => Err(self.failed("write", errno)),
        }
    }

    /// Counts, and writes down what was counted.
    fn survey(&mut self) -> Result<Survey> {
        let survey = self.shelf.survey(&self.state.reserved)?;
        self.write(survey.total())?;
        self.state.counted = true;
        Ok(survey)
    }
}

impl Shelf {
    fn usage(&self) -> Result<Usage<'_>> {
        let state = self.room.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match rustix::fs::flock(&self.room.usage, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Usage { shelf: self, state }),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.dir.failed("lock", USAGE, errno)),
            }
        }
    }

    /// Makes sure that a partial file may have so many bytes. `had` are those that it had when it was opened.
    pub(super) fn reserve(&self, name: &str, had: u64, bytes: u64) -> Result<()> {
        let mut usage = self.usage()?;
        let known = *usage.state.reserved.entry(name.to_owned()).or_insert(had);
        let Some(more) = bytes.checked_sub(known).filter(|more| *more > 0) else {
            return Ok(());
        };
        let total = self.make_room(&mut usage, more)?;
        usage.write(total.saturating_add(more))?;
        usage.state.reserved.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// Makes room for so many bytes that are going to be fetched, if there can be as much, and looks whether the disk
    /// has it, too. Nothing is reserved.
    pub(super) fn make_room_for(&self, bytes: u64) -> Result<()> {
        let mut usage = self.usage()?;
        self.make_room(&mut usage, bytes)?;
        drop(usage);
        let failed = |errno| self.dir.failed("look for room in", "", errno);
        let disk = rustix::fs::fstatvfs(&self.dir).map_err(failed)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if bytes > free {
            return Err(Error::NoSpace {
                directory: self.dir.root().to_owned(),
                needed: bytes,
                free,
            });
        }
        Ok(())
    }

    /// What a partial file has become: a file of so many bytes, or one that is left for later, or none. `freed` are
    /// the bytes of what was in its place.
    pub(super) fn settle(&self, name: &str, bytes: u64, freed: u64) -> Result<()> {
        // Most files are as large as they were said to be: nothing to write.
        {
            let mut state = self.room.state.lock().unwrap_or_else(PoisonError::into_inner);
            if freed == 0 && state.reserved.get(name) == Some(&bytes) {
                state.reserved.remove(name);
                return Ok(());
            }
        }
        let mut usage = self.usage()?;
        let reserved = usage.state.reserved.remove(name).unwrap_or(0);
        let Some(total) = usage.read()? else { return Ok(()) };
        usage.write(
            total
                .saturating_add(bytes)
                .saturating_sub(reserved)
                .saturating_sub(freed),
        )
    }

    /// Some bytes are not there any more.
    pub(super) fn note_freed(&self, bytes: u64) -> Result<()> {
        let usage = self.usage()?;
        match usage.read()? {
            Some(total) => usage.write(total.saturating_sub(bytes)),
            None => Ok(()),
        }
    }

    /// Counts everything, and writes that down.
    pub(super) fn count(&self) -> Result<Survey> {
        self.usage()?.survey()
    }

    /// Counts everything and removes what `choose` picks. What there was, and what was removed of it.
    pub(super) fn evict(
        &self,
        choose: impl FnOnce(&Survey) -> Vec<super::survey::Victim>,
    ) -> Result<(Survey, Removed)> {
        let mut usage = self.usage()?;
        let survey = usage.survey()?;
        let mut removed = Removed::default();
        for victim in choose(&survey) {
            removed.add(self.remove(&victim)?);
        }
        usage.write(survey.total().saturating_sub(removed.bytes))?;
        Ok((survey, removed))
    }

    /// The number when there is room for so many more; what was not used for longest goes for it, a tenth of the
    /// cap at a time.
    fn make_room(&self, usage: &mut Usage<'_>, more: u64) -> Result<u64> {
        let cap = self.settings.bytes;
        let fits = |total: u64| total.saturating_add(more) <= cap;
        let known = if usage.state.counted { usage.read()? } else { None };
        if let Some(total) = known.filter(|total| fits(*total)) {
            return Ok(total);
        }
        let now = self.settings.clock.monotonic();
        let refused = |refusal: &Refusal| Error::StoreFull {
            cap,
            needed: more,
            linked: refusal.linked,
            recent: refusal.recent,
        };
        if let Some(refusal) = &usage.state.refused
            && now.saturating_sub(refusal.at) < PATIENCE
            && more > refusal.room
        {
            return Err(refused(refusal));
        }
        let survey = usage.survey()?;
        let mut total = survey.total();
        let before = self.before(self.settings.grace);
        let victims = || survey.victims.iter().filter(|victim| victim.used <= before);
        let evictable: u64 = victims().map(|victim| victim.bytes).sum();
        // Nothing has to go for what there is no room for even so: its size may be nothing but a claim.
        if !fits(total) && fits(total.saturating_sub(evictable)) {
            let goal = (cap - cap / 10).saturating_sub(more);
            for victim in victims() {
                if total <= goal {
                    break;
                }
                total = total.saturating_sub(self.remove(victim)?);
            }
            usage.write(total)?;
        }
        if fits(total) {
            usage.state.refused = None;
            return Ok(total);
        }
        let staying = total.saturating_sub(evictable);
        let refusal = Refusal {
            at: now,
            room: cap.saturating_sub(staying),
            linked: survey.linked_bytes,
            recent: staying.saturating_sub(survey.linked_bytes),
        };
        usage.state.refused = Some(refusal);
        Err(refused(&refusal))
    }
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Removed {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Removed {
    fn add(&mut self, bytes: u64) {
        self.files += u64::from(bytes > 0);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
