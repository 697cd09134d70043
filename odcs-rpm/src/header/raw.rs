//! The bytes of lead and headers: read within limits, and checked so that whoever parses them meets
//! no offset or count that leads out of them.
//!
//! Format: a lead of 96 bytes, the signature header padded to 8 bytes, the main header. A header is a
//! magic number, the number of index entries, the size of the store, the entries (tag, type, offset,
//! count, 32 bits each), the store. Numbers are big endian.

use std::io::Read;

use crate::{Error, Result};

pub(super) const LEAD: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// `RPMLEAD_SOURCE`.
const LEAD_SOURCE: [u8; 2] = [0, 1];
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
pub(super) const INTRO: usize = 16;
const ENTRY: usize = 16;

/// The limits that rpm itself has: `HEADER_TAGS_MAX` and `HEADER_DATA_MAX`.
const MAX_ENTRIES: u32 = 0xffff;
const MAX_STORE: u32 = 256 << 20;

/// Strings in one header. An empty one is one byte in the file and two dozen in memory; a package with half a million
/// files has some seven for each.
const MAX_TEXTS: usize = 1 << 22;

/// Memory that is taken on a header's word alone.
const USUAL_STORE: usize = 256 << 10;

/// Lead, signature header and main header, checked.
pub(crate) struct RawHeaders {
    /// All bytes. Where strings were not UTF-8 they have been taken for Latin-1, as `createrepo_c`
    /// takes them, so the offsets below are not offsets into these.
    pub(super) bytes: Vec<u8>,
    /// Whether the lead says that this is a source package.
    pub(super) is_source: bool,
    /// Where the main header begins in the file.
    pub(super) header_start: u64,
    /// Where the payload begins in the file.
    pub(super) header_end: u64,
    /// Where the main header begins in `bytes`.
    main: usize,
    /// The main header as it is in the file, if its strings had to be rewritten.
    original: Option<Vec<u8>>,
}

impl RawHeaders {
    /// Reads up to the payload.
    ///
    /// # Errors
    /// [`Error::Package`] if this is no package; [`Error::Io`] if reading fails.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self> {
        let mut bytes = Vec::with_capacity(4 << 10);
        take(reader, &mut bytes, LEAD, "lead")?;
        if !is_lead(&bytes) {
            return Err(Error::package("it does not begin like one"));
        }
        let is_source = bytes.get(6..8) == Some(&LEAD_SOURCE);
        let mut position = LEAD as u64;

        let one = read_one(reader, &mut bytes, "signature header")?;
        let padding = padding(one.store);
        position += one.length as u64;
        take(reader, &mut bytes, padding, "signature header")?;
        position += padding as u64;

        let main = bytes.len();
        let one = read_one(reader, &mut bytes, "main header")?;
        Ok(Self {
            bytes,
            is_source,
            header_start: position,
            header_end: position + one.length as u64,
            main,
            original: one.original,
        })
    }

    /// The main header byte for byte as it is in the file: what signatures cover.
    ///
    /// All of it, not the region that its first tag names: rpm refuses packages whose main header has
    /// anything outside of that, and what is read from it must be what was signed.
    pub(crate) fn signed(&self) -> &[u8] {
        let rewritten = self.bytes.get(self.main..).unwrap_or_default();
        self.original.as_deref().unwrap_or(rewritten)
    }

    /// The value of a tag in the signature header: binary data, or the strings of an array.
    pub(crate) fn signature_values(&self, tag: u32) -> Vec<&[u8]> {
        values(self.bytes.get(LEAD..self.main).unwrap_or_default(), tag)
    }

    /// The first string of a tag in the main header.
    pub(crate) fn header_text(&self, tag: u32) -> Option<&str> {
        let first = values(self.signed(), tag).into_iter().next()?;
        std::str::from_utf8(first).ok()
    }

    /// The first number of a tag in the main header.
    pub(crate) fn header_number(&self, tag: u32) -> Option<u32> {
        let value = find(self.signed(), tag)?;
        (value.kind == 4 && value.bytes.len() >= 4).then(|| number(value.bytes, 0))
    }
}

/// The first value of a tag in a header that was checked.
fn find(header: &[u8], tag: u32) -> Option<Value<'_>> {
    let (index, data) = header
        .get(INTRO..)?
        .split_at_checked(as_usize(number(header, 8)).checked_mul(ENTRY)?)?;
    let mut entries = index.chunks_exact(ENTRY);
    Value::find(entries.find(|entry| number(entry, 0) == tag)?, data)
}

/// The strings of a tag without the zeros that end them, or its binary data; nothing of other types.
fn values(header: &[u8], tag: u32) -> Vec<&[u8]> {
    match find(header, tag) {
        Some(value) if value.is_text() => {
            let texts = value.bytes.split_inclusive(|byte| *byte == 0);
            texts
                .map(|text| text.strip_suffix(&[0]).unwrap_or(text))
                .collect()
        }
        Some(value) if value.kind == 7 => vec![value.bytes],
        _ => Vec::new(),
    }
}

/// Appends exactly so many bytes; memory grows with what is there, not with what is promised, past what
/// nearly all headers have.
fn take(reader: &mut impl Read, bytes: &mut Vec<u8>, length: usize, what: &str) -> Result<()> {
    bytes.reserve(length.min(USUAL_STORE));
    let read = reader.take(length as u64).read_to_end(bytes)?;
    if read < length {
        return Err(Error::package(format_args!("the file ends in the {what}")));
    }
    Ok(())
}

/// The first 16 bytes of a header: how long it is.
pub(super) struct Intro {
    /// Bytes of its index.
    index: usize,
    /// Bytes of its store.
    pub(super) store: usize,
}

impl Intro {
    /// Reads them from the beginning of a header.
    ///
    /// # Errors
    /// Why no header begins like this.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.starts_with(&HEADER_MAGIC) {
            return Err("wrong magic number".to_owned());
        }
        let (entries, store) = (number(bytes, 8), number(bytes, 12));
        if entries == 0 || entries > MAX_ENTRIES || store > MAX_STORE {
            return Err(format!("{entries} entries and {store} bytes are not possible"));
        }
        Ok(Self {
            index: as_usize(entries) * ENTRY,
            store: as_usize(store),
        })
    }

    /// The length of the whole header.
    pub(super) fn length(&self) -> usize {
        INTRO + self.index + self.store
    }
}

/// What follows a signature header, so that the main header begins at a multiple of 8 bytes.
pub(super) fn padding(store: usize) -> usize {
    (8 - store % 8) % 8
}

/// Whether the lead of a package begins like this.
pub(super) fn is_lead(bytes: &[u8]) -> bool {
    bytes.starts_with(&LEAD_MAGIC)
}

/// What is to be known of a header in the file.
struct One {
    /// Its length.
    length: usize,
    /// The length of its store.
    store: usize,
    /// The header as it is in the file, if it was rewritten.
    original: Option<Vec<u8>>,
}

/// Appends one header.
fn read_one(reader: &mut impl Read, bytes: &mut Vec<u8>, what: &'static str) -> Result<One> {
    let bad = |reason: &str| Error::package(format_args!("damaged {what}: {reason}"));
    let start = bytes.len();
    take(reader, bytes, INTRO, what)?;
    let intro = Intro::read(bytes.get(start..).unwrap_or_default()).map_err(|reason| bad(&reason))?;
    let (index, store, length) = (intro.index, intro.store, intro.length());
    take(reader, bytes, index + store, what)?;

    let header = bytes.get(start..).unwrap_or_default();
    let (index, data) = header
        .get(INTRO..)
        .unwrap_or_default()
        .split_at_checked(index)
        .unwrap_or_default();
    let (mut seen, mut texts) = (0, 0);
    let mut is_utf8 = true;
    for entry in index.chunks_exact(ENTRY) {
        let value = Value::find(entry, data).ok_or_else(|| bad("an entry leads out of it"))?;
        // Values do not overlap in what rpm writes; here it keeps copies from outgrowing the file.
        seen += value.bytes.len();
        if seen > store {
            return Err(bad("its entries overlap"));
        }
        if value.is_text() {
            is_utf8 &= std::str::from_utf8(value.bytes).is_ok();
            texts += if value.kind == 6 {
                1
            } else {
                as_usize(number(entry, 12))
            };
            if texts > MAX_TEXTS {
                return Err(bad("it has more texts than packages have"));
            }
        }
    }
    let original = if is_utf8 {
        None
    } else {
        let rewritten = transcode(header, index, data).ok_or_else(|| bad("too much text"))?;
        let original = bytes.split_off(start);
        bytes.extend_from_slice(&rewritten);
        Some(original)
    };
    Ok(One {
        length,
        store,
        original,
    })
}

/// The value of an index entry.
struct Value<'a> {
    kind: u32,
    bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// Finds the value of an entry; `None` if it is not wholly inside the store.
    fn find(entry: &[u8], data: &'a [u8]) -> Option<Self> {
        let (kind, offset, count) = (number(entry, 4), number(entry, 8), as_usize(number(entry, 12)));
        let rest = data.get(as_usize(offset)..)?;
        let length = match kind {
            0 => 0,
            // Characters, bytes and binary data.
            1 | 2 | 7 => count,
            3 => count.checked_mul(2)?,
            4 => count.checked_mul(4)?,
            5 => count.checked_mul(8)?,
            // A string, an array of strings, a translated string.
            6 | 8 | 9 => {
                let count = if kind == 6 { 1 } else { count };
                match count.checked_sub(1) {
                    None => 0,
                    Some(last) => memchr::memchr_iter(0, rest).nth(last)? + 1,
                }
            }
            _ => return None,
        };
        let bytes = rest.get(..length)?;
        Some(Self { kind, bytes })
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, 6 | 8 | 9)
    }

    fn alignment(&self) -> usize {
        match self.kind {
            3 => 2,
            4 => 4,
            5 => 8,
            _ => 1,
        }
    }
}

/// Writes a header anew, with every string that is not UTF-8 taken for Latin-1.
fn transcode(header: &[u8], index: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut new_index = Vec::with_capacity(index.len());
    let mut store = Vec::with_capacity(data.len() + data.len() / 4);
    for entry in index.chunks_exact(ENTRY) {
        let value = Value::find(entry, data)?;
        store.resize(store.len().next_multiple_of(value.alignment()), 0);
        new_index.extend_from_slice(entry.get(..8)?);
        new_index.extend_from_slice(&u32::try_from(store.len()).ok()?.to_be_bytes());
        new_index.extend_from_slice(entry.get(12..)?);
        if !value.is_text() {
            store.extend_from_slice(value.bytes);
            continue;
        }
        for text in value.bytes.split_inclusive(|byte| *byte == 0) {
            if std::str::from_utf8(text).is_ok() {
                store.extend_from_slice(text);
            } else {
                let text: String = text.iter().map(|byte| char::from(*byte)).collect();
                store.extend_from_slice(text.as_bytes());
            }
        }
    }
    // The same remainder modulo 8 keeps the padding right that follows a signature header.
    while store.len() % 8 != data.len() % 8 {
        store.push(0);
    }
    let mut out = header.get(..12)?.to_vec();
    out.extend_from_slice(&u32::try_from(store.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&new_index);
    out.extend_from_slice(&store);
    Some(out)
}

/// A number of four bytes; 0 past the end, which callers have ruled out.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
