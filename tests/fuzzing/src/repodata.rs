//! The files of a `repodata` folder.

use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::sync::LazyLock;

use odcs_rpm::comps::read_comps;
use odcs_rpm::repodata::{Limits, RepoPackage, Repomd, UpdateInfo, read_filelists, read_other, read_primary};
use odcs_rpm::{Error, Result};

use crate::same::{is_clean, round_trip};
use crate::seeds;

/// Limits that inputs of some kilobytes come up against.
fn tight() -> Limits {
    let mut limits = Limits::default();
    (limits.packages, limits.elements, limits.text_bytes) = (3, 60, 300);
    limits
}

/// Reads an input whole and in small pieces, which must come to the same. An error is one about the input.
fn read_both<T: Eq + Debug>(input: &[u8], read: impl Fn(&mut dyn BufRead) -> Result<T>) -> Option<T> {
    let whole = read(&mut &*input);
    for size in [1, 7] {
        let pieces = read(&mut BufReader::with_capacity(size, input));
        match (&whole, &pieces) {
            (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
            (Err(_), Err(_)) => {}
            _ => panic!("whole: {whole:?}, in pieces of {size}: {pieces:?}"),
        }
    }
    whole.inspect_err(check_error).ok()
}

/// Reading from memory never fails below, and what is wrong is said in few words whatever the input holds.
fn check_error(error: &Error) {
    assert!(!matches!(error, Error::Io(_)), "{error:?}");
    assert!(crate::is_brief(error), "{error}");
}

/// `primary`, and all three files written of it.
pub(crate) fn primary(input: &[u8]) {
    if let Ok(packages) = read_primary(input, tight()) {
        assert!(packages.len() <= tight().packages);
        let is_short = |text: &str| text.len() <= tight().text_bytes;
        assert!(
            packages
                .iter()
                .all(|package| is_short(&package.package.description))
        );
    }
    if let Some(packages) = read_both(input, |reader| read_primary(reader, Limits::default())) {
        round_trip(&packages);
    }
}

/// The packages that the seeds list, before their lists are read. To make them takes longer than to read any input.
static PACKAGES: LazyLock<Vec<RepoPackage>> = LazyLock::new(|| {
    let mut packages = seeds::packages();
    for package in &mut packages {
        package.package.files.clear();
        package.package.changelogs.clear();
    }
    packages
});

/// `filelists` of the packages of the seeds, or of others.
pub(crate) fn filelists(input: &[u8]) {
    let read = |reader: &mut dyn BufRead, limits| {
        let mut packages = PACKAGES.clone();
        let count = read_filelists(reader, &mut packages, limits)?;
        assert!(count <= packages.len());
        Ok(packages)
    };
    if let Ok(packages) = read(&mut &*input, tight()) {
        let files: usize = packages.iter().map(|package| package.package.files.len()).sum();
        assert!(files as u64 <= tight().elements);
    }
    if let Some(packages) = read_both(input, |reader| read(reader, Limits::default())) {
        round_trip(&packages);
    }
}

/// `other` of the packages of the seeds, or of others.
pub(crate) fn other(input: &[u8]) {
    let read = |reader: &mut dyn BufRead, limits| {
        let mut packages = PACKAGES.clone();
        let count = read_other(reader, &mut packages, limits)?;
        assert!(count <= packages.len());
        Ok(packages)
    };
    if let Ok(packages) = read(&mut &*input, tight()) {
        let entries: usize = packages
            .iter()
            .map(|package| package.package.changelogs.len())
            .sum();
        assert!(entries as u64 <= tight().elements);
    }
    if let Some(packages) = read_both(input, |reader| read(reader, Limits::default())) {
        round_trip(&packages);
    }
}

/// `repomd.xml`.
pub(crate) fn repomd(input: &[u8]) {
    let repomd = match Repomd::parse(input) {
        Ok(repomd) => repomd,
        Err(error) => return check_error(&error),
    };
    let again = Repomd::parse(&repomd.to_xml()).expect("repomd.xml that was written is read");
    let texts = repomd
        .records
        .iter()
        .flat_map(|record| [&record.kind, &record.location]);
    if texts.chain(&repomd.revision).all(|text| is_clean(text)) {
        assert_eq!(repomd, again);
    } else {
        assert_eq!(repomd.records.len(), again.records.len());
    }
}

/// `updateinfo`, which is kept as it came.
pub(crate) fn updateinfo(input: &[u8]) {
    match UpdateInfo::parse(input.to_vec()) {
        Ok(document) => {
            assert_eq!(document.bytes(), input);
            assert_eq!(UpdateInfo::read(input).expect("read once, read twice"), document);
            // Our own, less strict reader meets nothing that it does not know either.
            assert!(is_clean(std::str::from_utf8(input).expect("it is UTF-8")));
        }
        Err(error) => check_error(&error),
    }
}

/// Comps.
pub(crate) fn comps(input: &[u8]) {
    if let Ok(comps) = read_comps(input, tight()) {
        let packages: usize = comps.groups.iter().map(|group| group.packages.len()).sum();
        assert!((packages + comps.langpacks.len()) as u64 <= tight().elements);
    }
    let Some(comps) = read_both(input, |reader| read_comps(reader, Limits::default())) else {
        return;
    };
    let arch = "x86_64".parse().expect("it is an arch");
    comps.conditional(comps.groups.iter().map(|group| &*group.id), &arch);
    let again = read_comps(&*comps.to_xml(), Limits::default()).expect("comps that was written is read");
    // By number, too, characters can come in that XML cannot hold.
    let text = String::from_utf8_lossy(input);
    if is_clean(&text) && !text.contains("&#") {
        assert_eq!(comps, again);
    } else {
        assert_eq!(comps.groups.len(), again.groups.len());
    }
    assert_eq!(
        again.to_xml(),
        read_comps(&*again.to_xml(), Limits::default()).unwrap().to_xml()
    );
}
