//! What an ISO image holds, as `xorriso` reads it back.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a sector.
const SECTOR: u64 = 2048;

/// The directories and files of an image. Paths begin with a slash.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Listing {
    pub(super) directories: BTreeSet<String>,
    pub(super) files: BTreeMap<String, Stored>,
}

/// Where the content of a file is in the image.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stored {
    /// The first of its bytes.
    pub(super) start: u64,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Bytes of its sections so far: files of 4 GiB and more have several, one behind the other.
    sectors: u64,
}

impl Listing {
    /// The commands that make `xorriso` print what [`parse`](Self::parse) reads.
    pub(super) const COMMANDS: [&'static str; 14] = [
        "-find",
        "/",
        "-type",
        "d",
        "-exec",
        "echo",
        "--",
        "-find",
        "/",
        "-type",
        "f",
        "-exec",
        "report_lba",
        "--",
    ];

    /// Reads lines of the forms `'/Packages'` (a directory) and
    /// `File data lba:  0 ,  33 ,  1 ,  1234 , '/media.repo'` (section, first sector, sectors, size of the file).
    ///
    /// # Errors
    /// What is not understood, as half a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut listing = Self::default();
        for line in text.lines() {
            if line.starts_with("Report layout:") || line.trim().is_empty() {
                continue;
            }
            let understood = match line.strip_prefix("File data lba:") {
                Some(columns) => listing.add_section(columns),
                None => unquoted(line).map(|path| {
                    listing.directories.insert(path.to_owned());
                }),
            };
            if understood.is_none() {
                let shown: String = line.chars().take(200).collect();
                return Err(format!(
                    "its listing has a line that is not understood: {shown:?}"
                ));
            }
        }
        Ok(listing)
    }

    fn add_section(&mut self, columns: &str) -> Option<()> {
        let mut columns = columns.splitn(5, ',');
        let mut number = || columns.next()?.trim().parse::<u64>().ok();
        let (_section, first, sectors, size) = (number()?, number()?, number()?, number()?);
        let path = unquoted(columns.next()?.trim())?;
        let start = first.checked_mul(SECTOR)?;
        let stored = self.files.entry(path.to_owned()).or_insert(Stored {
            start,
            size,
            sectors: 0,
        });
        let follows = stored.start.checked_add(stored.sectors)? == start && stored.size == size;
        stored.sectors = stored.sectors.checked_add(sectors.checked_mul(SECTOR)?)?;
        follows.then_some(())
    }

    /// The paths of everything, sorted, a line each: the manifest that is published beside an image.
    pub(super) fn manifest(&self) -> String {
        let inside = self.directories.iter().filter(|path| *path != "/");
        let paths: BTreeSet<&String> = inside.chain(self.files.keys()).collect();
        paths.into_iter().map(|path| format!("{path}\n")).collect()
    }
}

/// A path between quotes. What has quotes in itself is nothing of ours.
fn unquoted(text: &str) -> Option<&str> {
    let path = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (path.starts_with('/') && !path.contains('\'')).then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directories_and_files_are_read() {
        let text = "'/'\n'/Packages'\nReport layout: xt , Startlba ,   Blocks , Filesize , ISO image path\n\
                    File data lba:  0 ,       33 ,        1 ,        2 , '/.treeinfo'\n\
                    File data lba:  0 ,       40 ,  2097151 , 4294967297 , '/Packages/a, b.rpm'\n\
                    File data lba:  1 ,  2097191 ,        2 , 4294967297 , '/Packages/a, b.rpm'\n";
        let listing = Listing::parse(text).unwrap();
        assert_eq!(listing.files["/.treeinfo"].start, 33 * SECTOR);
        assert_eq!(listing.files["/Packages/a, b.rpm"].size, 4_294_967_297);
        assert_eq!(listing.manifest(), "/.treeinfo\n/Packages\n/Packages/a, b.rpm\n");
    }

    #[test]
    fn what_is_not_understood_is_not_taken_for_a_listing() {
        for text in [
            "xorriso : something",
            "'relative'",
            "'/it'\"'\"'s'",
            "File data lba: 0 , 33 , 1 , '/no-size'",
            "File data lba: 0 , 18446744073709551615 , 1 , 2 , '/far'",
            "File data lba: 0 , 3 , 1 , 4096 , '/a'\nFile data lba: 1 , 9 , 1 , 4096 , '/a'",
        ] {
            assert!(Listing::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(File data lba:)?[ 0-9,'/a\n-]{0,60}") {
            let _ = Listing::parse(&text);
        }
    }
}
