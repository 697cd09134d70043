//! The files of packages, held against what was placed.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::dir::{self, Dir};
use crate::error::{Error, Result};
use crate::layout;
use crate::packages::PlacedPackage;

/// Checks that each package of a tree is there, the file that it was, and that there is nothing else. `failed` makes
/// an error of a path in the tree and what is wrong with it.
pub(super) fn check(
    tree: &Dir,
    packages: &[&PlacedPackage],
    failed: impl Fn(&str, String) -> Error + Sync,
) -> Result<()> {
    let top = tree.open(layout::PACKAGES)?;
    let mut letters: BTreeMap<&str, Vec<(&str, &PlacedPackage)>> = BTreeMap::new();
    for package in packages {
        let mut segments = package.location.rsplit('/');
        let (name, letter) = (
            segments.next().unwrap_or_default(),
            segments.next().unwrap_or_default(),
        );
        letters.entry(letter).or_default().push((name, package));
    }
    let letters: Vec<_> = letters.into_iter().collect();
    let checked: Vec<Result<usize>> = letters
        .par_iter()
        .map(|(letter, packages)| {
            let directory = top.open(letter)?;
            for (name, package) in packages {
                check_file(&directory, name, package, &failed)?;
            }
            directory.count()
        })
        .collect();
    let mut found = top.count()?.saturating_sub(letters.len());
    for count in checked {
        found += count?;
    }
    if found != packages.len() {
        let reason = format!("{found} files are there of {} packages", packages.len());
        return Err(failed(layout::PACKAGES, reason));
    }
    Ok(())
}

fn check_file(
    directory: &Dir,
    name: &str,
    package: &PlacedPackage,
    failed: &impl Fn(&str, String) -> Error,
) -> Result<()> {
    let stat = directory.stat(name)?.filter(dir::is_file);
    let (size, expected) = (stat.as_ref().map(dir::size), package.stamp);
    if size != Some(expected.size) {
        return Err(failed(&package.location, format!("its size is {size:?}")));
    }
    let Some(stat) = stat else { return Ok(()) };
    if expected
        .inode
        .is_some_and(|inode| inode != (stat.st_dev, stat.st_ino))
    {
        let reason = "it is another file than the one that was linked".to_owned();
        return Err(failed(&package.location, reason));
    }
    // Whoever writes into a file that is linked here changes its time, too.
    if stat.st_mtime != expected.modified {
        let reason = "it was written to after it had been read".to_owned();
        return Err(failed(&package.location, reason));
    }
    Ok(())
}
