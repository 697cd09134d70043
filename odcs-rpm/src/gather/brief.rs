//! What a set knows of a package besides its dependencies and files, until somebody asks for the package.

use super::stored::StoredTexts;
use super::table::TextId;
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

    /// The brief package; `None` if the texts are none of a package.
    pub(super) fn package(
        &self,
        name: PackageName,
        arch: Arch,
        signatures: impl Iterator<Item = TextId>,
        texts: &StoredTexts,
    ) -> Option<Package> {
        let evr = Evr::new(self.epoch, texts.get(self.version), texts.get(self.release)).ok()?;
        let mut package = Package::new(Nevra::new(name, evr, arch));
        package.source_rpm = self.source_rpm.map(|name| texts.get(name).into());
        package.build_time = self.build_time;
        package.file_time = self.file_time;
        package.sizes = self.sizes;
        package.header_range = self.header_range;
        let signatures = signatures.map(|key| texts.get(key).parse().ok());
        package.signatures = signatures.collect::<Option<_>>()?;
        Some(package)
    }
}
