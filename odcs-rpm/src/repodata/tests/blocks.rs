//! Blocks that are known from before, and lists that are read back by them.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;

use super::super::ids::{Ids, ids_in};
use super::writer::{BOTH, PACKAGES, options};
use super::*;
use crate::compression::WriteCompression;

/// Something that is done to an entry.
type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

/// What is kept, and how often something was found.
#[derive(Default)]
struct Kept {
    entries: Mutex<BTreeMap<[u8; 32], Vec<u8>>>,
    found: Mutex<usize>,
    put: Mutex<usize>,
    seed: u64,
}

impl Kept {
    fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }

    /// How often something was found since this was asked last.
    fn found(&self) -> usize {
        std::mem::take(&mut *self.found.lock().unwrap())
    }

    /// Changes all entries.
    fn change(&self, change: Damage<'_>) {
        self.entries.lock().unwrap().values_mut().for_each(change);
    }
}

impl BlockCache for Kept {
    fn get(&self, key: &[u8; 32], into: &mut Vec<u8>) -> bool {
        let entries = self.entries.lock().unwrap();
        // Who asks goes by the answer, not by what is in the buffer.
        *into = entries.get(key).cloned().unwrap_or_else(|| b"nothing".to_vec());
        *self.found.lock().unwrap() += usize::from(entries.contains_key(key));
        entries.contains_key(key)
    }

    fn put(&self, key: &[u8; 32], parts: &[&[u8]]) {
        self.entries.lock().unwrap().insert(*key, parts.concat());
        *self.put.lock().unwrap() += 1;
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

fn write(packages: &[RepoPackage], options: RepodataOptions<'_>, kept: Option<&Kept>) -> Finished<Vec<u8>> {
    let mut writer = RepodataWriter::begin(packages.len() as u64, options, |_| Ok(Vec::new())).unwrap();
    if let Some(kept) = kept {
        writer = writer.with_blocks(kept);
    }
    for chunk in packages.chunks(100) {
        let mut pieces = vec![Pieces::default(); chunk.len()];
        let entries: Vec<_> = chunk.iter().map(entry).collect();
        let described: Vec<_> = entries
            .iter()
            .zip(&mut pieces)
            .map(|(entry, pieces)| {
                pieces.render(entry.package);
                entry.described(pieces)
            })
            .collect();
        writer.write(&described).unwrap();
    }
    writer.finish().unwrap()
}

fn same(one: &Finished<Vec<u8>>, other: &Finished<Vec<u8>>) -> bool {
    let bytes = |finished: &Finished<Vec<u8>>| {
        let files = finished.files.iter().map(|file| file.out.clone());
        files.chain([finished.repomd.clone()]).collect::<Vec<_>>()
    };
    bytes(one) == bytes(other)
}

fn verify(finished: &Finished<Vec<u8>>, packages: &[RepoPackage]) -> Result<()> {
    finished
        .files
        .iter()
        .try_for_each(|file| match file.written.packages {
            Some(_) => {
                let expected = packages.iter().map(|it| (&it.checksum, &it.package.nevra));
                file.written.verify_packages(&*file.out, expected)
            }
            None => file.written.verify_content(&*file.out),
        })
}

#[test]
fn what_is_known_changes_nothing_but_the_work() {
    let kept = Kept::default();
    for compression in BOTH {
        let plain = write(&PACKAGES, options(compression), None);
        let (first, blocks) = (write(&PACKAGES, options(compression), Some(&kept)), kept.len());
        assert_eq!(kept.found(), 0);
        assert!(blocks > 20, "the test has become too easy: {blocks}");
        let second = write(&PACKAGES, options(compression), Some(&kept));
        assert_eq!(kept.len(), blocks, "something was compressed once more");
        assert!(kept.found() > 20);
        for finished in [&plain, &first, &second] {
            assert!(same(&plain, finished));
            verify(finished, &PACKAGES).unwrap();
        }
    }
}

#[test]
fn a_change_leaves_most_blocks_as_they_are() {
    let kept = Kept::default();
    let options = options(WriteCompression::Zstd);
    write(&PACKAGES, options, Some(&kept));
    let blocks = kept.len();
    let mut changed = PACKAGES.clone();
    changed[350].checksum = Digest::of_bytes(DigestAlgorithm::Sha256, b"another build");
    let finished = write(&changed, options, Some(&kept));
    verify(&finished, &changed).unwrap();
    verify(&finished, &PACKAGES).unwrap_err();
    let new = kept.len() - blocks;
    // One or two in each list: a block may end before or after it now.
    assert!((3..=8).contains(&new), "{new}");
}

#[test]
fn an_entry_that_is_not_what_was_kept_is_made_again() {
    for compression in BOTH {
        let (kept, plain) = (Kept::default(), write(&PACKAGES, options(compression), None));
        write(&PACKAGES, options(compression), Some(&kept));
        let other = kept.entries.lock().unwrap().values().next().unwrap().clone();
        let damages: [Damage<'_>; 6] = [
            &Vec::clear,
            &|entry| entry.truncate(entry.len() - 1),
            &|entry| entry[0] ^= 1,
            &|entry| entry[39] = 0xff,
            &|entry| *entry.last_mut().unwrap() ^= 2,
            &|entry| entry.clone_from(&other),
        ];
        for damage in damages {
            kept.change(damage);
            *kept.put.lock().unwrap() = 0;
            let finished = write(&PACKAGES, options(compression), Some(&kept));
            assert!(same(&plain, &finished));
            verify(&finished, &PACKAGES).unwrap();
            // But for the one that is the other one.
            assert!(*kept.put.lock().unwrap() + 1 >= kept.len());
        }
    }
}

#[test]
fn another_seed_finds_nothing_and_a_list_of_one_block_is_not_kept() {
    let options = options(WriteCompression::Zstd);
    let mut kept = Kept::default();
    write(&PACKAGES, options, Some(&kept));
    let blocks = kept.len();
    kept.seed = 1;
    write(&PACKAGES, options, Some(&kept));
    assert_eq!((kept.found(), kept.len()), (0, 2 * blocks));
    write(&PACKAGES[..3], options, Some(&kept));
    assert_eq!(kept.len(), 2 * blocks);
}

#[test]
fn other_packages_are_noticed_when_a_list_is_read_back() {
    let kept = Kept::default();
    for kept in [None, Some(&kept), Some(&kept)] {
        let finished = write(&PACKAGES, options(WriteCompression::Gzip), kept);
        let mut others = PACKAGES.clone();
        others.swap(100, 101);
        let error = verify(&finished, &others).unwrap_err().to_string();
        assert!(
            error.contains("it lists") && error.contains("where p101-0:1-1.x86_64 was"),
            "{error}"
        );
        let error = verify(&finished, &PACKAGES[1..]).unwrap_err().to_string();
        assert_eq!(error, "primary: it lists 700 packages of 699");
    }
}

proptest! {
    #[test]
    fn ids_are_found_wherever_a_list_is_cut(
        cuts in prop::collection::vec(0..4_000_usize, 0..40),
        missing in prop::option::of(0..30_usize),
    ) {
        static LISTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| write_all(&PACKAGES[..30]).into());
        for (kind, list) in ["primary", "filelists"].into_iter().zip(&*LISTS) {
            let expected = PACKAGES[..30]
                .iter()
                .enumerate()
                .filter(|(number, _)| Some(*number) != missing)
                .map(|(_, it)| (&it.checksum, &it.package.nevra));
            let mut ids = Ids::new(kind, expected.clone());
            let mut rest = list.as_slice();
            for cut in &cuts {
                let (now, later) = rest.split_at(rest.len().min(*cut));
                ids.add(now);
                rest = later;
            }
            ids.add(rest);
            prop_assert_eq!(ids.finish().is_ok(), missing.is_none());
            let mut known = Ids::new(kind, expected);
            known.known(&ids_in(kind, list));
            prop_assert_eq!(known.finish().is_ok(), missing.is_none());
        }
    }
}
