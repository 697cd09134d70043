//! Reading `filelists`: all paths of all packages.

use std::collections::HashMap;
use std::io::BufRead;

use super::pull::Element;
use super::{DraftNevra, Limits, Pull, RepoPackage, Token};
use crate::{Error, FileEntry, FileKind, Nevra, Result};

const FILE: &str = "filelists";

/// Reads a `filelists` file and gives every package the complete list of its files, in the file's
/// order. Packages that the file does not mention keep the files they have; what it says of other
/// packages is ignored. Returns how many packages got a list.
///
/// Packages are told apart by id *and* name, version and arch: ids repeat in some repositories.
///
/// # Errors
/// [`Error::Repodata`] if the XML is broken or a package in it has no proper name, version or arch;
/// [`Error::TooLarge`] past a limit; [`Error::Io`] if reading fails. The packages are then unchanged.
pub fn read_filelists(reader: impl BufRead, packages: &mut [RepoPackage], limits: Limits) -> Result<usize> {
    let mut files: Vec<FileEntry> = Vec::new();
    let mut kind = FileKind::File;
    let found = read_lists(reader, packages, limits, FILE, "filelists", |event| {
        match event {
            ListEvent::Start(element) => kind = kind_of(element)?,
            ListEvent::Text(path) => files.push(FileEntry {
                path: path.into(),
                kind,
            }),
            ListEvent::Package => return Ok(Some(std::mem::take(&mut files))),
        }
        Ok(None)
    })?;
    let mut count = 0;
    for (package, files) in packages.iter_mut().zip(found) {
        if let Some(files) = files {
            package.package.files = files;
            count += 1;
        }
    }
    Ok(count)
}

/// The `type` of a `<file>`.
pub(super) fn kind_of(element: &Element<'_>) -> Result<FileKind> {
    Ok(match element.attribute("type")?.as_deref() {
        Some("dir") => FileKind::Directory,
        Some("ghost") => FileKind::Ghost,
        _ => FileKind::File,
    })
}

/// What happens in a file that lists something for each package.
pub(super) enum ListEvent<'a> {
    /// A `<file>` or `<changelog>` begins.
    Start(&'a Element<'a>),
    /// It ends; this was its text.
    Text(&'a str),
    /// The package ends: what was collected is asked for.
    Package,
}

/// Reads `filelists` or `other`, which differ in their items only. Returns what was collected for each
/// of the packages, by their order.
pub(super) fn read_lists<T: Clone>(
    reader: impl BufRead,
    packages: &[RepoPackage],
    limits: Limits,
    file: &'static str,
    root: &str,
    mut collect: impl FnMut(ListEvent<'_>) -> Result<Option<Vec<T>>>,
) -> Result<Vec<Option<Vec<T>>>> {
    let mut wanted: HashMap<(&str, &Nevra), Vec<usize>> = HashMap::with_capacity(packages.len());
    for (index, package) in packages.iter().enumerate() {
        let key = (package.checksum.hex(), &package.package.nevra);
        wanted.entry(key).or_default().push(index);
    }
    let mut found: Vec<Option<Vec<T>>> = vec![None; packages.len()];

    let mut pull = Pull::new(reader, limits, file);
    pull.expect_root(root)?;
    let mut number = 0;
    let mut id = String::new();
    let mut nevra = DraftNevra::default();
    loop {
        match pull.next()? {
            Token::Eof => return Ok(found),
            Token::Nothing => {}
            Token::Start(element) => match (element.depth, element.name()) {
                (2, "package") => {
                    number += 1;
                    if number > limits.packages {
                        return Err(Error::TooLarge {
                            what: format!("{file} (in packages)"),
                            limit: limits.packages as u64,
                        });
                    }
                    element.attributes(|key, value| {
                        match key {
                            "pkgid" => id = value.trim().to_ascii_lowercase(),
                            "name" => nevra.name = Some(value.into()),
                            "arch" => nevra.arch = Some(value.into()),
                            _ => {}
                        }
                        Ok(())
                    })?;
                }
                (3, "version") => nevra.take_version(&element)?,
                (3, "file" | "changelog") => {
                    collect(ListEvent::Start(&element))?;
                }
                _ => {}
            },
            Token::End(end) => match (end.depth, end.name()) {
                (3, "file" | "changelog") => {
                    collect(ListEvent::Text(end.text))?;
                }
                (2, "package") => {
                    let collected = collect(ListEvent::Package)?.unwrap_or_default();
                    let label = nevra.label(number);
                    let nevra = std::mem::take(&mut nevra)
                        .finish()
                        .map_err(|reason| Error::repodata(file, format!("{label}: {reason}")))?;
                    let indices = wanted
                        .get(&(id.as_str(), &nevra))
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    // Nearly always one: no copy is made for the last.
                    if let Some((last, others)) = indices.split_last() {
                        for index in others {
                            if let Some(place) = found.get_mut(*index) {
                                *place = Some(collected.clone());
                            }
                        }
                        if let Some(place) = found.get_mut(*last) {
                            *place = Some(collected);
                        }
                    }
                    id.clear();
                }
                _ => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_primary;
    use super::*;

    #[test]
    fn lists_reach_their_packages_even_when_ids_repeat() {
        let id = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let primary = ["ed", "sed"].map(|name| {
            format!(
                "<package><name>{name}</name><arch>noarch</arch><version epoch='0' ver='1' rel='2'/>\
                 <checksum type='sha'>{id}</checksum><location href='{name}'/></package>"
            )
        });
        let primary = format!("<metadata>{}</metadata>", primary.concat());
        let mut packages = read_primary(primary.as_bytes(), Limits::default()).unwrap();
        let lists = format!(
            "<filelists packages='0'>\
             <package pkgid='{id}' name='sed' arch='noarch'><version ver='1' rel='2'/>\
             <file type='dir'>/usr/share/sed</file><file>no-slash</file><file type='ghost'>/g</file></package>\
             <package pkgid='{id}' name='other' arch='noarch'><version ver='1' rel='2'/><file>/x</file></package>\
             <package pkgid='00' name='ed' arch='noarch'><version ver='1' rel='2'/><file>/x</file></package>\
             </filelists>"
        );
        assert_eq!(
            read_filelists(lists.as_bytes(), &mut packages, Limits::default()).unwrap(),
            1
        );
        assert!(packages[0].package.files.is_empty());
        let files = packages[1]
            .package
            .files
            .iter()
            .map(|file| (&*file.path, file.kind));
        assert_eq!(
            files.collect::<Vec<_>>(),
            [
                ("/usr/share/sed", FileKind::Directory),
                ("no-slash", FileKind::File),
                ("/g", FileKind::Ghost)
            ]
        );
    }
}
