//! The entries of one header, and the values that they lead to.

pub(super) const ENTRY: usize = 16;

/// The types of values that mean something here.
const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRINGS: u32 = 8;
const TRANSLATED: u32 = 9;

/// A header after its first 16 bytes: its index, and the store that the entries lead into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    pub(super) index: &'a [[u8; ENTRY]],
    pub(super) store: &'a [u8],
}

impl<'a> Section<'a> {
    /// Splits what follows the first 16 bytes; `index` is the length of the index in bytes.
    pub(super) fn new(bytes: &'a [u8], index: usize) -> Self {
        let (index, store) = bytes.split_at_checked(index).unwrap_or_default();
        Self {
            index: index.as_chunks().0,
            store,
        }
    }

    /// The first value of a tag.
    pub(super) fn find(&self, tag: u32) -> Option<Value<'a>> {
        let entry = self.index.iter().find(|entry| self::tag(entry) == tag)?;
        Value::find(entry, self.store)
    }

    /// The text that begins somewhere in the store.
    fn text_at(&self, offset: u32) -> Option<&'a str> {
        let rest = self.store.get(as_usize(offset)..)?;
        let text = rest.get(..memchr::memchr(0, rest)?)?;
        std::str::from_utf8(text).ok()
    }
}

/// The number of the tag that an entry of an index is about.
pub(super) fn tag(entry: &[u8; ENTRY]) -> u32 {
    number(entry, 0)
}

/// The value of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    kind: u32,
    count: u32,
    offset: u32,
    /// Whether these are texts without a byte above 127.
    is_ascii: bool,
    pub(super) bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// Finds the value of an entry; `None` if it is not wholly inside the store.
    pub(super) fn find(entry: &[u8; ENTRY], store: &'a [u8]) -> Option<Self> {
        let (kind, offset, count) = (number(entry, 4), number(entry, 8), number(entry, 12));
        let rest = store.get(as_usize(offset)..)?;
        let mut is_ascii = false;
        let length = match kind {
            0 => 0,
            // Characters, bytes and binary data.
            1 | 2 | BINARY => as_usize(count),
            INT16 => as_usize(count).checked_mul(2)?,
            INT32 => as_usize(count).checked_mul(4)?,
            INT64 => as_usize(count).checked_mul(8)?,
            STRING | STRINGS | TRANSLATED => {
                let count = if kind == STRING { 1 } else { count };
                let length;
                (length, is_ascii) = texts_end(rest, as_usize(count))?;
                length
            }
            _ => return None,
        };
        Some(Self {
            kind,
            count: if kind == STRING { 1 } else { count },
            offset,
            is_ascii,
            bytes: rest.get(..length)?,
        })
    }

    /// Whether these are texts.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, STRING | STRINGS | TRANSLATED)
    }

    /// Whether these are texts that can be read as UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        self.is_ascii || std::str::from_utf8(self.bytes).is_ok()
    }

    /// How many texts these are.
    pub(super) fn text_count(&self) -> usize {
        if self.is_text() { as_usize(self.count) } else { 0 }
    }

    /// What the place of it in a store is a multiple of.
    pub(super) fn alignment(&self) -> usize {
        match self.kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => 1,
        }
    }

    /// The text, if it is one; some are written as a list of one.
    pub(super) fn text(&self) -> Option<&'a str> {
        let is_one = self.kind == STRING || (self.kind == STRINGS && self.count == 1);
        is_one.then(|| self.texts().next())?
    }

    /// The first of the translations of a text. Old headers have none but the text itself.
    pub(super) fn translated(&self, section: &Section<'a>) -> Option<&'a str> {
        match self.kind {
            STRING => self.texts().next(),
            TRANSLATED if self.count > 0 => self.texts().next(),
            // It is there, whatever the count says.
            TRANSLATED => section.text_at(self.offset),
            _ => None,
        }
    }

    /// The texts, however many; none if these are no texts, or cannot be read as UTF-8.
    pub(super) fn texts(&self) -> Texts<'a> {
        let text = if self.is_text() {
            std::str::from_utf8(self.bytes)
        } else {
            Ok("")
        };
        Texts::new(text.unwrap_or_default(), as_usize(self.count))
    }

    /// The texts as they are, without the zeros that end them.
    pub(super) fn raw_texts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = if self.is_text() { self.bytes } else { &[] };
        let texts = bytes.split_inclusive(|byte| *byte == 0);
        texts.map(|text| text.strip_suffix(&[0]).unwrap_or(text))
    }

    /// The binary data, if it is such.
    pub(super) fn binary(&self) -> Option<&'a [u8]> {
        (self.kind == BINARY).then_some(self.bytes)
    }

    /// The first number of 32 or 64 bits, if these are such.
    pub(super) fn number(&self) -> Option<u64> {
        match self.kind {
            INT32 => self
                .bytes
                .first_chunk()
                .map(|bytes| u32::from_be_bytes(*bytes).into()),
            INT64 => self.bytes.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)),
            _ => None,
        }
    }

    /// The numbers of 32 bits, big endian; none if these are others.
    pub(super) fn numbers(&self) -> &'a [[u8; 4]] {
        if self.kind == INT32 {
            self.bytes.as_chunks().0
        } else {
            &[]
        }
    }

    /// The numbers of 16 bits, big endian; none if these are others.
    pub(super) fn shorts(&self) -> &'a [[u8; 2]] {
        if self.kind == INT16 {
            self.bytes.as_chunks().0
        } else {
            &[]
        }
    }
}

/// Where so many texts end that have a zero each at their ends, and whether all of their bytes are ASCII.
fn texts_end(bytes: &[u8], count: usize) -> Option<(usize, bool)> {
    const BLOCK: usize = 64;
    let (mut begin, mut left, mut bits) = (0, count, 0_u8);
    // Most values are one short text.
    if count > 4 {
        for block in bytes.as_chunks::<BLOCK>().0 {
            let zeros: u8 = block.iter().map(|byte| u8::from(*byte == 0)).sum();
            if usize::from(zeros) >= left {
                break;
            }
            left -= usize::from(zeros);
            begin += BLOCK;
            bits |= block.iter().fold(0, |bits, byte| bits | byte);
        }
    }
    let rest = bytes.get(begin..)?;
    let length = match left.checked_sub(1) {
        None => 0,
        Some(last) => memchr::memchr_iter(0, rest).nth(last)? + 1,
    };
    let is_ascii = bits < 0x80 && rest.get(..length)?.is_ascii();
    Some((begin + length, is_ascii))
}

/// Texts with a zero at the end of each.
#[derive(Clone, Debug)]
pub(super) struct Texts<'a> {
    texts: &'a str,
    ends: memchr::Memchr<'a>,
    begin: usize,
    count: usize,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self::new("", 0)
    }
}

impl<'a> Texts<'a> {
    fn new(texts: &'a str, count: usize) -> Self {
        Self {
            texts,
            ends: memchr::memchr_iter(0, texts.as_bytes()),
            begin: 0,
            count: if texts.is_empty() { 0 } else { count },
        }
    }

    /// How many there were.
    pub(super) fn total(&self) -> usize {
        self.count
    }

    /// Bytes that they have together, the zeros included.
    pub(super) fn bytes(&self) -> usize {
        self.texts.len()
    }
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let end = self.ends.next()?;
        let text = self.texts.get(self.begin..end);
        self.begin = end + 1;
        text
    }
}

/// A number of four bytes; 0 past the end, which callers have ruled out.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

pub(super) fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
