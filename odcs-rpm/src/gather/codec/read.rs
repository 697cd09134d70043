//! Reading a set: whatever the bytes are, nothing that is asked of it later goes wrong.

use std::sync::{Arc, OnceLock};

use super::MAGIC;
use crate::Arch;
use crate::gather::index::Index;
use crate::gather::record::Record;
use crate::gather::set::{Entry, Name, PackageSet};
use crate::gather::stored::{Part, Stored, StoredRows, StoredTexts, StoredVarints};
use crate::gather::table::{Column, Id, NameId, PackageId, Rows};

/// The set that the bytes are; `None` if they are none.
///
/// Looked at are the sizes of all tables, and the few tables that gathering walks as a whole. The others answer that
/// nothing is there where they are asked for a row that they have not.
pub(super) fn set(bytes: Arc<Vec<u8>>) -> Option<PackageSet> {
    let mut input = Input(Part::new(Arc::clone(&bytes)));
    if input.0.take(MAGIC.len())?.as_bytes() != MAGIC {
        return None;
    }
    let texts = StoredTexts::new(input.table(1)?, input.table(size_of::<u32>())?);
    let arches = input.table(1)?;
    let arches = std::str::from_utf8(arches.as_bytes()).ok()?.split('\n');
    let arches: Column<_, Arch> = arches
        .filter(|arch| !arch.is_empty())
        .map(|arch| arch.parse().ok())
        .collect::<Option<_>>()?;
    let source_rpms = input.stored()?;
    let names: Column<NameId, Name> = all(&input.stored::<NameId, Name>()?)?;
    let entries: Column<PackageId, Entry> = all(&input.stored::<PackageId, Entry>()?)?;
    let briefs = input.varints()?;
    let [binaries, debug, sources] = [input.walked()?, input.walked()?, input.walked()?];
    let ranges = input.stored()?;
    let requirements = input.stored()?;
    let operands: StoredRows<_, _> = input.rows()?;
    let index = Index {
        texts,
        ranges,
        requirements,
        expressions: std::iter::repeat_with(OnceLock::new)
            .take(operands.len())
            .collect(),
        operands,
        requires: input.varints()?,
        offers: input.rows()?,
    };
    let is_name = |name: &Name| name.start < name.end && name.end as usize <= entries.len();
    let is_entry = |entry: &Entry| {
        entry.name.index() < names.len()
            && entry.arch.index() < arches.len()
            && entry
                .source
                .is_none_or(|source| source.index() < source_rpms.len())
    };
    let is_whole = input.0.as_bytes().is_empty()
        && briefs.len() == entries.len()
        && index.requires.len() == entries.len()
        && names.as_slice().iter().all(is_name)
        && entries.as_slice().iter().all(is_entry);
    is_whole.then(|| PackageSet {
        made: std::iter::repeat_with(OnceLock::new)
            .take(entries.len())
            .collect(),
        has_lookaside: entries.as_slice().iter().any(|entry| entry.origin.is_lookaside()),
        is_brief: true,
        bytes,
        arches,
        source_rpms,
        names,
        entries,
        briefs,
        binaries,
        debug,
        sources,
        index,
    })
}

/// All rows of a table; `None` if one of them cannot be read.
fn all<K: Id, R: Record>(stored: &Stored<K, R>) -> Option<Column<K, R>> {
    let mut rows = Vec::with_capacity(stored.len());
    rows.extend(stored.iter());
    (rows.len() == stored.len()).then(|| rows.into_iter().collect())
}

/// What was not read yet.
struct Input(Part);

impl Input {
    /// A table with rows of so many bytes.
    fn table(&mut self, row: usize) -> Option<Part> {
        let length = self.0.take(size_of::<u32>())?;
        let length = u32::from_le_bytes(*length.as_bytes().first_chunk()?);
        self.0.take((length as usize).checked_mul(row)?)
    }

    fn stored<K: Id, R: Record>(&mut self) -> Option<Stored<K, R>> {
        Some(Stored::new(self.table(Stored::<K, R>::ROW)?))
    }

    fn rows<K: Id, R: Record>(&mut self) -> Option<StoredRows<K, R>> {
        let starts = self.table(size_of::<u32>())?;
        Some(StoredRows::new(starts, self.table(Stored::<K, R>::ROW)?))
    }

    fn varints<K: Id>(&mut self) -> Option<StoredVarints<K>> {
        let starts = self.table(size_of::<u32>())?;
        Some(StoredVarints::new(starts, self.table(1)?))
    }

    /// Rows that are read all at once.
    fn walked<K: Id>(&mut self) -> Option<Rows<K, PackageId>> {
        let starts = self.stored::<K, u32>()?.iter().collect();
        Rows::from_parts(starts, self.stored::<K, PackageId>()?.iter().collect())
    }
}
