//! A repository on disk, the plan for a compose of it, and a target directory to build in.

#![allow(dead_code, unreachable_pub, reason = "each test target uses its own part")]

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use odcs_core::compose::{Requested, Times};
use odcs_core::files::{Root, SourceFile};
use odcs_core::plan::{ArchPlan, Plan, PlannedPackage, SignaturePolicy};
use odcs_core::request::{Lifetime, SourceSpec};
use odcs_core::source::Candidate;
use odcs_core::store::Lease;
use odcs_core::{
    Built, CacheKey, Clock, Compose, ComposeBuilder, ComposeId, ComposeRequest, ComposeState, Job, Links,
    MetadataCache, Result, Staged, Timestamp, Work,
};
use odcs_rpm::TreeArch;
use odcs_rpm::header::{FileFacts, read_file};
use odcs_storage::{NativeBuilder, StorageSettings};
pub use test_support::{contents, tree};

/// The newest build time of the repository of five packages.
pub const TIMESTAMP: u64 = 1_496_834_159;

/// Always at noon.
#[derive(Debug)]
pub struct Noon;

#[async_trait]
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_795_262_400)
    }

    async fn sleep(&self, _duration: Duration) {}
}

/// A directory of packages, read.
pub struct Repository {
    pub directory: PathBuf,
    pub candidates: Vec<Arc<Candidate>>,
}

impl Repository {
    /// Reads every `.rpm` below a directory.
    pub fn read(directory: &Path) -> Self {
        let root = Arc::new(Root::open(directory).unwrap());
        let paths = tree(directory).into_iter().filter(|path| path.ends_with(".rpm"));
        let candidate = |path: String| {
            let file = SourceFile {
                root: Arc::clone(&root),
                path: path.parse().unwrap(),
            };
            let opened = file.open().unwrap();
            let meta = opened.metadata().unwrap();
            let facts = FileFacts {
                size: meta.len(),
                modified: meta.mtime().try_into().unwrap(),
            };
            let read = read_file(opened, facts, None).unwrap();
            Arc::new(Candidate::new(Arc::new(read.package), file).with_checksum(read.sha256))
        };
        Self {
            directory: directory.to_owned(),
            candidates: paths.map(candidate).collect(),
        }
    }

    /// The candidate with this name and arch.
    pub fn candidate(&self, name: &str, arch: &str) -> Arc<Candidate> {
        let found = self.candidates.iter().find(|candidate| {
            let nevra = &candidate.package.nevra;
            nevra.name().as_str() == name && nevra.arch().as_str() == arch
        });
        Arc::clone(found.unwrap())
    }

    /// Everything whose name begins so, for these arches.
    pub fn plan(&self, arches: &[&str], prefix: &str) -> Plan {
        let arch = |arch: &&str| {
            let arch: TreeArch = arch.parse().unwrap();
            let mut packages: Vec<_> = self
                .candidates
                .iter()
                .filter(|candidate| {
                    let nevra = &candidate.package.nevra;
                    let fits = arch.admits(nevra.arch()) || nevra.arch().is_source();
                    fits && nevra.name().as_str().starts_with(prefix)
                })
                .map(|candidate| PlannedPackage {
                    candidate: Arc::clone(candidate),
                    copies: Vec::new(),
                    kind: candidate.package.kind(),
                    why: None,
                })
                .collect();
            packages.sort_by(|a, b| {
                let key = |planned: &PlannedPackage| (planned.kind, planned.candidate.package.nevra.clone());
                key(a).cmp(&key(b))
            });
            ArchPlan {
                arch,
                packages,
                signatures: SignaturePolicy::default(),
                lookaside: Vec::new(),
            }
        };
        Plan {
            updateinfo: None,
            arches: arches.iter().map(arch).collect(),
            timestamp: TIMESTAMP,
            comps_packages: [prefix]
                .iter()
                .filter(|name| !name.is_empty())
                .map(|name| name.parse().unwrap())
                .collect(),
            source_description: "the repository of the test".into(),
        }
    }
}

/// The repository of five packages, written into a directory.
pub fn ed_repository(directory: &Path) -> Repository {
    rpmgen::write_repository(directory, rpmgen::ed_repository(), rpmgen::Layout::Flat).unwrap();
    Repository::read(directory)
}

/// A repository with real signatures, kept beside the tests of the whole program.
pub fn signed_repository() -> Repository {
    Repository::read(&test_support::test_repository().join("Packages"))
}

/// Links as the reference server of the fixtures has them.
pub fn links() -> Links {
    Links::new(&"http://localhost/odcs".parse().unwrap())
}

/// A record in state `generating`, submitted on the day of the fixtures.
pub fn compose(id: i64) -> Compose {
    let request = ComposeRequest::new(SourceSpec::Repo("/srv/repo".parse().unwrap()));
    Compose {
        id: ComposeId::new(id),
        owner: "somebody".into(),
        state: ComposeState::Generating,
        state_reason: None,
        times: Times {
            submitted: "2026-11-21T09:42:31Z".parse().unwrap(),
            started: None,
            done: None,
            removed: None,
            expires: "2026-11-22T09:42:31Z".parse().unwrap(),
        },
        lifetime: Lifetime::DEFAULT,
        removed_by: None,
        reused_id: None,
        koji_task_id: None,
        pungi_compose_id: None,
        pungi_config_dump: None,
        requested: Requested::from_request(&request),
        request: Some(request),
        pins: None,
        renews: None,
    }
}

/// The same work for another target directory.
pub fn to_target(mut job: Job, name: &str) -> Job {
    job.compose.requested.target_dir = name.into();
    job
}

/// The work on compose `id` under a lease.
pub fn job(id: i64, lease: i64, plan: Plan) -> Job {
    Job {
        compose: compose(id),
        lease: Lease {
            id: ComposeId::new(id),
            number: lease,
        },
        work: Work::Packages(plan),
        links: links(),
        cancel: Default::default(),
    }
}

/// A cache in memory, and how often it had what it was asked for.
#[derive(Debug, Default)]
pub struct Memory {
    entries: RwLock<HashMap<CacheKey, Vec<u8>>>,
    pub found: AtomicU64,
    pub put: AtomicU64,
}

impl Memory {
    /// Changes all entries.
    pub fn change(&self, change: impl Fn(&mut Vec<u8>)) {
        self.entries.write().unwrap().values_mut().for_each(change);
    }

    /// How many entries were found and put since it was last asked.
    pub fn counts(&self) -> (u64, u64) {
        (
            self.found.swap(0, Ordering::Relaxed),
            self.put.swap(0, Ordering::Relaxed),
        )
    }
}

impl MetadataCache for Memory {
    fn get(&self, key: &CacheKey, into: &mut Vec<u8>) -> bool {
        let entries = self.entries.read().unwrap();
        into.clear();
        let Some(entry) = entries.get(key) else {
            return false;
        };
        into.extend_from_slice(entry);
        self.found.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn put(&self, key: &CacheKey, parts: &[&[u8]]) {
        self.put.fetch_add(1, Ordering::Relaxed);
        self.entries.write().unwrap().insert(*key, parts.concat());
    }

    fn flush(&self) {}
}

/// A builder and the directory it builds in.
pub struct Target {
    pub path: PathBuf,
    pub builder: NativeBuilder,
}

impl Target {
    /// Opens a builder. From here on the umask of the process is one that would hide everything from
    /// others, which nothing published may be touched by.
    pub fn open(path: &Path) -> Self {
        Self::with(StorageSettings::new(path).with_threads(2))
    }

    pub fn with(settings: StorageSettings) -> Self {
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
        Self {
            path: settings.target_dir.clone(),
            builder: NativeBuilder::open(settings, Arc::new(Noon)).unwrap(),
        }
    }

    pub fn build(&self, job: Job) -> Result<Built> {
        runtime().block_on(async {
            let progress = self.builder.begin(&job.compose).await?;
            self.builder.stage(job, progress).await?.publish().await
        })
    }

    /// Builds, and leaves publishing for later.
    pub fn stage(&self, job: Job) -> Result<Box<dyn Staged>> {
        runtime().block_on(async {
            let progress = self.builder.begin(&job.compose).await?;
            self.builder.stage(job, progress).await
        })
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path.join(path)).unwrap()
    }

    /// Whether nothing but the log of compose 1 is there.
    pub fn assert_nothing_half_made(&self) {
        assert_eq!(tree(&self.path.join(".staging")), Vec::<String>::new());
        let visible = tree(&self.path.join("odcs-1"));
        assert!(
            visible.iter().all(|path| path == "pungi-stderr.log"),
            "{visible:?}"
        );
    }
}

pub fn publish(staged: Box<dyn Staged>) -> Result<Built> {
    runtime().block_on(staged.publish())
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}
