//! A thousand packages: reading headers, gathering, repodata, and a whole compose beside createrepo_c.
//!
//! `cargo bench --bench compose` prints criterion's figures first, then the medians of whole composes
//! and of `createrepo_c --no-database` over the same files, taken in turn in the same run. It ends with
//! exit code 1 if a compose takes as long as createrepo_c, which links, gathers and checks nothing.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use odcs_core::engine::EngineSettings;
use odcs_core::request::{Flag, SourceSpec};
use odcs_core::{ComposeRequest, ComposeState, Engine, Links, SourceRegistry, SystemClock};
use odcs_db::SqliteStore;
use odcs_rpm::gather::{Greedy, Options, PackageSet, Request, gather};
use odcs_rpm::header::{FileFacts, ReadFile, read_file, read_header};
use odcs_rpm::repodata::{Entry, RepodataOptions, write_repodata};
use odcs_rpm::{Package, PackagePattern};
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{NativeBuilder, StorageSettings};
use rpmgen::{GeneratorOptions, Layout, generate, write_repository};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PACKAGES: usize = 1000;

/// Rounds of the comparison; the medians of so many are steady to a few percent.
const ROUNDS: usize = 11;

fn main() -> ExitCode {
    let dir = TempDir::new().unwrap();
    let plain = dir.path().join("plain");
    let options = GeneratorOptions {
        packages: PACKAGES,
        ..GeneratorOptions::default()
    };
    write_repository(&plain, generate(options), Layout::Flat).unwrap();
    let files: Vec<PathBuf> = std::fs::read_dir(plain.join("Packages"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();

    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    parts(&mut criterion, &files);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    compare(dir.path(), &plain)
}

fn facts(file: &File) -> FileFacts {
    let metadata = file.metadata().unwrap();
    FileFacts {
        size: metadata.len(),
        modified: u64::try_from(metadata.mtime()).unwrap(),
    }
}

fn parts(criterion: &mut Criterion, files: &[PathBuf]) {
    let read = |path: &PathBuf| -> ReadFile {
        let file = File::open(path).unwrap();
        read_file(&file, facts(&file), None).unwrap()
    };
    let packages: Vec<ReadFile> = files.iter().map(read).collect();
    let shared: Vec<Arc<Package>> = packages
        .iter()
        .map(|read| Arc::new(read.package.clone()))
        .collect();

    let mut group = criterion.benchmark_group("1000 packages, one thread");
    group.throughput(Throughput::Elements(PACKAGES as u64));
    group.bench_function("headers", |bencher| {
        bencher.iter(|| {
            for path in files {
                let file = File::open(path).unwrap();
                black_box(read_header(&file, facts(&file)).unwrap());
            }
        });
    });
    group.bench_function("headers and digests", |bencher| {
        bencher.iter(|| files.iter().map(read).map(black_box).count());
    });
    group.bench_function("index and gather everything", |bencher| {
        let mut options = Options::new("x86_64".parse().unwrap());
        options.greedy = Greedy::Build;
        bencher.iter(|| {
            let set = PackageSet::new(shared.clone(), Vec::new()).unwrap();
            black_box(gather(&set, &Request::Everything, &options))
        });
    });
    group.bench_function("gather ten", |bencher| {
        let mut options = Options::new("x86_64".parse().unwrap());
        options.greedy = Greedy::Build;
        let set = PackageSet::new(shared.clone(), Vec::new()).unwrap();
        let names = shared
            .iter()
            .step_by(PACKAGES / 10)
            .map(|package| package.nevra.name().as_str());
        let ten = Request::Packages(
            names
                .map(|name| name.parse::<PackagePattern>().unwrap())
                .collect(),
        );
        bencher.iter(|| black_box(gather(&set, &ten, &options)));
    });
    group.finish();

    let mut group = criterion.benchmark_group("1000 packages");
    group.throughput(Throughput::Elements(PACKAGES as u64));
    group.bench_function("repodata", |bencher| {
        let locations: Vec<String> = packages
            .iter()
            .map(|read| format!("Packages/{}", read.package.nevra.file_name()))
            .collect();
        let entries: Vec<Entry<'_>> = packages
            .iter()
            .zip(&locations)
            .map(|(read, location)| Entry {
                package: &read.package,
                checksum: &read.sha256,
                location,
            })
            .collect();
        bencher.iter(|| black_box(write_repodata(&entries, RepodataOptions::new(1)).unwrap()));
    });
    group.finish();
}

/// An engine of its own, and composes of everything a repository has.
struct Composer {
    runtime: Runtime,
    engine: Engine,
    request: ComposeRequest,
}

impl Composer {
    fn new(target: &Path, repository: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut sources = SourceRegistry::new();
        sources
            .register(RepoSource::new(RepoSettings::new([repository])).unwrap())
            .unwrap();
        let builder = NativeBuilder::open(StorageSettings::new(target), Arc::new(SystemClock)).unwrap();
        let store = runtime.block_on(SqliteStore::in_memory()).unwrap();
        let links = Links::new(&"http://localhost/composes".parse().unwrap());
        let engine = Engine::new(
            Arc::new(store),
            sources,
            Arc::new(builder),
            links,
            EngineSettings::new().unwrap(),
        );
        let location = repository
            .canonicalize()
            .unwrap()
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let mut request = ComposeRequest::new(SourceSpec::Repo(location));
        // Each is to be made, though all are the same.
        request.flags = [Flag::NoReuse].into_iter().collect();
        Self {
            runtime,
            engine,
            request,
        }
    }

    fn compose(&self) -> Duration {
        let begun = Instant::now();
        let compose = self.runtime.block_on(async {
            self.engine.submit(self.request.clone(), "bench").await.unwrap();
            self.engine.worker().run_one().await.unwrap().unwrap()
        });
        let took = begun.elapsed();
        assert_eq!(
            (compose.state, compose.reused_id),
            (ComposeState::Done, None),
            "{compose:?}"
        );
        took
    }
}

fn createrepo_c(directory: &Path) -> Duration {
    // From nothing, every time.
    let _ = std::fs::remove_dir_all(directory.join("repodata"));
    let begun = Instant::now();
    let status = Command::new("createrepo_c")
        .args(["--quiet", "--no-database"])
        .arg(directory)
        .status();
    let took = begun.elapsed();
    assert!(status.unwrap().success());
    took
}

fn compare(dir: &Path, plain: &Path) -> ExitCode {
    if Command::new("createrepo_c").arg("--version").output().is_err() {
        eprintln!("createrepo_c is not installed: nothing to compare with");
        return ExitCode::FAILURE;
    }
    // Links, so that both read the same bytes from the same pages.
    let (theirs, repository) = (dir.join("theirs"), dir.join("repository"));
    for copy in [&theirs, &repository] {
        std::fs::create_dir(copy).unwrap();
        for entry in std::fs::read_dir(plain.join("Packages")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::hard_link(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
    }
    createrepo_c(&repository);
    let directory = Composer::new(&dir.join("composes-1"), plain);
    let with_repodata = Composer::new(&dir.join("composes-2"), &repository);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        times[0].push(createrepo_c(&theirs));
        times[1].push(directory.compose());
        times[2].push(with_repodata.compose());
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "\n{PACKAGES} packages, medians of {ROUNDS} rounds in turn, wall time, {processors} processors, files in the page cache:"
    );
    let names = [
        "createrepo_c --no-database",
        "whole compose, plain directory",
        "whole compose, with repodata",
    ];
    for (name, median) in names.iter().zip(&medians) {
        let ratio = medians[0].as_secs_f64() / median.as_secs_f64();
        println!(
            "  {name:<32} {:>7.1} ms   {ratio:.2} times as fast",
            median.as_secs_f64() * 1000.0
        );
    }
    if medians[1..].iter().all(|median| *median < medians[0]) {
        println!("a whole compose takes less time than createrepo_c alone: ok");
        ExitCode::SUCCESS
    } else {
        println!("a whole compose takes as long as createrepo_c alone: short");
        ExitCode::FAILURE
    }
}
