//! Reading a set: whatever the bytes are, every number that is kept is one of a row that is there.

use std::sync::{Arc, OnceLock};

use super::MAGIC;
use super::record::Record;
use crate::Arch;
use crate::gather::index::{Index, Target};
use crate::gather::set::PackageSet;
use crate::gather::table::{Column, Id, Rows};
use crate::gather::texts::Texts;

/// The set that the bytes are; `None` if they are none.
pub(super) fn set(bytes: &[u8]) -> Option<PackageSet> {
    let mut input = Input(bytes.strip_prefix(MAGIC)?);
    let texts = Texts::from_parts(input.text()?.into(), input.words(1)?)?;
    let arches = input.text()?.split('\n').filter(|arch| !arch.is_empty());
    let arches: Column<_, Arch> = arches.map(|arch| arch.parse().ok()).collect::<Option<_>>()?;
    let set = PackageSet {
        arches,
        source_rpms: input.ids()?.into_iter().collect(),
        names: input.records()?,
        entries: input.records()?,
        briefs: input.records()?,
        signatures: input.rows()?,
        binaries: input.rows()?,
        debug: input.rows()?,
        sources: input.rows()?,
        index: Index {
            texts: Arc::new(texts),
            ranges: input.records()?,
            requirements: input.records()?,
            operands: input.rows()?,
            requires: input.rows()?,
            offers: {
                let starts = input.words(1)?;
                Rows::from_parts(starts, input.record_list()?)?
            },
            expressions: Column::new(),
        },
        made: Column::new(),
        is_brief: true,
        has_lookaside: false,
    };
    if !input.0.is_empty() || !holds_together(&set) {
        return None;
    }
    let has_lookaside = set
        .entries
        .as_slice()
        .iter()
        .any(|entry| entry.origin.is_lookaside());
    let made = std::iter::repeat_with(OnceLock::new).take(set.len()).collect();
    let expressions = std::iter::repeat_with(OnceLock::new);
    let expressions = expressions.take(set.index.operands.len()).collect();
    Some(PackageSet {
        made,
        has_lookaside,
        index: Index {
            expressions,
            ..set.index
        },
        ..set
    })
}

/// Whether all tables have the rows that others speak of.
fn holds_together(set: &PackageSet) -> bool {
    let index = &set.index;
    let (packages, texts, sources) = (set.len(), index.texts.len(), set.source_rpms.len());
    let (ranges, requirements) = (index.ranges.len(), index.requirements.len());
    let is_below = |number: u32, limit: usize| (number as usize) < limit;
    let lengths = [
        (set.briefs.len(), packages),
        (set.signatures.len(), packages),
        (index.requires.len(), packages),
        (set.binaries.len(), sources),
        (set.debug.len(), sources),
        (set.sources.len(), sources),
    ];
    let names = set.names.as_slice().iter().all(|name| {
        is_below(name.text.number(), texts) && name.start < name.end && name.end as usize <= packages
    });
    let entries = set.entries.as_slice().iter().all(|entry| {
        entry.name.index() < set.names.len()
            && entry.arch.index() < set.arches.len()
            && entry.source.is_none_or(|source| source.index() < sources)
    });
    let briefs = set.briefs.as_slice().iter().all(|brief| {
        let known = [Some(brief.version), Some(brief.release), brief.source_rpm];
        known.into_iter().flatten().all(|text| text.index() < texts)
    });
    let of_ranges = index.ranges.as_slice().iter().all(|range| {
        range.version.index() < texts && range.release.is_none_or(|release| release.index() < texts)
    });
    let of_requirements = index.requirements.as_slice().iter().all(|requirement| {
        requirement.name.index() < texts
            && requirement.range.is_none_or(|range| range.index() < ranges)
            && match requirement.target {
                Target::Capability(capability) => capability.index() < index.offers.len(),
                Target::Rich(rich) => rich.index() < index.operands.len(),
                Target::Malformed => true,
            }
    });
    let offers = index.offers.parts().1.iter().all(|offer| {
        offer.package.index() < packages && offer.range.is_none_or(|range| range.index() < ranges)
    });
    lengths.iter().all(|(length, wanted)| length == wanted)
        && requirements > 0
        && all_below(set.source_rpms.as_slice(), texts)
        && names
        && entries
        && briefs
        && all_below(set.signatures.parts().1, texts)
        && all_below(set.binaries.parts().1, packages)
        && all_below(set.debug.parts().1, packages)
        && all_below(set.sources.parts().1, packages)
        && of_ranges
        && of_requirements
        && all_below(index.operands.parts().1, requirements)
        && all_below(index.requires.parts().1, requirements)
        && offers
}

fn all_below<I: Id>(ids: &[I], limit: usize) -> bool {
    ids.iter().max().is_none_or(|most| most.index() < limit)
}

/// What was not read yet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*length) as usize)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    /// The numbers of rows of so many each.
    fn words(&mut self, of_each: usize) -> Option<Vec<u32>> {
        let bytes = self.length()?.checked_mul(of_each * 4)?;
        let (words, _) = self.take(bytes)?.as_chunks();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    fn ids<I: Id>(&mut self) -> Option<Vec<I>> {
        // Takes over the allocation: no copy is made.
        Some(self.words(1)?.into_iter().map(I::from_number).collect())
    }

    fn rows<K: Id, I: Id>(&mut self) -> Option<Rows<K, I>> {
        let starts = self.words(1)?;
        Rows::from_parts(starts, self.ids()?)
    }

    fn record_list<R: Record>(&mut self) -> Option<Vec<R>> {
        let words = self.words(R::WORDS)?;
        let mut records = Vec::with_capacity(words.len() / R::WORDS);
        for words in words.chunks_exact(R::WORDS) {
            records.push(R::read(words)?);
        }
        Some(records)
    }

    fn records<K: Id, R: Record>(&mut self) -> Option<Column<K, R>> {
        Some(self.record_list()?.into_iter().collect())
    }
}
