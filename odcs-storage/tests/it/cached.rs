//! What is kept between composes changes nothing but time.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use odcs_core::MetadataCache;
use odcs_core::plan::Plan;
use odcs_storage::{CacheSettings, PackCache, RepodataSettings, StorageSettings, Targets, Verification};
use rpmgen::{GeneratorOptions, Layout, generate, write_repository};

use crate::support::{Memory, Repository, Target, contents, ed_repository, job};

/// Everything below a compose's own directory but its log, which has times of its own.
type Tree = BTreeMap<String, Vec<u8>>;

/// A compose of a plan in a directory of its own.
fn tree(
    plan: &Plan,
    cache: Option<Arc<dyn MetadataCache>>,
    set: impl FnOnce(StorageSettings) -> StorageSettings,
) -> Tree {
    let directory = tempfile::tempdir().unwrap();
    let settings = set(StorageSettings::new(directory.path()).with_threads(2));
    build(settings, cache, plan).unwrap();
    let mut tree: Tree = contents(&directory.path().join("odcs-1")).into_iter().collect();
    tree.remove("pungi-stderr.log").unwrap();
    assert!(
        tree.contains_key("compose/metadata/rpms.json"),
        "{:?}",
        tree.keys()
    );
    tree
}

fn build(
    settings: StorageSettings,
    cache: Option<Arc<dyn MetadataCache>>,
    plan: &Plan,
) -> odcs_core::Result<odcs_core::Built> {
    let mut target = Target::with(settings);
    if let Some(cache) = cache {
        target.builder = target.builder.with_cache(cache);
    }
    target.build(job(1, 1, plan.clone()))
}

/// A cache that can be looked at afterwards.
fn shared(cache: &Arc<Memory>) -> Option<Arc<dyn MetadataCache>> {
    Some(Arc::clone(cache) as Arc<dyn MetadataCache>)
}

/// A repository of more packages than are in memory at a time, and a plan for two arches with all of it.
fn many(directory: &Path) -> (Repository, Plan) {
    let options = GeneratorOptions {
        packages: 400,
        ..GeneratorOptions::default()
    };
    write_repository(directory, generate(options), Layout::Flat).unwrap();
    let repository = Repository::read(directory);
    let plan = repository.plan(&["x86_64", "ppc64le"], "");
    (repository, plan)
}

/// Makes the source forget checksums: then files are read whole.
fn without_checksums(plan: &mut Plan) {
    for package in plan.arches.iter_mut().flat_map(|arch| &mut arch.packages) {
        Arc::make_mut(&mut package.candidate).checksum = None;
    }
}

fn number_of(plan: &Plan) -> u64 {
    let files: std::collections::BTreeSet<_> = plan
        .arches
        .iter()
        .flat_map(|arch| &arch.packages)
        .map(|package| package.candidate.file.to_string())
        .collect();
    files.len() as u64
}

/// Besides packages, the seed that blocks are found with. Lists of small composes are one block each, which is not kept.
const SEED: u64 = 1;

#[test]
fn composes_are_the_same_with_and_without_a_cache_and_whatever_it_holds() {
    let source = tempfile::tempdir().unwrap();
    let (_, mut plan) = many(source.path());
    without_checksums(&mut plan);
    let files = number_of(&plan);
    let one = |settings: StorageSettings| settings.with_threads(1);
    let four = |settings: StorageSettings| settings.with_threads(4);
    let same = |settings| settings;
    let expected = tree(&plan, None, one);
    assert!(tree(&plan, None, four) == expected);
    let cache = Arc::new(Memory::default());
    assert!(tree(&plan, shared(&cache), four) == expected);
    // Besides packages, the blocks of their lists.
    let (hits, entries) = cache.counts();
    assert!(hits == 0 && entries >= files + SEED + 15, "{entries}");
    for threads in [one, four] {
        assert!(tree(&plan, shared(&cache), threads) == expected);
        assert_eq!(cache.counts(), (entries, 0));
    }
    // Entries that are not whole, or not of this form: the files are read again.
    let spoils: [fn(&mut Vec<u8>); 5] = [
        |entry| entry.truncate(entry.len() / 2),
        |entry| entry.truncate(3),
        |entry| entry.clear(),
        |entry| entry.insert(0, 0xff),
        |entry| entry.push(b'<'),
    ];
    for spoil in spoils {
        cache.change(spoil);
        assert!(tree(&plan, shared(&cache), same) == expected);
        // With another seed no block is looked for that was there.
        assert_eq!(cache.counts(), (files + SEED, entries));
        assert!(tree(&plan, shared(&cache), same) == expected);
        assert_eq!(cache.counts(), (entries, 0));
    }
}

#[test]
fn an_entry_of_another_package_is_not_taken() {
    let source = tempfile::tempdir().unwrap();
    let repository = ed_repository(source.path());
    let plan = repository.plan(&["x86_64"], "ed");
    let cache = Arc::new(Memory::default());
    let expected = tree(&plan, shared(&cache), |settings| settings);
    let entry = std::sync::Mutex::new(None::<Vec<u8>>);
    // All get the one that comes first.
    cache.change(|other| {
        let mut entry = entry.lock().unwrap();
        *other = entry.get_or_insert_with(|| other.clone()).clone();
    });
    assert!(tree(&plan, shared(&cache), |settings| settings) == expected);
    assert!(cache.put.load(Ordering::Relaxed) > 0);
}

#[test]
fn digests_of_files_in_packages_are_kept_as_well() {
    let source = tempfile::tempdir().unwrap();
    let plan = ed_repository(source.path()).plan(&["x86_64"], "ed");
    let (files, cache) = (number_of(&plan), Arc::new(Memory::default()));
    let plain = |settings| settings;
    let extended = |settings: StorageSettings| {
        settings.with_repodata(RepodataSettings::default().with_filelists_ext(true))
    };
    let (expected, expected_extended) = (tree(&plan, None, plain), tree(&plan, None, extended));
    assert!(expected != expected_extended);
    assert!(tree(&plan, shared(&cache), plain) == expected);
    assert_eq!(cache.counts(), (0, files + SEED));
    // Those entries have no digests.
    assert!(tree(&plan, shared(&cache), extended) == expected_extended);
    assert_eq!(cache.counts(), (files + SEED, files));
    assert!(tree(&plan, shared(&cache), extended) == expected_extended);
    assert!(tree(&plan, shared(&cache), plain) == expected);
    assert_eq!(cache.counts(), (2 * (files + SEED), 0));
}

/// The files of a cache in a directory.
fn files_of(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory.join(".cache")).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}

#[test]
fn a_cache_in_files_may_be_damaged_in_any_way() {
    let (source, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plan = many(source.path()).1;
    let targets = Targets::open(&StorageSettings::new(kept.path())).unwrap();
    let cached = || {
        let cache = PackCache::open(&targets, CacheSettings::default()).unwrap();
        tree(&plan, Some(Arc::new(cache)), |settings| settings)
    };
    let expected = tree(&plan, None, |settings| settings);
    assert!(cached() == expected && cached() == expected);
    let change = |change: &dyn Fn(&mut Vec<u8>)| {
        for file in files_of(kept.path()) {
            let mut bytes = std::fs::read(&file).unwrap();
            change(&mut bytes);
            std::fs::write(&file, bytes).unwrap();
        }
    };
    for step in [1, 997, 40_009] {
        change(&|bytes| bytes.iter_mut().step_by(step).for_each(|byte| *byte ^= 0x55));
        assert!(cached() == expected, "every {step} bytes");
        assert!(cached() == expected, "every {step} bytes, the next time");
    }
    for part in [1, 3, 10_000] {
        change(&|bytes| bytes.truncate(bytes.len() / part * (part - 1)));
        assert!(cached() == expected, "1/{part} is missing");
    }
    change(&|bytes| bytes.fill(0));
    assert!(cached() == expected, "zeros");
    // What belongs to nobody, and what is no file.
    for file in files_of(kept.path()) {
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(file).unwrap();
    }
    std::fs::write(kept.path().join(".cache/README"), "not ours").unwrap();
    assert!(cached() == expected, "directories");
}

/// Changes a byte at the end of a file, which is in its payload; its time is what it was.
fn spoil(path: &str) {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let metadata = file.metadata().unwrap();
    let (mut last, at) = ([0], metadata.len() - 1);
    file.read_exact_at(&mut last, at).unwrap();
    file.write_all_at(&[last[0] ^ 1], at).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
}

fn touch(path: &str, seconds: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

#[test]
fn checksums_are_taken_from_the_source_while_a_file_is_what_it_says() {
    let source = tempfile::tempdir().unwrap();
    let repository = ed_repository(source.path());
    let plan = repository.plan(&["x86_64"], "ed");
    let path = repository.candidate("ed", "x86_64").file.to_string();
    let target = tempfile::tempdir().unwrap();
    let settings = || StorageSettings::new(target.path());
    let always = || settings().with_verification(Verification::Always);
    build(always(), None, &plan).unwrap();
    std::fs::remove_dir_all(target.path().join("odcs-1")).unwrap();
    spoil(&path);
    // By size and time nobody has written to it.
    build(settings(), None, &plan).unwrap();
    std::fs::remove_dir_all(target.path().join("odcs-1")).unwrap();
    let cache = Arc::new(Memory::default());
    build(settings(), shared(&cache), &plan).unwrap();
    std::fs::remove_dir_all(target.path().join("odcs-1")).unwrap();
    // Whoever insists finds out, whatever the cache says; so does the next one who looks once the time is another.
    for (settings, is_touched) in [(always(), false), (settings(), true)] {
        if is_touched {
            touch(&path, 1_496_834_154);
        }
        let error = build(settings, shared(&cache), &plan).unwrap_err();
        assert!(error.message().contains("has the wrong checksum"), "{error}");
    }
}

#[test]
fn what_a_source_says_is_good_for_its_own_packages_alone() {
    let source = tempfile::tempdir().unwrap();
    let repository = ed_repository(source.path());
    let plan = repository.plan(&["x86_64"], "ed");
    let mut read = plan.clone();
    without_checksums(&mut read);
    let (files, cache) = (number_of(&plan), Arc::new(Memory::default()));
    let expected = tree(&plan, shared(&cache), |settings| settings);
    assert_eq!(cache.counts(), (0, files + SEED));
    // Nobody says what their checksums are: they are read, and from then on known.
    assert!(tree(&read, shared(&cache), |settings| settings) == expected);
    assert_eq!(cache.counts(), (files + SEED, files));
    for plan in [&plan, &read] {
        assert!(tree(plan, shared(&cache), |settings| settings) == expected);
        assert_eq!(cache.counts(), (files + SEED, 0));
    }
}

#[test]
fn what_has_just_been_written_is_not_kept() {
    let source = tempfile::tempdir().unwrap();
    let repository = ed_repository(source.path());
    // As late as the clock of the tests shows.
    touch(
        &repository.candidate("ed", "x86_64").file.to_string(),
        1_795_262_400,
    );
    let plan = Repository::read(source.path()).plan(&["x86_64"], "ed");
    let (files, cache) = (number_of(&plan), Arc::new(Memory::default()));
    let entries = files - 1 + SEED;
    for expected in [(0, entries), (entries, 0)] {
        tree(&plan, shared(&cache), |settings| settings);
        assert_eq!(cache.counts(), expected);
    }
}
