//! A clock for tests.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::time::{Clock, Timestamp};

/// A clock that stands still until it is moved. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use odcs_core::testing::ManualClock;
/// use odcs_core::{Clock, Timestamp};
///
/// let clock = ManualClock::new(Timestamp::from_seconds(1_000));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), Timestamp::from_seconds(1_060));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    // Since 1970, finer than a `Timestamp`: a pause of half a second must not end at once.
    now: Arc<watch::Sender<Duration>>,
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(since_epoch(now))),
        }
    }

    /// Moves the clock, and wakes who has slept long enough by then.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.saturating_add(by));
    }

    /// Sets the clock; backwards, too.
    pub fn set(&self, to: Timestamp) {
        self.now.send_replace(since_epoch(to));
    }

    /// How many are asleep: tests wait for them before they move the clock.
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }
}

fn since_epoch(time: Timestamp) -> Duration {
    time.since(Timestamp::from_seconds(0))
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(0).plus(*self.now.borrow())
    }

    /// As [`now`](Clock::now), with fractions; it does run backwards if the clock is set back.
    fn monotonic(&self) -> Duration {
        *self.now.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.subscribe();
        let until = now.borrow_and_update().saturating_add(duration);
        // Fails only when the clock is gone, which it is not while it is borrowed.
        let _ = now.wait_for(|now| *now >= until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_has_been_moved_far_enough() {
        let clock = ManualClock::new(Timestamp::from_seconds(1_000));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_millis(1_500)).await;
                clock.now()
            }
        });
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_millis(500));
        assert_eq!(sleeper.await.unwrap(), Timestamp::from_seconds(1_001));
        assert_eq!(clock.sleepers(), 0);
    }
}
