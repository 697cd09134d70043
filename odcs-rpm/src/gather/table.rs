//! Tables indexed by typed 32-bit ids.
//!
//! Gathering walks tens of thousands of packages and hundreds of thousands of requirements; plain
//! numbers into flat tables keep that fast. An id is only ever made by the table it belongs to, so a
//! look-up that finds nothing cannot happen; it still gives the empty answer rather than a panic.

use std::cell::Cell;
use std::marker::PhantomData;

/// A typed index into a table.
pub(super) trait Id: Copy + Ord {
    /// The id of the row with this number. Numbers are kept within 32 bits by
    /// [`MAX_ROWS`](super::set::MAX_ROWS).
    fn from_index(index: usize) -> Self;
    /// The number of the row.
    fn index(self) -> usize;
    /// The id with this number, as [`number`](Self::number) gave it.
    fn from_number(number: u32) -> Self;
    /// The number, to be written down.
    fn number(self) -> u32;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub(super) struct $name(u32);

        impl Id for $name {
            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
            fn from_number(number: u32) -> Self {
                Self(number)
            }
            fn number(self) -> u32 {
                self.0
            }
        }
    )*};
}

ids! {
    /// A package of a set. In order of NEVRA, then origin: walking ids up is walking sorted.
    PackageId;
    /// A package name. In order of names.
    NameId;
    /// A name with an EVR, whatever the arch and the origin. In order of names, then EVR.
    VersionId;
    /// An architecture that some package of the set has.
    ArchId;
    /// A source RPM named by some package.
    SourceId;
    /// A requirement: a dependency that some package has, or a part of a rich one.
    RequirementId;
    /// A name or path that some requirement asks for.
    CapabilityId;
    /// A version with how it compares.
    RangeId;
    /// A requirement that is an expression over others.
    RichId;
    /// A text of a set.
    TextId;
    /// A package of a set that is being built, in the order of adding.
    AddedId;
    /// A requirement of a set that is being built, in the order of adding.
    DraftId;
}

/// One value per id.
#[derive(Debug)]
pub(super) struct Column<K, V> {
    values: Vec<V>,
    key: PhantomData<K>,
}

impl<K: Id, V> Column<K, V> {
    pub(super) fn new() -> Self {
        Self::from_iter([])
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn get(&self, id: K) -> Option<&V> {
        self.values.get(id.index())
    }

    pub(super) fn get_mut(&mut self, id: K) -> Option<&mut V> {
        self.values.get_mut(id.index())
    }

    pub(super) fn push(&mut self, value: V) -> K {
        self.values.push(value);
        K::from_index(self.values.len() - 1)
    }

    /// The ids and values, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.values
            .iter()
            .enumerate()
            .map(|(index, value)| (K::from_index(index), value))
    }

    pub(super) fn as_slice(&self) -> &[V] {
        &self.values
    }
}

impl<K, V> From<Vec<V>> for Column<K, V> {
    fn from(values: Vec<V>) -> Self {
        Self {
            values,
            key: PhantomData,
        }
    }
}

impl<K, V> FromIterator<V> for Column<K, V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self {
            values: values.into_iter().collect(),
            key: PhantomData,
        }
    }
}

/// A list of values per id, all in one allocation.
#[derive(Debug)]
pub(super) struct Rows<K, V> {
    /// Where each row starts in `values`, and at the end where the last one ends.
    starts: Vec<u32>,
    values: Vec<V>,
    key: PhantomData<K>,
}

impl<K: Id, V: Copy> Rows<K, V> {
    /// No rows; to be filled with [`push`](Self::push) and [`end_row`](Self::end_row).
    pub(super) fn empty() -> Self {
        Self {
            starts: vec![0],
            values: Vec::new(),
            key: PhantomData,
        }
    }

    /// Groups pairs by their ids, which are below `rows`; within a row the order of the pairs stays.
    pub(super) fn new(rows: usize, pairs: &[(K, V)]) -> Self {
        // Counting first and then putting each in its place takes two passes where sorting takes many.
        let mut starts = vec![0; rows + 1];
        for (id, _) in pairs {
            if let Some(count) = starts.get_mut(id.index() + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut values: Vec<V> = pairs.iter().map(|&(_, value)| value).collect();
        for &(id, value) in pairs {
            let Some(next) = next.get_mut(id.index()) else {
                continue;
            };
            if let Some(place) = values.get_mut(*next as usize) {
                *place = value;
            }
            *next += 1;
        }
        Self {
            starts,
            values,
            key: PhantomData,
        }
    }

    pub(super) fn parts(&self) -> (&[u32], &[V]) {
        (&self.starts, &self.values)
    }

    /// Adds a value to the row that has not ended yet.
    pub(super) fn push(&mut self, value: V) {
        self.values.push(value);
    }

    /// Ends a row, and returns its id; what is pushed now belongs to the next one.
    pub(super) fn end_row(&mut self) -> K {
        self.starts
            .push(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        K::from_index(self.len() - 1)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// How many values there are in all rows.
    pub(super) fn values(&self) -> usize {
        self.values.len()
    }

    pub(super) fn row(&self, id: K) -> &[V] {
        match (self.starts.get(id.index()), self.starts.get(id.index() + 1)) {
            (Some(&start), Some(&end)) => self.values.get(start as usize..end as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// A set of ids as bits, which whoever sees it may add to.
#[derive(Clone, Debug)]
pub(super) struct IdSet<K> {
    words: Vec<Cell<u64>>,
    key: PhantomData<K>,
}

impl<K: Id> IdSet<K> {
    /// An empty set with room for ids below `rows`.
    pub(super) fn new(rows: usize) -> Self {
        Self {
            words: vec![Cell::new(0); rows.div_ceil(64)],
            key: PhantomData,
        }
    }

    pub(super) fn contains(&self, id: K) -> bool {
        let (word, bit) = Self::place(id);
        self.words.get(word).is_some_and(|word| word.get() & bit != 0)
    }

    /// Adds an id and returns whether it is new.
    pub(super) fn insert(&self, id: K) -> bool {
        let (word, bit) = Self::place(id);
        self.words.get(word).is_some_and(|word| {
            let before = word.replace(word.get() | bit);
            before & bit == 0
        })
    }

    fn place(id: K) -> (usize, u64) {
        (id.index() / 64, 1 << (id.index() % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_the_order_of_their_pairs_and_gaps_are_empty() {
        let id = |n| ArchId::from_index(n);
        let rows = Rows::new(5, &[(id(3), 'a'), (id(1), 'b'), (id(3), 'c')]);
        let all: Vec<&[char]> = (0..6).map(|n| rows.row(id(n))).collect();
        assert_eq!(all, [&[][..], &['b'], &[], &['a', 'c'], &[], &[]]);
    }

    #[test]
    fn a_set_tells_what_is_new() {
        let set = IdSet::new(100);
        let id = ArchId::from_index(99);
        assert!(set.insert(id));
        assert!(!set.insert(id));
        assert!(set.contains(id) && !set.contains(ArchId::from_index(35)));
    }
}
