//! What went into a compose once, from a repository that has moved on.

use std::path::Path;

use crate::support::Lab;
use odcs_core::manifest::ManifestPackage;
use odcs_core::source::{Content, PackageContent};
use odcs_core::{ComposeSource, ErrorKind, Manifest, Result};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{RepoSettings, RepoSource};

/// The manifest of a compose of everything in a repository.
pub(crate) async fn manifest(lab: &Lab, repository: &Path) -> Manifest {
    let resolved = lab.resolve(repository).await.unwrap();
    let content = lab.content(&resolved).await.unwrap();
    let recorded = |candidate: &odcs_core::source::Candidate| {
        let file = candidate.file.open().unwrap();
        let (digest, size) = Digest::of_reader(DigestAlgorithm::Sha256, file).unwrap();
        ManifestPackage {
            kind: candidate.package.kind(),
            nevra: candidate.package.nevra.clone(),
            arches: vec!["x86_64".parse().unwrap()],
            file: candidate.file.to_string(),
            modified: candidate.file.modified(),
            size,
            digest,
            sigkey: None,
            rpm_id: None,
            why: std::collections::BTreeMap::new(),
        }
    };
    let mut packages: Vec<_> = content.candidates.iter().map(recorded).collect();
    packages.sort();
    Manifest {
        source_type: "repo".to_owned(),
        description: content.description,
        timestamp: 7,
        packages,
        lookaside: Vec::new(),
        updateinfo: None,
    }
}

async fn replay(source: &RepoSource, manifest: &Manifest) -> Result<PackageContent> {
    let Content::Packages(content) = source.replay(manifest).await? else {
        panic!("a repository has packages");
    };
    Ok(content)
}

#[tokio::test]
async fn new_metadata_and_new_packages_make_no_difference() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let manifest = manifest(&lab, &repository).await;
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let packages = repository.join("Packages");
    std::fs::copy(packages.join("ed-1.20-1.i686.rpm"), packages.join("more.rpm")).unwrap();
    let content = replay(&lab.source, &manifest).await.unwrap();
    assert_eq!(content.candidates.len(), 13);
    assert_eq!(
        (content.timestamp, &content.description),
        (Some(7), &manifest.description)
    );
    for (candidate, recorded) in content.candidates.iter().zip(&manifest.packages) {
        assert_eq!(candidate.package.nevra, recorded.nevra);
        assert_eq!(candidate.checksum.as_ref(), Some(&recorded.digest));
        assert_eq!(candidate.file.to_string(), recorded.file);
    }
}

#[tokio::test]
async fn packages_that_were_moved_are_found_by_the_metadata_of_today() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let manifest = manifest(&lab, &repository).await;
    std::fs::rename(repository.join("Packages"), repository.join("p")).unwrap();
    let error = replay(&lab.source, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    lab.publish(&repository, "Packages/", "p/");
    let content = replay(&lab.source, &manifest).await.unwrap();
    assert_eq!(content.candidates.len(), 13);
    for (candidate, recorded) in content.candidates.iter().zip(&manifest.packages) {
        assert_eq!(candidate.package.nevra, recorded.nevra);
        assert_eq!(candidate.checksum.as_ref(), Some(&recorded.digest));
        assert_eq!(
            candidate.file.to_string(),
            recorded.file.replace("/Packages/", "/p/")
        );
    }
    // One that was built again under the same name has another checksum there.
    let mut rebuilt = manifest.clone();
    rebuilt.packages[0].digest = Digest::of_bytes(DigestAlgorithm::Sha256, b"another");
    let error = replay(&lab.source, &rebuilt).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(
        error.message().contains(&rebuilt.packages[0].nevra.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_missing_or_something_else_is_listed_at_once() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let manifest = manifest(&lab, &repository).await;
    let packages = repository.join("Packages");
    std::fs::remove_file(packages.join("ed-1.20-1.i686.rpm")).unwrap();
    std::fs::copy(
        packages.join("ed-1.20-1.src.rpm"),
        packages.join("ed-1.20-1.aarch64.rpm"),
    )
    .unwrap();
    let longer = packages.join("ed-doc-1.20-1.noarch.rpm");
    let mut bytes = std::fs::read(&longer).unwrap();
    bytes.push(0);
    std::fs::write(&longer, bytes).unwrap();
    let error = replay(&lab.source, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    for expected in [
        "of its 13 packages",
        "ed-0:1.20-1.i686 (",
        "Packages/ed-1.20-1.i686.rpm is not there)",
        "Packages/ed-1.20-1.aarch64.rpm is ed-0:1.20-1.src by now)",
        "ed-doc-0:1.20-1.noarch (",
        "is another file by now, of",
    ] {
        assert!(error.message().contains(expected), "{expected}: {error}");
    }
    assert!(
        !error.message().contains("x86_64"),
        "the others are there: {error}"
    );

    std::fs::remove_dir_all(&packages).unwrap();
    let error = replay(&lab.source, &manifest).await.unwrap_err();
    assert!(
        error.message().contains(" and 3 more; ask for a new compose"),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_outside_the_roots_is_read() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let manifest = manifest(&lab, &repository).await;
    // The root has been narrowed down since.
    std::fs::create_dir(lab.dir.path().join("other")).unwrap();
    let narrower = RepoSource::new(RepoSettings::new([lab.dir.path().join("other")])).unwrap();
    let error = replay(&narrower, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(error.message().contains("is not below a directory"), "{error}");
    // Somebody has put a link in its place.
    let elsewhere = Lab::new();
    let there = elsewhere.repository("repo");
    std::fs::remove_dir_all(repository.join("Packages")).unwrap();
    std::os::unix::fs::symlink(there.join("Packages"), repository.join("Packages")).unwrap();
    let error = replay(&lab.source, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(error.message().contains("symbolic link"), "{error}");
}
