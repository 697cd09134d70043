//! What went into a compose once, from a server that has moved on.

use std::collections::BTreeMap;

use odcs_core::manifest::ManifestPackage;
use odcs_core::source::{Content, PackageContent, Trust};
use odcs_core::{ComposeSource, ErrorKind, Manifest, Result};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{MirrorList, MirrorRule, RepoSettings, RepoSource};

use crate::http::{Remote, URL};

const UPDATES: &[u8] = b"<updates><update type=\"security\"><id>ED-2026:1</id></update></updates>";

/// The manifest of a compose of everything in a repository.
async fn manifest(remote: &Remote) -> Manifest {
    let resolved = remote.resolve().await.unwrap();
    let content = remote.content(&resolved).await.unwrap();
    let recorded = |candidate: &odcs_core::source::Candidate| {
        let file = candidate.file.to_string();
        let path = remote.repository.join(file.strip_prefix(URL).unwrap());
        let bytes = std::fs::read(path).unwrap();
        ManifestPackage {
            kind: candidate.package.kind(),
            nevra: candidate.package.nevra.clone(),
            arches: vec!["x86_64".parse().unwrap()],
            file,
            modified: candidate.file.modified(),
            size: bytes.len() as u64,
            digest: Digest::of_bytes(DigestAlgorithm::Sha256, &bytes),
            sigkey: None,
            rpm_id: None,
            why: BTreeMap::new(),
        }
    };
    let mut packages: Vec<_> = content.candidates.iter().map(recorded).collect();
    packages.sort();
    remote.web.requests();
    Manifest {
        source_type: "repo".to_owned(),
        description: content.description,
        timestamp: 7,
        packages,
        lookaside: Vec::new(),
        updateinfo: content.updateinfo.map(|updates| updates.digest().clone()),
    }
}

async fn replay(source: &RepoSource, manifest: &Manifest) -> Result<PackageContent> {
    let Content::Packages(content) = source.replay(manifest).await? else {
        panic!("a repository has packages");
    };
    Ok(content)
}

fn is_that(content: &PackageContent, manifest: &Manifest) {
    assert_eq!(content.candidates.len(), manifest.packages.len());
    for (candidate, recorded) in content.candidates.iter().zip(&manifest.packages) {
        assert_eq!(candidate.package.nevra, recorded.nevra);
        assert_eq!(candidate.checksum.as_ref(), Some(&recorded.digest));
        assert_eq!(candidate.file.modified(), recorded.modified);
    }
}

#[tokio::test]
async fn what_is_kept_needs_no_server() {
    let remote = Remote::new();
    let manifest = manifest(&remote).await;
    let content = replay(&remote.source, &manifest).await.unwrap();
    is_that(&content, &manifest);
    assert_eq!(
        (content.timestamp, &content.description),
        (Some(7), &manifest.description)
    );
    assert_eq!(content.trust, Trust::Untrusted);
    for (candidate, recorded) in content.candidates.iter().zip(&manifest.packages) {
        assert_eq!(candidate.file.to_string(), recorded.file);
    }
    remote.web.close(URL);
    remote.web.requests();
    for recorded in &manifest.packages {
        let bytes = std::fs::read(remote.repository.join(recorded.file.strip_prefix(URL).unwrap())).unwrap();
        odcs_core::ContentStore::keep(&*remote.kept, bytes.into())
            .await
            .unwrap();
    }
    is_that(&replay(&remote.source, &manifest).await.unwrap(), &manifest);
    assert!(remote.web.requests().is_empty());
}

#[tokio::test]
async fn what_is_gone_is_named() {
    let remote = Remote::new();
    let manifest = manifest(&remote).await;
    std::fs::remove_file(remote.repository.join("Packages/ed-1.20-1.i686.rpm")).unwrap();
    std::fs::write(
        remote.repository.join("Packages/ed-1.20-1.aarch64.rpm"),
        "something else",
    )
    .unwrap();
    let error = replay(&remote.source, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    for expected in [
        "of its 13 packages",
        "ed-0:1.20-1.i686 (https://",
        "ed-0:1.20-1.aarch64 (https://",
    ] {
        assert!(error.message().contains(expected), "{expected}: {error}");
    }
    assert!(
        !error.message().contains("x86_64"),
        "the others are there: {error}"
    );
    // A server that does not answer has lost nothing.
    remote.kept.clear();
    remote
        .web
        .answer(&manifest.packages[0].file, Err(ErrorKind::Unavailable));
    let error = replay(&remote.source, &manifest).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_recorded_url_is_no_permission() {
    let remote = Remote::new();
    let recorded = manifest(&remote).await;
    for file in [
        "https://example.org/ed.rpm",
        "https://example.com/pub/../secret/ed.rpm",
        "https://example.com/pub/%2e%2e/ed.rpm",
        "https://example.com/pub/ed.rpm?x",
        "https://me@example.com/ed.rpm",
        "https://example.com",
        "https://example.com/",
        "HTTPS://example.com/pub/other/ed.rpm",
    ] {
        let mut hostile = recorded.clone();
        hostile.packages.truncate(1);
        file.clone_into(&mut hostile.packages[0].file);
        let error = replay(&remote.source, &hostile).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gone, "{file}: {error}");
        let requests = remote.web.requests();
        assert!(
            requests
                .iter()
                .all(|url| url.ends_with("repodata/repomd.xml") || !url.contains("ed.rpm")),
            "{requests:?}"
        );
    }
    // Where nothing is fetched any more, nothing is.
    let local = RepoSource::new(RepoSettings::new([remote.lab.dir.path()])).unwrap();
    let error = replay(&local, &recorded).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
}

#[tokio::test]
async fn packages_that_were_moved_are_found_by_the_metadata_of_today() {
    let remote = Remote::new();
    let manifest = manifest(&remote).await;
    std::fs::rename(remote.repository.join("Packages"), remote.repository.join("p")).unwrap();
    let error = replay(&remote.source, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    remote.lab.publish(&remote.repository, "Packages/", "p/");
    let content = replay(&remote.source, &manifest).await.unwrap();
    is_that(&content, &manifest);
    for (candidate, recorded) in content.candidates.iter().zip(&manifest.packages) {
        assert_eq!(
            candidate.file.to_string(),
            recorded.file.replace("/Packages/", "/p/")
        );
    }
    let mut rebuilt = manifest.clone();
    rebuilt.packages[0].digest = Digest::of_bytes(DigestAlgorithm::Sha256, b"another");
    let error = replay(&remote.source, &rebuilt).await.unwrap_err();
    assert!(
        error.message().contains(&rebuilt.packages[0].nevra.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn mirrors_have_it_where_the_repository_itself_has_nothing() {
    let (list, mirror) = ("https://example.com/list", "https://mirror.example.com/a/");
    let remote = Remote::with_mirrors([MirrorRule {
        repository: URL.parse().unwrap(),
        list: MirrorList::Mirrorlist(list.parse().unwrap()),
    }]);
    remote.web.answer(list, Ok(mirror.as_bytes()));
    remote.web.serve(mirror, &remote.repository);
    remote.web.close(URL);
    let manifest = manifest(&remote).await;
    is_that(&replay(&remote.source, &manifest).await.unwrap(), &manifest);
    let requests = remote.web.requests();
    assert_eq!(
        requests.iter().filter(|url| *url == list).count(),
        1,
        "{requests:?}"
    );
}

#[tokio::test]
async fn updates_are_kept_for_composes_that_are_made_again() {
    let remote = Remote::new();
    let zstd = odcs_rpm::compression::WriteCompression::Zstd
        .compress(UPDATES)
        .unwrap();
    remote
        .lab
        .publish_updates(&remote.repository, "updateinfo.xml.zst", &zstd);
    let manifest = manifest(&remote).await;
    assert!(manifest.updateinfo.is_some());
    remote.publish_anew();
    let updates = async || replay(&remote.source, &manifest).await.unwrap().updateinfo;
    assert_eq!(updates().await.unwrap().bytes(), UPDATES);
    // They are lost, and the repository has others by now.
    remote.kept.clear();
    assert_eq!(updates().await, None);
    // It has them again.
    remote
        .lab
        .publish_updates(&remote.repository, "updateinfo.xml.zst", &zstd);
    assert_eq!(updates().await.unwrap().bytes(), UPDATES);
}

#[tokio::test]
async fn updates_of_directories_are_kept_too() {
    let remote = Remote::new();
    remote
        .lab
        .publish_updates(&remote.repository, "updateinfo.xml", UPDATES);
    let directory = crate::http::request(remote.repository.to_str().unwrap());
    let resolved = remote.source.resolve(&directory).await.unwrap();
    let updates = remote.content(&resolved).await.unwrap().updateinfo.unwrap();
    let manifest = Manifest {
        updateinfo: Some(updates.digest().clone()),
        ..crate::replay::manifest(&remote.lab, &remote.repository).await
    };
    remote.publish_anew();
    let content = replay(&remote.source, &manifest).await.unwrap();
    assert_eq!(content.updateinfo, Some(updates));
}
