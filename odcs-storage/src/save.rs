//! Making what was written last through a power cut.

use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::layout;

/// Entries of one directory; a letter of the alphabet has a few thousand packages.
const MAX_ENTRIES: usize = 1_000_000;
/// Directories one inside the other.
const MAX_DEPTH: usize = 32;

/// Threads that wait for the disk. File systems write their journal once, and disks empty their cache once, for all
/// that wait: one after the other, a hundred directories take thirty times as long. They do nothing but wait.
const THREADS: usize = 32;

/// What is to be saved.
enum Item {
    Directory(Dir),
    /// A file in the directory of this number.
    File(usize, OsString),
}

/// Makes everything in a compose last through a power cut. Links are left alone: their content is the
/// source's business, and their being there that of the directory. With `links_only`, all packages are links, and
/// their directories [are saved](save_directories) by themselves.
pub(crate) fn save(compose: &Dir, links_only: bool) -> Result<()> {
    let mut items = Vec::new();
    collect(
        compose.duplicate()?,
        Below::Compose,
        links_only,
        MAX_DEPTH,
        &mut items,
    )?;
    // What has content to be written goes first: the rest waits for the disk only.
    let (mut order, directories): (Vec<&Item>, Vec<&Item>) =
        items.iter().partition(|item| matches!(item, Item::File(..)));
    order.extend(directories);
    each(compose, &order, |item| match item {
        Item::Directory(directory) => directory.sync(),
        Item::File(number, name) => match items.get(*number) {
            Some(Item::Directory(directory)) => save_file(directory, name),
            _ => Ok(()),
        },
    })
}

/// Makes what some directories of a compose list last through a power cut.
pub(crate) fn save_directories(compose: &Dir, directories: &[&Dir]) -> Result<()> {
    each(compose, directories, |directory| directory.sync())
}

/// Does something that waits for the disk with each of these.
fn each<T: Sync>(compose: &Dir, items: &[T], save: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            save(item)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..THREADS.min(items.len())).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().fold(own, |result, other| {
            let other = other.join();
            result.and(other.unwrap_or_else(|_| Err(ended(compose))))
        })
    })
}

/// Makes the content of one file last through a power cut; its name lasts as long as its directory.
pub(crate) fn save_file(directory: &Dir, name: impl AsRef<OsStr>) -> Result<()> {
    let name = name.as_ref();
    let (file, _) = directory.open_file(name)?;
    rustix::fs::fsync(&file).map_err(|errno| directory.failed("save", name, errno))
}

fn ended(compose: &Dir) -> Error {
    compose.failed("save", "", Errno::IO)
}

/// Where a directory is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Below {
    Compose,
    /// It is `Packages`.
    Packages,
    /// It is in `Packages`.
    Letter,
}

fn collect(
    directory: Dir,
    below: Below,
    links_only: bool,
    depth: usize,
    items: &mut Vec<Item>,
) -> Result<()> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(directory.failed("save", "", Errno::LOOP));
    };
    let number = items.len();
    let entries = directory.entries(MAX_ENTRIES)?;
    let mut directories = Vec::new();
    let mut files = Vec::new();
    for entry in entries {
        if entry.kind == FileType::Directory {
            let inside = match below {
                Below::Compose if entry.name == layout::PACKAGES => Below::Packages,
                Below::Compose => Below::Compose,
                Below::Packages if links_only => continue,
                Below::Packages | Below::Letter => Below::Letter,
            };
            directories.push((directory.open(&entry.name)?, inside));
        } else if below == Below::Compose
            || directory.stat(&entry.name)?.is_none_or(|stat| stat.st_nlink == 1)
        {
            files.push(entry.name);
        }
    }
    items.push(Item::Directory(directory));
    items.extend(files.into_iter().map(|name| Item::File(number, name)));
    for (directory, inside) in directories {
        collect(directory, inside, links_only, deeper, items)?;
    }
    Ok(())
}
