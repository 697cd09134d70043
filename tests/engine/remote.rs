//! Composes of repositories on a server: the real client, the real content store, a real server.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use odcs_core::allow::UrlAllowList;
use odcs_core::engine::EngineSettings;
use odcs_core::request::{Renewal, SourceSpec};
use odcs_core::testing::ManualClock;
use odcs_core::{
    Clock, Compose, ComposeRequest, ComposeState, ComposeStore, ContentStore, Engine, Fetch, Links, Manifest,
    SourceRegistry, SystemClock,
};
use odcs_db::SqliteStore;
use odcs_fetch::{FetchSettings, Fetcher};
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{Contents, ContentsSettings, NativeBuilder, StorageSettings, Targets, Trees};
use rpmgen::{Layout, PackageSpec, write_repository};
use tempfile::TempDir;
use test_support::http::{Behaviour, Gate, Server};
use test_support::{copy_tree, has, test_repository, tree};

use crate::repositories::package;
use crate::support::packages;

/// Repositories in a directory, and the same on a server.
pub(crate) struct Site {
    dir: TempDir,
    pub(crate) server: Server,
}

impl Site {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("srv")).unwrap();
        let server = Server::of_directory(dir.path().join("srv"));
        Self { dir, server }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join("srv").join(below)
    }

    pub(crate) fn url(&self, below: &str) -> String {
        self.server.url(&format!("/{below}/"))
    }

    /// A repository with metadata, also below others.
    pub(crate) fn write(&self, name: &str, specs: Vec<PackageSpec>) {
        write_repository(&self.path(name), specs, Layout::Flat).unwrap();
        createrepo(&self.path(name), &[]);
    }

    /// Paths of packages that were asked for, sorted.
    pub(crate) fn packages_asked_for(&self) -> Vec<String> {
        let requests = self.server.requests();
        let paths = requests.iter().map(|request| request.path().to_owned());
        let mut paths: Vec<_> = paths.filter(|path| path.ends_with(".rpm")).collect();
        paths.sort_unstable();
        paths
    }

    pub(crate) async fn service(&self, name: &str) -> Service {
        self.service_with(name, ContentsSettings::default()).await
    }

    pub(crate) async fn service_with(&self, name: &str, kept: ContentsSettings) -> Service {
        self.service_at(name, kept, Arc::new(SystemClock)).await
    }

    async fn service_at(&self, name: &str, kept: ContentsSettings, clock: Arc<dyn Clock>) -> Service {
        let target = self.dir.path().join(name);
        let allowed = UrlAllowList::parse([self.server.url("/")]).unwrap();
        let mut engine_settings = EngineSettings::new().unwrap();
        engine_settings.allowed_urls = allowed.clone();
        let mut settings = FetchSettings::new(allowed);
        settings.attempts = 1;
        let fetch: Arc<dyn Fetch> = Arc::new(Fetcher::new(settings).unwrap());
        let storage = StorageSettings::new(&target).with_threads(1);
        let targets = Targets::open(&storage).unwrap();
        let contents = Contents::open(&targets, kept, Arc::clone(&fetch)).unwrap();
        let contents: Arc<dyn ContentStore> = Arc::new(contents);
        let repo = RepoSettings::new([self.dir.path().join("srv")])
            .with_fetch(Arc::clone(&fetch), Arc::clone(&contents));
        let mut sources = SourceRegistry::new();
        sources.register(RepoSource::new(repo).unwrap()).unwrap();
        let store = SqliteStore::in_memory().await.unwrap();
        let engine = Engine::with_clock(
            Arc::new(store.clone()),
            sources,
            Arc::new(NativeBuilder::open(storage, Arc::new(SystemClock)).unwrap()),
            Links::new(&"http://localhost/composes".parse().unwrap()),
            engine_settings,
            clock,
        );
        Service {
            engine: engine.with_content_store(contents).with_fetch(fetch),
            store,
            target,
        }
    }
}

/// A service with a database, composes and a content store of its own.
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) store: SqliteStore,
    pub(crate) target: PathBuf,
}

impl Service {
    pub(crate) async fn make(&self, request: ComposeRequest) -> Compose {
        self.engine.submit(request, "me").await.unwrap();
        self.run_one().await
    }

    pub(crate) async fn run_one(&self) -> Compose {
        let made = self.engine.worker().run_one().await.unwrap();
        made.expect("something waits")
    }

    pub(crate) async fn must_make(&self, request: ComposeRequest) -> Compose {
        let compose = self.make(request).await;
        assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
        compose
    }

    pub(crate) async fn manifest(&self, compose: &Compose) -> Manifest {
        self.store.manifest(compose.id).await.unwrap().unwrap()
    }

    pub(crate) fn tree(&self, compose: &Compose) -> PathBuf {
        self.target.join(compose.id.name()).join("compose")
    }

    pub(crate) fn binaries(&self, compose: &Compose, arch: &str) -> Vec<String> {
        packages(&self.tree(compose).join(format!("Temporary/{arch}/os/Packages")))
    }

    /// Removes the trees of composes that are deleted.
    pub(crate) async fn delete(&self, compose: &Compose) {
        self.engine.delete(compose.id, "me").await.unwrap();
        let trees = Arc::new(Trees::open(&self.target).unwrap());
        self.engine.sweeper(trees).sweep().await.unwrap();
    }

    pub(crate) fn lose_what_is_kept(&self) {
        let kept = self.target.join(".content/sha256");
        let files = tree(&kept).into_iter().filter(|path| !path.ends_with('/'));
        let lost = files
            .map(|path| std::fs::remove_file(kept.join(path)).unwrap())
            .count();
        assert!(lost > 0, "something was kept");
    }

    pub(crate) fn staging(&self) -> Vec<String> {
        crate::support::entries(&self.target.join(".staging"))
    }
}

pub(crate) fn request(location: &str, packages: &[&str], arches: &[&str]) -> ComposeRequest {
    let mut request = ComposeRequest::new(SourceSpec::Repo(location.parse().unwrap()));
    if !packages.is_empty() {
        request.packages = Some(packages.iter().map(|name| name.parse().unwrap()).collect());
    }
    request.arches = arches.iter().map(|arch| arch.parse().unwrap()).collect();
    request
}

/// Packages, with the seconds of the times that they have, and repodata.
pub(crate) fn published(compose: &Path) -> BTreeMap<String, (Vec<u8>, Option<i64>)> {
    let top = compose.join("Temporary");
    let paths = tree(&top).into_iter().filter(|path| !path.ends_with('/'));
    // What else there is names the compose.
    let paths = paths.filter(|path| path.contains("/Packages/") || path.contains("/repodata/"));
    let files: BTreeMap<_, _> = paths
        .map(|path| {
            let file = top.join(&path);
            let time = path.ends_with(".rpm").then(|| file.metadata().unwrap().mtime());
            (path, (std::fs::read(file).unwrap(), time))
        })
        .collect();
    let is_repomd = |path: &String| path.ends_with("repodata/repomd.xml");
    assert!(files.keys().any(is_repomd), "{:?}", files.keys());
    files
}

/// The paths of what is not the same in both.
pub(crate) fn differing<T: PartialEq>(one: &BTreeMap<String, T>, other: &BTreeMap<String, T>) -> Vec<String> {
    let paths: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differing = paths
        .into_iter()
        .filter(|path| one.get(*path) != other.get(*path));
    differing.cloned().collect()
}

fn createrepo(repository: &Path, options: &[&str]) {
    let mut command = Command::new("createrepo_c");
    command
        .args(["--quiet", "--revision", "1795000000"])
        .args(options)
        .arg(repository);
    assert!(command.status().unwrap().success(), "{command:?}");
}

#[tokio::test]
async fn a_server_and_a_directory_give_the_same_bytes() {
    if !has("createrepo_c") {
        return;
    }
    for (number, options) in [
        &["--checksum=sha256", "--general-compress-type=gz"][..],
        &[
            "--checksum=sha512",
            "--general-compress-type=xz",
            "--simple-md-filenames",
        ],
        &[
            "--checksum=sha1",
            "--repomd-checksum=sha1",
            "--general-compress-type=bz2",
        ],
    ]
    .into_iter()
    .enumerate()
    {
        let site = Site::new();
        let repository = site.path("repo");
        copy_tree(&test_repository().join("Packages"), &repository.join("Packages"));
        // Names that URLs cannot have as they are.
        std::fs::create_dir(repository.join("a b+c")).unwrap();
        std::fs::rename(
            repository.join("Packages/ed-doc-1.20-1.noarch.rpm"),
            repository.join("a b+c/ed~doc^1#2?.rpm"),
        )
        .unwrap();
        createrepo(&repository, options);
        let updates = site.dir.path().join("updateinfo.xml");
        std::fs::write(
            &updates,
            "<updates><update type=\"security\"><id>ED-1</id></update></updates>",
        )
        .unwrap();
        let modify = Command::new("modifyrepo_c")
            .arg(&updates)
            .arg(repository.join("repodata"))
            .status();
        assert!(modify.unwrap().success());

        let arches = ["x86_64", "aarch64"];
        for names in [&["ed"][..], &["ed*", "line-*"], &[]] {
            let (here, there) = (
                site.service(&format!("here-{number}-{}", names.len())).await,
                site.service(&format!("there-{number}-{}", names.len())).await,
            );
            let local = here
                .must_make(request(repository.to_str().unwrap(), names, &arches))
                .await;
            let remote = there.must_make(request(&site.url("repo"), names, &arches)).await;
            assert_eq!(remote.pins.is_some(), local.pins.is_some());
            let (local_files, remote_files) =
                (published(&here.tree(&local)), published(&there.tree(&remote)));
            assert_eq!(
                local_files.keys().collect::<Vec<_>>(),
                remote_files.keys().collect::<Vec<_>>(),
                "{options:?} {names:?}"
            );
            for (path, file) in &local_files {
                assert!(
                    remote_files[path] == *file,
                    "{options:?} {names:?}: {path} differs"
                );
            }
            assert!(
                local_files
                    .keys()
                    .any(|path| path.ends_with("updateinfo.xml.gz") || path.contains("updateinfo"))
            );
            let read = |service: &Service, compose: &Compose| {
                std::fs::read(service.tree(compose).join("metadata/rpms.json")).unwrap()
            };
            let (local_rpms, remote_rpms) = (read(&here, &local), read(&there, &remote));
            let without_date = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("ed-0:1.20-1.x86_64");
            assert!(without_date(&local_rpms) && without_date(&remote_rpms));
            let (local, remote) = (here.manifest(&local).await, there.manifest(&remote).await);
            assert_eq!(local.timestamp, remote.timestamp);
            assert_eq!(local.updateinfo, remote.updateinfo);
            let what = |manifest: &Manifest| {
                let packages = manifest.packages.iter();
                packages
                    .map(|it| {
                        (
                            it.nevra.clone(),
                            it.arches.clone(),
                            it.digest.clone(),
                            it.why.clone(),
                        )
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(what(&local), what(&remote));
            assert!(
                remote
                    .packages
                    .iter()
                    .all(|it| it.file.starts_with(&site.url("repo")) && it.modified.is_some())
            );
        }
    }
}

#[tokio::test]
async fn only_what_belongs_is_fetched_and_once() {
    let site = Site::new();
    let app = package("app", "x86_64").with_requires("lib");
    let specs = vec![app, package("lib", "x86_64"), package("other", "x86_64")];
    site.write("repo", specs);
    let service = site.service("composes").await;
    let compose = service
        .must_make(request(&site.url("repo"), &["app"], &["x86_64"]))
        .await;
    assert_eq!(
        service.binaries(&compose, "x86_64"),
        ["app-1-1.x86_64.rpm", "lib-1-1.x86_64.rpm"]
    );
    let asked = site.packages_asked_for();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(!asked.iter().any(|path| path.contains("other")), "{asked:?}");
    // Another compose, which is not the same: what is there is not fetched again.
    site.server.forget();
    let more = service
        .must_make(request(&site.url("repo"), &["app", "other"], &["x86_64"]))
        .await;
    assert_eq!(service.binaries(&more, "x86_64").len(), 3);
    let asked = site.packages_asked_for();
    assert!(asked.len() == 1 && asked[0].contains("other"), "{asked:?}");
    let metadata = site.server.requests().len() - 1;
    assert_eq!(metadata, 1, "repomd.xml alone: {:?}", site.server.requests());
    // The same again: it is there already.
    site.server.forget();
    let same = service
        .must_make(request(&site.url("repo"), &["app"], &["x86_64"]))
        .await;
    assert!(same.reused_id.is_some(), "{same:?}");
    assert!(site.packages_asked_for().is_empty());
}

#[tokio::test]
async fn composes_are_made_again_from_what_is_kept_or_still_there() {
    let site = Site::new();
    let specs = vec![
        package("app", "x86_64").with_requires("lib"),
        package("lib", "x86_64"),
    ];
    site.write("repo", specs);
    let service = site.service("composes").await;
    let compose = service
        .must_make(request(&site.url("repo"), &["app"], &["x86_64"]))
        .await;
    let before = published(&service.tree(&compose));
    // The repository has moved on: other metadata, and a package more.
    std::fs::remove_dir_all(site.path("repo/repodata")).unwrap();
    service.delete(&compose).await;
    site.server.forget();
    let renewed = service
        .engine
        .renew(compose.id, Renewal::default(), "me")
        .await
        .unwrap()
        .compose;
    assert_ne!(renewed.id, compose.id);
    let renewed = service.run_one().await;
    assert_eq!(renewed.state, ComposeState::Done, "{renewed:?}");
    assert_eq!(differing(&published(&service.tree(&renewed)), &before), [""; 0]);
    assert!(site.server.requests().is_empty(), "{:?}", site.server.requests());
    // Nothing is kept any more, but the packages are where they were.
    service.delete(&renewed).await;
    service.lose_what_is_kept();
    service
        .engine
        .renew(renewed.id, Renewal::default(), "me")
        .await
        .unwrap();
    let renewed = service.run_one().await;
    assert_eq!(renewed.state, ComposeState::Done, "{renewed:?}");
    assert_eq!(differing(&published(&service.tree(&renewed)), &before), [""; 0]);
    // One is gone from there, too.
    service.delete(&renewed).await;
    service.lose_what_is_kept();
    let lib = tree(&site.path("repo"))
        .into_iter()
        .find(|path| path.contains("lib-1-1.x86_64"))
        .unwrap();
    std::fs::remove_file(site.path("repo").join(lib)).unwrap();
    service
        .engine
        .renew(renewed.id, Renewal::default(), "me")
        .await
        .unwrap();
    let renewed = service.run_one().await;
    let reason = renewed.state_reason.unwrap();
    assert!(
        reason.contains("lib-0:1-1.x86_64 (") && reason.contains("ask for a new compose"),
        "{reason}"
    );
}

#[tokio::test]
async fn of_lookaside_repositories_only_metadata_is_fetched() {
    let site = Site::new();
    let app = |arch| package("app", arch).with_requires("lib").with_requires("tool");
    let own = vec![
        app("x86_64"),
        app("aarch64"),
        package("lib", "x86_64"),
        package("lib", "aarch64"),
    ];
    site.write("apps", own);
    let base = |name: &str, specs: Vec<PackageSpec>| {
        site.write(&format!("base/{name}/os"), specs);
    };
    base("x86_64", vec![package("lib", "x86_64")]);
    base("aarch64", vec![package("other", "aarch64")]);
    site.write(
        "tools",
        vec![package("tool", "x86_64"), package("tool", "aarch64")],
    );
    let service = site.service("composes").await;
    let mut asked = request(&site.url("apps"), &["app"], &["x86_64", "aarch64"]);
    asked.lookaside_repos = [site.url("base/$basearch/os"), site.url("tools")]
        .iter()
        .map(|url| url.parse().unwrap())
        .collect();
    let compose = service.must_make(asked.clone()).await;
    assert_eq!(service.binaries(&compose, "x86_64"), ["app-1-1.x86_64.rpm"]);
    assert_eq!(
        service.binaries(&compose, "aarch64"),
        ["app-1-1.aarch64.rpm", "lib-1-1.aarch64.rpm"]
    );
    let fetched = site.packages_asked_for();
    assert_eq!(fetched.len(), 3, "{fetched:?}");
    assert!(
        fetched.iter().all(|path| path.starts_with("/apps/")),
        "{fetched:?}"
    );
    // All of them are pinned, by their checksums.
    let pins = serde_json::to_string(&compose.pins).unwrap();
    for url in ["apps/", "base/x86_64/os/", "base/aarch64/os/", "tools/"] {
        assert!(
            pins.contains(&site.server.url(&format!("/{url}"))),
            "{url}: {pins}"
        );
    }
    // Of two that are for all arches alike, nothing is read twice.
    let repomds = site.server.requests();
    let of_tools = repomds
        .iter()
        .filter(|it| it.path() == "/tools/repodata/repomd.xml")
        .count();
    assert_eq!(of_tools, 1);
    // One that is not there, or not allowed, is named.
    asked.lookaside_repos = vec![site.url("absent/$basearch").parse().unwrap()];
    let failed = service.make(asked.clone()).await;
    let reason = failed.state_reason.unwrap();
    assert!(
        reason.contains("lookaside_repos") && reason.contains("no repodata/repomd.xml"),
        "{reason}"
    );
    asked.lookaside_repos = vec!["http://192.0.2.1/base/".parse().unwrap()];
    let error = service.engine.submit(asked, "me").await.unwrap_err();
    assert!(
        error.message().contains("lookaside_repos") && error.message().contains("192.0.2.1"),
        "{error}"
    );
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_said_and_leaves_nothing() {
    type Spoil = fn(&Site);
    let cases: [(&str, &str, Spoil); 7] = [
        ("listing", "no repodata/repomd.xml", |site| {
            std::fs::remove_dir_all(site.path("repo/repodata")).unwrap();
        }),
        ("page", "a web page", |site| {
            site.server.on("/repo/repodata/repomd.xml", Behaviour::Html(200));
        }),
        ("busy", "repodata/repomd.xml", |site| {
            site.server
                .on("/repo/repodata/repomd.xml", Behaviour::Status(503));
        }),
        ("metadata", "primary", |site| {
            let path = tree(&site.path("repo/repodata"))
                .into_iter()
                .find(|path| path.contains("primary.xml"))
                .unwrap();
            site.server
                .on(&format!("/repo/repodata/{path}"), Behaviour::Status(404));
        }),
        ("cut", "app-0:1-1.x86_64 could not be fetched", |site| {
            site.server.on(&package_path(site), Behaviour::CutAfter(10));
        }),
        ("gone", "app-0:1-1.x86_64 could not be fetched", |site| {
            site.server.on(&package_path(site), Behaviour::Status(404));
        }),
        ("other", "app-0:1-1.x86_64 could not be fetched", |site| {
            let path = site.path(package_path(site).trim_start_matches("/"));
            let mut bytes = std::fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(path, bytes).unwrap();
        }),
    ];
    for (name, says, spoil) in cases {
        let site = Site::new();
        site.write("repo", vec![package("app", "x86_64")]);
        spoil(&site);
        let service = site.service(name).await;
        let compose = service
            .make(request(&site.url("repo"), &["app"], &["x86_64"]))
            .await;
        assert_eq!(compose.state, ComposeState::Failed, "{name}: {compose:?}");
        let reason = compose.state_reason.clone().unwrap();
        assert!(
            reason.contains(says) && reason.contains(&site.server.url("/repo")),
            "{name}: {reason}"
        );
        assert!(!service.tree(&compose).exists(), "{name}");
        assert!(service.staging().is_empty(), "{name}: {:?}", service.staging());
    }
}

/// Of few large packages as of many small ones.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_how_far_fetching_is() {
    let site = Site::new();
    site.write("repo", vec![package("app", "x86_64"), package("tool", "x86_64")]);
    let gate = Gate::default();
    site.server
        .on(&package_path(&site), Behaviour::HoldAfter(10, gate.clone()));
    let clock = ManualClock::new(SystemClock.now());
    let service = Arc::new(
        site.service_at("target", ContentsSettings::default(), Arc::new(clock.clone()))
            .await,
    );
    let request = request(&site.url("repo"), &["app", "tool"], &["x86_64"]);
    let making = tokio::spawn({
        let service = Arc::clone(&service);
        async move { service.must_make(request).await }
    });
    let log = service.target.join("odcs-1/pungi-stderr.log");
    let said = async |what: &str| {
        for _ in 0..3_000 {
            if std::fs::read_to_string(&log).is_ok_and(|log| log.contains(what)) {
                return true;
            }
            // No faster than workers show that they live.
            clock.advance(Duration::from_millis(100));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    };
    let is_said = said("1 of 2 packages are there, 0.0 MB of 0.0 MB").await;
    gate.open();
    assert!(is_said, "{:?}", std::fs::read_to_string(&log));
    making.await.unwrap();
}

pub(crate) fn package_path(site: &Site) -> String {
    let path = tree(&site.path("repo"))
        .into_iter()
        .find(|path| path.ends_with("app-1-1.x86_64.rpm"));
    format!("/repo/{}", path.unwrap())
}
