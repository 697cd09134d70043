//! Where the entries of a segment are: a sorted list in a file that is mapped.
//!
//! The header is followed by a fan-out (how many entries have keys that begin with each number of so many bits, summed
//! up) and the entries. A lookup touches two places of it. Only the header is verified when it is opened: a wrong
//! number further on leads to something whose checksum is not that of the key, or to nothing. [`Index::is_whole`]
//! reads the rest.

use std::fs::File;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::map::Content;
use super::record::{Entry, Prefix};

const MAGIC: [u8; 8] = *b"odcsindx";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const ENTRY: usize = 32;
/// Bits of the largest fan-out: a million numbers.
const MAX_BITS: u32 = 20;

/// The index of a segment, or of its first part.
#[derive(Debug)]
pub(super) struct Index {
    content: Content,
    bits: u32,
    /// Up to where it says what there is.
    pub(super) covered: u64,
    body_check: u64,
    fan: Range<usize>,
    entries: Range<usize>,
}

impl Index {
    /// The index in a file; none if the file is not the index of the segment with this number, which has so many
    /// bytes.
    pub(super) fn open(file: &File, size: u64, number: u64, segment: u64) -> Option<Self> {
        let size = usize::try_from(size).ok().filter(|size| *size >= HEADER)?;
        Self::parse(Content::of(file, size).ok()?, number, segment)
    }

    fn parse(content: Content, number: u64, segment: u64) -> Option<Self> {
        let (header, body) = content.split_at_checked(HEADER)?;
        let (fields, own) = header.split_last_chunk::<8>()?;
        if xxh3_64(fields) != u64::from_le_bytes(*own) {
            return None;
        }
        let fields = fields.strip_prefix(&MAGIC)?;
        let (version, fields) = fields.split_first_chunk::<4>()?;
        let (bits, fields) = fields.split_first_chunk::<4>()?;
        let mut numbers = fields
            .as_chunks::<8>()
            .0
            .iter()
            .map(|bytes| u64::from_le_bytes(*bytes));
        let (of, covered, count, body_check) =
            (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()?);
        let bits = u32::from_le_bytes(*bits);
        if u32::from_le_bytes(*version) != VERSION || of != number || covered > segment || bits > MAX_BITS {
            return None;
        }
        let fan = ((1_usize << bits) + 1) * 4;
        let entries = usize::try_from(count).ok()?.checked_mul(ENTRY)?;
        if body.len() != fan.checked_add(entries)? {
            return None;
        }
        let fan = HEADER..HEADER + fan;
        let entries = fan.end..fan.end + entries;
        Some(Self {
            bits,
            covered,
            body_check,
            fan,
            entries,
            content,
        })
    }

    /// Whether all of it is as it was written.
    pub(super) fn is_whole(&self) -> bool {
        let body = self.content.get(HEADER..).unwrap_or_default();
        xxh3_64(body) == self.body_check
    }

    fn list(&self) -> &[[u8; ENTRY]] {
        self.content
            .get(self.entries.clone())
            .unwrap_or_default()
            .as_chunks()
            .0
    }

    /// Looks for an entry.
    pub(super) fn find(&self, prefix: Prefix) -> Option<Entry> {
        let bucket = bucket(prefix, self.bits)?;
        let fan = self.content.get(self.fan.clone())?.as_chunks::<4>().0;
        let place = |at: usize| usize::try_from(u32::from_le_bytes(*fan.get(at)?)).ok();
        let bucket = self.list().get(place(bucket)?..place(bucket + 1)?)?;
        let found = bucket.binary_search_by(|entry| prefix_of(entry).cmp(&prefix));
        decode(bucket.get(found.ok()?)?)
    }

    /// All entries, by their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Prefix, Entry)> {
        self.list()
            .iter()
            .filter_map(|entry| Some((prefix_of(entry), decode(entry)?)))
    }
}

/// The file that says where these entries are, of the segment with this number up to `covered`. They are sorted, and
/// each key is there once.
pub(super) fn encode(number: u64, covered: u64, entries: &[(Prefix, Entry)]) -> Vec<u8> {
    let bits = usize::BITS
        .saturating_sub((entries.len() / 2).leading_zeros())
        .min(MAX_BITS);
    let fan = (1_usize << bits) + 1;
    let mut body = Vec::with_capacity(fan * 4 + entries.len() * ENTRY);
    let mut below = 0_usize;
    for at in 0..fan {
        let rest = entries.get(below..).unwrap_or_default();
        // Lists are short: two or so to each number.
        below += rest
            .iter()
            .take_while(|(prefix, _)| bucket(*prefix, bits).is_some_and(|bucket| bucket < at))
            .count();
        body.extend_from_slice(&u32::try_from(below).unwrap_or(u32::MAX).to_le_bytes());
    }
    for (prefix, entry) in entries {
        body.extend_from_slice(&prefix.to_be_bytes());
        body.extend_from_slice(&entry.check.to_le_bytes());
        body.extend_from_slice(&entry.offset.to_le_bytes());
        body.extend_from_slice(&entry.length.to_le_bytes());
    }
    let mut file = Vec::with_capacity(HEADER + body.len());
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&bits.to_le_bytes());
    for number in [number, covered, entries.len() as u64, xxh3_64(&body), 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    let own = xxh3_64(&file);
    file.extend_from_slice(&own.to_le_bytes());
    file.extend_from_slice(&body);
    file
}

/// How many bytes so many entries are going to take in an index, and seldom more.
pub(super) fn size_about(entries: usize) -> u64 {
    (entries as u64).saturating_mul(ENTRY as u64 + 8)
}

fn bucket(prefix: Prefix, bits: u32) -> Option<usize> {
    // Shifting by all bits is none at all.
    usize::try_from(prefix.checked_shr(Prefix::BITS - bits).unwrap_or(0)).ok()
}

fn prefix_of(entry: &[u8; ENTRY]) -> Prefix {
    Prefix::from_be_bytes(entry.first_chunk().copied().unwrap_or_default())
}

fn decode(entry: &[u8; ENTRY]) -> Option<Entry> {
    let (_, rest) = entry.split_first_chunk::<16>()?;
    let (check, rest) = rest.split_first_chunk::<8>()?;
    let (offset, length) = rest.split_first_chunk::<4>()?;
    Some(Entry {
        check: u64::from_le_bytes(*check),
        offset: u32::from_le_bytes(*offset),
        length: u32::from_le_bytes(*length.first_chunk()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;

    fn entry(number: u32) -> Entry {
        Entry {
            check: u64::from(number) << 17,
            offset: number,
            length: number ^ 7,
        }
    }

    fn parse(bytes: Vec<u8>) -> Option<Index> {
        Index::parse(Content::Read(bytes), 3, 1000)
    }

    proptest! {
        #[test]
        fn what_is_there_is_found_and_nothing_else(
            entries in btree_map(prop_oneof![any::<u128>(), (0_u128..50).prop_map(|n| n << 100), 0_u128..50], any::<u32>(), 0..200),
            others in proptest::collection::vec(any::<u128>(), 5),
        ) {
            let list: Vec<_> = entries.iter().map(|(prefix, number)| (*prefix, entry(*number))).collect();
            let index = parse(encode(3, 1000, &list)).unwrap();
            prop_assert!(index.is_whole());
            prop_assert_eq!(&index.iter().collect::<Vec<_>>(), &list);
            for (prefix, found) in &list {
                prop_assert_eq!(index.find(*prefix), Some(*found));
            }
            for other in others.iter().chain([&0, &u128::MAX]).filter(|other| !entries.contains_key(other)) {
                prop_assert_eq!(index.find(*other), None);
            }
        }

        #[test]
        fn damage_is_no_panic(
            entries in btree_map(any::<u128>(), any::<u32>(), 1..50),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u32,
            cut in any::<prop::sample::Index>(),
        ) {
            let list: Vec<_> = entries.iter().map(|(prefix, number)| (*prefix, entry(*number))).collect();
            let whole = encode(3, 1000, &list);
            prop_assert!(parse(whole.get(..cut.index(whole.len())).unwrap().to_vec()).is_none());
            let mut damaged = whole;
            let at = at.index(damaged.len());
            damaged[at] ^= 1_u8 << bit;
            let index = parse(damaged);
            prop_assert!(index.is_none() || at >= HEADER);
            if let Some(index) = index {
                prop_assert!(!index.is_whole());
                for (prefix, _) in &list {
                    let _ = index.find(*prefix);
                }
            }
        }
    }

    #[test]
    fn that_of_another_segment_is_none() {
        let bytes = encode(3, 1000, &[]);
        assert!(Index::parse(Content::Read(bytes.clone()), 4, 1000).is_none());
        assert!(Index::parse(Content::Read(bytes.clone()), 3, 999).is_none());
        assert!(Index::parse(Content::Read(bytes), 3, 1001).is_some());
    }
}
