//! The files of repodata that say something of each package.

use super::Described;
use super::encode::Xml;
use crate::{Error, Result};

/// A file with an element for each package.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PackageFile {
    Primary,
    Filelists,
    Other,
    FilelistsExt,
}

impl PackageFile {
    /// What `repomd.xml` calls it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Filelists => "filelists",
            Self::Other => "other",
            Self::FilelistsExt => "filelists-ext",
        }
    }

    /// Everything before the first package.
    pub(super) fn start(self, packages: u64) -> Vec<u8> {
        let mut xml = Xml::default();
        xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").raw(match self {
            Self::Primary => "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
            Self::Filelists => "<filelists xmlns=\"http://linux.duke.edu/metadata/filelists\"",
            Self::Other => "<otherdata xmlns=\"http://linux.duke.edu/metadata/other\"",
            Self::FilelistsExt => "<filelists-ext xmlns=\"http://linux.duke.edu/metadata/filelists-ext\"",
        });
        xml.raw(" packages=\"").number(packages).raw("\">\n");
        xml.bytes
    }

    /// Everything after the last package.
    pub(super) fn end(self) -> &'static [u8] {
        match self {
            Self::Primary => b"</metadata>",
            Self::Filelists => b"</filelists>",
            Self::Other => b"</otherdata>",
            Self::FilelistsExt => b"</filelists-ext>",
        }
    }

    /// Puts the element of a package together, from first to last; `scratch` is for what has to be escaped.
    #[inline]
    pub(super) fn splice(
        self,
        package: &Described<'_>,
        scratch: &mut Xml,
        mut put: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let pieces = &package.pieces;
        let id = package.checksum.hex().as_bytes();
        let items = match self {
            Self::Primary => {
                put(pieces.primary_start)?;
                put(package.checksum.algorithm().as_str().as_bytes())?;
                put(b"\" pkgid=\"YES\">")?;
                put(id)?;
                put(pieces.primary_middle)?;
                scratch.bytes.clear();
                put(&scratch.value(package.location).bytes)?;
                return put(pieces.primary_end);
            }
            Self::Filelists => pieces.files,
            Self::Other => pieces.changelogs,
            Self::FilelistsExt => pieces.files_with_digests.ok_or_else(|| {
                let location = package.location;
                Error::repodata(
                    self.kind(),
                    format!("there are no digests of the files in {location}"),
                )
            })?,
        };
        put(b"<package pkgid=\"")?;
        put(id)?;
        put(pieces.list_start)?;
        put(items)
    }
}
