//! Reading and writing repodata: `repomd.xml` and the `primary`, `filelists`, `other`, `filelists-ext` and
//! `updateinfo` files it names.
//!
//! What is read is not trusted: everything has [`Limits`], and locations are handed out as text for
//! the caller to check.

mod block;
mod encode;
mod filelists;
mod ids;
mod listed;
mod lists;
mod other;
mod package_file;
mod pieces;
mod primary;
mod pull;
mod render;
mod repomd;
mod stream;
#[cfg(test)]
mod tests;
mod updateinfo;
mod verify;
mod write;
mod write_xml;
mod writer;

pub use block::BlockCache;
pub use filelists::{Filelists, FilelistsReader, read_filelists};
pub use listed::is_primary_file;
pub use lists::{ListKind, ListReader, ListedPackage};
pub use other::read_other;
pub use pieces::{Pieces, PiecesView};
pub use primary::{PrimaryReader, read_primary};
pub use repomd::{Repomd, RepomdRecord};
pub use updateinfo::UpdateInfo;
pub use write::{FileDigestsOf, RepodataFile, RepodataOptions, write_repodata};
pub use write_xml::{Entry, write_filelists, write_filelists_ext, write_other, write_primary};
pub use writer::{Described, Finished, FinishedFile, RepodataWriter, WrittenFile};

pub(crate) use encode::Xml;
pub(crate) use pull::{Element, Pull, Token};

use crate::{Digest, Evr, Nevra, Package, Result};

/// A package as a repository lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepoPackage {
    /// What repodata says of the package.
    pub package: Package,
    /// Checksum of the `.rpm` file; its hex is the package's id (`pkgid`) in the other files. Not
    /// unique in all repositories.
    pub checksum: Digest,
    /// Where the `.rpm` file is, relative to the repository: as written, not checked in any way.
    pub location: String,
    /// The `xml:base` that the location is relative to instead, if there is one; not checked either.
    pub location_base: Option<String>,
}

/// How much a repository may hold. Bytes are limited where files are
/// [decompressed](crate::compression::decoder).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Packages in one repository. The largest public ones have 80,000.
    pub packages: usize,
    /// XML elements in one file; `filelists` has one for each file of each package.
    pub elements: u64,
    /// Bytes of one text or one tag.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packages: 500_000,
            elements: 100_000_000,
            text_bytes: 16 << 20,
        }
    }
}

/// Name, arch and the three parts of a version, as a file lists them, to be checked together.
#[derive(Default)]
struct DraftNevra {
    name: Option<Box<str>>,
    arch: Option<Box<str>>,
    evr: Option<(Box<str>, Box<str>, Box<str>)>,
}

impl DraftNevra {
    /// Takes the attributes of a `<version>` element.
    fn take_version(&mut self, element: &Element<'_>) -> Result<()> {
        let (epoch, version, release) = self.evr.get_or_insert_default();
        element.attributes(|key, value| {
            match key {
                "epoch" => *epoch = value.into(),
                "ver" => *version = value.into(),
                "rel" => *release = value.into(),
                _ => {}
            }
            Ok(())
        })
    }

    fn finish(self) -> Result<Nevra, String> {
        let name = self.name.ok_or("it has no name")?;
        let arch = self.arch.ok_or("it has no arch")?;
        let (epoch, version, release) = self.evr.ok_or("it has no version")?;
        let text = |error: crate::Error| error.to_string();
        Ok(Nevra::new(
            name.try_into().map_err(text)?,
            Evr::new(parse_epoch(&epoch)?, version, release).map_err(text)?,
            arch.try_into().map_err(text)?,
        ))
    }

    /// How to call the package in an error.
    fn label(&self, number: usize) -> String {
        match &self.name {
            Some(name) => format!(
                "package {:?} (number {number})",
                name.chars().take(80).collect::<String>()
            ),
            None => format!("package number {number}"),
        }
    }
}

/// An epoch; `(none)` and nothing at all are 0, as old tools wrote them.
fn parse_epoch(text: &str) -> Result<u32, String> {
    match text {
        "" | "(none)" | "None" => Ok(0),
        _ => text
            .parse()
            .map_err(|_| crate::Error::value(text, "an epoch").to_string()),
    }
}
