//! The files of repodata, read from the disk again.

use odcs_rpm::repodata::WrittenFile;

use crate::dir::Dir;
use crate::packages::PlacedPackage;

/// Checks a file: it has the bytes that were written, and they decompress to what was to be written; if it is a list
/// of packages, it has these, in this order, by their checksums. Says what is wrong.
pub(super) fn check(
    repodata: &Dir,
    written: &WrittenFile,
    packages: &[&PlacedPackage],
) -> Result<(), String> {
    let (file, _) = repodata
        .open_file(&written.name)
        .map_err(|error| error.to_string())?;
    let checked = match written.packages {
        Some(_) => {
            let expected = packages.iter().map(|package| (&package.sha256, &package.nevra));
            written.verify_packages(file, expected)
        }
        None => written.verify_content(file),
    };
    checked.map_err(|error| match error {
        odcs_rpm::Error::Repodata { reason, .. } => reason,
        error => error.to_string(),
    })
}
