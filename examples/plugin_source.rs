//! A source type of your own: `inbox`. A CI job drops packages into a directory, under another name than `*.rpm`
//! until they are whole; whoever wants to test them asks for a compose of that directory.
//!
//! `cargo run --example plugin_source` puts the source through the conformance suite and into a server, and has that
//! make a compose, asked over REST. `docs/plugins.md` explains it.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example, with files of its own"
)]

use std::{error::Error as StdError, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use odcs_auth::{AllowAll, NoAuth};
use odcs_core::engine::{EngineSettings, Shutdown};
use odcs_core::files::{RelativePath, Root};
use odcs_core::request::SourceSpec;
use odcs_core::source::local::{self, PinnedFiles, blocking};
use odcs_core::source::{Capability, Content, PackageContent, Pins, Resolved};
use odcs_core::testing::source::{Cases, conformance};
use odcs_core::{
    ComposeRequest, ComposeSource, Engine, Error, Links, Manifest, Result, SourceKind, SourceRegistry,
    SystemClock,
};
use odcs_db::SqliteStore;
use odcs_http::{ApiState, HttpOptions};
use odcs_storage::{NativeBuilder, PublishedComposes, StorageSettings};
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

    /// The directory that a request names: a type that no `..` fits into.
    fn drop_of(request: &ComposeRequest) -> Result<RelativePath> {
        let name = request.source.to_string();
        let refused = |_| {
            Error::invalid(
                "source",
                format!("\"source\": {name:?} is not the name of a drop"),
            )
        };
        name.parse().map_err(refused)
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
        Self::drop_of(request).map(drop)
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        let (root, directory) = (Arc::clone(&self.root), Self::drop_of(request)?);
        let files = blocking(move || PinnedFiles::list(&root, &directory)).await?;
        Resolved::pinned(&files)
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        let (root, files) = (Arc::clone(&self.root), pins.read::<PinnedFiles>()?);
        let description = format!("the inbox {}", root.path().display());
        let candidates = blocking(move || files.read(&root)).await?;
        let timestamp = None;
        Ok(Content::Packages(PackageContent {
            candidates,
            timestamp,
            description,
        }))
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
    let state = ApiState::new(
        service,
        files,
        links,
        Arc::new(NoAuth),
        Arc::new(AllowAll),
        HttpOptions::default(),
    );
    tokio::spawn(odcs_http::serve(
        listener,
        odcs_http::router(state),
        CancellationToken::new(),
    ));
    tokio::spawn(async move { engine.worker().run(Shutdown::default()).await });
    Ok(url)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let dir = tempfile::Builder::new().prefix("odcs-plugin-").tempdir_in(".")?;
    let (inbox, composes) = (
        dir.path().canonicalize()?.join("inbox"),
        dir.path().join("composes"),
    );
    let (job, packages) = (inbox.join("build-7"), Path::new("tests/repo/Packages"));
    std::fs::create_dir_all(&job)?;
    for name in [
        "ed-1.20-1.x86_64.rpm",
        "ed-1.20-1.src.rpm",
        "line-editor-common-2.1-3.noarch.rpm",
    ] {
        std::fs::copy(packages.join(name), job.join(name))?;
    }

    // The service makes a compose of it.
    let url = serve(Inbox::open(&inbox)?, &composes).await?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let body = json!({"source": {"type": "inbox", "source": "build-7", "packages": ["ed"]}});
    let submitted = http
        .post(format!("{url}/api/1/composes/"))
        .json(&body)
        .send()
        .await?;
    let mut compose: Value = submitted.error_for_status()?.json().await?;
    while matches!(compose["state_name"].as_str(), Some("wait" | "generating")) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        compose = http
            .get(format!("{url}/api/1/composes/{}", compose["id"]))
            .send()
            .await?
            .json()
            .await?;
    }
    println!(
        "compose {} is {}: {}",
        compose["id"], compose["state_name"], compose["state_reason"]
    );
    let repo = compose["result_repo"].as_str().ok_or("a compose has a URL")?;
    let repomd = http
        .get(format!("{repo}/x86_64/os/repodata/repomd.xml"))
        .send()
        .await?
        .error_for_status()?;
    println!("{repo} has metadata of {} bytes", repomd.text().await?.len());

    // And it does what every source must do.
    let kind = Inbox::open(&inbox)?.kind();
    let request = |source: &str| {
        ComposeRequest::new(SourceSpec::Custom {
            kind: kind.clone(),
            source: source.to_owned(),
        })
    };
    let cases = Cases::new(request("build-7"))
        .refused(request("../outside"))
        .not_found(request("build-8"))
        .changing("a package is dropped", async || {
            let _ = std::fs::copy(packages.join("ed-doc-1.20-1.noarch.rpm"), job.join("ed-doc.rpm"));
        })
        .changing("a package is taken away", async || {
            drop(std::fs::remove_file(job.join("ed-1.20-1.x86_64.rpm")))
        });
    conformance(async || Inbox::open(&inbox), cases).await;
    println!("the inbox source passes the conformance suite");
    Ok(())
}
