//! Writing the tables of a set.

use super::MAGIC;
use crate::Arch;
use crate::gather::index::{Offer, Range, Requirement};
use crate::gather::record::Record;
use crate::gather::set::{Entry, Name, Origin};
use crate::gather::table::{
    ArchId, CapabilityId, Column, Id, NameId, PackageId, RangeId, RequirementId, RichId, Rows, SourceId,
    TextId,
};
use crate::gather::texts::Texts;

/// All of a set.
pub(in crate::gather) struct Tables<'a> {
    pub(in crate::gather) texts: &'a Texts,
    pub(in crate::gather) arches: &'a Column<ArchId, Arch>,
    pub(in crate::gather) source_rpms: &'a Column<SourceId, TextId>,
    pub(in crate::gather) names: &'a Column<NameId, Name>,
    pub(in crate::gather) entries: &'a Column<PackageId, Entry>,
    pub(in crate::gather) briefs: &'a Rows<PackageId, u8>,
    pub(in crate::gather) binaries: &'a Rows<SourceId, PackageId>,
    pub(in crate::gather) debug: &'a Rows<SourceId, PackageId>,
    pub(in crate::gather) sources: &'a Rows<SourceId, PackageId>,
    pub(in crate::gather) ranges: &'a Column<RangeId, Range>,
    pub(in crate::gather) requirements: &'a Column<RequirementId, Requirement>,
    pub(in crate::gather) operands: &'a Rows<RichId, RequirementId>,
    pub(in crate::gather) requires: &'a Rows<PackageId, u8>,
    pub(in crate::gather) offers: &'a Rows<CapabilityId, Offer>,
}

impl Tables<'_> {
    pub(in crate::gather) fn encode(&self) -> Vec<u8> {
        let (texts, ends) = self.texts.parts();
        let arches: Vec<&str> = self.arches.as_slice().iter().map(Arch::as_str).collect();
        let mut out = Out(MAGIC.to_vec());
        out.bytes(texts.as_bytes());
        out.records(ends);
        out.bytes(arches.join("\n").as_bytes());
        out.records(self.source_rpms.as_slice());
        out.records(self.names.as_slice());
        out.records(self.entries.as_slice());
        out.records(&self.origins());
        out.varints(self.briefs);
        out.rows(self.binaries);
        out.rows(self.debug);
        out.rows(self.sources);
        out.records(self.ranges.as_slice());
        out.records(self.requirements.as_slice());
        out.rows(self.operands);
        out.varints(self.requires);
        out.rows(self.offers);
        out.0.shrink_to_fit();
        out.0
    }
}

impl Tables<'_> {
    /// Where each package is from; nothing if there is no lookaside.
    fn origins(&self) -> Vec<Origin> {
        let origins = self.entries.as_slice().iter().map(|entry| entry.origin);
        if origins.clone().any(Origin::is_lookaside) {
            origins.collect()
        } else {
            Vec::new()
        }
    }
}

struct Out(Vec<u8>);

impl Out {
    fn length(&mut self, length: usize) {
        // Nothing of a set has more rows than 32 bits can number.
        self.word(u32::try_from(length).unwrap_or(u32::MAX));
    }

    fn word(&mut self, word: u32) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn records<R: Record>(&mut self, records: &[R]) {
        self.length(records.len());
        self.0.reserve(records.len() * R::WORDS * size_of::<u32>());
        for record in records {
            record.write().as_ref().iter().for_each(|word| self.word(*word));
        }
    }

    fn rows<K: Id, R: Record>(&mut self, rows: &Rows<K, R>) {
        let (starts, values) = rows.parts();
        self.records(starts);
        self.records(values);
    }

    fn varints<K: Id>(&mut self, rows: &Rows<K, u8>) {
        let (starts, bytes) = rows.parts();
        self.records(starts);
        self.bytes(bytes);
    }
}
