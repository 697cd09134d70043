//! Repositories on HTTP servers.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_core::allow::UrlAllowList;
use odcs_core::request::SourceSpec;
use odcs_core::source::{Content, PackageContent, PackageLocation, Resolved, Trust};
use odcs_core::testing::source::{Cases, conformance};
use odcs_core::{ComposeRequest, ComposeSource, ContentStore, ErrorKind, Fetch, Result};
use odcs_rpm::repodata::Repomd;
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{MirrorRule, RepoPins, RepoSettings, RepoSource};

use crate::support::Lab;
use crate::support::web::{Kept, Web};

pub(crate) const URL: &str = "https://example.com/pub/repo/";

/// A repository on a server, and a source that fetches from there.
pub(crate) struct Remote {
    pub(crate) lab: Lab,
    pub(crate) repository: PathBuf,
    pub(crate) web: Arc<Web>,
    pub(crate) kept: Arc<Kept>,
    pub(crate) source: RepoSource,
}

impl Remote {
    pub(crate) fn new() -> Self {
        Self::with_mirrors([])
    }

    pub(crate) fn with_mirrors(rules: impl IntoIterator<Item = MirrorRule>) -> Self {
        let lab = Lab::new();
        let repository = lab.repository("repo");
        let web = Web::new(&["https://example.com/", "https://mirror.example.com/"]);
        web.serve(URL, &repository);
        let kept = Kept::new(Arc::clone(&web) as Arc<dyn Fetch>);
        let settings = RepoSettings::new([lab.dir.path()])
            .with_fetch(
                Arc::clone(&web) as Arc<dyn Fetch>,
                Arc::clone(&kept) as Arc<dyn ContentStore>,
            )
            .with_mirrors(rules);
        let source = RepoSource::new(settings).unwrap();
        Self {
            lab,
            repository,
            web,
            kept,
            source,
        }
    }

    /// Another source, with a content store that has nothing.
    pub(crate) fn with(&self, change: impl Fn(RepoSettings) -> RepoSettings) -> RepoSource {
        let kept = Kept::new(Arc::clone(&self.web) as Arc<dyn Fetch>);
        let settings = RepoSettings::new([self.lab.dir.path()]).with_fetch(
            Arc::clone(&self.web) as Arc<dyn Fetch>,
            kept as Arc<dyn ContentStore>,
        );
        RepoSource::new(change(settings)).unwrap()
    }

    pub(crate) async fn resolve(&self) -> Result<Resolved> {
        self.source.resolve(&request(URL)).await
    }

    pub(crate) async fn content(&self, resolved: &Resolved) -> Result<PackageContent> {
        content(&self.source, resolved).await
    }

    pub(crate) fn repomd(&self) -> Repomd {
        Repomd::parse(&std::fs::read(self.repository.join("repodata/repomd.xml")).unwrap()).unwrap()
    }

    /// Publishes other metadata of the same packages.
    pub(crate) fn publish_anew(&self) {
        self.lab
            .publish_updates(&self.repository, "updateinfo.xml", b"<updates/>");
    }
}

pub(crate) async fn content(source: &RepoSource, resolved: &Resolved) -> Result<PackageContent> {
    match source.content(&resolved.pins).await? {
        Content::Packages(content) => Ok(content),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn request(url: &str) -> ComposeRequest {
    ComposeRequest::new(SourceSpec::Repo(url.parse().unwrap()))
}

fn url(path: &str) -> String {
    format!("{URL}{path}")
}

#[tokio::test]
async fn it_does_what_every_source_must_do() {
    let remote = Remote::new();
    let (repository, kept) = (&remote.repository, &remote.kept);
    let cases = Cases::new(request(URL))
        .refused(request("https://example.org/repo/"))
        .refused(request("https://me@example.com/pub/repo/"))
        .refused(request("https://example.com/pub/repo/?x"))
        .refused(request("https://example.com/pub/repo/#x"))
        .refused(request("https://example.com/pub/..%2fsecret/"))
        .not_found(request("https://example.com/pub/absent/"))
        .fetching(Arc::clone(kept) as Arc<dyn ContentStore>)
        .changing("everything that was fetched is lost", async || kept.clear())
        .changing("a package is moved", async || {
            let name = "ed-1.20-1.x86_64.rpm";
            std::fs::rename(repository.join("Packages").join(name), repository.join(name)).unwrap();
            std::fs::rename(repository.join(name), repository.join("Packages").join(name)).unwrap();
        })
        .changing("metadata is published", async || remote.publish_anew())
        .changing("metadata is published, and nothing was kept", async || {
            kept.clear();
            let repomd = repository.join("repodata/repomd.xml");
            let text = std::fs::read_to_string(&repomd).unwrap();
            std::fs::write(&repomd, text.replace("</repomd>", "<!-- later --></repomd>")).unwrap();
        })
        .changing("a package is removed", async || {
            std::fs::remove_file(repository.join("Packages/ed-1.20-1.i686.rpm")).unwrap();
        })
        .changing("all of it is gone", async || {
            kept.clear();
            remote.web.close(URL);
        });
    let open = async || {
        RepoSource::new(RepoSettings::new([remote.lab.dir.path()]).with_fetch(
            Arc::clone(&remote.web) as Arc<dyn Fetch>,
            Arc::clone(kept) as Arc<dyn ContentStore>,
        ))
    };
    conformance(open, cases).await;
}

#[tokio::test]
async fn it_says_what_the_directory_says() {
    let remote = Remote::new();
    let resolved = remote.resolve().await.unwrap();
    let there = remote.content(&resolved).await.unwrap();
    let local = remote.lab.resolve(&remote.repository).await.unwrap();
    let here = remote.lab.content(&local).await.unwrap();
    assert_eq!(resolved.fields, local.fields);
    assert_eq!(there.timestamp, here.timestamp);
    assert_eq!(there.candidates.len(), 13);
    assert_eq!(there.description, "the repository https://example.com/pub/repo");
    for (there, here) in there.candidates.iter().zip(&here.candidates) {
        assert_eq!((&there.package, &there.checksum), (&here.package, &here.checksum));
        let path = here.file.to_string();
        let below = path.strip_prefix(remote.repository.to_str().unwrap()).unwrap();
        assert_eq!(there.file.to_string(), url(below.trim_start_matches('/')));
        assert_eq!(there.file.modified(), Some(here.package.file_time));
        assert!(
            matches!(there.file, PackageLocation::Remote(_)),
            "nothing is fetched yet"
        );
    }
}

#[tokio::test]
async fn metadata_is_fetched_once_and_packages_are_not() {
    let remote = Remote::new();
    for _ in 0..2 {
        let resolved = remote.resolve().await.unwrap();
        remote.content(&resolved).await.unwrap();
        remote.content(&resolved).await.unwrap();
    }
    let requests = remote.web.requests();
    let repomd = url("repodata/repomd.xml");
    let (documents, files): (Vec<_>, Vec<_>) = requests.iter().partition(|url| **url == repomd);
    assert_eq!(documents.len(), 2, "once for each compose: {requests:?}");
    let mut expected: Vec<_> = ["primary", "filelists"]
        .iter()
        .map(|kind| url(&remote.repomd().record(kind).unwrap().location))
        .collect();
    expected.sort_unstable();
    let mut files: Vec<String> = files.into_iter().cloned().collect();
    files.sort_unstable();
    assert_eq!(files, expected, "primary and filelists, once");
    // Nobody could have read it from anywhere else.
    let digests = remote.repomd().records;
    assert_eq!(remote.kept.len(), 3, "those two and repomd.xml: {digests:?}");
}

#[tokio::test]
async fn what_is_pinned_holds_while_it_is_kept() {
    let remote = Remote::new();
    let resolved = remote.resolve().await.unwrap();
    let RepoPins::Remote { repomd, mirrors, .. } = resolved.pins.read().unwrap() else {
        panic!("{:?}", resolved.pins)
    };
    let bytes = std::fs::read(remote.repository.join("repodata/repomd.xml")).unwrap();
    assert_eq!(repomd, Digest::of_bytes(DigestAlgorithm::Sha256, &bytes));
    assert!(mirrors.is_empty());
    remote.web.close(URL);
    remote.web.requests();
    assert_eq!(remote.content(&resolved).await.unwrap().candidates.len(), 13);
    assert!(remote.web.requests().is_empty());
    remote.kept.clear();
    let error = remote.content(&resolved).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    // It is there again as it was.
    remote.web.serve(URL, &remote.repository);
    assert_eq!(remote.content(&resolved).await.unwrap().candidates.len(), 13);
    // Another repomd.xml, nothing kept.
    remote.publish_anew();
    remote.kept.clear();
    let error = remote.content(&resolved).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(error.message().contains("changed while"), "{error}");
}

#[tokio::test]
async fn damaged_metadata_is_fetched_again_once() {
    let remote = Remote::new();
    let resolved = remote.resolve().await.unwrap();
    let primary = remote.repomd().record("primary").unwrap().clone();
    let path = remote.kept.path(&primary.checksum);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    remote.web.requests();
    assert_eq!(remote.content(&resolved).await.unwrap().candidates.len(), 13);
    assert_eq!(remote.web.requests(), [url(&primary.location)]);
    // A damaged repomd.xml, likewise.
    let RepoPins::Remote { repomd, .. } = resolved.pins.read().unwrap() else {
        panic!("{:?}", resolved.pins)
    };
    std::fs::write(remote.kept.path(&repomd), "<repomd/>").unwrap();
    assert_eq!(remote.content(&resolved).await.unwrap().candidates.len(), 13);
    assert_eq!(remote.web.requests(), [url("repodata/repomd.xml")]);
}

#[tokio::test]
async fn a_repository_that_is_published_meanwhile_is_read_anew() {
    let remote = Arc::new(Remote::new());
    // Right after repomd.xml was read, everything that it names goes, and something else comes.
    let (repodata, again) = (remote.repository.join("repodata"), Arc::clone(&remote));
    remote.web.after(&url("repodata/repomd.xml"), move || {
        std::fs::rename(&repodata, repodata.with_extension("old")).unwrap();
        test_support::copy_tree(&repodata.with_extension("old"), &repodata);
        let mut repomd = again.repomd();
        for record in &mut repomd.records {
            let location = format!("repodata/new-{}", record.location.trim_start_matches("repodata/"));
            std::fs::rename(
                again.repository.join(&record.location),
                again.repository.join(&location),
            )
            .unwrap();
            record.location = location;
        }
        std::fs::write(repodata.join("repomd.xml"), repomd.to_xml()).unwrap();
    });
    let resolved = remote.resolve().await.unwrap();
    let requests = remote.web.requests();
    let of_repomd = requests.iter().filter(|url| url.ends_with("repomd.xml")).count();
    assert_eq!(of_repomd, 2, "{requests:?}");
    assert_eq!(remote.content(&resolved).await.unwrap().candidates.len(), 13);
}

#[tokio::test]
async fn what_stays_wrong_is_said() {
    type Spoil = fn(&Remote);
    let primary = |remote: &Remote| url(&remote.repomd().record("primary").unwrap().location);
    let cases: [(&str, ErrorKind, usize, Spoil); 9] = [
        (
            "has no repodata/repomd.xml; repositories on HTTP servers need it",
            ErrorKind::NotFound,
            1,
            |remote| {
                std::fs::remove_dir_all(remote.repository.join("repodata")).unwrap();
            },
        ),
        (
            "the server answered a web page where https://",
            ErrorKind::Invalid,
            1,
            |remote| {
                remote
                    .web
                    .answer(&url("repodata/repomd.xml"), Ok(b"<!doctype html><p>Not here</p>"));
            },
        ),
        ("repomd.xml is damaged", ErrorKind::Invalid, 1, |remote| {
            remote.web.answer(&url("repodata/repomd.xml"), Ok(b"<repomd"));
        }),
        ("could not be fetched", ErrorKind::Unavailable, 1, |remote| {
            remote
                .web
                .answer(&url("repodata/repomd.xml"), Err(ErrorKind::Unavailable));
        }),
        ("limit of 4194304", ErrorKind::Invalid, 1, |remote| {
            remote
                .web
                .answer(&url("repodata/repomd.xml"), Ok(&vec![b' '; (4 << 20) + 1]));
        }),
        ("names no primary metadata", ErrorKind::NotFound, 2, |remote| {
            remote.web.answer(&url("repodata/repomd.xml"), Ok(b"<repomd/>"));
        }),
        ("could not be fetched", ErrorKind::NotFound, 2, |remote| {
            let primary = remote.repomd().record("primary").unwrap().location.clone();
            std::fs::remove_file(remote.repository.join(primary)).unwrap();
        }),
        ("is not what it should be", ErrorKind::Invalid, 2, |remote| {
            let primary = remote.repomd().record("primary").unwrap().location.clone();
            std::fs::write(remote.repository.join(primary), "something else").unwrap();
        }),
        ("leads out of the repository", ErrorKind::Forbidden, 1, |remote| {
            let mut repomd = remote.repomd();
            repomd.records[0].location = "%2e%2e/%2e%2e/secret".to_owned();
            repomd.records[0].kind = "primary".to_owned();
            std::fs::write(remote.repository.join("repodata/repomd.xml"), repomd.to_xml()).unwrap();
        }),
    ];
    for (says, kind, documents, spoil) in cases {
        let remote = Remote::new();
        assert!(primary(&remote).contains("primary"));
        spoil(&remote);
        let error = remote.resolve().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{says}: {error}");
        assert!(
            error.message().contains(says) && error.message().contains(URL.trim_end_matches('/')),
            "{says}: {error}"
        );
        let requests = remote.web.requests();
        let found = requests.iter().filter(|url| url.ends_with("repomd.xml")).count();
        assert_eq!(found, documents, "{says}: {requests:?}");
    }
}

#[tokio::test]
async fn packages_stay_in_the_repository() {
    for (href, fits) in [
        ("../x.rpm", false),
        ("/x.rpm", false),
        ("%2e%2e/x.rpm", false),
        ("a/%2e%2e%2fx.rpm", false),
        ("https://example.org/x.rpm", false),
        ("a\\..\\x.rpm", false),
        ("other/x~y+z^1 2.rpm", true),
    ] {
        let remote = Remote::new();
        remote
            .lab
            .publish(&remote.repository, "Packages/ed-1.20-1.i686.rpm", href);
        let resolved = remote.resolve().await.unwrap();
        let content = remote.content(&resolved).await;
        if fits {
            let files: Vec<_> = content
                .unwrap()
                .candidates
                .iter()
                .map(|it| it.file.to_string())
                .collect();
            assert!(files.contains(&url("other/x~y+z%5E1%202.rpm")), "{files:?}");
        } else {
            let error = content.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{href}: {error}");
            assert!(error.message().contains("leads out of the repository"), "{error}");
        }
    }
}

#[tokio::test]
async fn limits_hold() {
    let remote = Remote::new();
    let small = remote.with(|mut settings| {
        settings.metadata_bytes = 100;
        settings
    });
    let error = small.resolve(&request(URL)).await.unwrap_err();
    assert!(error.message().contains("limit of 100 bytes"), "{error}");
    let requests = remote.web.requests();
    assert!(
        requests.iter().all(|url| url.ends_with("repomd.xml")),
        "{requests:?}"
    );
    let small = remote.with(|mut settings| {
        settings.open_metadata_bytes = 100;
        settings
    });
    let resolved = small.resolve(&request(URL)).await.unwrap();
    let error = content(&small, &resolved).await.unwrap_err();
    assert!(error.message().contains("limit of 100"), "{error}");
}

#[tokio::test]
async fn only_what_is_trusted_is_trusted() {
    let remote = Remote::new();
    for (trusted, expected) in [
        (&[][..], Trust::Untrusted),
        (&["https://example.com/pub/other/"], Trust::Untrusted),
        (&["https://example.com/pub/"], Trust::Trusted),
    ] {
        let list = UrlAllowList::parse(trusted).unwrap();
        let source = remote.with(|settings| settings.with_trusted_urls(list.clone()));
        let resolved = source.resolve(&request(URL)).await.unwrap();
        assert_eq!(
            content(&source, &resolved).await.unwrap().trust,
            expected,
            "{trusted:?}"
        );
    }
}

#[tokio::test]
async fn without_anything_to_fetch_with_there_are_only_directories() {
    let lab = Lab::new();
    let error = lab.source.check(&request(URL)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.message().contains("cannot fetch repositories"), "{error}");
    let remote = Remote::new();
    let resolved = remote.resolve().await.unwrap();
    assert!(lab.source.content(&resolved.pins).await.is_err());
}

#[test]
fn an_arch_has_to_be_named() {
    let url = "https://example.com/pub/$basearch/repo/";
    let error = Remote::new().source.check(&request(url)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.message(),
        "\"source\": https://example.com/pub/$basearch/repo/ cannot be the URL of a repository: $basearch stands for \
         an arch in lookaside_repos only; name the repository of one arch"
    );
}
