//! Composes of packages that are on HTTP servers.

mod failures;
mod lookaside;
mod places;
mod renewal;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use rpmgen::{Layout, PackageSpec, write_repository};
use serde_json::{Value, json};
use test_support::http;

use crate::cli::{json, text};
use crate::dnf::dnf;
use crate::support::{Server, Start, as_root, has, run};

/// A service, and an HTTP server that it may fetch from; that one serves the directory `www`.
pub(crate) struct Lab {
    pub(crate) service: Server,
    pub(crate) www: http::Server,
}

impl Lab {
    /// With a copy of the project's own test repository, and a configuration of its own.
    fn new(configuration: &str) -> Self {
        Self::with(configuration, |www| {
            test_support::copy_tree(&test_support::test_repository(), &www.join("repo"));
        })
    }

    /// With what is written into `www`.
    fn with(configuration: &str, write: impl FnOnce(&Path)) -> Self {
        let start = Start::new();
        let directory = start.dir().join("www");
        std::fs::create_dir(&directory).unwrap();
        write(&directory);
        let www = http::Server::of_directory(&directory);
        // A file, for commands beside the service find it, too. Nothing may be copied: what is in the store is linked.
        let file = format!(
            "allowed_urls = [\"{}\"]\nrepo_roots = []\nlink_fallback = \"fail\"\n{configuration}",
            www.url("/")
        );
        std::fs::write(start.dir().join("odcs.toml"), file).unwrap();
        Self {
            service: start.start(),
            www,
        }
    }

    /// A compose of packages of a repository.
    async fn compose(&self, path: &str, packages: &[&str]) -> Value {
        self.service.compose(&self.request(path, packages)).await
    }

    fn request(&self, path: &str, packages: &[&str]) -> Value {
        json!({"source": {"type": "repo", "source": self.www.url(path), "packages": packages}})
    }

    /// The names of the packages that were asked for since the server was last told to forget, sorted.
    fn fetched(&self) -> Vec<String> {
        let requests = self.www.requests().into_iter();
        let paths = requests.map(|request| request.path().to_owned());
        let files = paths.filter_map(|path| path.rsplit_once('/').map(|(_, file)| file.to_owned()));
        let mut names: Vec<_> = files.filter(|file| file.ends_with(".rpm")).collect();
        names.sort();
        names
    }

    /// Nothing is under way, and nothing was left behind.
    fn is_clean(&self) {
        let staging = self.service.target().join(".staging");
        let entries = std::fs::read_dir(&staging).into_iter().flatten();
        let left: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// The packages of a tree for people, by their paths.
    fn tree(&self, id: i64, arch: &str) -> Vec<String> {
        let top = format!("odcs-{id}/compose/Temporary/{arch}/os");
        let mut names = test_support::names(&self.service.target().join(top));
        names.retain(|name| name.ends_with(".rpm"));
        names
    }

    /// What was said of the making of a compose.
    fn log(&self, id: i64) -> String {
        text(&self.service.odcs(["log", &id.to_string()]).stdout)
    }
}

/// Writes a repository, with its repodata; false where nobody can.
fn repository(path: &Path, packages: Vec<PackageSpec>) -> bool {
    if !has("createrepo_c") {
        return false;
    }
    write_repository(path, packages, Layout::Flat).unwrap();
    run(Command::new("createrepo_c")
        .args(["--quiet", "--no-database"])
        .arg(path));
    true
}

fn package(name: &str, arch: &str) -> PackageSpec {
    let source = PackageSpec::source(name, "1", "1", "x86_64").file_name();
    PackageSpec::binary(name, "1", "1", arch).built_from(source)
}

#[tokio::test]
async fn dnf_installs_what_was_fetched() {
    if !has("dnf") || !has("rpm") {
        return;
    }
    let lab = Lab::new("");
    let url = lab.www.url("/repo");
    let output = lab.service.odcs(["create-repo", &url, "ed"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let compose = json(&output);
    assert_eq!(
        (&compose["state_name"], &compose["source"]),
        (&json!("done"), &json!(url))
    );
    // The editor and what it requires, with their debug and source packages; no other arch, no other package.
    let expected = [
        "ed-1.20-1.src.rpm",
        "ed-1.20-1.x86_64.rpm",
        "ed-debuginfo-1.20-1.x86_64.rpm",
        "ed-debugsource-1.20-1.x86_64.rpm",
        "line-editor-common-2.1-3.noarch.rpm",
        "line-editor-common-2.1-3.src.rpm",
    ];
    assert_eq!(lab.fetched(), expected, "each of them once");
    lab.is_clean();

    let repofile = lab
        .service
        .get(compose["result_repofile"].as_str().unwrap())
        .await;
    let dir = lab.service.dir.path();
    let (root, repos) = (dir.join("root"), dir.join("repos"));
    std::fs::create_dir(&repos).unwrap();
    std::fs::write(repos.join("odcs-1.repo"), &repofile.body).unwrap();
    dnf(&root, &repos, &["install", "ed"]);
    assert!(root.join("usr/bin/ed").is_file(), "its files are there");
    run(as_root("rpm")
        .arg("--root")
        .arg(&root)
        .args(["--verify", "--nodeps", "ed", "line-editor-common"]));

    // What there is to know about it: that it was fetched, and from where.
    let log = lab.log(1);
    assert!(log.contains("6 packages of "), "{log}");
    assert!(
        log.contains("6 fetched (") && log.contains("0 were there"),
        "{log}"
    );
    let manifest = json(&lab.service.odcs(["manifest", "1"]));
    let files: Vec<&str> = manifest["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["file"].as_str().unwrap())
        .collect();
    assert!(
        files
            .iter()
            .all(|file| file.starts_with(&lab.www.url("/repo/Packages/"))),
        "{files:?}"
    );
    let metrics = lab.service.get("/api/1/metrics/").await.text();
    for line in [
        "odcs_packages_from_elsewhere_total{how=\"fetched\"} 6",
        "odcs_packages_placed_total{how=\"linked\"} 6",
        "odcs_packages_placed_total{how=\"copied\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn what_is_in_the_store_is_linked_and_not_fetched_again() {
    let lab = Lab::new("");
    let first = lab.compose("/repo", &["ed"]).await;
    assert_eq!(first["state_name"], "done", "{first}");
    let package = |id: i64| {
        let os = format!("odcs-{id}/compose/Temporary/x86_64/os/Packages/e/ed-1.20-1.x86_64.rpm");
        std::fs::metadata(lab.service.target().join(os)).unwrap()
    };
    assert_eq!(package(1).nlink(), 2, "in the store, and in the compose");

    // An equal compose has the same tree.
    lab.www.forget();
    let again = lab.compose("/repo", &["ed"]).await;
    assert_eq!(again["state_name"], "done", "{again}");
    assert_ne!(again["id"], first["id"]);
    assert_eq!(again["result_repofile"], first["result_repofile"]);
    assert_eq!(lab.fetched(), Vec::<String>::new());

    // One that is not has the same files.
    let mut request = lab.request("/repo", &["ed"]);
    request["flags"] = json!(["no_reuse"]);
    let other = lab.service.compose(&request).await;
    assert_eq!(other["state_name"], "done", "{other}");
    assert_eq!(lab.fetched(), Vec::<String>::new());
    assert_eq!((package(3).ino(), package(3).nlink()), (package(1).ino(), 3));
    assert!(
        lab.log(3).contains("0 fetched (0.0 MB), 6 were there"),
        "{}",
        lab.log(3)
    );
    let repomd = lab.www.requests_for("/repo/repodata/repomd.xml").len();
    let others = lab.www.requests().len() - repomd;
    assert_eq!(others, 0, "metadata of the same checksum is there, too");
}

#[tokio::test]
async fn a_dry_run_fetches_no_package() {
    let lab = Lab::new("");
    let url = lab.www.url("/repo");
    let output = lab.service.odcs(["create-repo", "--dry-run", &url, "ed"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let answer = text(&output.stdout);
    assert!(answer.contains("line-editor-common"), "{answer}");
    assert_eq!(lab.fetched(), Vec::<String>::new());
    assert!(!lab.www.requests().is_empty());
    let missing = lab.service.odcs(["create-repo", "--dry-run", &url, "emacs"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert_eq!(lab.fetched(), Vec::<String>::new());
    assert_eq!(json(&lab.service.odcs(["list"]))["meta"]["total"], 0);
}

#[tokio::test]
async fn a_repository_that_moves_on_is_asked_anew() {
    let lab = Lab::with("", |www| {
        repository(&www.join("repo"), vec![package("app", "x86_64")]);
    });
    if !has("createrepo_c") {
        return;
    }
    let first = lab.compose("/repo", &["*"]).await;
    assert_eq!(first["state_name"], "done", "{first}");
    let www = lab.service.dir.path().join("www/repo");
    std::fs::remove_dir_all(&www).unwrap();
    repository(&www, vec![package("app", "x86_64"), package("more", "x86_64")]);
    lab.www.forget();
    let second = lab.compose("/repo", &["*"]).await;
    assert_eq!(second["state_name"], "done", "{second}");
    assert_ne!(second["result_repofile"], first["result_repofile"]);
    assert_eq!(lab.tree(1, "x86_64"), ["app-1-1.x86_64.rpm"]);
    assert_eq!(
        lab.tree(2, "x86_64"),
        ["app-1-1.x86_64.rpm", "more-1-1.x86_64.rpm"]
    );
    assert_eq!(
        lab.fetched(),
        ["more-1-1.x86_64.rpm"],
        "the other one is the same file"
    );
}
