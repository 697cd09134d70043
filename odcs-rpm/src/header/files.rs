//! The list of files in a header.

use super::tags::{Tag, Tags};
use super::value::as_usize;
use crate::{Error, FileEntry, FileKind, Result};

/// `PATH_MAX` of Linux, without the zero at its end: no file can have a longer path.
const MAX_PATH: usize = 4095;
/// Bytes of all paths of one package: seven times the longest whole header of a large distribution.
const MAX_PATHS: usize = 128 << 20;
/// `RPMFILE_GHOST`.
const FILE_GHOST: u32 = 1 << 6;
/// `S_IFMT` and `S_IFDIR`.
const MODE_TYPE: u16 = 0o170_000;
const MODE_DIRECTORY: u16 = 0o040_000;

/// All files, in the header's order.
pub(super) fn files(header: &Tags<'_>) -> Result<Vec<FileEntry>> {
    let mut kinds = Kinds {
        modes: header.shorts(Tag::RPMTAG_FILEMODES).iter(),
        flags: header.numbers(Tag::RPMTAG_FILEFLAGS).iter(),
    };
    let names = header.texts(Tag::RPMTAG_BASENAMES);
    if names.total() == 0 {
        // Packages of the nineties have whole paths.
        let paths = header.texts(Tag::RPMTAG_OLDFILENAMES);
        return Ok(paths
            .map(|path| FileEntry {
                path: path.into(),
                kind: kinds.next(),
            })
            .collect());
    }
    let directories: Vec<&str> = header.texts(Tag::RPMTAG_DIRNAMES).collect();
    let indices = header.numbers(Tag::RPMTAG_DIRINDEXES);
    if indices.len() != names.total() {
        return Err(Error::package("the list of files in its header is incomplete"));
    }
    let directory = |index: &[u8; 4]| {
        let directory = directories.get(as_usize(u32::from_be_bytes(*index)));
        directory.ok_or_else(|| Error::package("a file in its header is in no directory"))
    };
    // Of few bytes per file and one long name of a directory a small header could make any amount of text: it is
    // counted before any of it is made.
    let mut bytes = names.bytes() - names.total();
    for index in indices {
        bytes = bytes.saturating_add(directory(index)?.len());
    }
    if bytes > MAX_PATHS {
        return Err(Error::package(format_args!(
            "the paths in its header have {bytes} bytes together, more than {MAX_PATHS}"
        )));
    }
    let mut files = Vec::with_capacity(indices.len());
    for (name, index) in names.zip(indices) {
        let directory = directory(index)?;
        let length = directory.len() + name.len();
        if length > MAX_PATH {
            return Err(Error::package(format_args!(
                "a path in its header has more than {MAX_PATH} bytes"
            )));
        }
        let mut path = String::with_capacity(length);
        path.push_str(directory);
        path.push_str(name);
        files.push(FileEntry {
            path: path.into(),
            kind: kinds.next(),
        });
    }
    Ok(files)
}

/// What the files are, one after the other; those of which the header does not say are files.
struct Kinds<'a> {
    modes: std::slice::Iter<'a, [u8; 2]>,
    flags: std::slice::Iter<'a, [u8; 4]>,
}

impl Kinds<'_> {
    fn next(&mut self) -> FileKind {
        let mode = self.modes.next().map_or(0, |mode| u16::from_be_bytes(*mode));
        let flags = self.flags.next().map_or(0, |flags| u32::from_be_bytes(*flags));
        if mode & MODE_TYPE == MODE_DIRECTORY {
            FileKind::Directory
        } else if flags & FILE_GHOST != 0 {
            FileKind::Ghost
        } else {
            FileKind::File
        }
    }
}
