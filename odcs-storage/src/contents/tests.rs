//! The store under all that can happen to it.
#![allow(
    clippy::disallowed_methods,
    clippy::string_slice,
    reason = "tests look at files, and damage them; checksums are ASCII"
)]

mod room;

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use odcs_core::testing::ManualClock;
use odcs_core::testing::content_store::{Server, conformance};
use odcs_core::{ErrorKind, Timestamp};
use proptest::prelude::*;
use rustix::fs::FlockOperation;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::layout;
use crate::settings::StorageSettings;

const NOW: i64 = 1_900_000_000;

struct Case {
    target: tempfile::TempDir,
    server: Arc<Server>,
    clock: ManualClock,
    settings: ContentsSettings,
}

impl Case {
    fn new() -> Self {
        let clock = ManualClock::new(Timestamp::from_seconds(NOW));
        Self {
            target: tempfile::tempdir().unwrap(),
            server: Arc::default(),
            settings: ContentsSettings::default().with_clock(Arc::new(clock.clone())),
            clock,
        }
    }

    fn with_bytes(mut self, bytes: u64) -> Self {
        self.settings.bytes = bytes;
        self
    }

    fn open(&self) -> Contents {
        let targets = Targets::open(&StorageSettings::new(self.target.path())).unwrap();
        Contents::open(&targets, self.settings.clone(), self.server.clone()).unwrap()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.target.path().join(layout::CONTENT).join(below)
    }

    fn partials(&self) -> Vec<u64> {
        let entries = std::fs::read_dir(self.path("partial")).unwrap();
        let mut sizes: Vec<_> = entries
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        sizes.sort_unstable();
        sizes
    }

    /// The bytes that are written down.
    fn usage(&self) -> u64 {
        let text = std::fs::read_to_string(self.path("usage")).unwrap();
        text.trim_end().parse().unwrap()
    }

    fn wanted(&self, algorithm: DigestAlgorithm, size: usize, name: &str) -> Wanted {
        let bytes = body(size, name);
        let digest = Digest::of_bytes(algorithm, &bytes);
        let url = self.server.put(name, bytes);
        Wanted::new(vec![url], Some(digest), 1 << 30).with_size(Some(size as u64))
    }

    fn sha256(&self, size: usize, name: &str) -> Wanted {
        self.wanted(DigestAlgorithm::Sha256, size, name)
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn body(size: usize, name: &str) -> Vec<u8> {
    let pairs = name.bytes().cycle().zip((0..=250_u8).cycle());
    pairs.map(|(a, b)| a.wrapping_mul(31) ^ b).take(size).collect()
}

fn digest(wanted: &Wanted) -> &Digest {
    wanted.digest.as_ref().unwrap()
}

async fn is_there(store: &Contents, wanted: &Wanted) -> bool {
    store.find(digest(wanted)).await.unwrap().is_some()
}

fn read(file: &SourceFile) -> Vec<u8> {
    std::fs::read(file.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_is_a_content_store() {
    let temporary = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicUsize::new(0);
    let fresh = async |fetch| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let targets = Targets::open(&StorageSettings::new(temporary.path().join(number.to_string())));
        Contents::open(&targets.unwrap(), ContentsSettings::default(), fetch)
    };
    conformance(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_directory_fetch_once() {
    let mut case = Case::new();
    case.settings = ContentsSettings::default();
    let (one, other) = (case.open(), case.open());
    let wanted = case.sha256(1_000_000, "ed").with_modified(Some(1_500_000_000));
    let tasks = (0..100).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { other.clone() };
        let wanted = wanted.clone();
        tokio::spawn(async move { store.obtain(&wanted).await.unwrap() })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut fetched = 0;
    for task in tasks {
        fetched += task.await.unwrap().fetched;
    }
    assert_eq!((fetched, case.server.gets()), (1_000_000, 1));
    assert!(case.partials().is_empty());
    assert_eq!(case.usage(), 1_000_000);
    let found = one.find(digest(&wanted)).await.unwrap().unwrap();
    assert!(read(&found) == body(1_000_000, "ed"));
    let stat = found.open().unwrap().metadata().unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.mtime()), (0o644, 1_500_000_000));
}

#[tokio::test]
async fn unfinished_files_stay_for_a_day() {
    let mut case = Case::new();
    // Unfinished files have times of the machine.
    case.settings = ContentsSettings::default();
    let wanted = case.sha256(2_000_000, "long");
    case.server.cut_after(Some(900_000));
    let store = case.open();
    assert!(store.obtain(&wanted).await.is_err());
    assert_eq!(case.partials(), [900_000]);
    assert_eq!(case.usage(), 900_000);
    // Cut before there is enough to be worth a file; and one that nobody can go on from.
    case.server.cut_after(Some(100_000));
    assert!(store.obtain(&case.sha256(200_000, "short")).await.is_err());
    let mut unknown = case.sha256(2_000_000, "unknown");
    (unknown.digest, unknown.size) = (None, None);
    case.server.cut_after(Some(900_000));
    assert!(store.obtain(&unknown).await.is_err());
    assert_eq!((case.partials(), case.usage()), (vec![900_000], 900_000));

    drop(store);
    case.server.cut_after(None);
    let obtained = case.open().obtain(&wanted).await.unwrap();
    assert_eq!(obtained.fetched, 1_100_000);
    assert_eq!((case.partials(), case.usage()), (vec![], 2_000_000));

    // All of it, but killed before it could be renamed.
    let whole = case.sha256(300_000, "whole");
    let name = address::partial_name(&whole).unwrap();
    std::fs::write(case.path("partial").join(&name), body(300_000, "whole")).unwrap();
    let gets = case.server.gets();
    assert_eq!(case.open().obtain(&whole).await.unwrap().fetched, 0);
    assert_eq!(case.server.gets(), gets);

    // Too old, or nobody's; but not what somebody is at work on.
    for name in [
        "new-1-1",
        "sha256-old",
        "sha256-empty",
        "sha256-new",
        "sha256-locked",
    ] {
        std::fs::write(case.path("partial").join(name), "12345").unwrap();
    }
    let open = |name| {
        std::fs::File::options()
            .write(true)
            .open(case.path("partial").join(name))
            .unwrap()
    };
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    open("sha256-old").set_modified(old).unwrap();
    open("sha256-locked").set_modified(old).unwrap();
    open("sha256-empty").set_len(0).unwrap();
    let locked = open("sha256-locked");
    rustix::fs::flock(&locked, FlockOperation::LockExclusive).unwrap();
    case.open();
    assert_eq!(case.partials(), [5, 5]);
    assert!(case.path("partial/sha256-new").exists() && case.path("partial/sha256-locked").exists());
}

#[tokio::test]
async fn others_at_work_are_waited_for() {
    let case = Case::new();
    let store = case.open();
    let wanted = case.sha256(1_000, "ed");
    let name = address::partial_name(&wanted).unwrap();
    let file = std::fs::File::create(case.path("partial").join(name)).unwrap();
    rustix::fs::flock(&file, FlockOperation::LockExclusive).unwrap();
    let asking = tokio::spawn({
        let (store, wanted) = (store.clone(), wanted.clone());
        async move { store.obtain(&wanted).await.unwrap().fetched }
    });
    for _ in 0..10 {
        while case.clock.sleepers() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(case.server.gets(), 0);
        case.later(1);
        tokio::task::yield_now().await;
    }
    // Killed: the kernel lets the lock go, and the next one goes on.
    drop(file);
    while !asking.is_finished() {
        case.later(1);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(asking.await.unwrap(), 1_000);
}

#[tokio::test]
async fn one_who_does_not_wait_any_more_leaves_nothing_locked() {
    let mut case = Case::new();
    case.settings = ContentsSettings::default();
    let store = case.open();
    let wanted = case.sha256(3_000_000, "ed");
    for steps in [1, 2, 3, 5, 8, 20, 50] {
        let mut asking = Box::pin(store.obtain(&wanted));
        for _ in 0..steps {
            let wait = tokio::time::timeout(Duration::from_micros(300), &mut asking);
            if wait.await.is_ok() {
                break;
            }
        }
    }
    let obtained = store.obtain(&wanted).await.unwrap();
    assert!(read(&obtained.file) == body(3_000_000, "ed"));
    assert!(case.partials().is_empty());
    let stats = store.directory().stats().await.unwrap();
    assert_eq!((stats.files, stats.bytes), (1, 3_000_000));
}

#[tokio::test]
async fn a_sha1_finds_what_came_from_the_same_place_alone() {
    let case = Case::new();
    let store = case.open();
    let wanted = case.wanted(DigestAlgorithm::Sha1, 500, "old");
    store.obtain(&wanted).await.unwrap();
    assert!(!is_there(&store, &wanted).await);
    let mut elsewhere = wanted.clone();
    elsewhere.places = vec![case.server.put("elsewhere", body(500, "old"))];
    assert_eq!(store.obtain(&elsewhere).await.unwrap().fetched, 500);
    assert_eq!(store.obtain(&wanted).await.unwrap().fetched, 0);
    assert_eq!(store.recheck(&[digest(&wanted).clone()]).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_there_stays_if_it_is_right_and_gives_way_if_not() {
    let case = Case::new();
    let store = case.open();
    let of = |algorithm| case.wanted(algorithm, 5_000, "ed");
    let file = store.obtain(&of(DigestAlgorithm::Sha256)).await.unwrap().file;
    let inode = || std::fs::metadata(file.to_string()).unwrap().ino();
    let first = inode();
    // Somebody may be reading it, to link to it then.
    let again = store.obtain(&of(DigestAlgorithm::Sha512)).await.unwrap();
    assert_eq!((again.fetched, inode()), (5_000, first));
    assert_eq!((case.usage(), case.partials().len()), (5_000, 0));
    // It is damaged, and a compose has it.
    let mut bytes = read(&file);
    bytes[0] ^= 1;
    std::fs::write(file.to_string(), bytes).unwrap();
    std::fs::hard_link(file.to_string(), case.target.path().join("linked")).unwrap();
    store.obtain(&of(DigestAlgorithm::Sha384)).await.unwrap();
    assert_ne!(inode(), first);
    assert!(read(&file) == body(5_000, "ed"));
    assert_eq!((case.usage(), case.partials().len()), (5_000, 0));
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_not_followed() {
    let case = Case::new();
    let store = case.open();
    let wanted = case.wanted(DigestAlgorithm::Sha512, 500, "ed");
    store.obtain(&wanted).await.unwrap();
    let hex = digest(&wanted).hex();
    let alias = case.path("sha512").join(&hex[..2]).join(&hex[2..]);
    for target in ["/etc/passwd", "../../../secret", "../../sha256/ab/cd", "."] {
        std::fs::remove_file(&alias).unwrap();
        symlink(target, &alias).unwrap();
        assert!(!is_there(&store, &wanted).await, "{target}");
        assert_eq!(store.obtain(&wanted).await.unwrap().fetched, 500, "{target}");
        assert!(is_there(&store, &wanted).await, "{target}: not mended");
    }
    // Directories that lead elsewhere are refused.
    let outside = tempfile::tempdir().unwrap();
    let shard = case.path("sha512").join(&hex[..2]);
    std::fs::remove_dir_all(&shard).unwrap();
    symlink(outside.path(), &shard).unwrap();
    assert!(store.obtain(&wanted).await.is_err());
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_damaged_is_found_and_dropped() {
    let case = Case::new();
    let store = case.open();
    let files: Vec<_> = (0..4).map(|n| case.sha256(1_000, &format!("file-{n}"))).collect();
    let mut paths = Vec::new();
    for wanted in &files {
        let path = store.obtain(wanted).await.unwrap().file.to_string();
        paths.push(path);
    }
    std::fs::write(&paths[1], body(1_000, "other")).unwrap();
    // As after a power cut.
    std::fs::write(&paths[2], "").unwrap();
    std::fs::hard_link(&paths[1], case.target.path().join("linked")).unwrap();
    assert!(!is_there(&store, &files[2]).await);
    let (seen, times) = (Arc::new(std::sync::Mutex::new(0)), || {
        std::fs::metadata(&paths[0]).unwrap().atime()
    });
    let (count, used) = (Arc::clone(&seen), times());
    let progress = move |verified: &Verified| *count.lock().unwrap() = verified.files;
    let verified = store
        .directory()
        .verify(progress, CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        (verified.files, *seen.lock().unwrap(), verified.stopped),
        (4, 4, false)
    );
    let mut damaged: Vec<_> = verified.damaged.iter().map(|it| (&it.digest, it.links)).collect();
    damaged.sort_unstable();
    let mut expected = vec![(digest(&files[1]), 1), (digest(&files[2]), 0)];
    expected.sort_unstable();
    assert_eq!(damaged, expected);
    assert_eq!(times(), used, "to be verified is not to be used");
    assert!(is_there(&store, &files[0]).await && !is_there(&store, &files[1]).await);
    for wanted in &files {
        store.obtain(wanted).await.unwrap();
    }
    let stopped = CancellationToken::new();
    stopped.cancel();
    let verified = store.directory().verify(|_| {}, stopped).await.unwrap();
    assert_eq!((verified.files, verified.stopped), (0, true));
}

#[tokio::test]
async fn pruning_removes_what_it_says() {
    let case = Case::new();
    let store = case.open();
    let files: Vec<_> = (0..4)
        .map(|n| case.wanted(DigestAlgorithm::Sha512, 1_000, &format!("file-{n}")))
        .collect();
    for wanted in &files {
        store.obtain(wanted).await.unwrap();
        case.later(86_400);
    }
    let prune = async |pruning: Pruning| {
        let pruned = store.directory().prune(pruning).await.unwrap();
        (pruned.files, pruned.bytes, pruned.left)
    };
    assert_eq!(prune(Pruning::leftovers()).await, (0, 0, 4_000));
    let old = Pruning::leftovers().older_than(Some(Duration::from_secs(3 * 86_400)));
    assert_eq!(prune(old.dry_run(true)).await, (2, 2_000, 2_000));
    assert_eq!(store.directory().stats().await.unwrap().files, 4);
    assert_eq!(prune(old).await, (2, 2_000, 2_000));
    assert!(!is_there(&store, &files[1]).await && is_there(&store, &files[2]).await);
    let hex = digest(&files[0]).hex();
    let alias = |hex: &str| case.path("sha512").join(&hex[..2]).join(&hex[2..]);
    // Times of names are those of the machine, which is behind the clock of this test.
    assert!(!alias(hex).is_symlink() && alias(digest(&files[2]).hex()).is_symlink());
    // The third one was just asked for.
    assert_eq!(prune(Pruning::leftovers().to(Some(0))).await, (1, 1_000, 1_000));
    case.later(86_400);
    assert_eq!(prune(Pruning::leftovers().to(Some(0))).await, (1, 1_000, 0));
    assert_eq!(case.usage(), 0);
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let case = Case::new();
    drop(case.open());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(case.path("sha256"), Some(12_345), None).unwrap();
        let targets = Targets::open(&StorageSettings::new(case.target.path())).unwrap();
        let error = ContentDirectory::open(&targets, ContentsSettings::default()).unwrap_err();
        assert!(matches!(error, crate::Error::Tampered { .. }), "{error}");
    }
    let other = Case::new();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), other.target.path().join(layout::CONTENT)).unwrap();
    let targets = Targets::open(&StorageSettings::new(other.target.path())).unwrap();
    assert!(ContentDirectory::open(&targets, ContentsSettings::default()).is_err());
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

/// Something that happens to a store.
#[derive(Clone, Debug)]
enum Step {
    Obtain(usize),
    ObtainAtOnce(Vec<usize>),
    Find(usize),
    Keep(usize),
    Cut(Option<usize>),
    Damage(usize),
    Recheck(usize),
    Prune(u64),
    Link(usize),
    Later(u64),
    Reopen,
}

const FILES: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let file = || 0..FILES;
    prop_oneof![
        4 => file().prop_map(Step::Obtain),
        2 => prop::collection::vec(file(), 2..6).prop_map(Step::ObtainAtOnce),
        2 => file().prop_map(Step::Find),
        1 => file().prop_map(Step::Keep),
        2 => prop::option::of(0_usize..700_000).prop_map(Step::Cut),
        1 => file().prop_map(Step::Damage),
        1 => file().prop_map(Step::Recheck),
        1 => (0_u64..1_500_000).prop_map(Step::Prune),
        1 => file().prop_map(Step::Link),
        2 => (0_u64..5_000).prop_map(Step::Later),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_files_are_whole_and_within_the_cap(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(live(steps));
    }
}

async fn live(steps: Vec<Step>) {
    let case = Case::new().with_bytes(1_200_000);
    let mut store = case.open();
    let size = |n: usize| [1_000, 20_000, 262_144, 300_000, 600_000, 650_000][n];
    let kinds = [
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha512,
        DigestAlgorithm::Sha1,
    ];
    let wanted: Vec<_> = (0..FILES)
        .map(|n| case.wanted(kinds[n % 3], size(n), &format!("f{n}")))
        .collect();
    let bodies: Vec<_> = (0..FILES).map(|n| body(size(n), &format!("f{n}"))).collect();
    let mut damaged = false;
    let mut links = 0;
    for step in steps {
        match step {
            Step::Obtain(n) => {
                if let Ok(obtained) = store.obtain(&wanted[n]).await {
                    assert!(damaged || read(&obtained.file) == bodies[n]);
                }
            }
            Step::ObtainAtOnce(all) => {
                let tasks = all.into_iter().map(|n| {
                    let (store, wanted) = (store.clone(), wanted[n].clone());
                    tokio::spawn(async move { drop(store.obtain(&wanted).await) })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await.unwrap();
                }
            }
            Step::Find(n) => drop(store.find(digest(&wanted[n])).await.unwrap()),
            Step::Keep(n) => drop(store.keep(bodies[n].clone().into()).await),
            Step::Cut(cut) => case.server.cut_after(cut),
            Step::Damage(n) => {
                let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bodies[n]);
                if let Some(file) = store.find(&digest).await.unwrap() {
                    std::fs::write(file.to_string(), vec![1; size(n)]).unwrap();
                    damaged = true;
                }
            }
            Step::Recheck(n) => drop(store.recheck(&[digest(&wanted[n]).clone()]).await.unwrap()),
            Step::Prune(to) => drop(
                store
                    .directory()
                    .prune(Pruning::leftovers().to(Some(to)))
                    .await
                    .unwrap(),
            ),
            Step::Link(n) => {
                let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bodies[n]);
                if let Some(file) = store.find(&digest).await.unwrap() {
                    links += 1;
                    let link = case.target.path().join(format!("link-{links}"));
                    std::fs::hard_link(file.to_string(), link).unwrap();
                }
            }
            Step::Later(seconds) => case.later(seconds),
            Step::Reopen => store = case.open(),
        }
        let verified = store
            .directory()
            .verify(|_| {}, CancellationToken::new())
            .await
            .unwrap();
        assert!(damaged || verified.damaged.is_empty(), "{verified:?}");
        damaged = false;
        let stats = store.directory().stats().await.unwrap();
        assert!(stats.bytes + stats.partial_bytes <= 1_200_000, "{stats:?}");
        assert_eq!(case.usage(), stats.bytes + stats.partial_bytes);
    }
}
