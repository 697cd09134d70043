//! The work on a compose as logs and observers see it: a span for each phase, and how long it took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::Span;

use super::Parts;
use crate::Clock;
use crate::build::{Phase, Progress};
use crate::compose::{Compose, ComposeState};
use crate::observe::Observer;
use crate::store::Claim;

/// What a builder is told about the progress, told to the observer as well.
#[derive(Debug)]
struct Observed {
    inner: Arc<dyn Progress>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    /// That of the compose: steps come from threads that know nothing of it.
    compose: Span,
    current: Mutex<Option<Current>>,
}

/// The phase that is under way.
#[derive(Debug)]
struct Current {
    phase: Phase,
    span: Span,
    began: Duration,
}

/// The progress of the compose whose span this is called in.
pub(super) fn observed(parts: &Parts, inner: Arc<dyn Progress>) -> Arc<dyn Progress> {
    Arc::new(Observed {
        inner,
        clock: Arc::clone(&parts.clock),
        observer: Arc::clone(&parts.observer),
        compose: Span::current(),
        current: Mutex::default(),
    })
}

impl Observed {
    /// The span of the phase, which begins with its first step. Phases come one after the other: a step of
    /// an earlier one, from a thread that lags behind, does not begin it again.
    fn span(&self, phase: Phase) -> Span {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*current
            && current.phase >= phase
        {
            return current.span.clone();
        }
        let now = self.clock.monotonic();
        let span = tracing::info_span!(parent: &self.compose, "phase", name = %phase);
        let began = Current {
            phase,
            span: span.clone(),
            began: now,
        };
        let ended = current.replace(began);
        drop(current);
        self.finish(ended, now);
        span
    }

    fn finish(&self, ended: Option<Current>, now: Duration) {
        // To fail takes no time.
        if let Some(ended) = ended.filter(|ended| ended.phase != Phase::Failed) {
            let took = now.saturating_sub(ended.began);
            ended
                .span
                .in_scope(|| tracing::debug!(milliseconds = took.as_millis(), "the phase is over"));
            self.observer.phase_finished(ended.phase, took);
        }
    }
}

impl Progress for Observed {
    fn step(&self, phase: Phase, message: &str) {
        self.span(phase).in_scope(|| {
            tracing::debug!("{message}");
            self.inner.step(phase, message);
        });
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let current = self.current.get_mut().unwrap_or_else(PoisonError::into_inner);
        let ended = current.take();
        self.finish(ended, self.clock.monotonic());
    }
}

/// Tells the observer that a compose was taken up; returns when, on the monotonic clock.
pub(super) fn claimed(parts: &Parts, claim: &Claim) -> Duration {
    let compose = &claim.compose;
    let waited = parts.clock.now().since(compose.times.submitted);
    let source_type = compose.requested.source_type;
    parts.observer.compose_claimed(source_type, claim.attempt, waited);
    parts.clock.monotonic()
}

/// Tells the observer how the work ended that began then.
pub(super) fn ended(parts: &Parts, compose: &Compose, began: Duration) {
    let source_type = compose.requested.source_type;
    if compose.state.is_unfinished() {
        parts.observer.compose_handed_back(source_type);
    } else {
        let took = parts.clock.monotonic().saturating_sub(began);
        parts.observer.compose_ended(source_type, compose.state, took);
    }
}

/// Tells the observer that a compose was cancelled.
pub(super) fn cancelled(parts: &Parts, compose: &Compose) {
    let took = match (compose.times.started, compose.times.done) {
        (Some(started), Some(done)) => done.since(started),
        _ => Duration::ZERO,
    };
    let source_type = compose.requested.source_type;
    parts
        .observer
        .compose_ended(source_type, ComposeState::Failed, took);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::testing::ManualClock;

    #[derive(Debug, Default)]
    struct Steps(Mutex<Vec<String>>);

    impl Progress for Steps {
        fn step(&self, phase: Phase, message: &str) {
            self.0.lock().unwrap().push(format!("{phase}: {message}"));
        }
    }

    #[derive(Debug, Default)]
    struct Phases(Mutex<Vec<(Phase, Duration)>>);

    impl Observer for Phases {
        fn phase_finished(&self, phase: Phase, took: Duration) {
            self.0.lock().unwrap().push((phase, took));
        }
    }

    /// Steps at which the clock moves by so many milliseconds afterwards, and the phases that come of it.
    fn phases(steps: &[(Phase, u64)]) -> Vec<(Phase, u128)> {
        let clock = ManualClock::new(Timestamp::from_seconds(1_000));
        let (inner, observer) = (Arc::new(Steps::default()), Arc::new(Phases::default()));
        let progress = Observed {
            inner: inner.clone(),
            clock: Arc::new(clock.clone()),
            observer: observer.clone(),
            compose: Span::none(),
            current: Mutex::default(),
        };
        for (phase, milliseconds) in steps {
            progress.step(*phase, "x");
            clock.advance(Duration::from_millis(*milliseconds));
        }
        drop(progress);
        let told: Vec<_> = steps.iter().map(|(phase, _)| format!("{phase}: x")).collect();
        assert_eq!(*inner.0.lock().unwrap(), told, "the builder is told every step");
        let phases = observer.0.lock().unwrap();
        phases
            .iter()
            .map(|(phase, took)| (*phase, took.as_millis()))
            .collect()
    }

    #[test]
    fn a_phase_lasts_until_the_next_one_or_the_end() {
        use Phase::{Content, Failed, Gather, Link, Repodata, Resolve};
        assert_eq!(phases(&[]), []);
        assert_eq!(
            phases(&[(Resolve, 10), (Content, 200), (Content, 50), (Gather, 5)]),
            [(Resolve, 10), (Content, 250), (Gather, 5)]
        );
        // A step that comes late belongs to what is under way.
        assert_eq!(
            phases(&[(Link, 10), (Repodata, 20), (Link, 30), (Repodata, 40)]),
            [(Link, 10), (Repodata, 90)]
        );
        // What failed was a phase; to have failed is none.
        assert_eq!(phases(&[(Content, 7), (Failed, 1_000)]), [(Content, 7)]);
        assert_eq!(phases(&[(Failed, 1)]), []);
    }
}
