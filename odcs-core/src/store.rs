//! Where the records of composes are kept. The record *is* the job: there is no second queue that
//! could disagree with it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::Result;
use crate::compose::{Compose, ComposeId, ComposeState, Requested};
use crate::event::{Event, EventId};
use crate::manifest::{Fingerprint, Manifest, ManifestDocument};
use crate::request::{ComposeRequest, Lifetime};
use crate::source::{Pins, ResolvedFields};
use crate::time::Timestamp;

/// Keeps the records of composes, and decides who works on which.
///
/// Every change to a compose that is being made names the [`Lease`] under which it is made; one that
/// was taken over by another worker in the meantime is refused with `Conflict`, and nothing changes.
///
/// Every change of state is recorded as an [`Event`] in the same transaction: submitted, taken up for the
/// first time or after it was handed back, handed back, done, failed, removed. Being taken over from a
/// worker that died is none.
#[async_trait]
pub trait ComposeStore: fmt::Debug + Send + Sync + 'static {
    /// Records a new compose in state `wait`. Ids rise and are never given twice.
    async fn insert(&self, new: NewCompose) -> Result<Compose>;

    /// Gives no id up to and including this one from now on.
    async fn skip_ids(&self, up_to: ComposeId) -> Result<()>;

    /// The record of an id.
    async fn get(&self, id: ComposeId) -> Result<Option<Compose>>;

    /// One page of the records that match.
    async fn find(&self, query: &Query) -> Result<Page>;

    /// Takes the oldest compose that waits, or whose worker let its lease run out (which it has once
    /// `now` reaches its end, or if that is further away than twice its length: then the clock was set back
    /// since); sets it to `generating`. No two workers ever get the same one. The time at
    /// which the work started is that of the first claim.
    async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>>;

    /// Prolongs a lease; the last word counts, also if it is an earlier time.
    ///
    /// # Errors
    /// `Conflict` if it is lost.
    async fn heartbeat(&self, lease: &Lease, until: Timestamp) -> Result<()>;

    /// Whether a lease still counts: the compose is being made, and nobody has taken it over. Whether its
    /// time has run out does not matter as long as nobody has. Cheap: it is asked every second.
    async fn holds(&self, lease: &Lease) -> Result<bool>;

    /// Records what resolving found; what an earlier attempt recorded is replaced.
    ///
    /// # Errors
    /// `Conflict` if the lease is lost.
    async fn record_resolved(&self, lease: &Lease, pins: &Pins, fields: &ResolvedFields) -> Result<Compose>;

    /// Records the fingerprint of a compose, and looks for one that is the same.
    ///
    /// A finished one is only named if its tree is still there for longer than `now`: it is `done`, or another
    /// one that is done reuses it; the answer is the compose that the tree was made for. Those that somebody
    /// deleted count no longer, even before they are removed. A running one is only named if its fingerprint
    /// was recorded before this one's, under the lease that it still has (and [`claim`](Self::claim) would not
    /// give to another): so of several that ask at once one goes ahead, and no two ever wait for each other.
    ///
    /// # Errors
    /// `Conflict` if the lease is lost.
    async fn find_equal(
        &self,
        lease: &Lease,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Equal>>;

    /// Records what goes into a compose, before it is published; what an earlier attempt recorded is
    /// replaced.
    ///
    /// # Errors
    /// `Conflict` if the lease is lost.
    async fn record_manifest(&self, lease: &Lease, manifest: &ManifestDocument) -> Result<()>;

    /// What went into a compose, or into the one that it reuses; `None` if nothing is recorded.
    async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>>;

    /// Ends the work under a lease. `Done`, `Reused` and `Failed` set the time it is kept until anew: its
    /// lifetime counts from its end. `Reused` takes `pungi_compose_id` from the one that is reused, and both are
    /// kept until the later of their times.
    ///
    /// # Errors
    /// `Conflict` if the lease is lost; `Gone` for `Reused` if that tree belongs to nobody any more, or to
    /// composes whose time is up.
    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<Compose>;

    /// Ends a compose that has not ended yet, because somebody does not want it any more: it counts as
    /// failed, `removed_by` says who it was, and whoever works on it has lost the lease.
    ///
    /// # Errors
    /// `NotFound` for an unknown id; `Conflict` if the compose has ended.
    async fn cancel(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose>;

    /// Keeps a compose that is done until a time, if that is later than what is recorded; with it the one
    /// that it reuses and those that reuse it, as far as they are done and nobody has deleted them: they
    /// share one tree.
    ///
    /// As with the reference server, a compose whose time is up, or that somebody has deleted, is kept again
    /// as long as it is not removed; `removed_by` stays. Its tree is there until then.
    ///
    /// # Errors
    /// `NotFound` for an unknown id; `Conflict` if the compose is not done.
    async fn extend(&self, id: ComposeId, until: Timestamp) -> Result<Compose>;

    /// Lets a compose that is done or has failed expire now, because somebody does not need it any
    /// more; `removed_by` says who.
    ///
    /// # Errors
    /// `NotFound` for an unknown id; `Conflict` if the compose has not ended, or is removed.
    async fn discard(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose>;

    /// The composes that have ended and whose time is up, longest overdue first.
    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<Compose>>;

    /// Records that a compose whose time is up is removed. Its tree may go if
    /// [`is_tree_in_use`](Self::is_tree_in_use) says so afterwards.
    ///
    /// # Errors
    /// `NotFound` for an unknown id; `Conflict` if its time is not up (any more), or it has not ended.
    async fn remove(&self, id: ComposeId, at: Timestamp) -> Result<Compose>;

    /// Whether the tree made for this id belongs to a compose that is not removed: to itself, or to one
    /// that reuses it. `None` if there is no record of this id.
    async fn is_tree_in_use(&self, id: ComposeId) -> Result<Option<bool>>;

    /// The oldest events that were not delivered, in order; fewer than there are if one of them cannot be read.
    ///
    /// # Errors
    /// `Internal` if the oldest one cannot be read: leaving it out would lose it for those who listen.
    async fn undelivered(&self, limit: u32) -> Result<Vec<Event>>;

    /// Records that events, up to and including this one, were delivered.
    async fn delivered(&self, up_to: EventId, at: Timestamp) -> Result<()>;

    /// How many records there are of each source type (by its number) in each state, ordered by both. What
    /// there is none of is left out.
    async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>>;
}

/// A compose that is the same as another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Equal {
    /// It is done; the id is that of the compose that the tree was made for.
    Done(ComposeId),
    /// It is being made.
    Running(ComposeId),
}

/// A compose about to be recorded.
#[derive(Clone, Debug)]
pub struct NewCompose {
    /// Who asks for it.
    pub owner: String,
    /// What is asked for, as types.
    pub request: ComposeRequest,
    /// The compose that is to be made once more, as its manifest says.
    pub renews: Option<ComposeId>,
    /// The Pungi configuration that it is made with, where one is known.
    pub pungi_config_dump: Option<String>,
    /// What is asked for, in the words of the public record.
    pub requested: Requested,
    /// When it was asked for.
    pub submitted: Timestamp,
    /// How long it is kept.
    pub lifetime: Lifetime,
}

/// A compose taken up by a worker.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its record, in state `generating`.
    pub compose: Compose,
    /// The right to change it.
    pub lease: Lease,
    /// Which attempt at it this is, from 1. Attempts that were handed back do not count: a high number
    /// means that workers died over it.
    pub attempt: u32,
}

/// The right to work on a compose: its id and a fencing number that rises with every claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The compose.
    pub id: ComposeId,
    /// The fencing number; a higher one has taken over.
    pub number: i64,
}

/// How the work on a compose ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It can be used.
    Done {
        /// When.
        at: Timestamp,
        /// The sentence in the record.
        reason: String,
        /// Its id in the metadata of the tree.
        pungi_compose_id: String,
    },
    /// It is the same as another one, and uses its tree.
    Reused {
        /// When.
        at: Timestamp,
        /// The sentence in the record.
        reason: String,
        /// The compose that the tree was made for.
        of: ComposeId,
    },
    /// It could not be made.
    Failed {
        /// When.
        at: Timestamp,
        /// Why, as a sentence for the person who asked.
        reason: String,
        /// Its id in the metadata, had it been made; `None` if it never came that far.
        pungi_compose_id: Option<String>,
    },
    /// The worker gives it back, for it has to stop itself; it waits again, and this was no attempt.
    HandedBack {
        /// When.
        at: Timestamp,
    },
}

/// Which records to list. Filters compare with the public record; all must match.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    /// `(column, value)`: columns of [`Filter`], values as text. A column that holds numbers is compared
    /// as one (`2.0` is 2), and a text that is no number matches nothing. Texts match exactly.
    pub filters: Vec<(Filter, String)>,
    /// By which column, and whether descending. Records without a value in it come first when
    /// ascending, last when descending; those that are equal in it are ordered by id, oldest first in
    /// either direction, but newest first when descending by state or time of expiry (as the reference
    /// server lists them).
    pub order: (OrderBy, Direction),
    /// The page, counted from 1; one past the end is empty.
    pub page: u64,
    /// Records on a page, 1 to 100.
    pub per_page: u64,
}

impl Default for Query {
    /// The first ten, newest first.
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            order: (OrderBy::Id, Direction::Descending),
            page: 1,
            per_page: 10,
        }
    }
}

/// One page of records.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records.
    pub items: Vec<Compose>,
    /// How many records match in all.
    pub total: u64,
}

/// Columns that lists can be filtered by.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[allow(missing_docs, reason = "the names are those of the API")]
pub enum Filter {
    Id,
    Owner,
    SourceType,
    Source,
    State,
    KojiEvent,
    KojiTaskId,
    PungiComposeId,
    ComposeType,
    Label,
    TargetDir,
}

/// Columns that lists can be ordered by.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[allow(missing_docs, reason = "the names are those of the API")]
pub enum OrderBy {
    Id,
    Owner,
    SourceType,
    KojiEvent,
    State,
    TimeToExpire,
    TimeSubmitted,
    TimeDone,
    TimeRemoved,
}

/// Ascending or descending.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    Ascending,
    Descending,
}
