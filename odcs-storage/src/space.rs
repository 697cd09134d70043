//! Whether there is room for a compose, before any of it is written.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;

use crate::arrange::Layout;
use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::settings::{LinkFallback, StorageSettings};

/// What a package costs besides its file: its place in repodata and metadata.
const PER_PACKAGE: u64 = 4 << 10;
/// What a tree costs: some directories and a dozen of small files.
const PER_TREE: u64 = 64 << 10;

/// Checks that the disk has room for what is going to be written, by a careful estimate.
/// `images` is what ISO images are going to need.
pub(crate) fn check(target: &Dir, layout: &Layout, settings: &StorageSettings, images: u64) -> Result<()> {
    let failed = |errno: Errno| target.failed("look for room in", "", errno);
    let disk = rustix::fs::fstatvfs(target).map_err(failed)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let device = rustix::fs::fstat(target).map_err(failed)?.st_dev;
    let trees = PER_TREE * layout.trees.len() as u64;
    let mut needed = settings.reserve.saturating_add(trees).saturating_add(images);
    // Roots are few, packages are many.
    let mut same_disk = BTreeMap::new();
    for file in &layout.files {
        // What is not here is going to be complained about when it is read.
        let Some(source) = file.candidate.file.here() else {
            continue;
        };
        let root = source.root.handle().as_fd();
        let same = *same_disk
            .entry(root.as_raw_fd())
            // A root that cannot be looked at is going to be complained about when it is read.
            .or_insert_with(|| rustix::fs::fstat(root).is_ok_and(|stat| stat.st_dev == device));
        let size = if same || settings.link_fallback == LinkFallback::Fail {
            PER_PACKAGE
        } else {
            file.candidate.package.sizes.package.saturating_add(PER_PACKAGE)
        };
        needed = needed.saturating_add(size.saturating_mul(file.places.trees.len() as u64));
    }
    if needed > free {
        let directory = target.root().to_owned();
        return Err(Error::NoSpace {
            directory,
            needed,
            free,
        });
    }
    Ok(())
}
