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
    /// The texts of which `all` is made up, cut at `ends`; `None` if they are no places to cut it.
    pub(super) fn from_parts(all: String, ends: Vec<u32>) -> Option<Self> {
        let mut last = 0;
        for &end in &ends {
            if end < last || !all.is_char_boundary(end as usize) {
                return None;
            }
            last = end;
        }
        (last as usize == all.len()).then_some(Self { all, ends })
    }

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

    pub(super) fn shrink(&mut self) {
        self.all.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Gives equal texts one number.
#[derive(Debug, Default)]
pub(super) struct TextNumbers {
    pub(super) texts: Texts,
    table: HashTable<TextId>,
    hasher: DefaultHashBuilder,
}

impl TextNumbers {
    pub(super) fn number(&mut self, text: &str) -> TextId {
        let Self { texts, table, hasher } = self;
        let hash = hasher.hash_one(text);
        let found = table.find(hash, |&id| texts.get(id) == text);
        found.copied().unwrap_or_else(|| {
            let id = texts.push(text);
            table.insert_unique(hash, id, |&id| hasher.hash_one(texts.get(id)));
            id
        })
    }
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

    #[test]
    fn places_between_characters_alone_are_places_to_cut() {
        let cut = |all: &str, ends: &[u32]| Texts::from_parts(all.into(), ends.to_vec());
        assert_eq!(cut("aéb", &[1, 1, 3, 4]).unwrap().get(TextId::from_index(2)), "é");
        assert!(cut("", &[]).is_some());
        for bad in [&[1, 2, 4][..], &[3, 1, 4], &[1, 3], &[5], &[]] {
            assert!(cut("aéb", bad).is_none(), "{bad:?}");
        }
    }
}
