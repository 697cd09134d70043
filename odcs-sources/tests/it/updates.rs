//! The updates that the packages of a repository belong to.

use odcs_core::source::{Content, PackageContent};
use odcs_core::{ComposeSource, ErrorKind, Manifest};
use odcs_rpm::compression::{WriteCompression, gzip};

use crate::support::Lab;

const UPDATES: &[u8] = b"<updates><update type=\"security\"><id>ED-2026:1</id></update></updates>";

#[tokio::test]
async fn updates_come_with_the_packages_whatever_their_compression() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let resolved = lab.resolve(&repository).await.unwrap();
    assert!(lab.content(&resolved).await.unwrap().updateinfo.is_none());
    let zstd = WriteCompression::Zstd.compress(UPDATES).unwrap();
    for (name, bytes) in [
        ("updateinfo.xml", UPDATES.to_vec()),
        ("updateinfo.xml.gz", gzip(UPDATES).unwrap()),
        ("0a-updateinfo.xml.zst", zstd),
    ] {
        lab.publish_updates(&repository, name, &bytes);
        let resolved = lab.resolve(&repository).await.unwrap();
        let content = lab.content(&resolved).await.unwrap();
        assert_eq!(content.candidates.len(), 13);
        let updates = content.updateinfo.unwrap();
        assert_eq!((updates.bytes(), updates.updates()), (UPDATES, 1), "{name}");
    }
}

#[tokio::test]
async fn a_document_that_is_not_what_repomd_says_is_refused() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    let path = repository.join("repodata/updateinfo.xml");
    for (bytes, expected) in [
        (&b"<updates>"[..], "the file ends in the middle of an element"),
        (b"<html/>", "<updates> is"),
        (b"<!DOCTYPE updates SYSTEM 'x'><updates/>", "document type"),
    ] {
        lab.publish_updates(&repository, "updateinfo.xml", bytes);
        let resolved = lab.resolve(&repository).await.unwrap();
        let error = lab.content(&resolved).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(
            error.message().contains(expected) && error.message().contains("repodata/updateinfo.xml"),
            "{error}"
        );
    }
    lab.publish_updates(&repository, "updateinfo.xml", UPDATES);
    let resolved = lab.resolve(&repository).await.unwrap();
    let other = String::from_utf8_lossy(UPDATES).replace("2026", "2027");
    std::fs::write(&path, other).unwrap();
    let error = lab.content(&resolved).await.unwrap_err();
    assert!(error.message().contains("checksum"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(lab.content(&resolved).await.is_err());
}

#[tokio::test]
async fn what_was_recorded_is_replayed_while_it_is_there() {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    lab.publish_updates(&repository, "updateinfo.xml", UPDATES);
    let content: PackageContent = lab
        .content(&lab.resolve(&repository).await.unwrap())
        .await
        .unwrap();
    let updates = content.updateinfo.unwrap();
    let manifest = Manifest {
        updateinfo: Some(updates.digest().clone()),
        ..crate::replay::manifest(&lab, &repository).await
    };
    let replayed = async || {
        let Content::Packages(content) = lab.source.replay(&manifest).await.unwrap() else {
            panic!("a repository has packages");
        };
        content.updateinfo
    };
    assert_eq!(replayed().await, Some(updates));
    lab.publish_updates(&repository, "updateinfo.xml", b"<updates/>");
    assert_eq!(replayed().await, None, "it is another one by now");
}
