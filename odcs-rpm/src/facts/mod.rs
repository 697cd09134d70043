//! What gathering and listing need of a package, in few bytes: to be kept, so that headers need not be read again.
//!
//! Everything of a [`Package`](crate::Package) is in them but its texts (summary, description, packager, URL, licence, vendor, group,
//! build host) and its changelog, which are empty in what is decoded. First comes what a *brief* package has: all of
//! it but the lists of dependencies and files. [`decode_brief`] reads that alone.
//!
//! The bytes are for the program that wrote them, and its like: there is no promise that another version reads them.
//! They begin with the number of their format, and bytes of another format, cut ones and damaged ones are errors.
//!
//! ```
//! use odcs_rpm::{Evr, FileEntry, FileKind, Nevra, Package, facts};
//!
//! let mut ed = Package::new(Nevra::new("ed".parse()?, Evr::new(0, "1.14.1", "2")?, "x86_64".parse()?));
//! ed.files.push(FileEntry { path: "/usr/bin/ed".into(), kind: FileKind::File });
//! let mut bytes = Vec::new();
//! facts::encode(&ed, &mut bytes);
//! assert_eq!(facts::decode(&bytes)?, ed);
//! assert!(facts::decode_brief(&bytes)?.files.is_empty());
//! # Ok::<(), odcs_rpm::Error>(())
//! ```
//!
//! # The format
//! Numbers have seven bits in each byte, the lowest first; all bytes but the last have the high bit set. A text is its
//! length and its bytes. After the number of the format (one byte):
//!
//! - name, epoch, version, release, arch; 1 and the source package, or 0;
//! - the times of build and file, the three sizes, the two ends of the header;
//! - the keys: how many, and each;
//! - eight lists of dependencies, in the order of the fields: how many, and of each a byte of flags, the name and, as
//!   the flags say, epoch, version and release;
//! - the files: how many, and of each the number of bytes that its path has in common with the path before, times four,
//!   plus what it is; then the rest of the path.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{decode, decode_brief};
pub use write::encode;

/// The number of the format.
const FORMAT: u8 = 1;

/// Bytes that all paths of a package may have in common with the path before them, together: few bytes ask for no
/// memory. Past that, paths are whole.
const MAX_SHARED: usize = 64 << 20;

/// The flags of a dependency: how it compares (0 if it has no version), and what else it has.
const COMPARISON: u8 = 0b111;
const IS_PRE: u8 = 1 << 3;
const HAS_EPOCH: u8 = 1 << 4;
const HAS_RELEASE: u8 = 1 << 5;
/// Epoch, version and release are those of the package itself, and are not repeated.
const IS_OWN: u8 = 1 << 6;
