//! Compressed files.

use std::io::{BufReader, Read};

use odcs_rpm::compression::{Compression, decoder, gzip};
use odcs_rpm::repodata::{Limits, read_primary};
use odcs_rpm::{Error, Result};

/// Bytes that may come out: more than goes in, and little enough for bombs to be small.
const LIMIT: u64 = 64 << 10;

/// The first byte chooses the compression, the rest is the file.
pub(crate) fn decompress(input: &[u8]) {
    let Some((first, file)) = input.split_first() else {
        return;
    };
    let compression = match first % 5 {
        0 => Compression::None,
        1 => Compression::Gzip,
        2 => Compression::Xz,
        3 => Compression::Zstd,
        _ => Compression::Bzip2,
    };
    let whole = read(file, compression, 1 << 12);
    let pieces = read(file, compression, 1);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert!(whole == pieces, "the same in pieces");
            assert!(whole.len() as u64 <= LIMIT);
        }
        (Err(_), Err(_)) => {}
        _ => panic!("whole: {}, in pieces: {}", whole.is_ok(), pieces.is_ok()),
    }
    if let Err(error) = &whole {
        let is_known = match error {
            Error::TooLarge { limit, .. } => *limit == LIMIT,
            Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
            _ => false,
        };
        assert!(is_known, "{error:?}");
    }
    let opened = decoder(file, compression, "primary", LIMIT).unwrap();
    let packages = read_primary(BufReader::new(opened), Limits::default());
    assert!(
        whole.is_ok() || packages.is_err(),
        "a damaged file has no packages"
    );

    let zipped = gzip(input).unwrap();
    assert!(read(&zipped, Compression::Gzip, 1 << 12).unwrap() == input);
}

/// Decompresses with a buffer of so many bytes at either end.
fn read(file: &[u8], compression: Compression, size: usize) -> Result<Vec<u8>> {
    let reader = BufReader::with_capacity(size, file);
    let mut decoder = decoder(reader, compression, "a file", LIMIT)?;
    let (mut out, mut buffer) = (Vec::new(), vec![0; size]);
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(out),
            length => out.extend_from_slice(&buffer[..length]),
        }
    }
}
