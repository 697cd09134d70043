//! The XML of one package, to be put together with what depends on the compose.

use std::fmt;

use super::encode::Xml;
use super::render;
use crate::Package;
use crate::header::FileDigests;

/// How many pieces a package has at most.
const COUNT: usize = 7;

/// Bytes before the pieces: which form this is, and their lengths.
const HEAD: usize = 8 * (1 + COUNT);

/// To be raised when the pieces change their meaning, or what they are written as.
const FORM: u64 = 1;

/// The length of a piece that is not there.
const ABSENT: u64 = u64::MAX;

/// Bytes of a buffer that is kept for the next package.
const LARGEST_KEPT: usize = 256 << 10;

/// The XML of one package for `primary`, `filelists` and `other`, without its checksum and its location, which are
/// filled in when it is written: it can be kept, and be written again for any compose. The buffer is reused from
/// package to package.
///
/// Characters that XML cannot have become U+FFFD.
///
/// ```
/// use odcs_rpm::repodata::{Pieces, PiecesView};
/// use odcs_rpm::Package;
/// let mut pieces = Pieces::default();
/// pieces.render(&Package::new("ed-1.14.1-2.x86_64".parse()?));
/// let kept = pieces.parts().concat();
/// assert_eq!(PiecesView::parse(&kept), Some(pieces.view()));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Pieces {
    xml: Xml,
    lengths: [Option<usize>; COUNT],
    head: Head,
}

/// The lengths as they are kept.
#[derive(Clone, Copy)]
struct Head([u8; HEAD]);

impl Default for Head {
    fn default() -> Self {
        Self([0; HEAD])
    }
}

impl Pieces {
    /// Makes the XML of a package, in place of what was there.
    pub fn render(&mut self, package: &Package) {
        self.render_all(package, None);
    }

    /// The same, and that for `filelists-ext`, which has the digests of the files in the package.
    pub fn render_with_digests(&mut self, package: &Package, digests: &FileDigests) {
        self.render_all(package, Some(digests));
    }

    fn render_all(&mut self, package: &Package, digests: Option<&FileDigests>) {
        let xml = &mut self.xml;
        xml.bytes.clear();
        // Few packages have as much as a kernel: their memory is not held for all that follow.
        xml.bytes.shrink_to(LARGEST_KEPT);
        let mut start = 0;
        let mut piece = |write: &dyn Fn(&mut Xml, &Package)| {
            write(xml, package);
            let length = xml.bytes.len() - start;
            start = xml.bytes.len();
            Some(length)
        };
        self.lengths = [
            piece(&render::primary_start),
            piece(&render::primary_middle),
            piece(&render::primary_end),
            piece(&render::list_start),
            piece(&render::files),
            piece(&render::changelogs),
            digests
                .and_then(|digests| piece(&|xml, package| render::files_with_digests(xml, package, digests))),
        ];
        let (form, lengths) = self.head.0.split_at_mut(8);
        form.copy_from_slice(&FORM.to_le_bytes());
        for (field, length) in lengths.chunks_exact_mut(8).zip(self.lengths) {
            let length = length.map_or(ABSENT, |length| length as u64);
            field.copy_from_slice(&length.to_le_bytes());
        }
    }

    /// The pieces, to be written. There are none before the first package.
    pub fn view(&self) -> PiecesView<'_> {
        PiecesView::cut(&self.xml.bytes, self.lengths).unwrap_or_default()
    }

    /// What to keep: these bytes, one part after the other, are what [`PiecesView::parse`] reads.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.head.0, &self.xml.bytes]
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

/// The XML of one package, wherever it is. See [`Pieces`].
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct PiecesView<'a> {
    pub(super) primary_start: &'a [u8],
    pub(super) primary_middle: &'a [u8],
    pub(super) primary_end: &'a [u8],
    pub(super) list_start: &'a [u8],
    pub(super) files: &'a [u8],
    pub(super) changelogs: &'a [u8],
    pub(super) files_with_digests: Option<&'a [u8]>,
}

impl<'a> PiecesView<'a> {
    /// Finds the pieces in what was kept of them, of which nothing is copied. `None` if this is not what
    /// [`Pieces::parts`] gave. Lengths are checked, the XML is not: damage is for whoever keeps it to find.
    pub fn parse(kept: &'a [u8]) -> Option<Self> {
        let (head, bytes) = kept.split_first_chunk::<HEAD>()?;
        let (fields, _) = head.as_chunks::<8>();
        let (form, fields) = fields.split_first()?;
        if u64::from_le_bytes(*form) != FORM {
            return None;
        }
        let mut lengths = [None; COUNT];
        for (length, field) in lengths.iter_mut().zip(fields) {
            *length = match u64::from_le_bytes(*field) {
                ABSENT => None,
                length => Some(usize::try_from(length).ok()?),
            };
        }
        Self::cut(bytes, lengths)
    }

    /// Whether there is what `filelists-ext` needs.
    pub fn has_digests(&self) -> bool {
        self.files_with_digests.is_some()
    }

    /// How many bytes of XML these are.
    pub fn size(&self) -> usize {
        [
            self.primary_start,
            self.primary_middle,
            self.primary_end,
            self.list_start,
            self.files,
            self.changelogs,
            self.files_with_digests.unwrap_or_default(),
        ]
        .iter()
        .map(|piece| piece.len())
        .sum()
    }

    /// The pieces of these lengths, which are all that there is. Only the last one may be missing.
    fn cut(mut bytes: &'a [u8], lengths: [Option<usize>; COUNT]) -> Option<Self> {
        let mut take = |length: Option<usize>| {
            let (piece, rest) = bytes.split_at_checked(length?)?;
            bytes = rest;
            Some(piece)
        };
        let [start, middle, end, list_start, files, changelogs, with_digests] = lengths;
        let pieces = Self {
            primary_start: take(start)?,
            primary_middle: take(middle)?,
            primary_end: take(end)?,
            list_start: take(list_start)?,
            files: take(files)?,
            changelogs: take(changelogs)?,
            files_with_digests: match with_digests {
                Some(length) => Some(take(Some(length))?),
                None => None,
            },
        };
        bytes.is_empty().then_some(pieces)
    }
}

impl fmt::Debug for PiecesView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PiecesView")
            .field("size", &self.size())
            .field("has_digests", &self.has_digests())
            .finish()
    }
}
