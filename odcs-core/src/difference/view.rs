//! A difference as the API shows it.

use odcs_rpm::{Nevra, PackageKind, PackageName, TreeArch};
use serde::Serialize;

use super::{Change, Difference, PackageDifference, PackageFile};
use crate::compose::ComposeId;
use crate::packages::sha256;

/// What is different between two composes, as the API shows it. Fields are in alphabetical order, as in all answers.
#[derive(Clone, Debug, Serialize)]
pub struct DifferenceView<'a> {
    after: ComposeId,
    before: ComposeId,
    counts: Counts,
    items: Vec<ItemView<'a>>,
}

/// How many packages, each counted once for all of its arches.
#[derive(Clone, Debug, Default, Serialize)]
struct Counts {
    added: usize,
    changed: usize,
    downgraded: usize,
    removed: usize,
    upgraded: usize,
}

#[derive(Clone, Debug, Serialize)]
struct ItemView<'a> {
    after: Option<FileView<'a>>,
    arches: &'a [TreeArch],
    before: Option<FileView<'a>>,
    change: &'static str,
    kind: PackageKind,
    name: &'a PackageName,
}

#[derive(Clone, Debug, Serialize)]
struct FileView<'a> {
    nevra: &'a Nevra,
    sha256: Option<&'a str>,
    sigkey: Option<&'a str>,
    size: u64,
}

impl<'a> DifferenceView<'a> {
    /// The composes have these ids.
    pub fn new(before: ComposeId, after: ComposeId, difference: &'a Difference) -> Self {
        Self {
            after,
            before,
            counts: counts(difference),
            items: difference.packages.iter().map(item).collect(),
        }
    }
}

fn counts(difference: &Difference) -> Counts {
    let mut counts = Counts::default();
    for package in &difference.packages {
        *match package.change {
            Change::Added(_) => &mut counts.added,
            Change::Removed(_) => &mut counts.removed,
            Change::Upgraded(..) => &mut counts.upgraded,
            Change::Downgraded(..) => &mut counts.downgraded,
            Change::Changed(..) => &mut counts.changed,
        } += 1;
    }
    counts
}

fn item(package: &PackageDifference) -> ItemView<'_> {
    ItemView {
        after: package.change.after().map(file),
        arches: &package.arches,
        before: package.change.before().map(file),
        change: package.change.name(),
        kind: package.kind,
        name: &package.name,
    }
}

fn file(file: &PackageFile) -> FileView<'_> {
    FileView {
        nevra: &file.nevra,
        sha256: sha256(&file.digest),
        sigkey: file.sigkey.as_deref(),
        size: file.size,
    }
}
