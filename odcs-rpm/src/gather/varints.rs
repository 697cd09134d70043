//! Numbers in as few bytes as they need, seven bits in each, the lowest first.

use super::table::{Id, Rows};

/// Adds a number to the row that has not ended yet.
pub(super) fn push<K: Id>(rows: &mut Rows<K, u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            rows.push(low & 0x7f);
            break;
        }
        rows.push(low | 0x80);
    }
}

/// The numbers of a row; it ends early where they are none.
#[derive(Clone, Debug)]
pub(super) struct Varints<'a>(pub(super) &'a [u8]);

impl Iterator for Varints<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        while shift < u64::BITS {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
        None
    }
}

impl Varints<'_> {
    /// The next number, if it has 32 bits.
    pub(super) fn next_word(&mut self) -> Option<u32> {
        u32::try_from(self.next()?).ok()
    }

    /// The next number as an id; `None` also if it has more than 32 bits.
    pub(super) fn next_id<I: Id>(&mut self) -> Option<I> {
        self.next_word().map(I::from_number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gather::table::PackageId;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in proptest::collection::vec(any::<u64>().prop_flat_map(|n| (0..64u32).prop_map(move |s| n >> s)), 0..20)) {
            let mut rows: Rows<PackageId, u8> = Rows::empty();
            numbers.iter().for_each(|number| push(&mut rows, *number));
            let id = rows.end_row();
            prop_assert_eq!(Varints(rows.row(id)).collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn any_bytes_are_some_numbers(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(Varints(&bytes).count() <= bytes.len());
        }
    }
}
