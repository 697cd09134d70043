//! What several suites of this crate need.

#![allow(dead_code, reason = "each suite uses some of it")]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use odcs_rpm::compression::{Compression, Decoder, decoder};

/// Bytes that a decompressed recording may have.
const LIMIT: u64 = 2 << 30;

/// A file of a repository, decompressed.
pub(crate) fn open(path: &Path) -> BufReader<Decoder<BufReader<File>>> {
    let file = BufReader::new(File::open(path).unwrap());
    let compression = Compression::of_file_name(path.to_str().unwrap());
    let decoder = decoder(file, compression, "a repository file", LIMIT).unwrap();
    BufReader::with_capacity(1 << 16, decoder)
}
