//! The tags of a main header that are read, where they are in its bytes. Nothing is copied.
//!
//! Tags that are missing or of another type than they should be count as absent, as with librpm. Of a tag that is there
//! twice the first counts.

use rpm::IndexTag;

use super::value::{Section, Texts, Value};

/// The tags that are read, and their numbers.
macro_rules! tags {
    ($($name:ident)*) => {
        /// A tag of a main header.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[allow(non_camel_case_types, reason = "the names that everybody knows them by")]
        pub(super) enum Tag { $($name),* }

        impl Tag {
            /// All of them, in the order of their values.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name),*];

            /// The number of it in a header.
            #[cfg(test)]
            pub(super) fn index(self) -> IndexTag {
                match self { $(Self::$name => IndexTag::$name),* }
            }
        }

        const NUMBERS: &[u32] = &[$(IndexTag::$name as u32),*];
    };
}

tags! {
    RPMTAG_NAME RPMTAG_VERSION RPMTAG_RELEASE RPMTAG_EPOCH RPMTAG_ARCH
    RPMTAG_SOURCERPM RPMTAG_SOURCEPACKAGE RPMTAG_NOSOURCE RPMTAG_NOPATCH
    RPMTAG_SUMMARY RPMTAG_DESCRIPTION RPMTAG_PACKAGER RPMTAG_URL RPMTAG_LICENSE RPMTAG_VENDOR RPMTAG_GROUP
    RPMTAG_BUILDHOST RPMTAG_BUILDTIME
    RPMTAG_SIZE RPMTAG_LONGSIZE RPMTAG_ARCHIVESIZE RPMTAG_LONGARCHIVESIZE
    RPMTAG_PROVIDENAME RPMTAG_PROVIDEFLAGS RPMTAG_PROVIDEVERSION
    RPMTAG_REQUIRENAME RPMTAG_REQUIREFLAGS RPMTAG_REQUIREVERSION
    RPMTAG_CONFLICTNAME RPMTAG_CONFLICTFLAGS RPMTAG_CONFLICTVERSION
    RPMTAG_OBSOLETENAME RPMTAG_OBSOLETEFLAGS RPMTAG_OBSOLETEVERSION
    RPMTAG_RECOMMENDNAME RPMTAG_RECOMMENDFLAGS RPMTAG_RECOMMENDVERSION
    RPMTAG_SUGGESTNAME RPMTAG_SUGGESTFLAGS RPMTAG_SUGGESTVERSION
    RPMTAG_SUPPLEMENTNAME RPMTAG_SUPPLEMENTFLAGS RPMTAG_SUPPLEMENTVERSION
    RPMTAG_ENHANCENAME RPMTAG_ENHANCEFLAGS RPMTAG_ENHANCEVERSION
    RPMTAG_OLDSUGGESTSNAME RPMTAG_OLDSUGGESTSFLAGS RPMTAG_OLDSUGGESTSVERSION
    RPMTAG_OLDENHANCESNAME RPMTAG_OLDENHANCESFLAGS RPMTAG_OLDENHANCESVERSION
    RPMTAG_BASENAMES RPMTAG_DIRNAMES RPMTAG_DIRINDEXES RPMTAG_OLDFILENAMES RPMTAG_FILEFLAGS RPMTAG_FILEMODES
    RPMTAG_FILEDIGESTS RPMTAG_FILEDIGESTALGO
    RPMTAG_CHANGELOGTIME RPMTAG_CHANGELOGNAME RPMTAG_CHANGELOGTEXT
}

/// Where the numbers of the tags that are read begin, and how far they reach.
const FIRST: u32 = 256;
const SPAN: usize = 4864;
const NONE: u8 = u8::MAX;

/// The place of each number in [`Tags`].
static PLACES: [u8; SPAN] = places();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "it happens when this is compiled, or not at all"
)]
const fn places() -> [u8; SPAN] {
    assert!(NUMBERS.len() < NONE as usize);
    let mut places = [NONE; SPAN];
    let mut place = 0;
    while place < NUMBERS.len() {
        places[(NUMBERS[place] - FIRST) as usize] = place as u8;
        place += 1;
    }
    places
}

/// The values of a main header by their tags. All texts are UTF-8.
pub(super) struct Tags<'a> {
    values: [Option<Value<'a>>; NUMBERS.len()],
    section: Section<'a>,
}

impl<'a> Tags<'a> {
    /// Those of a header whose values will be [added](Self::add).
    pub(super) fn new(section: Section<'a>) -> Self {
        Self {
            values: [None; NUMBERS.len()],
            section,
        }
    }

    /// Adds the next value of the header, if it is one that is read.
    pub(super) fn add(&mut self, number: u32, value: Value<'a>) {
        let place = number
            .checked_sub(FIRST)
            .and_then(|number| PLACES.get(usize::try_from(number).ok()?));
        let Some(place) = place.filter(|place| **place != NONE) else {
            return;
        };
        if let Some(place) = self.values.get_mut(usize::from(*place)) {
            place.get_or_insert(value);
        }
    }

    /// The header as it was taken.
    #[cfg(test)]
    pub(super) fn section(&self) -> Section<'a> {
        self.section
    }

    fn value(&self, tag: Tag) -> Option<Value<'a>> {
        self.values.get(tag as usize).copied().flatten()
    }

    /// Whether the tag is there, whatever its type.
    pub(super) fn has(&self, tag: Tag) -> bool {
        self.value(tag).is_some()
    }

    /// The text of a tag that has one.
    pub(super) fn text(&self, tag: Tag) -> Option<&'a str> {
        self.value(tag)?.text()
    }

    /// The first of the translations, which is the one that was written in the spec file; empty where there is none.
    pub(super) fn translated(&self, tag: Tag) -> &'a str {
        let value = self.value(tag);
        value
            .and_then(|value| value.translated(&self.section))
            .unwrap_or_default()
    }

    /// The texts of a tag, none if it is absent.
    pub(super) fn texts(&self, tag: Tag) -> Texts<'a> {
        self.value(tag).map(|value| value.texts()).unwrap_or_default()
    }

    /// The first number of a tag, of 32 or 64 bits.
    pub(super) fn number(&self, tag: Tag) -> Option<u64> {
        self.value(tag)?.number()
    }

    /// The numbers of a tag, of 32 bits each, big endian.
    pub(super) fn numbers(&self, tag: Tag) -> &'a [[u8; 4]] {
        self.value(tag).map(|value| value.numbers()).unwrap_or_default()
    }

    /// The numbers of a tag, of 16 bits each, big endian.
    pub(super) fn shorts(&self, tag: Tag) -> &'a [[u8; 2]] {
        self.value(tag).map(|value| value.shorts()).unwrap_or_default()
    }
}
