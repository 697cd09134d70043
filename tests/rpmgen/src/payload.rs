//! The payload: a cpio archive ("newc", as rpm writes it), compressed with gzip.

use std::io::Write;

use flate2::{Compression, GzBuilder};

/// Collects the archive, uncompressed.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
}

/// What the archive's own headers say of a file.
pub(crate) struct ArchiveEntry<'a> {
    /// `./usr/bin/ed`, or a bare name in source packages.
    pub(crate) name: &'a str,
    pub(crate) inode: u32,
    pub(crate) mode: u16,
    pub(crate) links: u32,
    pub(crate) mtime: u32,
    /// Content, or target of a link.
    pub(crate) content: &'a [u8],
}

impl Archive {
    /// Appends a file. `None` if a length does not fit into 32 bits.
    pub(crate) fn append(&mut self, entry: &ArchiveEntry<'_>) -> Option<()> {
        let size = u32::try_from(entry.content.len()).ok()?;
        let name_size = u32::try_from(entry.name.len()).ok()?.checked_add(1)?;
        let mode = u32::from(entry.mode);
        // Inode, mode, uid, gid, links, mtime, size, four device numbers, length of the name, checksum.
        let fields = [
            entry.inode,
            mode,
            0,
            0,
            entry.links,
            entry.mtime,
            size,
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend(hex_digits(field));
        }
        self.bytes.extend_from_slice(entry.name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(entry.content);
        self.pad();
        Some(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Closes the archive and returns its bytes.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        let trailer = ArchiveEntry {
            name: "TRAILER!!!",
            inode: 0,
            mode: 0,
            links: 1,
            mtime: 0,
            content: &[],
        };
        self.append(&trailer)?;
        Some(self.bytes)
    }
}

fn hex_digits(value: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        let [.., nibble] = (rest & 0xf).to_be_bytes();
        *digit = if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' + nibble - 10
        };
        rest >>= 4;
    }
    digits
}

/// Gzip without name and time, so that the same archive gives the same bytes.
pub(crate) fn gzip(archive: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(3)
        .write(Vec::new(), Compression::fast());
    encoder.write_all(archive)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_padded_and_lower_case() {
        assert_eq!(&hex_digits(0x00c0_ffee), b"00c0ffee");
        assert_eq!(&hex_digits(0), b"00000000");
        assert_eq!(&hex_digits(u32::MAX), b"ffffffff");
    }

    #[test]
    fn an_archive_is_aligned_and_ends_with_the_trailer() {
        let mut archive = Archive::default();
        let entry = ArchiveEntry {
            name: "./a",
            inode: 1,
            mode: 0o100_644,
            links: 1,
            mtime: 0,
            content: b"hello",
        };
        archive.append(&entry).unwrap();
        let bytes = archive.finish().unwrap();
        // 110 bytes of header and 4 of name, two of padding; 5 of content, three of padding.
        assert_eq!(&bytes[116..121], b"hello");
        assert_eq!(&bytes[124..130], b"070701");
        assert_eq!(bytes.len() % 4, 0);
        assert!(bytes.windows(11).any(|window| window == b"TRAILER!!!\0"));
    }
}
