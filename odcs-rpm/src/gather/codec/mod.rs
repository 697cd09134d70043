//! Writing package sets down, and reading them back.
//!
//! The tables follow each other, each with its number of rows before it; all numbers are little-endian, of 32 bits.
//! What gathering does not need of a package, and briefs lack, is not there.

mod read;
mod record;

use self::record::Record;
use super::set::PackageSet;
use super::table::{Id, Rows};
use crate::{Arch, Error, Result};

/// What the bytes begin with. To be changed whenever they come to mean something else.
const MAGIC: &[u8; 8] = b"ODCSset1";

impl PackageSet {
    /// Writes the set down, its packages as [brief](Self::is_brief) ones. The bytes depend on the packages alone,
    /// not on the order in which they were given.
    pub fn encode(&self) -> Vec<u8> {
        let index = &self.index;
        let (texts, ends) = index.texts.parts();
        let arches: Vec<&str> = self.arches.as_slice().iter().map(Arch::as_str).collect();
        let mut out = Out(MAGIC.to_vec());
        out.text(texts);
        out.words(ends.iter().copied());
        out.text(&arches.join("\n"));
        out.ids(self.source_rpms.as_slice());
        out.records(self.names.as_slice());
        out.records(self.entries.as_slice());
        out.records(self.briefs.as_slice());
        out.rows(&self.signatures);
        out.rows(&self.binaries);
        out.rows(&self.debug);
        out.rows(&self.sources);
        out.records(index.ranges.as_slice());
        out.records(index.requirements.as_slice());
        out.rows(&index.operands);
        out.rows(&index.requires);
        let (starts, offers) = index.offers.parts();
        out.words(starts.iter().copied());
        out.records(offers);
        out.0
    }

    /// Reads what [`encode`](Self::encode) wrote. The packages are brief, and made when they are first asked for.
    ///
    /// # Errors
    /// [`Error::Value`] for other bytes. Damage that leaves all tables in order is not noticed: whoever keeps the
    /// bytes has to know that they are what was written.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        read::set(bytes).ok_or_else(|| Error::value("the bytes given", "a package set"))
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

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn words(&mut self, words: impl ExactSizeIterator<Item = u32>) {
        self.length(words.len());
        self.0.reserve(words.len() * 4);
        words.for_each(|word| self.word(word));
    }

    fn ids<I: Id>(&mut self, ids: &[I]) {
        self.words(ids.iter().map(|id| id.number()));
    }

    fn records<R: Record>(&mut self, records: &[R]) {
        self.length(records.len());
        for record in records {
            record.write().as_ref().iter().for_each(|word| self.word(*word));
        }
    }

    fn rows<K: Id, I: Id>(&mut self, rows: &Rows<K, I>) {
        let (starts, values) = rows.parts();
        self.words(starts.iter().copied());
        self.ids(values);
    }
}
