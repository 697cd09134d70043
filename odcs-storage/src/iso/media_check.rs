//! The checksum that is written into an ISO image, so that whoever has burnt it, or copied it to a stick, can check the
//! medium (`checkisomd5`, `rd.live.check`).
//!
//! The form is that of isomd5sum: an MD5 over the volume without its last 15 sectors, with the field it is written to taken
//! as blank, and 20 sums on the way, three digits each, so that a bad medium is noticed before its end. A medium check
//! is no protection against anybody: that is what `SHA256SUM` is for.

use std::ops::Range;

use md5::{Digest, Md5};

/// Bytes that are looked at at a time; what the sums on the way are about depends on it.
const BLOCK: usize = 32 << 10;
/// Bytes of a sector.
const SECTOR: u64 = 2048;
/// Sectors at the end that are left out, because drives cannot be relied on to read them.
const SKIPPED: u64 = 15;
/// Sums on the way.
const FRAGMENTS: u64 = 20;
/// Digits of each.
const FRAGMENT_DIGITS: usize = 3;
/// All digits of the sums on the way.
const FRAGMENT_SUMS: usize = 60;
/// Where the field is in the block that begins with the primary volume descriptor (ECMA-119, 8.4.32).
const FIELD: Range<usize> = 883..1395;
/// Where that field is in the image.
pub(super) const FIELD_OFFSET: u64 = 32_768 + 883;
/// Where the number of sectors is in that block, in big-endian order (ECMA-119, 8.4.8).
const SECTORS: Range<usize> = 84..88;

/// Works the checksum out while an image passes by.
#[derive(Debug)]
pub(super) struct MediaCheck {
    block: Vec<u8>,
    offset: u64,
    /// Bytes of the volume, once its descriptor has passed by.
    volume: Option<u64>,
    hasher: Md5,
    fragment: u64,
    fragment_sums: [u8; FRAGMENT_SUMS],
}

/// What there is to write into an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Implant {
    /// The MD5, as hex digits.
    pub(super) md5: String,
    /// The sums on the way, as hex digits.
    fragment_sums: String,
    /// Bytes of the volume, as its descriptor says.
    pub(super) volume: u64,
}

impl MediaCheck {
    pub(super) fn new() -> Self {
        Self {
            block: Vec::with_capacity(BLOCK),
            offset: 0,
            volume: None,
            hasher: Md5::new(),
            fragment: 0,
            fragment_sums: [b'0'; FRAGMENT_SUMS],
        }
    }

    /// Takes the next bytes of the image.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = BLOCK.saturating_sub(self.block.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                self.take_block();
            }
        }
    }

    fn take_block(&mut self) {
        if self.offset == BLOCK as u64 {
            self.volume = volume(&self.block);
            if let Some(field) = self.block.get_mut(FIELD) {
                field.fill(b' ');
            }
        }
        let checked = self.volume.map(|volume| volume.saturating_sub(SKIPPED * SECTOR));
        let left = checked.map_or(u64::MAX, |checked| checked.saturating_sub(self.offset));
        let length = usize::try_from(left).map_or(self.block.len(), |left| left.min(self.block.len()));
        let bytes = self.block.get(..length).unwrap_or_default();
        if !bytes.is_empty() {
            self.hasher.update(bytes);
            let size = checked.map_or(0, |checked| checked / (FRAGMENTS + 1));
            let fragment = self.offset.checked_div(size).unwrap_or(0);
            if fragment != self.fragment {
                self.fragment = fragment;
                self.put_fragment_sum();
            }
        }
        self.offset += self.block.len() as u64;
        self.block.clear();
    }

    /// Of each byte the first digit, leading zeros not counted. In small images blocks are longer than fragments, and some
    /// sums stay as they are; nobody looks at them then.
    fn put_fragment_sum(&mut self) {
        let digest = self.hasher.clone().finalize();
        let place = usize::try_from(self.fragment.saturating_sub(1)).unwrap_or(usize::MAX);
        let place = place.saturating_mul(FRAGMENT_DIGITS);
        for (digit, byte) in self
            .fragment_sums
            .iter_mut()
            .skip(place)
            .take(FRAGMENT_DIGITS)
            .zip(digest)
        {
            let first = if byte < 16 { byte } else { byte >> 4 };
            *digit = b"0123456789abcdef"
                .get(usize::from(first))
                .copied()
                .unwrap_or(b'0');
        }
    }

    /// What there is to write into the image; `None` if it was none.
    pub(super) fn finish(mut self) -> Option<Implant> {
        if !self.block.is_empty() {
            self.take_block();
        }
        let volume = self.volume?;
        let md5 = self.hasher.finalize();
        Some(Implant {
            md5: md5.iter().map(|byte| format!("{byte:02x}")).collect(),
            fragment_sums: self.fragment_sums.iter().copied().map(char::from).collect(),
            volume,
        })
    }
}

impl Implant {
    /// The field that is written at [`FIELD_OFFSET`].
    pub(super) fn field(&self) -> Vec<u8> {
        let text = format!(
            "ISO MD5SUM = {};SKIPSECTORS = {SKIPPED};RHLISOSTATUS=0;FRAGMENT SUMS = {};FRAGMENT COUNT = {FRAGMENTS};\
             THIS IS NOT THE SAME AS RUNNING MD5SUM ON THIS ISO!!",
            self.md5, self.fragment_sums
        );
        let mut field = text.into_bytes();
        field.resize(FIELD.len(), b' ');
        field
    }
}

/// The bytes of the volume that this is the primary descriptor of; `None` if it is not.
fn volume(descriptor: &[u8]) -> Option<u64> {
    if !descriptor.starts_with(b"\x01CD001") {
        return None;
    }
    let sectors: [u8; 4] = descriptor.get(SECTORS)?.try_into().ok()?;
    Some(u64::from(u32::from_be_bytes(sectors)) * SECTOR)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(sectors: u32) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..u64::from(sectors) * SECTOR)
            .map(|n| (n * n / 7).to_le_bytes()[0])
            .collect();
        bytes[BLOCK..BLOCK + 6].copy_from_slice(b"\x01CD001");
        bytes[BLOCK + SECTORS.start..BLOCK + SECTORS.end].copy_from_slice(&sectors.to_be_bytes());
        bytes
    }

    fn check(bytes: &[u8], step: usize) -> Option<Implant> {
        let mut check = MediaCheck::new();
        bytes.chunks(step).for_each(|chunk| check.update(chunk));
        check.finish()
    }

    #[test]
    fn the_end_and_the_field_itself_do_not_count() {
        let mut image = image(500);
        let implant = check(&image, 1 << 20).unwrap();
        assert_eq!(implant.volume, 500 * SECTOR);
        let at = BLOCK + FIELD.start;
        assert_eq!(FIELD_OFFSET, at as u64);
        image[at..at + 512].copy_from_slice(&implant.field());
        *image.last_mut().unwrap() ^= 1;
        assert_eq!(check(&image, 1 << 20), Some(implant.clone()));
        image[500_000] ^= 1;
        assert_ne!(check(&image, 1 << 20), Some(implant));
        assert_eq!(check(&vec![0; 500_000], 1000), None);
        assert_eq!(check(b"short", 1000), None);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_an_image_comes(step in 1_usize..100_000, sectors in 40_u32..200) {
            let bytes = image(sectors);
            prop_assert_eq!(check(&bytes, step), check(&bytes, bytes.len()));
        }
    }
}
