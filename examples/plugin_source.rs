//! A source type of your own: `inbox`. A CI job drops packages into a directory, under another name than `*.rpm`
//! until they are whole; whoever wants to test them asks for a compose of that directory.
//!
//! `cargo run --example plugin_source` puts the source through the conformance suite and into a server, and has that
//! make a compose, asked over REST. `docs/plugins.md` explains it.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, reason = "JSON without a field has null")]

use std::{error::Error as StdError, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use odcs_auth::{AllowAll, NoAuth};
use odcs_core::engine::{EngineSettings, Shutdown};
use odcs_core::files::{RelativePath, Root};
use odcs_core::request::SourceSpec;
use odcs_core::source::local::{self, PinnedFiles, blocking};
use odcs_core::source::{Capability, Content, Pins, Resolved};
use odcs_core::testing::source::{Cases, conformance};
use odcs_core::{
    ComposeRequest, ComposeSource, Engine, Links, Manifest, Result, SourceKind, SourceRegistry, SystemClock,
};
use odcs_db::SqliteStore;
use odcs_http::{ApiState, HttpOptions};
use odcs_storage::{NativeBuilder, PublishedComposes, StorageSettings};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The `inbox` source: packages from the directories below one root.
#[derive(Debug)]
pub(crate) struct Inbox {
    kind: SourceKind,
    root: Arc<Root>,
}

impl Inbox {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let root = Root::open(path).map_err(|error| local::io_error(error, path.display()))?;
        let (kind, root) = (SourceKind::custom("inbox", 100)?, Arc::new(root));
        Ok(Self { kind, root })
    }

    /// The directory that a request names, as a type that no `..` fits into.
    fn directory(request: &ComposeRequest) -> Result<RelativePath> {
        request.source.to_string().parse()
    }
}

#[async_trait]
impl ComposeSource for Inbox {
    fn kind(&self) -> SourceKind {
        self.kind.clone()
    }

    fn capability(&self) -> Capability {
        Capability::plain_packages()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        Self::directory(request).map(drop)
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        let (root, directory) = (Arc::clone(&self.root), Self::directory(request)?);
        let files = blocking(move || PinnedFiles::list(&root, &directory)).await?;
        Resolved::pinned(&files)
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        let (root, files) = (Arc::clone(&self.root), pins.read::<PinnedFiles>()?);
        let description = format!("the inbox {}", root.path().display());
        let candidates = blocking(move || files.read(&root)).await?;
        Ok(Content::packages(candidates, description))
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        local::replay(vec![Arc::clone(&self.root)], manifest).await
    }
}

/// A service on a port of this machine, with its data in a directory; answers with its URL.
pub(crate) async fn serve(inbox: Inbox, dir: &Path) -> Result<String, Box<dyn StdError>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let links = Links::new(&format!("{url}/composes").parse()?);
    let mut sources = SourceRegistry::new();
    sources.register(inbox)?;
    let (store, settings) = (Arc::new(SqliteStore::in_memory().await?), EngineSettings::new()?);
    let builder = NativeBuilder::open(StorageSettings::new(dir), Arc::new(SystemClock))?;
    let engine = Engine::new(store, sources, Arc::new(builder), links.clone(), settings);
    let (service, files) = (Arc::new(engine.clone()), Arc::new(PublishedComposes::open(dir)?));
    let (auth, policy, options) = (Arc::new(NoAuth), Arc::new(AllowAll), HttpOptions::default());
    let router = odcs_http::router(ApiState::new(service, files, links, auth, policy, options));
    tokio::spawn(odcs_http::serve(listener, router, CancellationToken::new()));
    tokio::spawn(async move { engine.worker().run(Shutdown::default()).await });
    Ok(url)
}

/// The answer to a request.
async fn answer(request: RequestBuilder) -> Result<String, reqwest::Error> {
    request.send().await?.error_for_status()?.text().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let dir = tempfile::Builder::new().prefix("odcs-plugin-").tempdir_in(".")?;
    let (top, packages) = (dir.path().canonicalize()?, Path::new("tests/repo/Packages"));
    let inbox = top.join("inbox");
    let job = inbox.join("build-7");
    std::fs::create_dir_all(&job)?;
    for name in ["ed-1.20-1.x86_64.rpm", "line-editor-common-2.1-3.noarch.rpm"] {
        std::fs::copy(packages.join(name), job.join(name))?;
    }

    // A service with this source makes a compose.
    let url = serve(Inbox::open(&inbox)?, &top.join("composes")).await?;
    let composes = format!("{url}/api/1/composes/");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let body = json!({"source": {"type": "inbox", "source": "build-7", "packages": ["ed"]}});
    let mut compose: Value = serde_json::from_str(&answer(http.post(&composes).json(&body)).await?)?;
    while matches!(compose["state_name"].as_str(), Some("wait" | "generating")) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        compose = serde_json::from_str(&answer(http.get(format!("{composes}{}", compose["id"]))).await?)?;
    }
    println!("compose {}: {}", compose["id"], compose["state_reason"]);
    let repo = compose["result_repo"].as_str().ok_or("it has no URL")?;
    let repomd = answer(http.get(format!("{repo}/x86_64/os/repodata/repomd.xml"))).await?;
    println!("{repo} has {} bytes of repomd.xml", repomd.len());

    // The source does what every source must do.
    let kind = Inbox::open(&inbox)?.kind();
    let request = |source: &str| ComposeRequest::new(SourceSpec::custom(&kind, source));
    let cases = Cases::new(request("build-7"))
        .refused(request("../outside"))
        .not_found(request("build-8"))
        .changing("a package is dropped", async || {
            let _ = std::fs::copy(packages.join("ed-doc-1.20-1.noarch.rpm"), job.join("ed-doc.rpm"));
        })
        .changing("the job is cleared away", async || {
            let _ = std::fs::remove_dir_all(&job);
        });
    conformance(async || Inbox::open(&inbox), cases).await;
    println!("the inbox source passes the conformance suite");
    Ok(())
}
