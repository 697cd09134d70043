//! The bytes of lead and headers, checked so that whoever reads them meets no offset or count that leads out of them.
//!
//! Format: a lead of 96 bytes, the signature header padded to 8 bytes, the main header. A header is a
//! magic number, the number of index entries, the size of the store, the entries (tag, type, offset,
//! count, 32 bits each), the store. Numbers are big endian.

use super::tags::Tags;
use super::value::{ENTRY, Section, Value, as_usize, number, tag};
use crate::{Error, Result};

pub(super) const LEAD: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// `RPMLEAD_SOURCE`.
const LEAD_SOURCE: [u8; 2] = [0, 1];
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
pub(super) const INTRO: usize = 16;

/// The limits that rpm itself has: `HEADER_TAGS_MAX` and `HEADER_DATA_MAX`.
const MAX_ENTRIES: u32 = 0xffff;
const MAX_STORE: u32 = 256 << 20;

/// Strings in one header. An empty one is one byte in the file and two dozen in memory; a package with half a million
/// files has some seven for each.
const MAX_TEXTS: usize = 1 << 22;

/// Lead, signature header and main header, checked. All texts are UTF-8: those that were not have been taken for
/// Latin-1, as `createrepo_c` takes them.
pub(crate) struct RawHeaders<'a> {
    /// What the main header says.
    pub(super) tags: Tags<'a>,
    /// The signature header.
    pub(super) signature: Section<'a>,
    /// The main header as it is in the file.
    signed: &'a [u8],
    /// The same without its first 16 bytes.
    original: Section<'a>,
    /// Whether the lead says that this is a source package.
    pub(super) is_source: bool,
    /// Where the main header begins in the file.
    pub(super) header_start: u64,
    /// Where the payload begins in the file.
    pub(super) header_end: u64,
}

/// Room for headers with texts that are not UTF-8.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    signature: Option<Vec<u8>>,
    main: Option<Vec<u8>>,
}

impl<'a> RawHeaders<'a> {
    /// Checks the beginning of a file, which may have more than the headers.
    ///
    /// # Errors
    /// [`Error::Package`] if this is no package, or ends before its payload.
    pub(super) fn check(bytes: &'a [u8], rewritten: &'a mut Rewritten) -> Result<Self> {
        let (lead, rest) = bytes.split_at_checked(LEAD).ok_or_else(|| ends_in("lead"))?;
        if !is_lead(lead) {
            return Err(Error::package("it does not begin like one"));
        }
        let what = "signature header";
        let intro = intro(rest, what)?;
        let (header, after) = rest
            .split_at_checked(intro.length())
            .ok_or_else(|| ends_in(what))?;
        let mut signature = intro.section(header);
        if !check(&signature, what, |_, _| {})? {
            signature = rewrite(&signature, &mut rewritten.signature).ok_or_else(|| too_much_text(what))?;
        }
        let padding = padding(intro.store);
        let rest = after.get(padding..).ok_or_else(|| ends_in(what))?;
        let header_start = LEAD + intro.length() + padding;

        let what = "main header";
        let intro = self::intro(rest, what)?;
        let signed = rest.get(..intro.length()).ok_or_else(|| ends_in(what))?;
        let original = intro.section(signed);
        let mut tags = Tags::new(original);
        if !check(&original, what, |number, value| tags.add(number, value))? {
            let section = rewrite(&original, &mut rewritten.main).ok_or_else(|| too_much_text(what))?;
            tags = Tags::new(section);
            for entry in section.index {
                if let Some(value) = Value::find(entry, section.store) {
                    tags.add(tag(entry), value);
                }
            }
        }
        Ok(Self {
            tags,
            signature,
            signed,
            original,
            is_source: lead.get(6..8) == Some(&LEAD_SOURCE),
            header_start: header_start as u64,
            header_end: (header_start + intro.length()) as u64,
        })
    }

    /// The main header byte for byte as it is in the file: what signatures cover.
    ///
    /// All of it, not the region that its first tag names: rpm refuses packages whose main header has
    /// anything outside of that, and what is read from it must be what was signed.
    pub(crate) fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// The value of a tag in the signature header: binary data, or the strings of an array.
    pub(crate) fn signature_values(&self, tag: u32) -> Vec<&'a [u8]> {
        values(&self.signature, tag)
    }

    /// The first string of a tag in the main header.
    pub(crate) fn header_text(&self, tag: u32) -> Option<&'a str> {
        let first = values(&self.original, tag).into_iter().next()?;
        std::str::from_utf8(first).ok()
    }

    /// The first number of a tag in the main header.
    pub(crate) fn header_number(&self, tag: u32) -> Option<u32> {
        let first = self.original.find(tag)?.numbers().first()?;
        Some(u32::from_be_bytes(*first))
    }
}

/// The strings of a tag without the zeros that end them, or its binary data; nothing of other types.
fn values<'a>(section: &Section<'a>, tag: u32) -> Vec<&'a [u8]> {
    let Some(value) = section.find(tag) else {
        return Vec::new();
    };
    value.binary().into_iter().chain(value.raw_texts()).collect()
}

fn ends_in(what: &str) -> Error {
    Error::package(format_args!("the file ends in the {what}"))
}

fn damaged(what: &str, reason: &str) -> Error {
    Error::package(format_args!("damaged {what}: {reason}"))
}

fn too_much_text(what: &str) -> Error {
    damaged(what, "too much text")
}

fn intro(bytes: &[u8], what: &str) -> Result<Intro> {
    let bytes = bytes.get(..INTRO).ok_or_else(|| ends_in(what))?;
    Intro::read(bytes).map_err(|reason| damaged(what, &reason))
}

/// The first 16 bytes of a header: how long it is.
#[derive(Clone, Copy, Debug)]
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

    /// The parts of the header that begins like this.
    fn section<'a>(&self, header: &'a [u8]) -> Section<'a> {
        Section::new(header.get(INTRO..).unwrap_or_default(), self.index)
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

/// Checks every entry of a header, and shows it. Says whether all texts can be read as UTF-8.
fn check<'a>(section: &Section<'a>, what: &str, mut show: impl FnMut(u32, Value<'a>)) -> Result<bool> {
    let (mut seen, mut texts) = (0, 0);
    let mut is_utf8 = true;
    for entry in section.index {
        let value =
            Value::find(entry, section.store).ok_or_else(|| damaged(what, "an entry leads out of it"))?;
        // Values do not overlap in what rpm writes; here it keeps copies from outgrowing the file.
        seen += value.bytes.len();
        if seen > section.store.len() {
            return Err(damaged(what, "its entries overlap"));
        }
        texts += value.text_count();
        if texts > MAX_TEXTS {
            return Err(damaged(what, "it has more texts than packages have"));
        }
        is_utf8 &= !value.is_text() || value.is_utf8();
        show(tag(entry), value);
    }
    Ok(is_utf8)
}

/// Writes a header anew, with every string that is not UTF-8 taken for Latin-1; `None` if it becomes too large.
fn rewrite<'a>(section: &Section<'_>, into: &'a mut Option<Vec<u8>>) -> Option<Section<'a>> {
    let index_length = section.index.len() * ENTRY;
    let mut index = Vec::with_capacity(index_length);
    let mut store = Vec::with_capacity(section.store.len() + section.store.len() / 4);
    for entry in section.index {
        let value = Value::find(entry, section.store)?;
        store.resize(store.len().next_multiple_of(value.alignment()), 0);
        index.extend_from_slice(entry.get(..8)?);
        index.extend_from_slice(&u32::try_from(store.len()).ok()?.to_be_bytes());
        index.extend_from_slice(entry.get(12..)?);
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
    index.append(&mut store);
    Some(Section::new(into.insert(index), index_length))
}
