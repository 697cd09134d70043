//! The cache as those see it who use it: whatever happens to its files, what is found is what was put.
#![allow(
    clippy::disallowed_methods,
    reason = "tests make files of their own, and spoil them"
)]

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use odcs_core::testing::metadata_cache::conformance;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::settings::StorageSettings;

/// A directory of composes with a cache in it, and those who have it open.
struct Place {
    dir: TempDir,
    settings: CacheSettings,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            settings: CacheSettings::default().with_bytes(16 << 20).with_reserve(0),
        }
    }

    fn with_bytes(mut self, bytes: u64) -> Self {
        self.settings.bytes = bytes;
        self
    }

    fn targets(&self) -> Targets {
        Targets::open(&StorageSettings::new(self.dir.path())).unwrap()
    }

    fn open(&self) -> PackCache {
        PackCache::open(&self.targets(), self.settings.clone()).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(crate::layout::CACHE)
    }

    /// Files with an ending, by name.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|found| found == ending))
            .collect();
        files.sort();
        files
    }

    fn pack(&self) -> PathBuf {
        self.files("pack").pop().unwrap()
    }
}

fn key(number: usize) -> CacheKey {
    CacheKey::new("test", &[&number.to_le_bytes()])
}

fn content(number: usize, length: usize) -> Vec<u8> {
    let bytes = number.to_le_bytes().into_iter().cycle().zip((0_u8..=250).cycle());
    bytes.map(|(a, b)| a.wrapping_mul(31) ^ b).take(length).collect()
}

fn get(cache: &PackCache, number: usize) -> Option<Vec<u8>> {
    let mut into = b"before".to_vec();
    cache.get(&key(number), &mut into).then_some(into)
}

/// Puts entries of so many bytes each.
fn fill(cache: &PackCache, numbers: std::ops::Range<usize>, length: usize) {
    for number in numbers {
        cache.put(&key(number), &[&content(number, length)]);
    }
    cache.flush();
}

fn verify(cache: &PackCache) -> CacheVerified {
    cache.verify(|_| (), &CancellationToken::new()).unwrap()
}

#[test]
fn it_does_what_every_cache_does() {
    let places = Mutex::new(Vec::new());
    conformance(|| {
        let place = Place::new();
        let both = [place.open(), place.open()];
        places.lock().unwrap().push(place);
        both
    });
}

#[test]
fn it_is_nobody_elses() {
    let place = Place::new();
    let cache = place.open();
    fill(&cache, 0..2000, 10);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path()), 0o700);
    for file in place.files("pack").iter().chain(&place.files("index")) {
        assert_eq!(mode(file), 0o600, "{file:?}");
    }
    assert_eq!(place.files("index").len(), 1);
    // What others could have written is not believed.
    drop(cache);
    fs::set_permissions(place.pack(), fs::Permissions::from_mode(0o620)).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let cache = place.open();
    assert_eq!(get(&cache, 0), None);
    assert_eq!(mode(&place.path()), 0o700);
    fill(&cache, 0..1, 10);
    assert_eq!(get(&cache, 0), Some(content(0, 10)));
    assert_eq!(mode(&place.pack()), 0o600);
}

#[test]
fn what_is_there_is_not_written_again() {
    let place = Place::new();
    let cache = place.open();
    fill(&cache, 0..10, 1000);
    let size = fs::metadata(place.pack()).unwrap().len();
    fill(&cache, 0..10, 1000);
    fill(&place.open(), 0..10, 1000);
    assert_eq!(fs::metadata(place.pack()).unwrap().len(), size);
    // Not even when both had found nothing.
    let other = place.open();
    cache.put(&key(10), &[b"new"]);
    other.put(&key(10), &[b"new"]);
    other.put(&key(10), &[b"new"]);
    cache.flush();
    let size = fs::metadata(place.pack()).unwrap().len();
    other.flush();
    assert_eq!(fs::metadata(place.pack()).unwrap().len(), size);
}

#[test]
fn the_oldest_make_room_and_what_is_used_stays() {
    let place = Place::new().with_bytes(2 << 20);
    let cache = place.open();
    let mut used = 0_u32;
    for number in 0..1000 {
        fill(&cache, number..number + 1, 10_000);
        let total: u64 = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(total <= 2 << 20, "{total} bytes");
        used += u32::from(get(&cache, 5) == Some(content(5, 10_000)));
    }
    assert_eq!(used, 995);
    assert_eq!(get(&cache, 999), Some(content(999, 10_000)));
    assert_eq!(get(&cache, 850), Some(content(850, 10_000)));
    assert_eq!(get(&cache, 500), None);
    let stats = cache.stats().unwrap();
    assert!(stats.segments > 10, "{stats:?}");
    assert_eq!(stats.cap, 2 << 20);
}

#[test]
fn what_is_too_large_is_not_kept() {
    let place = Place::new().with_bytes(1 << 20);
    let cache = place.open();
    fill(&cache, 0..1, 300_000);
    assert_eq!(get(&cache, 0), None);
    fill(&cache, 1..2, 200_000);
    assert_eq!(get(&cache, 1).map(|found| found.len()), Some(200_000));
}

#[test]
fn others_notice_new_segments_and_that_old_ones_went() {
    let place = Place::new().with_bytes(1 << 20);
    let (cache, other) = (place.open(), place.open());
    for number in 0..300 {
        fill(&cache, number..number + 1, 20_000);
        assert_eq!(
            get(&other, number),
            Some(content(number, 20_000)),
            "entry {number}"
        );
    }
    assert_eq!(get(&other, 0), None);
    // Who still has them open adds to the one that others see.
    fill(&other, 1000..1001, 10);
    assert_eq!(get(&cache, 1000), Some(content(1000, 10)));
    assert_eq!(get(&place.open(), 1000), Some(content(1000, 10)));
}

#[test]
fn it_is_made_again_when_it_was_removed() {
    let place = Place::new();
    let cache = place.open();
    fill(&cache, 0..10, 100);
    fs::remove_dir_all(place.path()).unwrap();
    fill(&cache, 20..30, 100);
    assert_eq!(get(&cache, 25), Some(content(25, 100)));
    assert_eq!(get(&place.open(), 25), Some(content(25, 100)));
}

#[test]
fn whatever_lies_there_it_opens() {
    let place = Place::new();
    fill(&place.open(), 0..3000, 50);
    let (pack, index) = (place.pack(), place.files("index").pop().unwrap());
    let path = |name: &str| place.path().join(name);
    fs::write(path("0000000002.pack"), "not one").unwrap();
    fs::write(path("0000000003.pack"), "").unwrap();
    fs::copy(&pack, path("0000000004.pack")).unwrap();
    fs::copy(&index, path("0000000004.index")).unwrap();
    fs::copy(&index, path("0000000009.index")).unwrap();
    fs::create_dir(path("0000000005.pack")).unwrap();
    fs::write(path("0000000005.pack/file"), "somebody's").unwrap();
    std::os::unix::fs::symlink(&pack, path("0000000006.pack")).unwrap();
    std::os::unix::fs::symlink("/nowhere", path("0000000007.pack")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, path("0000000008.pack"), rustix::fs::Mode::RWXU).unwrap();
    fs::write(path("18446744073709551615.pack"), "far").unwrap();
    fs::write(path("notes.txt"), "somebody's").unwrap();
    fs::remove_file(path("lock")).unwrap();
    fs::create_dir(path("lock")).unwrap();
    let cache = place.open();
    assert_eq!(get(&cache, 17), Some(content(17, 50)));
    fill(&cache, 5000..5010, 50);
    assert_eq!(get(&place.open(), 5003), Some(content(5003, 50)));
    let mut left: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let expected = [
        "0000000001.index",
        "0000000001.pack",
        "0000000005.pack",
        "18446744073709551615.pack",
        "lock",
        "notes.txt",
    ];
    assert_eq!(left, expected);
    assert!(path("0000000005.pack/file").exists());
    // Where a directory is in the way, the next number will do.
    drop(cache);
    let place = place.with_bytes(1 << 20);
    let cache = place.open();
    for number in 0..50 {
        fill(&cache, number..number + 1, 20_000);
    }
    assert_eq!(get(&cache, 49), Some(content(49, 20_000)));
}

#[test]
fn what_is_no_directory_of_ours_is_refused() {
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    assert!(PackCache::open(&place.targets(), place.settings.clone()).is_err());
    fs::remove_file(place.path()).unwrap();
    std::os::unix::fs::symlink("/tmp", place.path()).unwrap();
    assert!(PackCache::open(&place.targets(), place.settings).is_err());
}

#[test]
fn a_full_disk_loses_entries_and_nothing_else() {
    let place = Place::new();
    fill(&place.open(), 0..10, 100);
    let mut full = place.settings.clone();
    full.reserve = u64::MAX;
    let cache = PackCache::open(&place.targets(), full).unwrap();
    fill(&cache, 10..20, 100);
    assert_eq!(get(&cache, 15), None);
    assert_eq!(get(&cache, 5), Some(content(5, 100)));
}

#[test]
fn what_was_being_written_is_cut_off() {
    let place = Place::new();
    fill(&place.open(), 0..3, 100);
    let whole = fs::read(place.pack()).unwrap();
    fill(&place.open(), 3..4, 100);
    let longer = fs::read(place.pack()).unwrap();
    for length in whole.len()..longer.len() {
        fs::write(place.pack(), &longer[..length]).unwrap();
        let cache = place.open();
        assert_eq!(get(&cache, 2), Some(content(2, 100)));
        assert_eq!(get(&cache, 3), None, "{length} bytes");
        fill(&cache, 4..5, 30);
        let again = place.open();
        assert_eq!(get(&again, 2), Some(content(2, 100)));
        assert_eq!(get(&again, 4), Some(content(4, 30)));
        assert_eq!(
            fs::metadata(place.pack()).unwrap().len(),
            whole.len() as u64 + 56 + 30
        );
        assert_eq!(verify(&again).damaged, []);
    }
}

#[test]
fn wherever_it_was_cut_short_the_rest_is_there() {
    let place = Place::new();
    fill(&place.open(), 0..3, 50);
    // With and without an index that says that there is more.
    for with_index in [false, true] {
        if with_index {
            let cache = place.open();
            let view = cache.view.load_full();
            let segment = view.last().unwrap();
            let bytes = index::encode(1, segment.end(), &segment.entries());
            cache.directory.load().write_index(1, &bytes).unwrap();
        }
        let (pack, whole) = (place.pack(), fs::read(place.pack()).unwrap());
        let index = place
            .files("index")
            .pop()
            .map(|path| (fs::read(&path).unwrap(), path));
        for length in 0..whole.len() {
            fs::write(&pack, &whole[..length]).unwrap();
            fs::set_permissions(&pack, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((bytes, path)) = &index {
                fs::write(path, bytes).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            }
            let cache = place.open();
            for number in 0..3 {
                let end = 32 + (number + 1) * (56 + 50);
                assert_eq!(
                    get(&cache, number),
                    (length >= end).then(|| content(number, 50)),
                    "{length}"
                );
            }
            fill(&cache, 0..4, 50);
            for number in 0..4 {
                assert_eq!(get(&place.open(), number), Some(content(number, 50)), "{length}");
            }
        }
    }
}

#[test]
fn verifying_finds_damage_and_drops_it() {
    let place = Place::new();
    let cache = place.open();
    fill(&cache, 0..3000, 50);
    let whole = verify(&cache);
    assert_eq!((whole.entries, whole.bytes), (3000, 3000 * 106));
    assert_eq!(whole.damaged, []);
    let pack = fs::OpenOptions::new().write(true).open(place.pack()).unwrap();
    // In what the seventh entry holds, and in the header of the tenth.
    pack.write_all_at(b"!", 32 + 6 * 106 + 60).unwrap();
    pack.write_all_at(b"!", 32 + 9 * 106 + 10).unwrap();
    pack.write_all_at(b"half of one", 32 + 3000 * 106).unwrap();
    let mut shown = 0;
    let other = place.open();
    let verified = other.verify(|_| shown += 1, &CancellationToken::new()).unwrap();
    let entry = |offset| CacheProblem::Entry {
        segment: 1,
        offset,
        bytes: 106,
    };
    let end = CacheProblem::End {
        segment: 1,
        offset: 32 + 3000 * 106,
        bytes: 11,
    };
    let expected = [entry(32 + 6 * 106), entry(32 + 9 * 106), end];
    assert_eq!(verified.damaged, expected);
    assert!(shown > 2);
    assert_eq!(verify(&other).damaged, []);
    assert_eq!(verify(&place.open()).damaged, []);
    assert_eq!(get(&cache, 6), None);
    assert_eq!(get(&cache, 10), Some(content(10, 50)));
    // It is put again, and found by all.
    fill(&cache, 0..3000, 50);
    for cache in [&cache, &other, &place.open()] {
        assert_eq!(get(cache, 6), Some(content(6, 50)));
        assert_eq!(get(cache, 9), Some(content(9, 50)));
        assert_eq!(cache.stats().unwrap().entries, 3000);
    }
}

#[test]
fn an_index_is_made_again() {
    let place = Place::new();
    fill(&place.open(), 0..3000, 50);
    let index = place.files("index").pop().unwrap();
    let whole = fs::read(&index).unwrap();
    for at in [0, 40, 70, whole.len() - 40, whole.len() - 5] {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        fs::remove_file(&index).unwrap();
        fs::write(&index, &damaged).unwrap();
        fs::set_permissions(&index, fs::Permissions::from_mode(0o600)).unwrap();
        let cache = place.open();
        let wrong = (0..3000).filter(|number| get(&cache, *number).is_none()).count();
        assert!(wrong < 100, "{wrong} are not found");
        assert_eq!(
            verify(&cache).damaged,
            [CacheProblem::Index { segment: 1 }],
            "byte {at}"
        );
        assert_eq!(fs::read(&index).unwrap(), whole);
        assert!((0..3000).all(|number| get(&place.open(), number).is_some()));
    }
}

#[test]
fn verifying_can_be_stopped() {
    let place = Place::new();
    let cache = place.open();
    fill(&cache, 0..3000, 50);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let verified = cache.verify(|_| (), &cancel).unwrap();
    assert!(verified.stopped);
    assert_eq!(verified.entries, 0);
}

#[test]
fn pruning_takes_the_oldest() {
    let place = Place::new().with_bytes(2 << 20);
    let (cache, other) = (place.open(), place.open());
    for number in 0..100 {
        fill(&cache, number..number + 1, 10_000);
    }
    assert!(get(&other, 0).is_some());
    let before = cache.stats().unwrap();
    let pruned = cache.prune(Some(600_000)).unwrap();
    assert!(pruned.left <= 600_000 && pruned.left > 400_000, "{pruned:?}");
    assert_eq!(pruned.left + pruned.bytes, before.bytes);
    assert_eq!(cache.stats().unwrap().bytes, pruned.left);
    assert_eq!(get(&cache, 0), None);
    assert_eq!(get(&cache, 99), Some(content(99, 10_000)));
    assert_eq!(cache.prune(None).unwrap().segments, 0);
    assert_eq!(place.open().prune(Some(0)).unwrap().left, 0);
    assert!(place.files("pack").is_empty() && place.files("index").is_empty());
    fill(&other, 0..1, 10);
    assert_eq!(get(&cache, 0), Some(content(0, 10)));
}

#[test]
fn what_is_counted_is_there() {
    let place = Place::new();
    let cache = place.open();
    assert_eq!(cache.stats().unwrap().bytes, 0);
    fill(&cache, 0..2000, 100);
    fill(&cache, 0..500, 30);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.segments), (2000, 1));
    assert_eq!(stats.live_bytes, 1500 * 156 + 500 * 86);
    assert_eq!(stats.stale_bytes, 500 * 156);
    assert_eq!(
        stats.bytes,
        32 + stats.live_bytes + stats.stale_bytes + stats.index_bytes
    );
}

/// What is done to a cache.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize),
    Get(usize),
    Flush,
    Reopen,
    Verify,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..30_usize, 0..300_usize).prop_map(|(key, value)| Step::Put(key, value)),
        4 => (0..30_usize).prop_map(Step::Get),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Verify),
    ]
}

fn value(key: usize, value: usize) -> Vec<u8> {
    content(key * 1000 + value, value * value % 3000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_like_a_map(steps in proptest::collection::vec((any::<bool>(), step()), 1..200)) {
        let place = Place::new();
        let mut both = [place.open(), place.open()];
        // What was put last under each key, and what each of the two may still know.
        let mut last: HashMap<usize, usize> = HashMap::new();
        let mut older: HashMap<(bool, usize), Vec<usize>> = HashMap::new();
        for (which, step) in steps {
            let cache = &mut both[usize::from(which)];
            match step {
                Step::Put(at, with) => {
                    cache.put(&key(at), &[&value(at, with)]);
                    cache.flush();
                    older.remove(&(which, at));
                    if let Some(before) = last.insert(at, with) {
                        older.entry((!which, at)).or_default().push(before);
                    }
                }
                Step::Get(at) => {
                    let expected = last.get(&at).map(|with| value(at, *with));
                    let found = get(cache, at);
                    if found != expected {
                        let older = older.get(&(which, at)).into_iter().flatten();
                        let mut older = older.map(|with| Some(value(at, *with)));
                        prop_assert!(older.any(|older| older == found), "{:?}", found);
                    }
                }
                Step::Flush => cache.flush(),
                Step::Reopen => {
                    *cache = place.open();
                    older.retain(|(who, _), _| *who != which);
                }
                Step::Verify => prop_assert_eq!(verify(cache).damaged, []),
            }
        }
        let stats = place.open().stats().unwrap();
        prop_assert_eq!(stats.entries, last.len() as u64);
    }

    #[test]
    fn damage_anywhere_never_gives_something_else(
        sizes in proptest::collection::vec(0..2000_usize, 1..60),
        indexed in any::<bool>(),
        damages in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let place = Place::new();
        let cache = place.open();
        for (number, size) in sizes.iter().enumerate() {
            cache.put(&key(number), &[&content(number, *size)]);
        }
        cache.flush();
        if indexed {
            let view = cache.view.load_full();
            let segment = view.last().unwrap();
            let bytes = index::encode(1, segment.end(), &segment.entries());
            cache.directory.load().write_index(1, &bytes).unwrap();
        }
        let check = |cache: &PackCache| {
            for (number, size) in sizes.iter().enumerate() {
                if let Some(found) = get(cache, number) {
                    prop_assert_eq!(found, content(number, *size));
                }
            }
            Ok(())
        };
        for (in_index, at, byte) in damages {
            let path = if in_index { place.files("index").pop() } else { None };
            let path = path.unwrap_or_else(|| place.pack());
            let mut bytes = fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            // As another file: who has it mapped keeps what he has.
            if path == place.pack() {
                fs::write(&path, &bytes).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
                fs::write(&path, &bytes).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        if let Some(cut) = cut {
            let bytes = fs::read(place.pack()).unwrap();
            fs::write(place.pack(), &bytes[..cut.index(bytes.len())]).unwrap();
        }
        let again = place.open();
        check(&cache)?;
        check(&again)?;
        for cache in [&again, &cache] {
            for (number, size) in sizes.iter().enumerate() {
                if get(cache, number).is_none() {
                    cache.put(&key(number), &[&content(number, *size)]);
                }
            }
            cache.flush();
        }
        for cache in [&again, &place.open()] {
            check(cache)?;
            verify(cache);
            check(cache)?;
        }
        prop_assert_eq!(verify(&place.open()).damaged, []);
    }
}
