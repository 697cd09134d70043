//! Makes a compose with the library crates alone: no HTTP, nothing to configure.
//!
//! `cargo run --example embed` makes one from `tests/repo` and says where it is.
#![allow(
    clippy::disallowed_methods,
    reason = "the file is one that this program has made"
)]

use std::sync::Arc;

use odcs_core::engine::EngineSettings;
use odcs_core::request::SourceSpec;
use odcs_core::{ComposeRequest, ComposeState, Engine, Links, SourceRegistry, SystemClock};
use odcs_db::SqliteStore;
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{NativeBuilder, StorageSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let repository = std::env::current_dir()?.join("tests/repo");
    let target = tempfile::Builder::new().prefix("odcs-embed-").tempdir_in(".")?;

    let mut sources = SourceRegistry::new();
    sources.register(RepoSource::new(RepoSettings::new([&repository]))?)?;
    let builder = NativeBuilder::open(StorageSettings::new(target.path()), Arc::new(SystemClock))?;
    let store = SqliteStore::in_memory().await?;
    let links = Links::new(&format!("file://{}", target.path().canonicalize()?.display()).parse()?);
    let engine = Engine::new(
        Arc::new(store),
        sources,
        Arc::new(builder),
        links,
        EngineSettings::new()?,
    );

    let location = repository.display().to_string().parse()?;
    let mut request = ComposeRequest::new(SourceSpec::Repo(location));
    request.packages = Some(vec!["ed".parse()?]);
    engine.submit(request, "me").await?;
    let compose = engine.worker().run_one().await?.ok_or("nothing was waiting")?;
    if compose.state != ComposeState::Done {
        return Err(compose.state_reason.unwrap_or_default().into());
    }
    let repo_file = target.path().join("odcs-1/compose/Temporary/odcs-1.repo");
    std::io::copy(&mut std::fs::File::open(repo_file)?, &mut std::io::stdout())?;
    Ok(())
}
