//! Whether what was asked for is there.

use std::collections::BTreeSet;

use odcs_rpm::gather::{Flag, Gathered};
use odcs_rpm::{PackageKind, PackagePattern};

/// An entry of the request that brings no package into the compose.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Absent {
    pub(super) pattern: PackagePattern,
    /// Packages match, but lookaside repositories have them.
    pub(super) in_lookaside: bool,
}

/// The entries that bring no package into the compose for one arch.
pub(super) fn absent(asked: &[PackagePattern], gathered: &Gathered) -> Vec<Absent> {
    if asked.is_empty() {
        return Vec::new();
    }
    let unmatched: BTreeSet<_> = gathered.unmatched.iter().map(PackagePattern::as_str).collect();
    let (mut entering, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    for member in gathered
        .members
        .iter()
        .filter(|it| it.kind != PackageKind::Source)
    {
        let names = match member.flags.contains(Flag::Lookaside) {
            true => &mut left_out,
            false => &mut entering,
        };
        names.insert(member.package.nevra.name().as_str());
    }
    let mut absent = Vec::new();
    for pattern in asked {
        let text = pattern.as_str();
        let in_lookaside = || {
            // Whatever the entry is for, it is about names that match this.
            let name = text.strip_suffix(".+").unwrap_or(text).parse();
            let name: Option<PackagePattern> = name.ok();
            name.is_some_and(|name| is_there(&name, &left_out) && !is_there(&name, &entering))
        };
        let in_lookaside = if unmatched.contains(text) {
            false
        } else if !left_out.is_empty() && !text.starts_with('-') && in_lookaside() {
            true
        } else {
            continue;
        };
        absent.push(Absent {
            pattern: pattern.clone(),
            in_lookaside,
        });
    }
    absent
}

fn is_there(pattern: &PackagePattern, names: &BTreeSet<&str>) -> bool {
    if pattern.is_glob() {
        names.iter().any(|name| pattern.matches(name))
    } else {
        names.contains(pattern.as_str())
    }
}
