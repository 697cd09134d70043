//! Tables that stay as they were written down: rows are read when somebody asks for them, which for most of a
//! distribution is never.

use std::marker::PhantomData;
use std::sync::Arc;

use super::record::Record;
use super::table::{Id, TextId};
use super::varints::Varints;

const WORD: usize = size_of::<u32>();

/// Some of the bytes of a set.
#[derive(Clone, Debug)]
pub(super) struct Part {
    bytes: Arc<Vec<u8>>,
    start: usize,
    end: usize,
}

impl Part {
    /// All from the byte with this number.
    pub(super) fn new(bytes: Arc<Vec<u8>>, start: usize) -> Self {
        let end = bytes.len();
        Self { bytes, start, end }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Cuts so many bytes off at the front; `None` if there are fewer.
    pub(super) fn take(&mut self, length: usize) -> Option<Self> {
        let middle = self
            .start
            .checked_add(length)
            .filter(|middle| *middle <= self.end)?;
        let taken = Self {
            bytes: Arc::clone(&self.bytes),
            start: self.start,
            end: middle,
        };
        self.start = middle;
        Some(taken)
    }
}

/// One row per id.
#[derive(Debug)]
pub(super) struct Stored<K, R> {
    rows: Part,
    key: PhantomData<(K, R)>,
}

impl<K: Id, R: Record> Stored<K, R> {
    /// Bytes of a row.
    pub(super) const ROW: usize = R::WORDS * WORD;

    pub(super) fn new(rows: Part) -> Self {
        Self {
            rows,
            key: PhantomData,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.as_bytes().len() / Self::ROW
    }

    pub(super) fn get(&self, id: K) -> Option<R> {
        let start = id.index().checked_mul(Self::ROW)?;
        let row = self.rows.as_bytes().get(start..)?.get(..Self::ROW)?;
        R::from_bytes(row)
    }

    /// Two rows, of which this is the first.
    fn pair(&self, id: K) -> Option<(R, R)> {
        let start = id.index().checked_mul(Self::ROW)?;
        let rows = self.rows.as_bytes().get(start..)?.get(..2 * Self::ROW)?;
        let (first, second) = rows.split_at_checked(Self::ROW)?;
        Some((R::from_bytes(first)?, R::from_bytes(second)?))
    }

    /// The rows from one number to before another; none if there are fewer.
    fn range(&self, start: usize, end: usize) -> impl Iterator<Item = R> + '_ {
        let places = start.checked_mul(Self::ROW).zip(end.checked_mul(Self::ROW));
        let rows = places.and_then(|(start, end)| self.rows.as_bytes().get(start..end));
        rows.unwrap_or_default()
            .chunks_exact(Self::ROW)
            .filter_map(R::from_bytes)
    }

    /// The number of the first row for which this does not hold, where it holds for all before and for none after.
    pub(super) fn partition_point(&self, mut holds: impl FnMut(R) -> bool) -> usize {
        let (mut below, mut end) = (0, self.len());
        while below < end {
            let middle = below.midpoint(end);
            if self.get(K::from_index(middle)).is_some_and(&mut holds) {
                below = middle + 1;
            } else {
                end = middle;
            }
        }
        below
    }

    /// All rows that can be read.
    pub(super) fn iter(&self) -> impl Iterator<Item = R> + '_ {
        self.range(0, self.len())
    }
}

/// A list of values per id.
#[derive(Debug)]
pub(super) struct StoredRows<K, R> {
    /// Where each row starts in `values`, and at the end where the last one ends.
    starts: Stored<K, u32>,
    values: Stored<TextId, R>,
}

impl<K: Id, R: Record> StoredRows<K, R> {
    pub(super) fn new(starts: Part, values: Part) -> Self {
        Self {
            starts: Stored::new(starts),
            values: Stored::new(values),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn row(&self, id: K) -> impl Iterator<Item = R> + '_ {
        let (start, end) = self.starts.pair(id).unwrap_or_default();
        self.values.range(start as usize, end as usize)
    }
}

/// A list of numbers per id, each as long as it needs to be.
#[derive(Debug)]
pub(super) struct StoredVarints<K> {
    starts: Stored<K, u32>,
    bytes: Part,
}

impl<K: Id> StoredVarints<K> {
    pub(super) fn new(starts: Part, bytes: Part) -> Self {
        Self {
            starts: Stored::new(starts),
            bytes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn row(&self, id: K) -> Varints<'_> {
        let (start, end) = self.starts.pair(id).unwrap_or_default();
        let row = self.bytes.as_bytes().get(start as usize..end as usize);
        Varints(row.unwrap_or_default())
    }
}

/// Texts by their numbers.
#[derive(Debug)]
pub(super) struct StoredTexts {
    all: Part,
    /// Where each ends in `all`, which is where the next one starts.
    ends: Stored<TextId, u32>,
}

impl StoredTexts {
    pub(super) fn new(all: Part, ends: Part) -> Self {
        Self {
            all,
            ends: Stored::new(ends),
        }
    }

    pub(super) fn get(&self, id: TextId) -> &str {
        std::str::from_utf8(self.bytes(id)).unwrap_or_default()
    }

    /// The bytes of a text, which are ordered as texts are.
    pub(super) fn bytes(&self, id: TextId) -> &[u8] {
        let place = match id.index().checked_sub(1) {
            None => self.ends.get(id).map(|end| (0, end)),
            Some(before) => self.ends.pair(TextId::from_index(before)),
        };
        let range = place.map(|(start, end)| start as usize..end as usize);
        let text = range.and_then(|range| self.all.as_bytes().get(range));
        text.unwrap_or_default()
    }
}
