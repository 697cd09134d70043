//! Texts in one allocation, each there once.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::table::{Id, TextId};

/// Numbered texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    all: String,
    /// Where each ends in `all`, which is where the next one starts.
    ends: Vec<u32>,
}

impl Texts {
    pub(super) fn parts(&self) -> (&str, &[u32]) {
        (&self.all, &self.ends)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, id: TextId) -> &str {
        let index = id.index();
        let before = index.checked_sub(1);
        let start = before.map_or(Some(0), |before| self.ends.get(before).copied());
        let range = start.zip(self.ends.get(index));
        let text = range.and_then(|(start, &end)| self.all.get(start as usize..end as usize));
        text.unwrap_or_default()
    }

    /// Adds a text, there or not. More than 4 GiB cannot be told apart any more: see
    /// [`is_full`](Self::is_full).
    pub(super) fn push(&mut self, text: &str) -> TextId {
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        TextId::from_index(self.ends.len() - 1)
    }

    /// Whether it has, or is about to have, more bytes than it can number.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() > u32::MAX as usize / 2
    }
}

/// Gives equal texts one number.
#[derive(Debug, Default)]
pub(super) struct TextNumbers {
    pub(super) texts: Texts,
    /// With what is looked up by: to have it here spares reading all texts again whenever the table grows.
    table: HashTable<(u32, TextId)>,
    hasher: DefaultHashBuilder,
}

impl TextNumbers {
    pub(super) fn number(&mut self, text: &str) -> TextId {
        let Self { texts, table, hasher } = self;
        let short = shorten(hasher.hash_one(text));
        let is_it = |&(own, id): &(u32, TextId)| own == short && texts.get(id) == text;
        if let Some(&(_, id)) = table.find(spread(short), is_it) {
            return id;
        }
        let id = texts.push(text);
        table.insert_unique(spread(short), (short, id), |&(short, _)| spread(short));
        id
    }
}

/// Half of a hash: enough for as many texts as have numbers.
fn shorten(hash: u64) -> u32 {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A hash of which the upper bits, by which the table tells most others, and the lower ones are good.
fn spread(short: u32) -> u64 {
    u64::from(short) | u64::from(short.wrapping_mul(0x9e37_79b1)) << 32
}

/// Gives equal values one number.
#[derive(Debug)]
pub(super) struct Numbers<K, V> {
    known: HashMap<V, K>,
    pub(super) values: Vec<V>,
}

impl<K, V> Default for Numbers<K, V> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            values: Vec::new(),
        }
    }
}

impl<K: Id, V: Copy + Eq + std::hash::Hash> Numbers<K, V> {
    pub(super) fn number(&mut self, value: V) -> K {
        let Self { known, values } = self;
        *known.entry(value).or_insert_with(|| {
            values.push(value);
            K::from_index(values.len() - 1)
        })
    }

    pub(super) fn get(&self, id: K) -> Option<V> {
        self.values.get(id.index()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number() {
        let mut numbers = TextNumbers::default();
        let all: Vec<TextId> = ["", "a", "bc", "a", "", "é"]
            .iter()
            .map(|t| numbers.number(t))
            .collect();
        assert_eq!(
            all.iter().map(|id| id.index()).collect::<Vec<_>>(),
            [0, 1, 2, 1, 0, 3]
        );
        let back: Vec<&str> = all.iter().map(|&id| numbers.texts.get(id)).collect();
        assert_eq!(back, ["", "a", "bc", "a", "", "é"]);
        assert_eq!(numbers.texts.get(TextId::from_index(4)), "");
    }
}
