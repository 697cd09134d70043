//! Writing `primary`, `filelists` and `other`, byte for byte as `createrepo_c` 0.17 writes them, and
//! `filelists-ext` as 1.2 does: each by itself, and not compressed.

use std::io::Write;

use super::encode::Xml;
use super::package_file::PackageFile;
use super::{Described, Pieces};
use crate::header::FileDigests;
use crate::{Digest, Package, Result};

/// A package to be written, and where it stands in the repository.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The package.
    pub package: &'a Package,
    /// Checksum of its file.
    pub checksum: &'a Digest,
    /// Path of its file relative to the repository.
    pub location: &'a str,
}

impl<'a> Entry<'a> {
    /// The package with its XML.
    pub(super) fn described(&self, pieces: &'a Pieces) -> Described<'a> {
        Described {
            pieces: pieces.view(),
            checksum: self.checksum,
            location: self.location,
        }
    }
}

/// Writes `primary`: everything about the packages but their complete file lists and changelogs.
/// Packages are written in the order given. Characters that XML cannot have become U+FFFD.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer.
pub fn write_primary(entries: &[Entry<'_>], out: impl Write) -> Result<()> {
    write(entries, out, PackageFile::Primary, render)
}

/// Writes `filelists`: all paths of the packages. As [`write_primary`].
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer.
pub fn write_filelists(entries: &[Entry<'_>], out: impl Write) -> Result<()> {
    write(entries, out, PackageFile::Filelists, render)
}

/// Writes `filelists-ext`: all paths of the packages, and the digests of the files' contents, for which
/// `digests` is asked package by package. As [`write_primary`].
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer; whatever `digests` says.
pub fn write_filelists_ext(
    entries: &[Entry<'_>],
    digests: impl Fn(&Entry<'_>) -> Result<FileDigests>,
    out: impl Write,
) -> Result<()> {
    write(entries, out, PackageFile::FilelistsExt, |pieces, entry| {
        pieces.render_with_digests(entry.package, &digests(entry)?);
        Ok(())
    })
}

/// Writes `other`: the last ten changelog entries of the packages, oldest first. As [`write_primary`].
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer.
pub fn write_other(entries: &[Entry<'_>], out: impl Write) -> Result<()> {
    write(entries, out, PackageFile::Other, render)
}

fn render(pieces: &mut Pieces, entry: &Entry<'_>) -> Result<()> {
    pieces.render(entry.package);
    Ok(())
}

fn write(
    entries: &[Entry<'_>],
    mut out: impl Write,
    file: PackageFile,
    render: impl Fn(&mut Pieces, &Entry<'_>) -> Result<()>,
) -> Result<()> {
    let (mut pieces, mut scratch) = (Pieces::default(), Xml::default());
    out.write_all(&file.start(entries.len() as u64))?;
    for entry in entries {
        render(&mut pieces, entry)?;
        file.splice(&entry.described(&pieces), &mut scratch, |bytes| {
            Ok(out.write_all(bytes)?)
        })?;
    }
    out.write_all(file.end())?;
    Ok(())
}
