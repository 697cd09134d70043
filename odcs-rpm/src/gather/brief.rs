//! What a set knows of a package besides its dependencies and files, until somebody asks for the package.

use super::stored::StoredTexts;
use super::table::{Id, Rows, TextId};
use super::varints::{self, Varints};
use crate::{Arch, Evr, Nevra, Package, PackageName, Sizes};

/// A package without lists and without what the set has elsewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Brief {
    pub(super) epoch: u32,
    pub(super) version: TextId,
    pub(super) release: TextId,
    /// As the package has it; source packages may have one, too.
    pub(super) source_rpm: Option<TextId>,
    pub(super) build_time: u64,
    pub(super) file_time: u64,
    pub(super) sizes: Sizes,
    pub(super) header_range: (u64, u64),
}

impl Brief {
    pub(super) fn new(package: &Package, mut text: impl FnMut(&str) -> TextId) -> Self {
        let evr = package.nevra.evr();
        Self {
            epoch: evr.epoch(),
            version: text(evr.version()),
            release: text(evr.release()),
            source_rpm: package.source_rpm.as_deref().map(text),
            build_time: package.build_time,
            file_time: package.file_time,
            sizes: package.sizes,
            header_range: package.header_range,
        }
    }

    /// Adds it to a row of numbers.
    pub(super) fn write<K: Id>(&self, rows: &mut Rows<K, u8>) {
        let source_rpm = self.source_rpm.map_or(0, |name| u64::from(name.number()) + 1);
        let Sizes {
            package,
            installed,
            archive,
        } = self.sizes;
        let (start, end) = self.header_range;
        let numbers = [
            self.epoch.into(),
            self.version.number().into(),
            self.release.number().into(),
            source_rpm,
            self.build_time,
            self.file_time,
            package,
            installed,
            archive,
            start,
            end,
        ];
        for number in numbers {
            varints::push(rows, number);
        }
    }

    /// Reads what [`write`](Self::write) added; what follows it stays.
    pub(super) fn read(numbers: &mut Varints<'_>) -> Option<Self> {
        Some(Self {
            epoch: numbers.next_word()?,
            version: numbers.next_id()?,
            release: numbers.next_id()?,
            source_rpm: match numbers.next()?.checked_sub(1) {
                Some(name) => Some(TextId::from_number(u32::try_from(name).ok()?)),
                None => None,
            },
            build_time: numbers.next()?,
            file_time: numbers.next()?,
            sizes: Sizes {
                package: numbers.next()?,
                installed: numbers.next()?,
                archive: numbers.next()?,
            },
            header_range: (numbers.next()?, numbers.next()?),
        })
    }

    /// The brief package; `None` if the texts are none of a package.
    pub(super) fn package(
        &self,
        name: PackageName,
        arch: Arch,
        mut signatures: Varints<'_>,
        texts: &StoredTexts,
    ) -> Option<Package> {
        let evr = Evr::new(self.epoch, texts.get(self.version), texts.get(self.release)).ok()?;
        let mut package = Package::new(Nevra::new(name, evr, arch));
        package.source_rpm = self.source_rpm.map(|name| texts.get(name).into());
        package.build_time = self.build_time;
        package.file_time = self.file_time;
        package.sizes = self.sizes;
        package.header_range = self.header_range;
        while let Some(key) = signatures.next_id() {
            package.signatures.push(texts.get(key).parse().ok()?);
        }
        Some(package)
    }
}
