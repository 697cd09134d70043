//! Metadata that holds more than it should, as far as a repository gets with it.

use std::path::Path;

use odcs_core::request::SourceSpec;
use odcs_core::{ComposeRequest, ComposeSource, ErrorKind};
use odcs_rpm::compression::gzip;
use odcs_rpm::repodata::{Repomd, RepomdRecord};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{RepoSettings, RepoSource};

use crate::support::Lab;

/// Puts another metadata file in the place of one, with what `repomd.xml` is to say of its size when decompressed.
fn publish(repository: &Path, kind: &str, bytes: &[u8], open_size: Option<u64>) {
    let repodata = repository.join("repodata");
    std::fs::write(repodata.join(format!("{kind}-bomb.xml.gz")), bytes).unwrap();
    let mut repomd = Repomd::parse(&std::fs::read(repodata.join("repomd.xml")).unwrap()).unwrap();
    repomd.records.retain(|record| record.kind != kind);
    repomd.records.push(RepomdRecord {
        kind: kind.to_owned(),
        location: format!("repodata/{kind}-bomb.xml.gz"),
        checksum: Digest::of_bytes(DigestAlgorithm::Sha256, bytes),
        open_checksum: None,
        size: Some(bytes.len() as u64),
        open_size,
        timestamp: None,
    });
    std::fs::write(repodata.join("repomd.xml"), repomd.to_xml()).unwrap();
}

/// What a compose of it would fail with.
async fn fails(lab: &Lab, repository: &Path) -> (ErrorKind, String) {
    let resolved = lab.resolve(repository).await.unwrap();
    let error = lab.content(&resolved).await.unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[tokio::test]
async fn bombs_are_named_with_the_limit() {
    for (kind, root) in [
        ("primary", "<metadata>"),
        ("filelists", "<filelists>"),
        ("updateinfo", "<updates>"),
    ] {
        let lab = Lab::new();
        let repository = lab.repository("repo");
        let bomb = gzip(format!("{root}{}", "<!-- -->".repeat(2 << 20)).as_bytes()).unwrap();
        // What is said of its size is a limit, and no permission.
        for open_size in [None, Some(0), Some(u64::MAX), Some(1 << 40)] {
            publish(&repository, kind, &bomb, open_size);
            let says = format!(
                "{}/repodata/{kind}-bomb.xml.gz becomes more than 100 times its size when it is decompressed, which is \
                 taken for an attack; a server that should read it anyway can be told so (metadata_ratio)",
                repository.display()
            );
            assert_eq!(fails(&lab, &repository).await, (ErrorKind::Invalid, says));
        }
        publish(&repository, kind, &bomb, Some(1_000));
        let says = format!(
            "{}/repodata/{kind}-bomb.xml.gz is damaged: it holds more than the 1000 bytes that repomd.xml says it has \
             when decompressed",
            repository.display()
        );
        assert_eq!(fails(&lab, &repository).await, (ErrorKind::Invalid, says));
    }
}

#[tokio::test]
async fn servers_can_be_told_to_read_more() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let updates = format!("<updates>{}<update/></updates>", "<!-- -->".repeat(2 << 20));
    publish(
        &repository,
        "updateinfo",
        &gzip(updates.as_bytes()).unwrap(),
        None,
    );
    let content = async |ratio| {
        let mut settings = RepoSettings::new([lab.dir.path()]);
        settings.metadata_ratio = ratio;
        let source = RepoSource::new(settings).unwrap();
        let location = repository.to_str().unwrap().parse().unwrap();
        let request = ComposeRequest::new(SourceSpec::Repo(location));
        let resolved = source.resolve(&request).await.unwrap();
        source.content(&resolved.pins).await
    };
    assert!(content(2_000).await.is_ok());
    let error = content(200).await.unwrap_err();
    assert!(error.message().contains("more than 200 times"), "{error}");
}

#[tokio::test]
async fn less_than_was_said_is_no_harm() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let updates = "<updates><update/></updates>";
    let bytes = gzip(updates.as_bytes()).unwrap();
    let length = updates.len() as u64;
    for open_size in [None, Some(0), Some(length), Some(length + 1)] {
        publish(&repository, "updateinfo", &bytes, open_size);
        let resolved = lab.resolve(&repository).await.unwrap();
        let content = lab.content(&resolved).await.unwrap();
        assert_eq!(content.updateinfo.unwrap().bytes(), updates.as_bytes());
    }
    publish(&repository, "updateinfo", &bytes, Some(length - 1));
    assert!(
        fails(&lab, &repository)
            .await
            .1
            .contains("more than the 27 bytes")
    );
}
