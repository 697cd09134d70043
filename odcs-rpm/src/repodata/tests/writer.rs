//! Whole folders, written chunk by chunk and read back.

use std::io::{Read, Write};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::block::Proof;
use super::*;
use crate::compression::{BLOCK, WriteCompression};

pub(super) const BOTH: [WriteCompression; 2] = [WriteCompression::Gzip, WriteCompression::Zstd];

/// Packages whose lists are some blocks long, one of them longer than a block by itself.
pub(super) static PACKAGES: LazyLock<Vec<RepoPackage>> = LazyLock::new(|| {
    let package = |number: u64| {
        let nevra: Nevra = format!("p{number}-1-1.x86_64").parse().unwrap();
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut word = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            format!("{state:x}")
        };
        let files = if number == 7 { 20_000 } else { number % 50 * 4 };
        let files = (0..files).map(|file| FileEntry {
            path: format!("/usr/share/{}/{file}/{}", word(), word()).into(),
            kind: FileKind::File,
        });
        let files = files.collect();
        let changelogs = (0..number % 12).map(|time| ChangelogEntry {
            author: format!("{} <x@example.com>", word()).into(),
            time: 1_000_000 - time * 86_400,
            text: format!("- {}\n- {}", word().repeat(10), word()).into(),
        });
        let package = Package {
            changelogs: changelogs.collect(),
            description: word().repeat(20).into(),
            files,
            ..Package::new(nevra)
        };
        RepoPackage {
            checksum: Digest::of_bytes(DigestAlgorithm::Sha256, package.nevra.to_string().as_bytes()),
            location: format!("Packages/p/{}", package.nevra.file_name()),
            location_base: None,
            package,
        }
    };
    (0..700).map(package).collect()
});

pub(super) fn options(compression: WriteCompression) -> RepodataOptions<'static> {
    RepodataOptions::new(1_795_254_151)
        .with_compression(compression)
        .with_comps("comps-x.xml", b"<comps/>")
}

fn write_in_chunks(
    packages: &[RepoPackage],
    sizes: &[usize],
    options: RepodataOptions<'_>,
) -> Result<Finished<Vec<u8>>> {
    let mut writer = RepodataWriter::begin(packages.len() as u64, options, |_| Ok(Vec::new()))?;
    let (mut left, mut sizes) = (packages, sizes.iter().cycle());
    while !left.is_empty() {
        let (chunk, rest) = left.split_at(left.len().min(*sizes.next().unwrap()));
        let mut pieces = vec![Pieces::default(); chunk.len()];
        for (pieces, package) in pieces.iter_mut().zip(chunk) {
            pieces.render(&package.package);
        }
        let entries: Vec<_> = chunk.iter().map(entry).collect();
        let described = entries.iter().zip(&pieces);
        let described: Vec<_> = described.map(|(entry, pieces)| entry.described(pieces)).collect();
        writer.write(&described)?;
        left = rest;
    }
    writer.finish()
}

fn expected(compression: WriteCompression) -> Vec<RepodataFile> {
    let entries: Vec<_> = PACKAGES.iter().map(entry).collect();
    write_repodata(&entries, options(compression)).unwrap()
}

#[test]
fn files_hold_what_is_written_of_them_alone() {
    let lists = write_all(&PACKAGES);
    assert!(
        lists.iter().all(|list| list.len() > BLOCK / 2),
        "the test has become too easy"
    );
    assert!(lists[1].len() > 4 * BLOCK);
    for compression in BOTH {
        let files = expected(compression);
        let names: Vec<_> = files
            .iter()
            .map(|file| file.name.rsplit('-').next().unwrap())
            .collect();
        let suffix = compression.suffix();
        assert_eq!(names[0], format!("primary.xml.{suffix}"));
        assert_eq!(names[3..], ["x.xml", &format!("x.xml.{suffix}"), "repomd.xml"]);
        let repomd = Repomd::parse(&files.last().unwrap().bytes).unwrap();
        assert_eq!(repomd.records.len() + 1, files.len());
        for ((file, record), open) in files.iter().zip(&repomd.records).zip(&lists) {
            let mut content = Vec::new();
            let decoder = decoder(&*file.bytes, compression.into(), "a test", 1 << 30).unwrap();
            decoder.with_any_ratio().read_to_end(&mut content).unwrap();
            assert!(content == *open, "{}", file.name);
            assert_eq!(record.open_size, Some(open.len() as u64));
            let of = |bytes: &[u8]| Digest::of_bytes(DigestAlgorithm::Sha256, bytes);
            assert_eq!(record.open_checksum, Some(of(open)));
            assert_eq!(
                (record.size, &record.checksum),
                (Some(file.bytes.len() as u64), &of(&file.bytes))
            );
            assert_eq!(record.location, format!("repodata/{}", file.name));
        }
    }
}

#[test]
fn what_was_written_is_found_and_damage_is() {
    for compression in BOTH {
        let finished = write_in_chunks(&PACKAGES, &[128], options(compression)).unwrap();
        for file in &finished.files {
            let (written, mut bytes) = (&file.written, file.out.clone());
            written.verify_stored(&*bytes).unwrap();
            written.verify_content(&*bytes).unwrap();
            let is_wrong = |bytes: &[u8]| {
                let errors = [written.verify_stored(bytes), written.verify_content(bytes)];
                errors
                    .into_iter()
                    .all(|error| matches!(error, Err(Error::Repodata { .. })))
            };
            assert!(is_wrong(&bytes[..bytes.len() - 1]));
            bytes.push(0);
            assert!(is_wrong(&bytes));
            bytes.pop();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            assert!(is_wrong(&bytes));
        }
    }
}

#[test]
fn content_that_is_not_what_was_meant_is_found() {
    for compression in BOTH {
        let finished = write_in_chunks(&PACKAGES, &[128], options(compression)).unwrap();
        let file = &finished.files[0];
        let cases: [fn(&mut WrittenFile); 3] = [
            |written| written.open.as_mut().unwrap().1 -= 1,
            |written| written.blocks.last_mut().unwrap().proof = Proof::Crc(1),
            |written| written.blocks[0].open -= 1,
        ];
        for change in cases {
            let mut written = file.written.clone();
            change(&mut written);
            written.verify_stored(&*file.out).unwrap();
            written.verify_content(&*file.out).unwrap_err();
        }
    }
}

#[test]
fn a_repository_has_as_many_packages_as_it_says() {
    let mut writer = RepodataWriter::begin(2, options(WriteCompression::Zstd), |_| Ok(Vec::new())).unwrap();
    let mut pieces = Pieces::default();
    pieces.render(&PACKAGES[0].package);
    writer.write(&[entry(&PACKAGES[0]).described(&pieces)]).unwrap();
    let error = writer.finish().unwrap_err().to_string();
    assert_eq!(error, "primary: 1 packages were written of 2");
}

#[test]
fn digests_are_there_where_they_are_asked_for() {
    let options = options(WriteCompression::Gzip).with_described_digests();
    let error = write_in_chunks(&PACKAGES[..1], &[1], options)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "filelists-ext: there are no digests of the files in Packages/p/p0-1-1.x86_64.rpm"
    );
}

/// A disk that is full after so many bytes.
#[derive(Debug)]
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told() {
    let entries: Vec<_> = PACKAGES.iter().map(entry).collect();
    let mut pieces = vec![Pieces::default(); entries.len()];
    pieces
        .iter_mut()
        .zip(&entries)
        .for_each(|(pieces, entry)| pieces.render(entry.package));
    let described: Vec<_> = entries
        .iter()
        .zip(&pieces)
        .map(|(entry, pieces)| entry.described(pieces))
        .collect();
    for room in [0, 5_000, 1_500_000] {
        let options = options(WriteCompression::Gzip);
        let result = RepodataWriter::begin(700, options, |_| Ok(Disk(room))).and_then(|mut writer| {
            writer.write(&described)?;
            writer.finish()
        });
        let is_full =
            matches!(&result, Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::StorageFull);
        assert!(is_full, "{room} {result:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn bytes_depend_neither_on_chunks_nor_on_threads(
        sizes in prop::collection::vec(1..400_usize, 1..5),
        threads in 1..5_usize,
        is_zstd in any::<bool>(),
    ) {
        static EXPECTED: LazyLock<[Vec<RepodataFile>; 2]> = LazyLock::new(|| BOTH.map(expected));
        let compression = BOTH[usize::from(is_zstd)];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let finished = pool.install(|| write_in_chunks(&PACKAGES, &sizes, options(compression))).unwrap();
        let (repomd, files) = EXPECTED[usize::from(is_zstd)].split_last().unwrap();
        prop_assert!(finished.repomd == repomd.bytes);
        prop_assert_eq!(finished.files.len(), files.len());
        for (file, expected) in finished.files.iter().zip(files) {
            prop_assert_eq!(&file.written.name, &expected.name);
            prop_assert!(file.out == expected.bytes);
        }
    }
}
