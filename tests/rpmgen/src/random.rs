//! A small random number generator, so that a seed means the same bytes with every toolchain.

/// Splitmix64: tiny, fast and good enough to make up packages. Not for secrets.
///
/// ```
/// let mut random = rpmgen::Random::new(1);
/// let first = random.below(10);
/// assert!(first < 10);
/// assert_eq!(first, rpmgen::Random::new(1).below(10));
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator whose whole sequence is fixed by `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The high half of the product is below `end`; the bias is far below what anybody could see here.
        let product = u128::from(self.next_u64()) * end as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from `start` to `end`, both included; `start` when the range is empty.
    pub fn between(&mut self, start: usize, end: usize) -> usize {
        start + self.below((end + 1).saturating_sub(start))
    }

    /// A number below `end` that prefers small ones: the smaller of two draws.
    pub fn low_below(&mut self, end: usize) -> usize {
        self.below(end).min(self.below(end))
    }

    /// True in `percent` of 100 draws.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One element; `None` when there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.below(from.len());
        from.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_in_range_and_reaches_both_ends() {
        let mut random = Random::new(7);
        let draws: Vec<_> = (0..1000).map(|_| random.between(3, 6)).collect();
        assert_eq!(draws.iter().min(), Some(&3));
        assert_eq!(draws.iter().max(), Some(&6));
        assert_eq!(random.below(0), 0);
        assert_eq!(random.between(5, 2), 5);
    }
}
