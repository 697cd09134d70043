//! Reading `filelists`: all paths of all packages.

use std::collections::HashMap;
use std::io::BufRead;

use super::lists::{ListItem, ListKind, ListReader, ListedPackage};
use super::pull::Element;
use super::{Limits, RepoPackage};
use crate::{Error, FileEntry, FileKind, Nevra, Package, Result};

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
    Filelists::read(reader, limits)?.give_to(packages)
}

/// What a `filelists` file says, before it is known of which packages: so that it can be read at the
/// same time as `primary`. [`read_filelists`] is both steps in one.
///
/// ```
/// use odcs_rpm::repodata::{Filelists, Limits};
/// let xml = r#"<filelists packages="1"><package pkgid="0a" name="ed" arch="x86_64">
///   <version epoch="0" ver="1.14.1" rel="2"/><file>/usr/bin/ed</file>
/// </package></filelists>"#;
/// let lists = Filelists::read(xml.as_bytes(), Limits::default())?;
/// assert_eq!(lists.give_to(&mut [])?, 0);
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Debug)]
pub struct Filelists(Vec<Listed<FileEntry>>);

/// Reads a `filelists` file package by package. After an error there is nothing more.
///
/// Each item is the package that files are listed for, and these, in the file's order; or an error as those of
/// [`read_filelists`].
///
/// ```
/// use odcs_rpm::repodata::{FilelistsReader, Limits};
/// let xml = r#"<filelists packages="1"><package pkgid="0a" name="ed" arch="x86_64">
///   <version epoch="0" ver="1.14.1" rel="2"/><file>/usr/bin/ed</file>
/// </package></filelists>"#;
/// let mut reader = FilelistsReader::new(xml.as_bytes(), Limits::default())?;
/// let (package, files) = reader.next().unwrap()?;
/// assert_eq!((package.nevra.name().as_str(), &*files[0].path), ("ed", "/usr/bin/ed"));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub struct FilelistsReader<R> {
    lists: ListReader<R>,
    is_done: bool,
}

impl<R: BufRead> FilelistsReader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`Error::Repodata`] if this is no such file.
    pub fn new(reader: R, limits: Limits) -> Result<Self> {
        Ok(Self {
            lists: ListReader::new(reader, ListKind::Filelists, limits)?,
            is_done: false,
        })
    }

    fn read(&mut self) -> Result<Option<(ListedPackage, Vec<FileEntry>)>> {
        let mut files: Vec<FileEntry> = Vec::new();
        let mut kind = FileKind::File;
        let package = self.lists.read(|item| {
            match item {
                ListItem::Start(element) => kind = kind_of(element)?,
                ListItem::End(path) => files.push(FileEntry {
                    path: path.into(),
                    kind,
                }),
            }
            Ok(())
        })?;
        Ok(package.map(|package| (package, files)))
    }
}

impl<R: BufRead> Iterator for FilelistsReader<R> {
    type Item = Result<(ListedPackage, Vec<FileEntry>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.read().transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}

impl Filelists {
    /// Reads a `filelists` file.
    ///
    /// # Errors
    /// As those of [`read_filelists`].
    pub fn read(reader: impl BufRead, limits: Limits) -> Result<Self> {
        let lists = FilelistsReader::new(reader, limits)?;
        let listed = lists.map(|list| {
            let (ListedPackage { id, nevra, .. }, items) = list?;
            Ok(Listed { id, nevra, items })
        });
        listed.collect::<Result<_>>().map(Self)
    }

    /// Gives every package the complete list of its files; those that are not mentioned keep the files
    /// they have. Returns how many packages got a list.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if a package with a list stands there more than 16 times. The packages are then
    /// unchanged.
    pub fn give_to(self, packages: &mut [RepoPackage]) -> Result<usize> {
        give(self.0, packages, |package, files| package.files = files)
    }
}

/// The `type` of a `<file>`.
pub(super) fn kind_of(element: &Element<'_>) -> Result<FileKind> {
    Ok(match element.attribute("type")?.as_deref() {
        Some("dir") => FileKind::Directory,
        Some("ghost") => FileKind::Ghost,
        _ => FileKind::File,
    })
}

/// What a file lists for one package.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) id: Box<str>,
    pub(super) nevra: Nevra,
    pub(super) items: Vec<T>,
}

/// How often one package may stand in a repository, by other locations, and get a list each time: a small file
/// that repeats itself, and one long list, would else fill the memory.
const MAX_TWINS: usize = 16;

/// Hands lists to the packages they are for: of several for one package, the last. Returns how many packages got one.
pub(super) fn give<T: Clone>(
    lists: Vec<Listed<T>>,
    packages: &mut [RepoPackage],
    put: impl Fn(&mut Package, Vec<T>),
) -> Result<usize> {
    let numbers: HashMap<(&str, &Nevra), usize> = lists
        .iter()
        .enumerate()
        .map(|(number, list)| ((&*list.id, &list.nevra), number))
        .collect();
    let mut twins = vec![0; lists.len()];
    let mut wanted: Vec<Option<usize>> = Vec::with_capacity(packages.len());
    for package in &*packages {
        let number = numbers.get(&(package.checksum.hex(), &package.package.nevra));
        wanted.push(number.copied());
        let Some(twins) = number.and_then(|number| twins.get_mut(*number)) else {
            continue;
        };
        *twins += 1;
        if *twins > MAX_TWINS {
            return Err(Error::TooLarge {
                what: format!("the repository (in entries of {})", package.package.nevra),
                limit: MAX_TWINS as u64,
            });
        }
    }
    let mut lists: Vec<(Vec<T>, usize)> = lists.into_iter().map(|list| list.items).zip(twins).collect();
    let mut count = 0;
    for (package, number) in packages.iter_mut().zip(wanted) {
        if let Some((items, left)) = number.and_then(|number| lists.get_mut(number)) {
            *left = left.saturating_sub(1);
            // Nearly always one: no copy is made for the last.
            let items = match *left {
                0 => std::mem::take(items),
                _ => items.clone(),
            };
            put(&mut package.package, items);
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::super::read_primary;
    use super::*;

    #[test]
    fn one_package_does_not_stand_there_any_number_of_times() {
        let id = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let package = format!(
            "<package><name>ed</name><arch>noarch</arch><version epoch='0' ver='1' rel='2'/>\
             <checksum type='sha'>{id}</checksum><location href='ed'/></package>"
        );
        let lists = format!(
            "<filelists><package pkgid='{id}' name='ed' arch='noarch'><version ver='1' rel='2'/><file>/old</file></package>\
             <package pkgid='{id}' name='ed' arch='noarch'><version ver='1' rel='2'/><file>/new</file></package></filelists>"
        );
        for (times, expected) in [(MAX_TWINS, Some(MAX_TWINS)), (MAX_TWINS + 1, None)] {
            let primary = format!("<metadata>{}</metadata>", package.repeat(times));
            let mut packages = read_primary(primary.as_bytes(), Limits::default()).unwrap();
            let count = read_filelists(lists.as_bytes(), &mut packages, Limits::default());
            assert_eq!(count.as_ref().ok().copied(), expected, "{count:?}");
            let files = expected.map(|_| "/new");
            for package in packages {
                let package = package.package;
                assert_eq!(package.files.first().map(|file| &*file.path), files);
            }
        }
    }

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
