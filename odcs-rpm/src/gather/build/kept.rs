//! Numbering texts and versions anew: a set keeps only those that it uses.

use crate::gather::brief::Brief;
use crate::gather::index::Range;
use crate::gather::table::{Column, Id, RangeId, TextId};
use crate::gather::texts::Texts;

/// The texts and ranges that a set keeps, numbered in the order of their use.
pub(super) struct Kept<'a> {
    old_texts: &'a Texts,
    old_ranges: &'a [Range],
    text_ids: Column<TextId, Option<TextId>>,
    pub(super) texts: Texts,
    range_ids: Column<RangeId, Option<RangeId>>,
    pub(super) ranges: Vec<Range>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(texts: &'a Texts, ranges: &'a [Range]) -> Self {
        Self {
            old_texts: texts,
            old_ranges: ranges,
            text_ids: std::iter::repeat_n(None, texts.len()).collect(),
            texts: Texts::default(),
            range_ids: std::iter::repeat_n(None, ranges.len()).collect(),
            ranges: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, old: TextId) -> TextId {
        let Self {
            old_texts,
            text_ids,
            texts,
            ..
        } = self;
        number(text_ids, old, || texts.push(old_texts.get(old)))
    }

    pub(super) fn range(&mut self, old: RangeId) -> RangeId {
        if let Some(known) = self.range_ids.get(old).copied().flatten() {
            return known;
        }
        if let Some(&range) = self.old_ranges.get(old.index()) {
            let version = self.text(range.version);
            let release = range.release.map(|release| self.text(release));
            self.ranges.push(Range {
                version,
                release,
                ..range
            });
        }
        let last = RangeId::from_index(self.ranges.len().saturating_sub(1));
        number(&mut self.range_ids, old, || last)
    }

    pub(super) fn brief(&mut self, old: Brief) -> Brief {
        Brief {
            version: self.text(old.version),
            release: self.text(old.release),
            source_rpm: old.source_rpm.map(|name| self.text(name)),
            ..old
        }
    }
}

fn number<K: Id>(known: &mut Column<K, Option<K>>, old: K, next: impl FnOnce() -> K) -> K {
    if let Some(known) = known.get(old).copied().flatten() {
        return known;
    }
    let new = next();
    if let Some(place) = known.get_mut(old) {
        *place = Some(new);
    }
    new
}
