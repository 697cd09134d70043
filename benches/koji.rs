//! Composes of a Koji tag with ten thousand RPMs: cold, with nothing known of them, and warm.
//!
//! `cargo bench --bench koji` generates the files and a hub that serves them over HTTP, takes the cases in turn, and
//! prints the medians of wall time, with what the hub takes for its listing told apart. Files are in the page cache.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kojihub::Hub;
use odcs_core::engine::EngineSettings;
use odcs_core::request::{Flag, SourceSpec};
use odcs_core::{ComposeRequest, ComposeState, Engine, Links, MetadataCache, SourceRegistry, SystemClock};
use odcs_db::SqliteStore;
use odcs_sources::koji::client::{HubSettings, KojiHub, TaggedRpms};
use odcs_sources::koji::{Koji, KojiSettings, TagSource};
use odcs_storage::{CacheSettings, NativeBuilder, PackCache, StorageSettings};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// RPMs of the tag.
const RPMS: usize = 10_000;
/// The key that all are signed with.
const KEY: &str = "0badcafe";
const ROUNDS: usize = 5;

/// What is asked for.
struct Case {
    name: &'static str,
    flags: &'static [Flag],
    packages: &'static [&'static str],
    sigkeys: &'static [&'static str],
}

const CASES: [Case; 5] = [
    Case {
        name: "everything, with dependencies",
        flags: &[],
        packages: &[],
        sigkeys: &[],
    },
    Case {
        name: "everything, no_deps",
        flags: &[Flag::NoDeps],
        packages: &[],
        sigkeys: &[],
    },
    Case {
        name: "everything, no_deps, signed",
        flags: &[Flag::NoDeps],
        packages: &[],
        sigkeys: &[KEY],
    },
    Case {
        name: "a package, with dependencies",
        flags: &[],
        packages: &["pkg00007-devel"],
        sigkeys: &[],
    },
    Case {
        name: "a package, no_deps, signed",
        flags: &[Flag::NoDeps],
        packages: &["pkg00007-devel"],
        sigkeys: &[KEY],
    },
];

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let (rpms, rounds) = if test { (60, 1) } else { (RPMS, ROUNDS) };
    // Beside what is built: what is to be linked has to be on one file system.
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp");
    std::fs::create_dir_all(&place).unwrap();
    let dir = TempDir::new_in(&place).unwrap();
    let begun = Instant::now();
    let hub = Hub::generated(dir.path(), rpms, &[KEY]);
    println!(
        "{rpms} RPMs and their signed copies made in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let listings: Vec<Duration> = (0..rounds).map(|_| listing(&runtime, &hub)).collect();
    println!(
        "\nMedians of {rounds} rounds in turn, wall time, {} processors:",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    println!("  {:<32} {:>9}", "the listing alone", shown(median(listings)));
    println!("  {:<32} {:>9} {:>9}", "", "cold", "warm");
    let mut times: Vec<[Vec<Duration>; 2]> = CASES.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for round in 0..rounds {
        for (number, case) in CASES.iter().enumerate() {
            let target = dir.path().join(format!("composes-{round}-{number}"));
            let composer = Composer::new(&runtime, &hub, &target);
            times[number][0].push(composer.compose(&runtime, case));
            times[number][1].push(composer.compose(&runtime, case));
            drop(composer);
            std::fs::remove_dir_all(&target).unwrap();
        }
    }
    for (case, [cold, warm]) in CASES.iter().zip(times) {
        println!(
            "  {:<32} {:>9} {:>9}",
            case.name,
            shown(median(cold)),
            shown(median(warm))
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn shown(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

fn settings(hub: &Hub) -> HubSettings {
    HubSettings::new(hub.url().parse().unwrap())
}

/// How long the hub takes for its answer, and we for reading it meanwhile.
fn listing(runtime: &Runtime, hub: &Hub) -> Duration {
    let client = KojiHub::new(settings(hub)).unwrap();
    let mut query = TaggedRpms::new(kojihub::GENERATED_TAG);
    query.inherit = true;
    query.latest = true;
    let begun = Instant::now();
    let listing = runtime.block_on(client.tagged_rpms(&query)).unwrap();
    assert!(!listing.rpms.is_empty());
    begun.elapsed()
}

/// An engine of its own, with a cache that has nothing yet.
struct Composer(Engine, PathBuf);

impl Composer {
    fn new(runtime: &Runtime, hub: &Hub, target: &Path) -> Self {
        let builder = NativeBuilder::open(StorageSettings::new(target), Arc::new(SystemClock)).unwrap();
        let cache = PackCache::open(builder.targets(), CacheSettings::default()).unwrap();
        let cache: Arc<dyn MetadataCache> = Arc::new(cache);
        let koji = KojiSettings::new(settings(hub))
            .with_topdir(hub.topdir())
            .with_cache(Arc::clone(&cache));
        let mut sources = SourceRegistry::new();
        sources
            .register(TagSource::new(Koji::new(koji).unwrap()))
            .unwrap();
        let store = runtime
            .block_on(SqliteStore::open(target.join("odcs.db")))
            .unwrap();
        let links = Links::new(&"http://localhost/composes".parse().unwrap());
        let builder = Arc::new(builder.with_cache(cache));
        let engine = EngineSettings::new().unwrap();
        Self(
            Engine::new(Arc::new(store), sources, builder, links, engine),
            target.to_owned(),
        )
    }

    fn compose(&self, runtime: &Runtime, case: &Case) -> Duration {
        let mut request = ComposeRequest::new(SourceSpec::Tag(vec![kojihub::GENERATED_TAG.parse().unwrap()]));
        // Each is to be made, though all are the same.
        request.flags = case.flags.iter().copied().chain([Flag::NoReuse]).collect();
        if !case.packages.is_empty() {
            request.packages = Some(case.packages.iter().map(|name| name.parse().unwrap()).collect());
        }
        if !case.sigkeys.is_empty() {
            request.sigkeys = Some(case.sigkeys.iter().map(|key| key.parse().unwrap()).collect());
        }
        let begun = Instant::now();
        let compose = runtime.block_on(async {
            self.0.submit(request, "bench").await.unwrap();
            self.0.worker().run_one().await.unwrap().unwrap()
        });
        let took = begun.elapsed();
        assert_eq!(
            compose.state,
            ComposeState::Done,
            "{compose:?} in {}",
            self.1.display()
        );
        took
    }
}
