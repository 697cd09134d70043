//! Reading a set: whatever the bytes are, nothing that is asked of it later goes wrong.

use std::sync::OnceLock;

use super::MAGIC;
use crate::Arch;
use crate::gather::index::Index;
use crate::gather::made::Made;
use crate::gather::record::Record;
use crate::gather::set::{Entry, Name, Origin, PackageSet};
use crate::gather::stored::{Part, Stored, StoredRows, StoredTexts, StoredVarints};
use crate::gather::table::{Column, Id, NameId, PackageId};

/// The set that the bytes are; `None` if they are none.
///
/// Looked at are the sizes of all tables, and how the names go through the packages. Tables answer that nothing is
/// there where they are asked for a row that they have not.
pub(super) fn set(bytes: Part) -> Option<PackageSet> {
    let mut input = Input(bytes.clone());
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
    let names: Stored<NameId, Name> = input.stored()?;
    let (entries, origins): (Stored<PackageId, Entry>, Stored<PackageId, Origin>) =
        (input.stored()?, input.stored()?);
    let briefs = input.varints()?;
    let [binaries, debug, sources] = [input.rows()?, input.rows()?, input.rows()?];
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
    let is_whole = input.0.as_bytes().is_empty()
        && have_all(&names, entries.len())
        && [0, entries.len()].contains(&origins.len())
        && briefs.len() == entries.len()
        && index.requires.len() == entries.len();
    is_whole.then(|| PackageSet {
        made: Made::new(entries.len()),
        is_brief: true,
        bytes,
        arches,
        source_rpms,
        names,
        entries,
        origins,
        briefs,
        binaries,
        debug,
        sources,
        index,
    })
}

/// Whether every package has one name, and every name a package: then going through all names takes no longer than
/// going through all packages.
fn have_all(names: &Stored<NameId, Name>, packages: usize) -> bool {
    let mut last = 0;
    names
        .iter()
        .all(|name| std::mem::replace(&mut last, name.end) < name.end)
        && last as usize == packages
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
}
