//! How many files a package has, and what they are called.

use std::fmt::Write;

use super::words::word;
use crate::{FileSpec, Random};

/// Sizes of made-up files in bytes: a payload costs time to write and says nothing about metadata.
const LARGEST_FILE: usize = 96;

/// What sort of package the files are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Contents {
    /// A program or an application's data.
    Program,
    /// A shared library.
    Library,
    /// Headers and a link for the linker.
    Development,
    /// Documentation, translations and other data.
    Data,
    /// What `debuginfo` has.
    DebugInformation,
    /// Sources for debuggers.
    DebugSource,
}

/// The number of files: half of all packages have fewer than ten, a few have more than a thousand.
pub(super) fn count(random: &mut Random, contents: Contents) -> usize {
    match contents {
        Contents::Library => random.between(2, 7),
        Contents::DebugInformation => random.between(4, 12),
        Contents::Development => match random.below(10) {
            0..=6 => random.between(5, 40),
            7..=8 => random.between(40, 250),
            _ => random.between(250, 900),
        },
        Contents::Program | Contents::Data => match random.below(100) {
            0..=47 => random.between(1, 9),
            48..=79 => random.between(10, 70),
            80..=94 => random.between(70, 450),
            _ => random.between(500, 2700),
        },
        Contents::DebugSource => match random.below(10) {
            0..=4 => random.between(5, 40),
            5..=8 => random.between(40, 250),
            _ => random.between(250, 1200),
        },
    }
}

/// `count` paths below the places where such files go. `package` keeps them apart from those of others;
/// `library_directory` is `/usr/lib64` or `/usr/lib`.
pub(super) fn paths(
    random: &mut Random,
    contents: Contents,
    package: &str,
    count: usize,
    library_directory: &str,
) -> Vec<FileSpec> {
    let root = match contents {
        Contents::Program => format!("/usr/libexec/{package}"),
        Contents::Library => format!("{library_directory}/{package}"),
        Contents::Development => format!("/usr/include/{package}"),
        Contents::Data => format!("/usr/share/{package}"),
        Contents::DebugInformation => format!("/usr/lib/debug{library_directory}/{package}"),
        Contents::DebugSource => format!("/usr/src/debug/{package}"),
    };
    let suffix = match contents {
        Contents::Program | Contents::Data => ["py", "pyc", "dat", "html", "svg", "mo"],
        Contents::Library => ["so", "so", "so", "conf", "so", "so"],
        Contents::Development => ["h", "h", "h", "hpp", "h", "pc"],
        Contents::DebugInformation => ["debug"; 6],
        Contents::DebugSource => ["c", "c", "h", "cpp", "hpp", "c"],
    };
    let mut files = Vec::with_capacity(count);
    let mut directory = root.clone();
    if count > 0 {
        files.push(FileSpec::directory(&root));
    }
    while files.len() < count {
        // Now and then a directory of its own, as in any real tree.
        if random.percent(8) && count - files.len() > 1 {
            directory = format!("{root}/{}{}", word(random, 2), files.len());
            files.push(FileSpec::directory(&directory));
        }
        let suffix = random.pick(&suffix).copied().unwrap_or_default();
        let (syllables, size) = (random.between(1, 4), random.between(1, LARGEST_FILE));
        let mut path = format!("{directory}/{}", word(random, syllables));
        // The running number makes every path the only one; writing to a string cannot fail.
        let _ = write!(path, "{}.{suffix}", files.len());
        files.push(FileSpec::filled(path, u32::try_from(size).unwrap_or(1)));
    }
    files
}
