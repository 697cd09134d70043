//! Packages that are written and read again.

use odcs_rpm::repodata::{
    Entry, Limits, RepoPackage, read_filelists, read_other, read_primary, write_filelists, write_other,
    write_primary,
};
use odcs_rpm::{Dependency, DependencyVersion, Nevra, Package};

/// Whether XML can hold a text as it is.
pub(crate) fn is_clean(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')))
}

/// Changelog entries that `other` has.
const CHANGELOGS: usize = 10;

fn dependencies(package: &mut Package) -> [&mut Vec<Dependency>; 8] {
    [
        &mut package.provides,
        &mut package.requires,
        &mut package.conflicts,
        &mut package.obsoletes,
        &mut package.recommends,
        &mut package.suggests,
        &mut package.supplements,
        &mut package.enhances,
    ]
}

/// Whether every text of a package can stand in XML, and the name of its source is one: blanks around it are not kept.
/// Nor is a version that has nothing but an epoch: it is listed, as createrepo_c does, and read as none.
fn is_whole(package: &RepoPackage) -> bool {
    let source_rpm = package.package.source_rpm.as_deref().unwrap_or("x");
    if source_rpm.is_empty() || source_rpm.trim() != source_rpm {
        return false;
    }
    let mut inner = package.package.clone();
    let lists = dependencies(&mut inner).map(std::mem::take);
    let is_empty = |version: &DependencyVersion| version.version.is_empty() && version.release.is_none();
    let mut versions = lists.iter().flatten().filter_map(|it| it.version.as_ref());
    if versions.any(is_empty) {
        return false;
    }
    let dependencies = lists.iter().flatten().flat_map(|dependency| {
        let version = dependency.version.as_ref();
        let release = version.and_then(|version| version.release.as_deref());
        [
            Some(&*dependency.name),
            version.map(|version| &*version.version),
            release,
        ]
    });
    let files = inner.files.iter().map(|file| Some(&*file.path));
    let changelogs = inner.changelogs.iter();
    let texts = [
        Some(inner.nevra.name().as_str()),
        Some(inner.nevra.evr().version()),
        Some(inner.nevra.evr().release()),
        Some(&*package.location),
        inner.source_rpm.as_deref(),
        Some(&*inner.summary),
        Some(&*inner.description),
        Some(&*inner.packager),
        Some(&*inner.url),
        Some(&*inner.license),
        Some(&*inner.vendor),
        Some(&*inner.group),
        Some(&*inner.build_host),
    ];
    texts
        .into_iter()
        .chain(dependencies)
        .chain(files)
        .chain(changelogs.flat_map(|entry| [Some(&*entry.author), Some(&*entry.text)]))
        .flatten()
        .all(is_clean)
}

/// What of a package must come back; what is left out of repodata on purpose is taken away.
fn essence(package: &RepoPackage) -> RepoPackage {
    let mut package = package.clone();
    let inner = &mut package.package;
    let arch = match inner.nevra.arch() {
        arch if arch.is_source() => "src".parse().unwrap(),
        arch => arch.clone(),
    };
    inner.nevra = Nevra::new(inner.nevra.name().clone(), inner.nevra.evr().clone(), arch);
    inner.changelogs.truncate(CHANGELOGS);
    // Entries of one day are told apart by the second.
    inner.changelogs.iter_mut().for_each(|entry| entry.time = 0);
    inner.signatures.clear();
    package.location_base = None;
    package
}

/// `primary`, `filelists` and `other` of the packages.
pub(crate) fn write(packages: &[RepoPackage]) -> [Vec<u8>; 3] {
    let entries: Vec<_> = packages
        .iter()
        .map(|package| Entry {
            package: &package.package,
            checksum: &package.checksum,
            location: &package.location,
        })
        .collect();
    let mut files: [Vec<u8>; 3] = Default::default();
    write_primary(&entries, &mut files[0]).expect("nothing fails in memory");
    write_filelists(&entries, &mut files[1]).expect("nothing fails in memory");
    write_other(&entries, &mut files[2]).expect("nothing fails in memory");
    files
}

fn read(files: &[Vec<u8>; 3]) -> Vec<RepoPackage> {
    let limits = Limits::default();
    let mut packages = read_primary(&*files[0], limits).expect("primary that was written is read");
    let count =
        read_filelists(&*files[1], &mut packages, limits).expect("filelists that was written is read");
    assert_eq!(count, packages.len(), "every package has a list of files");
    let count = read_other(&*files[2], &mut packages, limits).expect("other that was written is read");
    assert_eq!(count, packages.len(), "every package has a changelog");
    packages
}

/// Writes packages and reads them again: nothing is lost but what is meant to be, and written once more
/// they give the same bytes.
pub(crate) fn round_trip(packages: &[RepoPackage]) {
    let files = write(packages);
    let again = read(&files);
    assert_eq!(again.len(), packages.len(), "as many packages as before");
    let mut keys: Vec<_> = again.iter().map(|p| (&p.checksum, &p.package.nevra)).collect();
    keys.sort();
    let has_twins = keys.windows(2).any(|pair| pair[0] == pair[1]);
    // Twins get each other's lists, and texts that XML cannot hold are not the same afterwards.
    if has_twins || !packages.iter().all(is_whole) {
        return;
    }
    for (before, after) in packages.iter().zip(&again) {
        assert_eq!(essence(before), essence(after));
        let requires = &before.package.requires;
        assert!(
            after
                .package
                .requires
                .iter()
                .all(|require| requires.contains(require))
        );
    }
    for (before, after) in files.iter().zip(write(&again)) {
        let [before, after] = [before, &after].map(|file| String::from_utf8_lossy(file));
        assert_eq!(before, after, "the same packages give the same bytes");
    }
}
