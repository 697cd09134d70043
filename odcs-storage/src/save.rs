//! Making what was written last through a power cut.

use std::ffi::{OsStr, OsString};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::Result;
use crate::layout;

/// Entries of one directory; a letter of the alphabet has a few thousand packages.
const MAX_ENTRIES: usize = 1_000_000;
/// Directories one inside the other.
const MAX_DEPTH: usize = 32;

/// Threads that wait for the disk. File systems write their journal once, and disks empty their cache once, for all
/// that wait: one after the other, a hundred directories take thirty times as long. They do nothing but wait.
const THREADS: usize = 16;

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
    each(&order, |item| match item {
        Item::Directory(directory) => directory.sync(),
        Item::File(number, name) => match items.get(*number) {
            Some(Item::Directory(directory)) => save_file(directory, name),
            _ => Ok(()),
        },
    })
}

/// Makes what some directories list last through a power cut.
pub(crate) fn save_directories(directories: &[&Dir]) -> Result<()> {
    each(directories, |directory| directory.sync())
}

/// Makes the content of some files last through a power cut; their names last as long as their directories.
pub(crate) fn save_files(files: &[(&Dir, &str)]) -> Result<()> {
    each(files, |(directory, name)| save_file(directory, name))
}

/// Does something that waits for the disk with each of these.
fn each<T: Sync>(items: &[T], save: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            save(item)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        // Where the system gives no more threads, those that there are do it all.
        let others: Vec<_> = (1..THREADS.min(items.len()))
            .map_while(|_| Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let own = work();
        others.into_iter().fold(own, |result, other| {
            // One that panics takes the whole attempt with it, as if it had not been another thread.
            let other = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            result.and(other)
        })
    })
}

/// Something that is done beside something else.
pub(crate) enum Beside<'scope> {
    Running(ScopedJoinHandle<'scope, Result<()>>),
    Done(Result<()>),
}

/// Begins what waits for the disk; where the system gives no thread for it, it is done at once.
pub(crate) fn beside<'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> Result<()> + Clone + Send + 'scope,
) -> Beside<'scope> {
    match Builder::new().spawn_scoped(scope, work.clone()) {
        Ok(running) => Beside::Running(running),
        Err(_) => Beside::Done(work()),
    }
}

impl Beside<'_> {
    /// What became of it.
    pub(crate) fn wait(self) -> Result<()> {
        match self {
            Self::Running(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Self::Done(result) => result,
        }
    }
}

/// Makes the content of one file last through a power cut; its name lasts as long as its directory.
pub(crate) fn save_file(directory: &Dir, name: impl AsRef<OsStr>) -> Result<()> {
    let name = name.as_ref();
    let (file, _) = directory.open_file(name)?;
    rustix::fs::fsync(&file).map_err(|errno| directory.failed("save", name, errno))
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
