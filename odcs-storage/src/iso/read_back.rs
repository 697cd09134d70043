//! Reading an ISO image back: its checksums, and every file in it.

use std::collections::BTreeMap;
use std::io::Read;

use odcs_rpm::digest::Hasher;
use odcs_rpm::{Digest, DigestAlgorithm};

use super::listing::Listing;
use super::media_check::{Implant, MediaCheck};

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 20;

/// What should be in an image: files by their paths, which begin with a slash, with their SHA-256.
pub(super) type Expected = BTreeMap<String, Digest>;

/// What an image has on disk.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) sha256: Digest,
    /// The checksum for media that it should have in itself.
    pub(super) implant: Option<Implant>,
}

/// A piece of the image that is the content of files, of several if they are one file on disk.
struct Piece<'a> {
    end: u64,
    paths: Vec<&'a str>,
}

/// Reads an image from its beginning to its end, once, unless it is told to stop.
///
/// # Errors
/// The first thing that is not as it should be, as half a sentence.
pub(super) fn read_back(
    mut image: impl Read,
    listing: &Listing,
    expected: &Expected,
    stop: impl Fn() -> bool,
) -> Result<Found, String> {
    check_names(listing, expected)?;
    let pieces = pieces(listing, expected)?;
    let mut pieces = pieces.iter().peekable();
    let mut piece_hasher = Hasher::new(DigestAlgorithm::Sha256);
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    let mut media = MediaCheck::new();
    let mut buffer = vec![0; BUFFER];
    let mut position = 0_u64;
    loop {
        if stop() {
            return Err("reading it was stopped".to_owned());
        }
        let read = match image.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.to_string()),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        hasher.update(bytes);
        media.update(bytes);
        let end = position + read as u64;
        while let Some((start, piece)) = pieces.peek() {
            if **start >= end {
                break;
            }
            piece_hasher.update(part(bytes, position, **start, piece.end));
            if piece.end > end {
                break;
            }
            let whole = std::mem::replace(&mut piece_hasher, Hasher::new(DigestAlgorithm::Sha256));
            check_piece(&whole.finish(), piece, expected)?;
            pieces.next();
        }
        position = end;
    }
    if let Some((_, piece)) = pieces.next() {
        return Err(format!("it ends before {}", piece.paths.concat()));
    }
    Ok(Found {
        size: position,
        sha256: hasher.finish(),
        implant: media.finish(),
    })
}

fn check_names(listing: &Listing, expected: &Expected) -> Result<(), String> {
    if let Some(missing) = expected.keys().find(|path| !listing.files.contains_key(*path)) {
        return Err(format!("{missing} is not in it"));
    }
    match listing.files.keys().find(|path| !expected.contains_key(*path)) {
        Some(extra) => Err(format!("{extra} is in it")),
        None => Ok(()),
    }
}

/// The pieces by where they begin. Empty files have none.
fn pieces<'a>(listing: &'a Listing, expected: &Expected) -> Result<BTreeMap<u64, Piece<'a>>, String> {
    let mut pieces: BTreeMap<u64, Piece<'a>> = BTreeMap::new();
    for (path, stored) in &listing.files {
        let end = stored.start.saturating_add(stored.size);
        if stored.size == 0 {
            let empty = Digest::of_bytes(DigestAlgorithm::Sha256, b"");
            let piece = Piece {
                end,
                paths: vec![path],
            };
            check_piece(&empty, &piece, expected)?;
            continue;
        }
        let piece = pieces.entry(stored.start).or_insert_with(|| Piece {
            end,
            paths: Vec::new(),
        });
        if piece.end != end {
            return Err(format!("{path} overlaps another file"));
        }
        piece.paths.push(path);
    }
    let mut before = 0;
    for (start, piece) in &pieces {
        if *start < before {
            return Err(format!("{} overlaps another file", piece.paths.concat()));
        }
        before = piece.end;
    }
    Ok(pieces)
}

/// What of these bytes, which are at a position of the image, is between two others.
fn part(bytes: &[u8], position: u64, start: u64, end: u64) -> &[u8] {
    let inside = |offset: u64| {
        let offset = usize::try_from(offset.saturating_sub(position)).unwrap_or(usize::MAX);
        offset.min(bytes.len())
    };
    bytes.get(inside(start)..inside(end)).unwrap_or_default()
}

fn check_piece(found: &Digest, piece: &Piece<'_>, expected: &Expected) -> Result<(), String> {
    let wrong = |path: &&&str| expected.get(**path) != Some(found);
    match piece.paths.iter().find(wrong) {
        Some(path) => Err(format!("{path} in it is not what it should be")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "'/'\nFile data lba: 0 , 1 , 1 , 5 , '/a'\nFile data lba: 0 , 1 , 1 , 5 , '/same'\n\
                           File data lba: 0 , 2 , 900 , 1843000 , '/b'\nFile data lba: 0 , 0 , 0 , 0 , '/empty'\n";

    fn image() -> Vec<u8> {
        let mut bytes = vec![0; 2048 + 2048 + 1_843_200];
        bytes[2048..2053].copy_from_slice(b"hello");
        bytes[4096..4096 + 1_843_000].fill(7);
        bytes
    }

    fn expected() -> Expected {
        let of = |bytes: &[u8]| Digest::of_bytes(DigestAlgorithm::Sha256, bytes);
        let files = [
            ("/a", of(b"hello")),
            ("/same", of(b"hello")),
            ("/b", of(&vec![7; 1_843_000])),
            ("/empty", of(b"")),
        ];
        files.map(|(path, digest)| (path.to_owned(), digest)).into()
    }

    fn read(bytes: &[u8], listing: &str, expected: &Expected) -> Result<Found, String> {
        read_back(bytes, &Listing::parse(listing).unwrap(), expected, || false)
    }

    #[test]
    fn every_file_counts() {
        let image = image();
        let found = read(&image, LISTING, &expected()).unwrap();
        assert_eq!(found.size, image.len() as u64);
        assert_eq!(found.sha256, Digest::of_bytes(DigestAlgorithm::Sha256, &image));
        for (at, path) in [(2050, "/a"), (4096, "/b"), (4096 + 1_842_999, "/b")] {
            let mut spoilt = image.clone();
            spoilt[at] ^= 1;
            let error = read(&spoilt, LISTING, &expected()).unwrap_err();
            assert_eq!(error, format!("{path} in it is not what it should be"));
        }
        // Behind the end of a file, where nothing of it is.
        let mut padding = image.clone();
        padding[4096 + 1_843_000] ^= 1;
        read(&padding, LISTING, &expected()).unwrap();
        let error = read(&image[..image.len() - 4096], LISTING, &expected()).unwrap_err();
        assert_eq!(error, "it ends before /b");
        let listing = Listing::parse(LISTING).unwrap();
        let stopped = read_back(&image[..], &listing, &expected(), || true).unwrap_err();
        assert_eq!(stopped, "reading it was stopped");
    }

    #[test]
    fn nothing_is_missing_and_nothing_is_there_besides() {
        let mut more = expected();
        more.insert("/c".to_owned(), Digest::of_bytes(DigestAlgorithm::Sha256, b""));
        assert_eq!(read(&image(), LISTING, &more).unwrap_err(), "/c is not in it");
        let mut less = expected();
        less.remove("/a");
        assert_eq!(read(&image(), LISTING, &less).unwrap_err(), "/a is in it");
        let overlapping = LISTING.replace("1 , 1 , 5 , '/a'", "1 , 2 , 2050 , '/a'");
        let error = read(&image(), &overlapping, &expected()).unwrap_err();
        assert!(error.contains("overlaps"), "{error}");
    }
}
