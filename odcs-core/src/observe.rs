//! What the engine tells those who watch it: metrics, mostly.

use std::fmt;
use std::time::Duration;

use crate::build::Phase;
use crate::compose::ComposeState;
use crate::engine::Swept;

/// Told what happens in an engine, as it happens and in this process only.
///
/// Every method does nothing by itself, so that an observer implements what it is interested in and goes
/// on working when more is told. They are called from any thread, in the middle of the work: an observer
/// counts and returns, it does not wait for anything.
///
/// Source types are given by their number ([`SourceKind::number`](crate::SourceKind::number)), as the
/// record has it.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use odcs_core::observe::Observer;
///
/// #[derive(Debug, Default)]
/// struct Copies(AtomicU64);
///
/// impl Observer for Copies {
///     fn packages_placed(&self, _linked: u64, copied: u64) {
///         self.0.fetch_add(copied, Ordering::Relaxed);
///     }
/// }
///
/// let copies = Copies::default();
/// let observer: &dyn Observer = &copies;
/// observer.packages_placed(12, 3);
/// observer.lease_lost();
/// assert_eq!(copies.0.into_inner(), 3);
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A request was recorded.
    fn compose_submitted(&self, source_type: i64) {
        let _ = source_type;
    }

    /// A worker took a compose up. `attempt` counts from 1; `waited` is the time since the request, in whole
    /// seconds.
    fn compose_claimed(&self, source_type: i64, attempt: u32, waited: Duration) {
        let _ = (source_type, attempt, waited);
    }

    /// One phase of making a compose is over, because the next one began or because the work ended.
    fn phase_finished(&self, phase: Phase, took: Duration) {
        let _ = (phase, took);
    }

    /// That a compose is `Done` or has `Failed` was recorded. `took` is how long the work on it went on:
    /// that of the attempt that ended it, zero if it was cancelled before it was taken up.
    fn compose_ended(&self, source_type: i64, state: ComposeState, took: Duration) {
        let _ = (source_type, state, took);
    }

    /// A worker gave a compose back because it has to stop; the compose waits again.
    fn compose_handed_back(&self, source_type: i64) {
        let _ = source_type;
    }

    /// A compose was not made, for there was an equal one.
    fn compose_reused(&self, source_type: i64) {
        let _ = source_type;
    }

    /// The packages of one compose are in their places: so many as hardlinks, so many as copies.
    fn packages_placed(&self, linked: u64, copied: u64) {
        let _ = (linked, copied);
    }

    /// A package that is elsewhere is in the content store now: so many bytes of it were fetched for that, none if it
    /// was there before, or somebody else fetched it.
    fn package_fetched(&self, bytes: u64) {
        let _ = bytes;
    }

    /// The sweeper went through expired composes and what is on disk.
    fn swept(&self, swept: &Swept) {
        let _ = swept;
    }

    /// A worker found that it has lost the lease of a compose it works on.
    fn lease_lost(&self) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
