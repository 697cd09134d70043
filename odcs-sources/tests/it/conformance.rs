//! The `repo` source does what every source must do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::Lab;
use odcs_core::ComposeRequest;
use odcs_core::request::SourceSpec;
use odcs_core::testing::MemoryCache;
use odcs_core::testing::source::{Cases, conformance};
use odcs_sources::repo::{RepoError, RepoSettings, RepoSource};

fn request(path: &str) -> ComposeRequest {
    ComposeRequest::new(SourceSpec::Repo(path.parse().unwrap()))
}

/// Sources without a cache, with caches that work, and with caches that do not: all must say the same.
fn sources(lab: &Lab) -> impl AsyncFn() -> Result<RepoSource, RepoError> {
    let caches = [
        None,
        Some(MemoryCache::default()),
        Some(MemoryCache::losing(3)),
        Some(MemoryCache::cutting()),
    ];
    let caches = caches.map(|cache| cache.map(Arc::new));
    let (number, root) = (AtomicUsize::new(0), lab.dir.path().to_owned());
    async move || {
        let mut settings = RepoSettings::new([&root]);
        // One after the other, and so that neighbours differ.
        let number = number.fetch_add(1, Ordering::Relaxed);
        if let Some(cache) = &caches[number % caches.len()] {
            settings = settings.with_cache(cache.clone());
        }
        RepoSource::new(settings)
    }
}

/// The cases that a repository has with and without metadata.
fn cases<'a>(lab: &Lab, repository: &Path) -> Cases<'a> {
    let absent = lab.dir.path().join("absent");
    let other = SourceSpec::Tag(vec!["f36".parse().unwrap()]);
    Cases::new(request(repository.to_str().unwrap()))
        .refused(request("/etc"))
        .refused(request(&format!("{}/../etc", lab.dir.path().display())))
        .refused(request("https://example.com/repo/"))
        .refused(ComposeRequest::new(other))
        .not_found(request(absent.to_str().unwrap()))
}

#[tokio::test]
async fn with_repodata() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let cases = cases(&lab, &repository)
        .changing("a package is moved", async || {
            let packages = repository.join("Packages");
            let name = "ed-1.20-1.x86_64.rpm";
            std::fs::rename(packages.join(name), repository.join(name)).unwrap();
            std::fs::rename(repository.join(name), packages.join(name)).unwrap();
        })
        .changing("metadata is published", async || {
            let repomd = repository.join("repodata/repomd.xml");
            let text = std::fs::read_to_string(&repomd).unwrap();
            std::fs::write(&repomd, text.replace("</repomd>", "<!-- later --></repomd>")).unwrap();
        })
        .changing("a package is removed", async || {
            std::fs::remove_file(repository.join("Packages/ed-1.20-1.i686.rpm")).unwrap();
        });
    conformance(sources(&lab), cases).await;
}

#[tokio::test]
async fn without_repodata() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let packages = repository.join("Packages");
    let cases = cases(&lab, &repository)
        .changing("a package is added", async || {
            std::fs::copy(packages.join("ed-1.20-1.i686.rpm"), packages.join("again.rpm")).unwrap();
        })
        .changing("a package is replaced", async || {
            std::fs::copy(packages.join("ed-1.20-1.aarch64.rpm"), packages.join("again.rpm")).unwrap();
        })
        .changing("a package is cut off", async || {
            std::fs::write(packages.join("again.rpm"), b"\xed\xab\xee\xdb").unwrap();
        })
        .changing("a package is removed", async || {
            std::fs::remove_file(packages.join("again.rpm")).unwrap();
        })
        .changing("all is removed", async || {
            std::fs::remove_dir_all(&repository).unwrap();
        });
    conformance(sources(&lab), cases).await;
}
