//! Reading and writing together, and reading what nobody wrote.

mod blocks;
mod pieces;
mod writer;

use std::io::BufReader;

use proptest::prelude::*;

use super::*;
use crate::compression::{Compression, decoder, gzip};
use crate::{
    ChangelogEntry, Comparison, Dependency, DependencyVersion, DigestAlgorithm, Error, FileEntry, FileKind,
    Sizes,
};

fn texts() -> impl Strategy<Value = Box<str>> {
    // What XML can hold, control characters excepted, of which a test of its own knows.
    "[ -~\t\n\rä-ü☃😀]{0,20}".prop_map(Into::into)
}

fn dependencies() -> impl Strategy<Value = Vec<Dependency>> {
    let version = (0u32..3, "[0-9a-z.~]{1,5}", prop::option::of("[0-9a-z.]{1,5}"));
    let dependency =
        ("[a-z()&<>\" ]{1,8}", prop::option::of(version)).prop_map(|(name, version)| Dependency {
            name: name.into(),
            version: version.map(|(epoch, version, release)| DependencyVersion {
                comparison: Comparison::GreaterOrEqual,
                epoch,
                version: version.into(),
                release: release.map(Into::into),
            }),
            is_pre: false,
        });
    prop::collection::vec(dependency, 0..4)
}

fn packages() -> impl Strategy<Value = RepoPackage> {
    let nevra = (
        "[a-z][a-z0-9+&<_-]{0,8}",
        0u32..3,
        "[0-9][0-9a-z.~^+]{0,5}",
        "[0-9][0-9a-z.]{0,5}",
    );
    let files = (texts(), 0u8..3).prop_map(|(path, kind)| FileEntry {
        path,
        kind: [FileKind::File, FileKind::Directory, FileKind::Ghost][usize::from(kind)],
    });
    let changelogs = (texts(), texts()).prop_map(|(author, text)| ChangelogEntry {
        author,
        time: 0,
        text,
    });
    (
        nevra,
        [texts(), texts(), texts(), texts()],
        [dependencies(), dependencies(), dependencies()],
        prop::collection::vec(files, 0..5),
        prop::collection::vec(changelogs, 0..10),
        any::<[u64; 4]>(),
    )
        .prop_map(|(nevra, texts, lists, files, mut changelogs, numbers)| {
            let (name, epoch, version, release) = nevra;
            for (time, entry) in changelogs.iter_mut().rev().enumerate() {
                entry.time = time as u64 * 86_400;
            }
            let evr = Evr::new(epoch, version, release).unwrap();
            let [summary, description, packager, license] = texts;
            let [provides, conflicts, enhances] = lists;
            let package = Package {
                summary,
                description,
                packager,
                license,
                provides,
                conflicts,
                enhances,
                files,
                changelogs,
                source_rpm: Some("a.src.rpm".into()),
                build_time: numbers[0],
                file_time: numbers[1],
                sizes: Sizes {
                    package: numbers[2],
                    ..Sizes::default()
                },
                header_range: (numbers[3], 1),
                ..Package::new(Nevra::new(name.parse().unwrap(), evr, "x86_64".parse().unwrap()))
            };
            RepoPackage {
                checksum: Digest::of_bytes(DigestAlgorithm::Sha256, package.nevra.to_string().as_bytes()),
                location: format!("Packages/{}", package.nevra.file_name()),
                location_base: None,
                package,
            }
        })
}

fn entry(package: &RepoPackage) -> Entry<'_> {
    Entry {
        package: &package.package,
        checksum: &package.checksum,
        location: &package.location,
    }
}

fn write_all(packages: &[RepoPackage]) -> [Vec<u8>; 3] {
    let entries: Vec<_> = packages.iter().map(entry).collect();
    let mut files: [Vec<u8>; 3] = Default::default();
    write_primary(&entries, &mut files[0]).unwrap();
    write_filelists(&entries, &mut files[1]).unwrap();
    write_other(&entries, &mut files[2]).unwrap();
    files
}

fn read_all([primary, filelists, other]: [&[u8]; 3]) -> Result<Vec<RepoPackage>> {
    let mut packages = read_primary(primary, Limits::default())?;
    read_filelists(filelists, &mut packages, Limits::default())?;
    read_other(other, &mut packages, Limits::default())?;
    Ok(packages)
}

#[test]
fn errors_of_the_decompressor_keep_their_meaning() {
    let xml = [&b"<metadata>"[..], &b"<p/>".repeat(1000)].concat();
    let file = gzip(&xml).unwrap();
    let read = |file: &[u8], limit| {
        let decoder = decoder(file, Compression::Gzip, "primary", limit).unwrap();
        read_primary(BufReader::with_capacity(512, decoder), Limits::default()).unwrap_err()
    };
    assert!(matches!(read(&file, 20), Error::TooLarge { limit: 20, .. }));
    let error = read(&file[..20], 1 << 20);
    assert!(
        matches!(&error, Error::Repodata { file: "primary", .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("damaged gzip data"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_is_read(packages in prop::collection::vec(packages(), 0..4)) {
        let files = write_all(&packages);
        let mut read = read_all(files.each_ref().map(Vec::as_slice)).unwrap();
        for (read, written) in read.iter_mut().zip(&packages) {
            // Two packages of one NEVRA get each other's lists: no repository has them.
            if packages.iter().filter(|other| other.package.nevra == written.package.nevra).count() > 1 {
                read.package.clone_from(&written.package);
            }
        }
        prop_assert_eq!(read, packages);
    }

    #[test]
    fn damaged_repodata_does_not_panic(
        packages in prop::collection::vec(packages(), 1..3),
        file in 0usize..3,
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
    ) {
        let mut files = write_all(&packages);
        let damaged = &mut files[file];
        for (index, byte) in changes {
            let index = index.index(damaged.len());
            damaged[index] = byte;
        }
        let _ = read_all(files.each_ref().map(Vec::as_slice));
        let cut = cut.index(files[file].len());
        files[file].truncate(cut);
        prop_assert!(read_all(files.each_ref().map(Vec::as_slice)).is_err());
        let _ = Repomd::parse(&files[file]);
    }

    #[test]
    fn garbage_does_not_panic(text in "[<>/a-z=\"'&;!?\\[\\]# -]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for bytes in [text.as_bytes(), &bytes, format!("<metadata>{text}").as_bytes()] {
            let _ = read_primary(bytes, Limits::default());
            let _ = Repomd::parse(bytes);
        }
    }
}
