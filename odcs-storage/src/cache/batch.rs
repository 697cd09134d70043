//! Entries that were put and are not written yet.

use std::collections::HashMap;

use odcs_core::CacheKey;

use super::record::{self, Entry, Header, Prefix};

/// What may stay allocated for the next batch.
const KEPT: usize = 4 << 20;

/// Entries as they are going to stand in a segment, one after the other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    entries: Vec<(Prefix, Entry)>,
}

impl Batch {
    /// Adds an entry; false if it would be too large.
    pub(super) fn push(&mut self, key: &CacheKey, parts: &[&[u8]], check: u64) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let (Ok(length), Ok(offset)) = (u32::try_from(length), u32::try_from(self.bytes.len())) else {
            return false;
        };
        let key = *key;
        let header = Header { key, length, check };
        header.encode(&mut self.bytes);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.entries.push((record::prefix(&key), header.at(offset)));
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where everything is going to be when it is written to this place. What would be beyond the places that can be
    /// written down is left out.
    pub(super) fn placed(&self, at: u64) -> impl Iterator<Item = (Prefix, Entry)> {
        self.entries.iter().filter_map(move |(prefix, entry)| {
            let offset = u32::try_from(u64::from(entry.offset).checked_add(at)?).ok()?;
            Some((*prefix, Entry { offset, ..*entry }))
        })
    }

    /// Leaves out what is there already, or is there twice.
    pub(super) fn retain(&mut self, is_there: impl Fn(Prefix, &Entry) -> bool) {
        let mut last: HashMap<Prefix, Entry> = HashMap::with_capacity(self.entries.len());
        let mut kept = 0_usize;
        let bytes = &mut self.bytes;
        self.entries.retain_mut(|(prefix, entry)| {
            let there = match last.get(prefix) {
                Some(before) => before.is_like(entry),
                None => is_there(*prefix, entry),
            };
            if there {
                return false;
            }
            let (Ok(from), Ok(size), Ok(to)) = (
                usize::try_from(entry.offset),
                usize::try_from(entry.size()),
                u32::try_from(kept),
            ) else {
                return false;
            };
            if from != kept {
                bytes.copy_within(from..from + size, kept);
            }
            kept += size;
            entry.offset = to;
            last.insert(*prefix, *entry);
            true
        });
        bytes.truncate(kept);
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_leaves_no_gap() {
        let keys: Vec<_> = (0_u8..4).map(|n| CacheKey::new("x", &[&[n]])).collect();
        let mut batch = Batch::default();
        for (key, content) in [(0, "a"), (1, "bb"), (1, "bb"), (2, "ccc"), (1, "dd"), (3, "")] {
            let (key, parts) = (&keys[key], [content.as_bytes()]);
            assert!(batch.push(key, &parts, record::check(key, &parts)));
        }
        let gone = record::prefix(&keys[0]);
        batch.retain(|prefix, _| prefix == gone);
        let mut expected = Batch::default();
        for (key, content) in [(1, "bb"), (2, "ccc"), (1, "dd"), (3, "")] {
            let (key, parts) = (&keys[key], [content.as_bytes()]);
            expected.push(key, &parts, record::check(key, &parts));
        }
        assert_eq!(batch.bytes, expected.bytes);
        assert_eq!(
            batch.placed(7).collect::<Vec<_>>(),
            expected.placed(7).collect::<Vec<_>>()
        );
    }
}
