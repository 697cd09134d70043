//! When something is tried again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// How long is waited before the tries after the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// Before the second.
    pub(crate) first: Duration,
    /// Before any.
    pub(crate) longest: Duration,
}

impl Backoff {
    /// How long to wait after so many tries that failed: twice as long each time, of that at least the half, so that
    /// many who failed at the same moment do not come back at the same moment; as long as the server asks for, if that
    /// is longer; never longer than the longest.
    pub(crate) fn wait(&self, failed: u32, asked: Option<Duration>) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)))
            .min(self.longest);
        let half = doubled / 2;
        let jittered = half.saturating_add(half.mul_f64(fraction()));
        jittered.max(asked.unwrap_or_default()).min(self.longest)
    }
}

/// Some number from 0 to 1. Hash maps are seeded afresh each time, which is random enough.
fn fraction() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(5),
        };
        for (failed, from, to) in [
            (1, 500, 1_000),
            (2, 1_000, 2_000),
            (3, 2_000, 4_000),
            (4, 2_500, 5_000),
        ] {
            let waits: Vec<_> = (0..20).map(|_| backoff.wait(failed, None)).collect();
            for wait in &waits {
                assert!(
                    (from..=to).contains(&u64::try_from(wait.as_millis()).unwrap()),
                    "{failed}: {wait:?}"
                );
            }
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
        assert!(backoff.wait(u32::MAX, None) <= Duration::from_secs(5));
        let asked = |seconds| backoff.wait(1, Some(Duration::from_secs(seconds)));
        assert_eq!(
            (asked(3), asked(60)),
            (Duration::from_secs(3), Duration::from_secs(5))
        );
        assert!(asked(0) >= Duration::from_millis(500));
    }
}
