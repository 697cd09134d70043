//! Tags that no ordinary package has, or that every ordinary package has and this one lacks.

use crate::header::HeaderBuilder;

/// Which header of a file a tag is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum Section {
    /// The one with digests and signatures, in front.
    Signature,
    /// The one that describes the package.
    Main,
}

/// The value of a tag. Texts are bytes: they need not be UTF-8.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TagValue {
    /// The tag is not there.
    Missing,
    /// Numbers of 16 bits.
    Int16(Vec<u16>),
    /// Numbers of 32 bits.
    Int32(Vec<u32>),
    /// Numbers of 64 bits.
    Int64(Vec<u64>),
    /// One text.
    Text(Vec<u8>),
    /// Several texts.
    Texts(Vec<Vec<u8>>),
    /// One text in several languages: those of the tag [`TagChange::LANGUAGES`].
    Translated(Vec<Vec<u8>>),
}

/// What a tag of a package is to be, whatever the other fields of its spec make of it.
///
/// ```
/// use rpmgen::{PackageSpec, TagChange, TagValue, write};
/// let latin1 = TagChange::main(TagChange::SUMMARY, TagValue::Translated(vec![b"\xe9diteur".to_vec()]));
/// let bytes = write(&PackageSpec::binary("ed", "1", "2", "x86_64").with_tag(latin1))?;
/// assert!(bytes.windows(7).any(|bytes| bytes == b"\xe9diteur"));
/// # Ok::<(), rpmgen::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TagChange {
    /// The header it is in.
    pub section: Section,
    /// Its number, as `rpmtag.h` has it.
    pub number: u32,
    /// What it is to be.
    pub value: TagValue,
}

impl TagChange {
    /// `RPMTAG_HEADERI18NTABLE`: the languages of translated texts, the untranslated `C` first.
    pub const LANGUAGES: u32 = 100;
    /// `RPMTAG_SUMMARY`.
    pub const SUMMARY: u32 = 1004;

    /// A tag of the main header.
    pub fn main(number: u32, value: TagValue) -> Self {
        Self {
            section: Section::Main,
            number,
            value,
        }
    }

    /// A tag of the signature header.
    pub fn signature(number: u32, value: TagValue) -> Self {
        Self {
            section: Section::Signature,
            number,
            value,
        }
    }

    /// A tag of the main header that is not there.
    pub fn missing(number: u32) -> Self {
        Self::main(number, TagValue::Missing)
    }
}

/// Makes the changes of one header.
pub(crate) fn apply(changes: &[TagChange], section: Section, header: &mut HeaderBuilder) {
    for change in changes.iter().filter(|change| change.section == section) {
        let number = change.number;
        header.remove(number);
        match &change.value {
            TagValue::Missing => {}
            TagValue::Int16(values) => header.int16(number, values),
            TagValue::Int32(values) => header.int32(number, values),
            TagValue::Int64(values) => header.int64(number, values),
            TagValue::Text(text) => header.raw_string(number, text),
            TagValue::Texts(texts) => header.raw_strings(number, texts),
            TagValue::Translated(texts) => header.raw_i18n_strings(number, texts),
        }
    }
}
