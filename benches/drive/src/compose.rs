//! A whole compose: from a request to what is published.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use odcs_core::engine::EngineSettings;
use odcs_core::request::{Flag, SourceSpec};
use odcs_core::{ComposeRequest, ComposeState, Engine, Links, MetadataCache, SourceRegistry, SystemClock};
use odcs_db::SqliteStore;
use odcs_rpm::compression::WriteCompression;
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{CacheSettings, NativeBuilder, PackCache, RepodataSettings, StorageSettings};

use crate::spent::Begun;
use crate::timed::Timed;
use crate::words::Words;

pub(crate) struct Work {
    directory: PathBuf,
    target: PathBuf,
    compression: WriteCompression,
    threads: usize,
    packages: Option<PathBuf>,
    no_deps: bool,
}

impl Work {
    pub(crate) fn parse(mut words: Words) -> Result<Self, String> {
        let work = Self {
            directory: words.path("a directory")?,
            target: words.option("--target")?.ok_or("--target is needed")?,
            compression: words.compression()?,
            threads: words.threads()?,
            packages: words.option("--packages")?,
            no_deps: words.flag("--no-deps"),
        };
        words.end()?;
        Ok(work)
    }
}

/// The names in a file.
pub(crate) fn names<T: std::str::FromStr<Err: std::fmt::Debug>>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .map(|name| name.parse().unwrap())
        .collect()
}

pub(crate) fn run(work: &Work) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(work.threads)
        .enable_all()
        .build()
        .unwrap();
    // What is indexed runs on the pool that all share.
    rayon::ThreadPoolBuilder::new()
        .num_threads(work.threads)
        .build_global()
        .unwrap();
    let directory = work.directory.canonicalize().unwrap();
    let repodata = RepodataSettings::default().with_compression(work.compression);
    let settings = StorageSettings::new(&work.target)
        .with_threads(work.threads)
        .with_repodata(repodata);
    let builder = NativeBuilder::open(settings, Arc::new(SystemClock)).unwrap();
    let cache: Arc<dyn MetadataCache> =
        Arc::new(PackCache::open(builder.targets(), CacheSettings::default()).unwrap());
    let (builder, spent) = Timed::new(builder.with_cache(Arc::clone(&cache)));
    let mut sources = SourceRegistry::new();
    let settings = RepoSettings::new([&directory]).with_cache(Arc::clone(&cache));
    sources.register(RepoSource::new(settings).unwrap()).unwrap();
    let store = runtime
        .block_on(SqliteStore::open(work.target.join("odcs.db")))
        .unwrap();
    let links = Links::new(&"http://localhost/composes".parse().unwrap());
    let engine = Engine::new(
        Arc::new(store),
        sources,
        Arc::new(builder),
        links,
        EngineSettings::new().unwrap(),
    );
    let mut request = ComposeRequest::new(SourceSpec::Repo(directory.to_str().unwrap().parse().unwrap()));
    // Each is to be made, though all are the same.
    let no_deps = work.no_deps.then_some(Flag::NoDeps);
    request.flags = [Flag::NoReuse].into_iter().chain(no_deps).collect();
    if let Some(packages) = &work.packages {
        request.packages = Some(names(packages));
    }
    let begun = Begun::now();
    let compose = runtime.block_on(async {
        engine.submit(request, "bench").await.unwrap();
        engine.worker().run_one().await.unwrap().unwrap()
    });
    assert_eq!(
        (compose.state, compose.reused_id),
        (ComposeState::Done, None),
        "{compose:?}"
    );
    let whole = begun.spent();
    cache.flush();
    whole.print("");
    spent.lock().unwrap().print("laid-out-");
}
