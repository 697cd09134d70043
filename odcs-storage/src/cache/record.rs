//! Entries as they stand in a segment: a header with a checksum of its own, so that one can go from each to the next
//! without reading what they hold, and what they hold.
//!
//! Numbers are little-endian, whatever machine writes them. Checksums are XXH3 (64 bits): they are there against what
//! disks, kills and power cuts do, and cost a tenth of a cryptographic one; 32 bits would be few for some hundred
//! million reads.

use odcs_core::CacheKey;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Bytes of a header: magic, length, key, checksum of key and content, checksum of the header.
pub(super) const HEADER: usize = 56;
const MAGIC: [u8; 4] = *b"odrc";

/// The first half of a key, by which entries are looked for. The whole key is part of what the checksum is of.
pub(super) type Prefix = u128;

/// Where an entry is in its segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub(super) struct Entry {
    /// The checksum of key and content.
    pub(super) check: u64,
    /// Where its header begins.
    pub(super) offset: u32,
    /// Bytes of content.
    pub(super) length: u32,
}

impl Entry {
    /// Where its content begins.
    pub(super) fn content(&self) -> u64 {
        u64::from(self.offset) + HEADER as u64
    }

    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.content() + u64::from(self.length)
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> u64 {
        HEADER as u64 + u64::from(self.length)
    }

    /// Whether it holds the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.check, self.length) == (other.check, other.length)
    }
}

/// The header of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) key: CacheKey,
    pub(super) length: u32,
    pub(super) check: u64,
}

/// What a key is looked for by.
pub(super) fn prefix(key: &CacheKey) -> Prefix {
    let half = key.as_bytes().first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(half)
}

/// The checksum of a key and what stands under it, in parts.
pub(super) fn check(key: &CacheKey, parts: &[&[u8]]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(key.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.digest()
}

impl Header {
    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&MAGIC);
        into.extend_from_slice(&self.length.to_le_bytes());
        into.extend_from_slice(self.key.as_bytes());
        into.extend_from_slice(&self.check.to_le_bytes());
        let own = xxh3_64(into.get(start..).unwrap_or_default());
        into.extend_from_slice(&own.to_le_bytes());
    }

    /// Reads a header, if that is one.
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let (fields, own) = bytes.split_last_chunk::<8>()?;
        if !fields.starts_with(&MAGIC) || xxh3_64(fields) != u64::from_le_bytes(*own) {
            return None;
        }
        let (_, rest) = fields.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (key, rest) = rest.split_first_chunk::<32>()?;
        Some(Self {
            key: CacheKey::from_bytes(*key),
            length: u32::from_le_bytes(*length),
            check: u64::from_le_bytes(*rest.first_chunk::<8>()?),
        })
    }

    /// Where it is an entry of.
    pub(super) fn at(&self, offset: u32) -> Entry {
        Entry {
            check: self.check,
            offset,
            length: self.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_nothing_else_is_one() {
        let key = CacheKey::new("x", &[b"y"]);
        let header = Header {
            key,
            length: 7,
            check: check(&key, &[b"one", b"four"]),
        };
        assert_eq!(header.check, check(&key, &[b"onefour"]));
        assert_ne!(header.check, check(&CacheKey::new("x", &[b"z"]), &[b"onefour"]));
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        let bytes: [u8; HEADER] = bytes.try_into().unwrap();
        assert_eq!(Header::parse(&bytes), Some(header));
        for bit in 0..HEADER * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::parse(&damaged), None, "bit {bit}");
        }
    }
}
