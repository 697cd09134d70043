//! Reading `other`: changelogs.

use std::io::BufRead;

use super::filelists::{Listed, give};
use super::lists::{ListItem, ListKind, ListReader, ListedPackage};
use super::{Limits, RepoPackage};
use crate::{ChangelogEntry, Error, Result};

const FILE: &str = "other";

/// Reads an `other` file and gives every package its changelog, newest entry first (the file has them
/// oldest first). Returns how many packages got one; else as [`read_filelists`](super::read_filelists).
///
/// # Errors
/// [`Error::Repodata`] if the XML is broken or a package in it has no proper name, version or arch;
/// [`Error::TooLarge`] past a limit; [`Error::Io`] if reading fails. The packages are then unchanged.
pub fn read_other(reader: impl BufRead, packages: &mut [RepoPackage], limits: Limits) -> Result<usize> {
    let mut entries: Vec<ChangelogEntry> = Vec::new();
    let mut author: Box<str> = Box::default();
    let mut time = 0;
    let mut lists = Vec::new();
    let mut reader = ListReader::new(reader, ListKind::Other, limits)?;
    while let Some(ListedPackage { id, nevra, .. }) = reader.read(|item| {
        match item {
            ListItem::Start(element) => {
                (author, time) = (Box::default(), 0);
                element.attributes(|key, value| {
                    match key {
                        "author" => author = value.into(),
                        "date" => {
                            time = value.parse().map_err(|_| {
                                Error::repodata(FILE, Error::value(value, "a date in seconds"))
                            })?;
                        }
                        _ => {}
                    }
                    Ok(())
                })?;
            }
            ListItem::End(text) => entries.push(ChangelogEntry {
                author: std::mem::take(&mut author),
                time,
                text: text.into(),
            }),
        }
        Ok(())
    })? {
        entries.reverse();
        let items = std::mem::take(&mut entries);
        lists.push(Listed { id, nevra, items });
    }
    give(lists, packages, |package, changelogs| {
        package.changelogs = changelogs;
    })
}
