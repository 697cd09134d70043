//! The `repo` source over real directories.

use std::path::Path;
use std::process::Command;

use crate::support::Lab;
use odcs_core::request::SourceSpec;
use odcs_core::source::PackageContent;
use odcs_core::{ComposeRequest, ComposeSource, ErrorKind};
use odcs_sources::repo::{RepoPins, RepoSettings, RepoSource};

fn names(content: &PackageContent) -> Vec<String> {
    let mut names: Vec<_> = content
        .candidates
        .iter()
        .map(|candidate| candidate.package.nevra.to_string())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn metadata_and_headers_say_the_same() {
    let lab = Lab::new();
    let (with, without) = (lab.repository("with"), lab.repository("without"));
    std::fs::remove_dir_all(without.join("repodata")).unwrap();
    let (with, without) = (
        lab.resolve(&with).await.unwrap(),
        lab.resolve(&without).await.unwrap(),
    );
    assert!(matches!(with.pins.read().unwrap(), RepoPins::Repodata { .. }));
    assert!(matches!(without.pins.read().unwrap(), RepoPins::Directory { .. }));
    let (with_metadata, from_headers) = (
        lab.content(&with).await.unwrap(),
        lab.content(&without).await.unwrap(),
    );
    assert_eq!(names(&with_metadata).len(), 13);
    assert_eq!(names(&with_metadata), names(&from_headers));
    // The revision of the metadata is what a Koji tag has in its event.
    assert_eq!(
        with.fields.koji_event,
        with_metadata
            .timestamp
            .map(|timestamp| i64::try_from(timestamp).unwrap())
    );
    assert!(with.fields.koji_event.is_some() && without.fields.koji_event.is_none());
    assert!(
        with_metadata
            .candidates
            .iter()
            .all(|candidate| candidate.checksum.is_some() && candidate.file.open().is_ok())
    );
    assert!(
        from_headers
            .candidates
            .iter()
            .all(|candidate| candidate.checksum.is_none() && candidate.file.open().is_ok())
    );
    let files = |content: &PackageContent| {
        let ed = content
            .candidates
            .iter()
            .find(|candidate| candidate.package.nevra.to_string() == "ed-0:1.20-1.x86_64");
        ed.unwrap()
            .package
            .files
            .iter()
            .map(|file| file.path.to_string())
            .collect::<Vec<_>>()
    };
    let complete = [
        lab.complete_content(&with).await.unwrap(),
        lab.complete_content(&without).await.unwrap(),
    ];
    assert!(!files(&complete[0]).is_empty());
    assert_eq!(files(&complete[0]), files(&complete[1]), "filelists are read");
}

#[tokio::test]
async fn what_changed_since_it_was_pinned_is_not_used() {
    let lab = Lab::new();
    let (with, without) = (lab.repository("with"), lab.repository("without"));
    std::fs::remove_dir_all(without.join("repodata")).unwrap();
    let pinned = [
        lab.resolve(&with).await.unwrap(),
        lab.resolve(&without).await.unwrap(),
    ];
    let repomd = with.join("repodata/repomd.xml");
    let text = std::fs::read_to_string(&repomd).unwrap();
    std::fs::write(&repomd, text.replace("</repomd>", "<!-- later --></repomd>")).unwrap();
    std::fs::remove_file(without.join("Packages/ed-1.20-1.i686.rpm")).unwrap();
    for pinned in &pinned {
        let error = lab.content(pinned).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
        assert!(error.to_string().contains("changed while"), "{error}");
    }
}

#[tokio::test]
async fn limits_hold() {
    let lab = Lab::new();
    let (with, without) = (lab.repository("with"), lab.repository("without"));
    std::fs::remove_dir_all(without.join("repodata")).unwrap();
    let source = |change: fn(&mut RepoSettings)| {
        let mut settings = RepoSettings::new([lab.dir.path()]);
        change(&mut settings);
        RepoSource::new(settings).unwrap()
    };
    let request =
        |path: &Path| ComposeRequest::new(SourceSpec::Repo(path.to_str().unwrap().parse().unwrap()));
    let few = source(|settings| settings.directory_entries = 5);
    let error = few.resolve(&request(&without)).await.unwrap_err();
    assert!(error.to_string().contains("limit of 5 files"), "{error}");
    for small in [
        source(|settings| settings.metadata_bytes = 100),
        source(|settings| settings.open_metadata_bytes = 100),
    ] {
        let pins = small.resolve(&request(&with)).await.unwrap().pins;
        let error = small.content(&pins).await.unwrap_err();
        assert!(error.to_string().contains("limit of 100"), "{error}");
    }
}

#[tokio::test]
async fn a_pipe_is_no_package_and_blocks_nothing() {
    let lab = Lab::new();
    let repository = lab.dir.path().join("pipe");
    std::fs::create_dir(&repository).unwrap();
    let made = Command::new("mkfifo")
        .arg(repository.join("pipe.rpm"))
        .status()
        .unwrap();
    assert!(made.success());
    let pinned = lab.resolve(&repository).await.unwrap();
    let error = lab.content(&pinned).await.unwrap_err();
    assert!(
        error.to_string().ends_with("pipe.rpm is not a regular file"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_one_plain_sentence() {
    let lab = Lab::new();
    type Spoil = fn(&Path);
    let cases: [(&str, &str, Spoil); 6] = [
        ("/repodata is there, but has no repomd.xml", "", |repository| {
            std::fs::remove_file(repository.join("repodata/repomd.xml")).unwrap();
        }),
        ("/repodata is there, but has no repomd.xml", "", |repository| {
            std::fs::remove_dir_all(repository.join("repodata")).unwrap();
            std::os::unix::fs::symlink("nowhere", repository.join("repodata")).unwrap();
        }),
        ("repomd.xml is damaged: ", "damaged: repomd.xml:", |repository| {
            std::fs::write(repository.join("repodata/repomd.xml"), "").unwrap();
        }),
        (
            "Packages/x.rpm is a symbolic link that leads in circles",
            "os error",
            |repository| {
                std::fs::remove_dir_all(repository.join("repodata")).unwrap();
                std::os::unix::fs::symlink("x.rpm", repository.join("Packages/x.rpm")).unwrap();
            },
        ),
        ("Packages/x.rpm is not there", "os error", |repository| {
            std::fs::remove_dir_all(repository.join("repodata")).unwrap();
            std::os::unix::fs::symlink("nowhere", repository.join("Packages/x.rpm")).unwrap();
        }),
        ("limit of 32 directories", "", |repository| {
            std::fs::remove_dir_all(repository.join("repodata")).unwrap();
            std::fs::create_dir_all(repository.join("d/".repeat(40))).unwrap();
        }),
    ];
    for (number, (expected, never, spoil)) in cases.into_iter().enumerate() {
        let repository = lab.repository(&number.to_string());
        spoil(&repository);
        let error = match lab.resolve(&repository).await {
            Ok(resolved) => lab.content(&resolved).await.unwrap_err(),
            Err(error) => error,
        };
        let message = error.to_string();
        assert!(message.contains(expected), "{message}");
        assert!(never.is_empty() || !message.contains(never), "{message}");
    }
}
