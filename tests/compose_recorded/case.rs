//! A recorded case, and the same request made here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use odcs_core::allow::UrlAllowList;
use odcs_core::compose::ComposeView;
use odcs_core::engine::EngineSettings;
use odcs_core::testing::ManualClock;
use odcs_core::{
    Compose, ComposeService, ComposeStore, Engine, Error, Fetch, Links, SourceRegistry, Timestamp,
};
use odcs_db::SqliteStore;
use odcs_fetch::{FetchSettings, Fetcher};
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{Contents, ContentsSettings, NativeBuilder, StorageSettings};
use rpmgen::{Layout, ed_repository, write_repository};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::http::Server;

/// Where the repository `repo` of the recordings is, and the URL of its composes.
const REPOSITORIES: &str = "/srv/";
const URL: &str = "http://localhost/odcs";

/// How the repositories of a case are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// As they were: as directories of this machine.
    Directory,
    /// From an HTTP server that serves them.
    Http,
}

/// What was recorded.
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    pub(crate) body: Value,
    pub(crate) row: Value,
}

/// What came of the same request here.
pub(crate) struct Made {
    pub(crate) row: Value,
    /// The top of the tree that the record leads to.
    pub(crate) top: PathBuf,
    _dir: TempDir,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Self {
        let json = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
        };
        Self {
            folder: folder.to_owned(),
            body: json("request.json")["body"].clone(),
            row: json("compose.json"),
        }
    }

    pub(crate) fn id(&self) -> i64 {
        self.row["id"].as_i64().unwrap()
    }

    /// The id of the compose whose tree this one uses; its own if it has one.
    pub(crate) fn tree_id(&self) -> i64 {
        let link = self.row["toplevel_url"].as_str().unwrap();
        let name = link.rsplit("odcs-").next().unwrap();
        name.parse().unwrap_or_else(|_| self.id())
    }

    /// Whether it is about repositories, which may be anywhere.
    pub(crate) fn is_of_repositories(&self) -> bool {
        self.body["source"]["type"] == "repo"
    }

    /// A file of the recording.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(name)).ok()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.row["state_name"] == "done"
    }

    /// The texts of a list in the request, beside `source` or in it.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let value = match &self.body["source"][name] {
            Value::Null => &self.body[name],
            value => value,
        };
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str).collect()
    }

    /// Makes the compose. One whose tree another made is asked for after that one.
    ///
    /// # Errors
    /// If the request is refused.
    pub(crate) async fn make(&self, way: Way) -> Result<Made, Error> {
        let dir = TempDir::new().unwrap();
        let repository = dir.path().join("repo");
        self.write_repository(&repository);
        let submitted: Timestamp = self.row["time_submitted"].as_str().unwrap().parse().unwrap();
        let clock = Arc::new(ManualClock::new(submitted));
        let store = SqliteStore::in_memory().await.unwrap();
        let www = Server::of_directory(dir.path());
        let mut links = Links::new(&URL.parse().unwrap());
        let mut storage = StorageSettings::new(dir.path().join("default"))
            .with_threads(1)
            .with_xorriso("xorriso");
        let mut target = dir.path().join("default");
        if let Some(name) = self.body["target_dir"].as_str() {
            target = dir.path().join("extra");
            links = links.with_target(&name.parse().unwrap(), None);
            storage = storage.with_target(name.parse().unwrap(), &target);
        }
        let builder = NativeBuilder::open(storage, Arc::clone(&clock) as _).unwrap();
        let mut settings = EngineSettings::new().unwrap();
        settings.allowed_urls = UrlAllowList::parse([www.url("/")]).unwrap();
        let fetch = FetchSettings::new(settings.allowed_urls.clone());
        let fetch: Arc<dyn Fetch> = Arc::new(Fetcher::new(fetch).unwrap());
        let contents = ContentsSettings::default();
        let contents = Arc::new(Contents::open(builder.targets(), contents, Arc::clone(&fetch)).unwrap());
        let mut sources = SourceRegistry::new();
        let source = RepoSettings::new([dir.path()]).with_fetch(fetch, contents.clone());
        sources.register(RepoSource::new(source).unwrap()).unwrap();
        let engine = Engine::with_clock(
            Arc::new(store.clone()),
            sources,
            Arc::new(builder),
            links.clone(),
            settings,
            clock,
        )
        .with_content_store(contents);
        // Whatever lies beside the repository of the recordings lies beside ours.
        let mut body = self.body.clone();
        if let Some(below) = source_below(&body) {
            body["source"]["source"] = match way {
                Way::Directory => json!(dir.path().join(below)),
                Way::Http => json!(www.url(&format!("/{below}"))),
            };
        }
        let here = match way {
            Way::Directory => format!("file://{}/", dir.path().display()),
            Way::Http => www.url("/"),
        };
        if let Some(urls) = body.get_mut("lookaside_repos") {
            for url in urls.as_array_mut().unwrap() {
                *url = json!(url.as_str().unwrap().replace("file:///srv/", &here));
            }
        }
        let body = body.to_string();
        let mut compose = None;
        for id in [self.tree_id(), self.id()] {
            if compose
                .as_ref()
                .is_some_and(|made: &Compose| made.id.number() == id)
            {
                continue;
            }
            next_id_is(&store, id).await;
            let request = engine.read_request(body.as_bytes())?;
            ComposeService::submit(&engine, request, "unknown").await?;
            compose = engine.worker().run_one().await?;
        }
        let compose = compose.unwrap();
        let mut row = serde_json::to_value(ComposeView::new(&compose, &links).in_full(&compose)).unwrap();
        if let Some(urls) = row["lookaside_repos"].as_str() {
            row["lookaside_repos"] = json!(urls.replace(&here, "file:///srv/"));
        }
        let tree = compose.reused_id.unwrap_or(compose.id);
        Ok(Made {
            row,
            top: target.join(tree.name()),
            _dir: dir,
        })
    }

    /// Packages like those of the reference's repository, with metadata of the same revision.
    fn write_repository(&self, repository: &Path) {
        write_repository(repository, ed_repository(), Layout::Flat).unwrap();
        let revision = self.row["koji_event"].to_string();
        let status = Command::new("createrepo_c")
            .args(["--quiet", "--no-database", "--revision", &revision])
            .arg(repository)
            .status()
            .expect("createrepo_c is installed");
        assert!(status.success());
    }
}

/// The path of the source below the directory that all repositories of the recordings are in.
fn source_below(body: &Value) -> Option<String> {
    let source = body["source"]["source"].as_str()?;
    source.strip_prefix(REPOSITORIES).map(str::to_owned)
}

/// The next compose gets this id.
async fn next_id_is(store: &SqliteStore, id: i64) {
    if id < 2 {
        return;
    }
    let before: Compose = serde_json::from_value(json!({
        "id": id - 1,
        "owner": "unknown",
        "state": "removed",
        "state_reason": null,
        "times": {
            "submitted": "2026-11-01T00:00:00Z", "started": null, "done": null, "removed": null,
            "expires": "2026-11-02T00:00:00Z",
        },
        "lifetime": 86400,
        "removed_by": null,
        "reused_id": null,
        "koji_task_id": null,
        "pungi_compose_id": null,
        "requested": serde_json::to_value(odcs_core::compose::Requested::default()).unwrap(),
    }))
    .unwrap();
    if store.get(before.id).await.unwrap().is_none() {
        store.import(&[before]).await.unwrap();
    }
}

/// What is below `compose/`, with its kind; paths of directories come with a slash at the end. Names made of
/// checksums are alike.
pub(crate) fn listing(paths: impl IntoIterator<Item = String>) -> BTreeMap<String, &'static str> {
    let inside = |path: String| {
        let path = path.strip_prefix("compose/").filter(|path| !path.is_empty())?;
        Some(match path.strip_suffix('/') {
            Some(path) => (path.to_owned(), "directory"),
            None => (without_checksum(path), "file"),
        })
    };
    paths.into_iter().filter_map(inside).collect()
}

fn without_checksum(path: &str) -> String {
    let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file.split_once('-') {
        Some((sum, rest)) if sum.len() == 64 => format!("{dir}/CHECKSUM-{rest}"),
        _ => path.to_owned(),
    }
}
