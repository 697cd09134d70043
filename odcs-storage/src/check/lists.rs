//! What the lists of packages say, held against what was meant.

use std::io::{BufRead, Read};

use odcs_rpm::Package;
use odcs_rpm::repodata::{Limits, ListKind, ListReader, PrimaryReader, RepoPackage, is_primary_file};

use super::Checked;
use crate::packages::PlacedPackage;

/// Changelog entries that `other` has for each package.
const CHANGELOGS: usize = 10;

/// Checks that a list has these packages, in this order.
pub(super) fn check_list(kind: &str, mut content: &mut dyn BufRead, packages: &[&PlacedPackage]) -> Checked {
    let mut start = Vec::new();
    let read = Read::take(&mut content, 1_024).read_to_end(&mut start);
    read.map_err(|error| error.to_string())?;
    let claimed = claimed_packages(&start);
    if claimed != Some(packages.len() as u64) {
        return Err(format!("it lists {claimed:?} packages of {}", packages.len()));
    }
    let content = start.as_slice().chain(content);
    match kind {
        "primary" => {
            let reader = PrimaryReader::new(content, Limits::default()).map_err(|error| error.to_string())?;
            check_all(reader, packages, check_primary)
        }
        _ => {
            let (kind, items): (_, fn(&Package) -> usize) = match kind {
                "other" => (ListKind::Other, |package| {
                    package.changelogs.len().min(CHANGELOGS)
                }),
                "filelists-ext" => (ListKind::FilelistsExt, |package| package.files.len()),
                _ => (ListKind::Filelists, |package| package.files.len()),
            };
            let reader =
                ListReader::new(content, kind, Limits::default()).map_err(|error| error.to_string())?;
            check_all(reader, packages, |listed, package| {
                let nevra = &package.package.nevra;
                if !nevra.is_listed_as(&listed.nevra) || *listed.id != *package.sha256.hex() {
                    return Err(format!("it lists {} where {nevra} was written", listed.nevra));
                }
                let (found, expected) = (listed.items, items(&package.package));
                if found != expected {
                    return Err(format!("it lists {found} entries of {expected} for {nevra}"));
                }
                Ok(())
            })
        }
    }
}

/// Goes through listed and written packages side by side.
fn check_all<T>(
    listed: impl Iterator<Item = odcs_rpm::Result<T>>,
    packages: &[&PlacedPackage],
    check: impl Fn(&T, &PlacedPackage) -> Checked,
) -> Checked {
    let mut expected = packages.iter();
    for listed in listed {
        let listed = listed.map_err(|error| error.to_string())?;
        let package = expected
            .next()
            .ok_or("it lists more packages than are in the tree")?;
        check(&listed, package)?;
    }
    match expected.next() {
        Some(missing) => Err(format!("it does not list {}", missing.package.nevra)),
        None => Ok(()),
    }
}

/// Compares all that is not free text: characters that XML does not have are replaced in it.
fn check_primary(listed: &RepoPackage, placed: &PlacedPackage) -> Checked {
    let (found, expected) = (&listed.package, &placed.package);
    let is_it = expected.nevra.is_listed_as(&found.nevra)
        && (&listed.checksum, &listed.location) == (&placed.sha256, &placed.location)
        && listed.location_base.is_none();
    if !is_it {
        return Err(format!(
            "it lists {} where {} was written",
            found.nevra, expected.nevra
        ));
    }
    let is_same = numbers(found) == numbers(expected)
        && lists(found) == lists(expected)
        && found.files.len()
            == expected
                .files
                .iter()
                .filter(|file| is_primary_file(&file.path))
                .count();
    if !is_same {
        return Err(format!("it says something else of {}", expected.nevra));
    }
    Ok(())
}

fn numbers(package: &Package) -> [u64; 7] {
    let (start, end) = package.header_range;
    let sizes = package.sizes;
    [
        package.file_time,
        package.build_time,
        sizes.package,
        sizes.installed,
        sizes.archive,
        start,
        end,
    ]
}

/// How many dependencies there are of each kind. The reader leaves `rpmlib(…)` out.
fn lists(package: &Package) -> [usize; 8] {
    [
        &package.provides,
        &package.requires,
        &package.conflicts,
        &package.obsoletes,
        &package.recommends,
        &package.suggests,
        &package.supplements,
        &package.enhances,
    ]
    .map(|list| {
        let resolved = list
            .iter()
            .filter(|dependency| !dependency.name.starts_with("rpmlib("));
        resolved.count()
    })
}

/// The number in the attribute `packages` of the first element.
fn claimed_packages(start: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(start);
    let (_, after) = text.split_once(" packages=\"")?;
    after.split('"').next()?.parse().ok()
}
