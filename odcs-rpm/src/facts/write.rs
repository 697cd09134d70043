//! Writing facts.

use super::{FORMAT, HAS_EPOCH, HAS_RELEASE, IS_OWN, IS_PRE, MAX_SHARED};
use crate::{Comparison, Dependency, DependencyVersion, Evr, FileEntry, FileKind, Package};

/// Appends the facts of a package.
pub fn encode(package: &Package, into: &mut Vec<u8>) {
    into.push(FORMAT);
    brief(package, into);
    for list in [
        &package.provides,
        &package.requires,
        &package.conflicts,
        &package.obsoletes,
        &package.recommends,
        &package.suggests,
        &package.supplements,
        &package.enhances,
    ] {
        number(list.len() as u64, into);
        for dependency in list {
            self::dependency(dependency, package.nevra.evr(), into);
        }
    }
    files(&package.files, into);
}

fn brief(package: &Package, into: &mut Vec<u8>) {
    let (nevra, evr) = (&package.nevra, package.nevra.evr());
    text(nevra.name().as_str(), into);
    number(evr.epoch().into(), into);
    text(evr.version(), into);
    text(evr.release(), into);
    text(nevra.arch().as_str(), into);
    match &package.source_rpm {
        None => number(0, into),
        Some(source) => {
            number(1, into);
            text(source, into);
        }
    }
    let (sizes, (start, end)) = (package.sizes, package.header_range);
    for value in [
        package.build_time,
        package.file_time,
        sizes.package,
        sizes.installed,
        sizes.archive,
        start,
        end,
    ] {
        number(value, into);
    }
    number(package.signatures.len() as u64, into);
    for key in &package.signatures {
        text(key.as_str(), into);
    }
}

fn dependency(dependency: &Dependency, own: &Evr, into: &mut Vec<u8>) {
    let pre = if dependency.is_pre { IS_PRE } else { 0 };
    let Some(version) = &dependency.version else {
        into.push(pre);
        text(&dependency.name, into);
        return;
    };
    let flags = pre | comparison(version.comparison);
    if is_own(version, own) {
        into.push(flags | IS_OWN);
        text(&dependency.name, into);
        return;
    }
    let epoch = if version.epoch == 0 { 0 } else { HAS_EPOCH };
    let release = version.release.as_deref().map_or(0, |_| HAS_RELEASE);
    into.push(flags | epoch | release);
    text(&dependency.name, into);
    if version.epoch != 0 {
        number(version.epoch.into(), into);
    }
    text(&version.version, into);
    if let Some(release) = &version.release {
        text(release, into);
    }
}

fn is_own(version: &DependencyVersion, own: &Evr) -> bool {
    version.epoch == own.epoch()
        && version.release.as_deref() == Some(own.release())
        && *version.version == *own.version()
}

fn comparison(comparison: Comparison) -> u8 {
    match comparison {
        Comparison::Less => 1,
        Comparison::LessOrEqual => 2,
        Comparison::Equal => 3,
        Comparison::GreaterOrEqual => 4,
        Comparison::Greater => 5,
    }
}

fn files(files: &[FileEntry], into: &mut Vec<u8>) {
    number(files.len() as u64, into);
    let (mut before, mut left) = ("", MAX_SHARED);
    for file in files {
        let shared = common(before, &file.path);
        let (shared, rest) = match file.path.get(shared..) {
            Some(rest) if shared <= left => (shared, rest),
            _ => (0, &*file.path),
        };
        left -= shared;
        let kind = match file.kind {
            FileKind::File => 0,
            FileKind::Directory => 1,
            FileKind::Ghost => 2,
        };
        number((shared as u64) << 2 | kind, into);
        text(rest, into);
        before = &file.path;
    }
}

/// How many bytes of whole characters two paths have in common at their beginning.
fn common(left: &str, right: &str) -> usize {
    let (words, rest) = left.as_bytes().as_chunks::<8>();
    let (others, _) = right.as_bytes().as_chunks::<8>();
    let equal = words
        .iter()
        .zip(others)
        .take_while(|(one, other)| one == other)
        .count();
    let mut length = equal * 8;
    // What follows is less than a word, or differs in it.
    let rest = words.get(equal).map_or(rest, |word| word);
    let other = right.as_bytes().get(length..).unwrap_or_default();
    length += rest
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count();
    while !right.is_char_boundary(length) {
        length -= 1;
    }
    length
}

pub(super) fn text(text: &str, into: &mut Vec<u8>) {
    number(text.len() as u64, into);
    into.extend_from_slice(text.as_bytes());
}

pub(super) fn number(mut number: u64, into: &mut Vec<u8>) {
    while number > 0x7f {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}
