//! The content store on a disk that fills up, and composes that link to it.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use odcs_core::content_store::Wanted;
use odcs_core::testing::content_store::Server;
use odcs_core::{ContentStore, ErrorKind};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::{Contents, ContentsSettings, StorageSettings, Targets};

use crate::failures::SmallDisk;

fn wanted(server: &Server, name: &str, size: usize) -> Wanted {
    let bytes: Vec<u8> = name.bytes().cycle().take(size).collect();
    let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
    Wanted::new(vec![server.put(name, bytes)], Some(digest), 1 << 30).with_size(Some(size as u64))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_to_be_full_and_nothing_is_left_on_it() {
    let Some(disk) = SmallDisk::mount("2m") else {
        return;
    };
    let targets = Targets::open(&StorageSettings::new(disk.path())).unwrap();
    let server = Arc::new(Server::default());
    let store = Contents::open(&targets, ContentsSettings::default(), server.clone()).unwrap();
    let small = wanted(&server, "small", 300_000);
    store.obtain(&small).await.unwrap();
    for (name, size) in [("large", 3_000_000), ("larger", 30_000_000)] {
        let error = store.obtain(&wanted(&server, name, size)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.is_retryable());
        let says = format!("the disk that holds {} is full", disk.path().display());
        assert_eq!(error.message(), says);
        let partials = disk.path().join(".content/partial").read_dir().unwrap();
        assert_eq!(partials.count(), 0);
    }
    // There is room again.
    let stats = store.directory().stats().await.unwrap();
    assert_eq!((stats.files, stats.bytes), (1, 300_000));
    store.obtain(&wanted(&server, "medium", 1_000_000)).await.unwrap();
    assert_eq!(store.recheck(&[small.digest.unwrap()]).await.unwrap(), []);
}

#[tokio::test]
async fn it_is_on_the_disk_of_the_composes_and_hidden() {
    let target = tempfile::tempdir().unwrap();
    let targets = Targets::open(&StorageSettings::new(target.path())).unwrap();
    let server = Arc::new(Server::default());
    let store = Contents::open(&targets, ContentsSettings::default(), server.clone()).unwrap();
    let file = store.obtain(&wanted(&server, "ed", 100)).await.unwrap().file;
    let metadata = file.open().unwrap().metadata().unwrap();
    assert_eq!(metadata.dev(), target.path().metadata().unwrap().dev());
    assert!(
        file.to_string()
            .starts_with(target.path().join(".content/sha256").to_str().unwrap())
    );

    use odcs_core::ComposeTrees;
    use odcs_core::files::ComposeFiles;
    let listing = odcs_storage::Trees::of(&targets).list().await.unwrap();
    assert!(listing.composes.is_empty() && listing.attempts.is_empty());
    let published = odcs_storage::PublishedComposes::of(&targets, "default").unwrap();
    for path in [".content", ".content/usage", &format!(".content/{}", file.path)] {
        let error = published.open(Some(&path.parse().unwrap())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{path}");
    }
    let Ok(odcs_core::files::OpenedPath::Directory(top)) = published.open(None) else {
        panic!("the top cannot be listed")
    };
    assert!(top.is_empty());
}
