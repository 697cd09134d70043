//! Copies of the project's test repository, and the `repo` source over them.

pub(crate) mod web;

use std::path::{Path, PathBuf};
use std::process::Command;

use odcs_core::request::SourceSpec;
use odcs_core::source::{Content, PackageContent, Resolved};
use odcs_core::{ComposeRequest, ComposeSource, Result};
use odcs_rpm::repodata::{Repomd, RepomdRecord};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{RepoSettings, RepoSource};
use tempfile::TempDir;

/// A root with repositories in it, and a source that looks there.
pub(crate) struct Lab {
    pub(crate) dir: TempDir,
    pub(crate) source: RepoSource,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let source = RepoSource::new(RepoSettings::new([dir.path()])).unwrap();
        Self { dir, source }
    }

    /// A copy of the project's test repository.
    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        let to = self.dir.path().join(name);
        for part in ["Packages", "repodata"] {
            test_support::copy_tree(&test_support::test_repository().join(part), &to.join(part));
        }
        to
    }

    /// Publishes metadata of a repository anew, with another directory for its packages.
    pub(crate) fn publish(&self, repository: &Path, from: &str, to: &str) {
        let repodata = repository.join("repodata");
        let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        let primary = repodata.join("primary.xml");
        run(Command::new("gunzip").arg(repodata.join("primary.xml.gz")));
        let text = std::fs::read_to_string(&primary).unwrap();
        let text = text.replace(&format!("href=\"{from}"), &format!("href=\"{to}"));
        std::fs::write(&primary, &text).unwrap();
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes());
        let repomd = format!(
            "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>8</revision><data type=\"primary\">\
             <checksum type=\"sha256\">{}</checksum><location href=\"repodata/primary.xml\"/></data></repomd>",
            digest.hex()
        );
        std::fs::write(repodata.join("repomd.xml"), repomd).unwrap();
    }

    /// Adds a document with updates to the metadata of a repository, in place of one that is there.
    pub(crate) fn publish_updates(&self, repository: &Path, name: &str, bytes: &[u8]) {
        let repodata = repository.join("repodata");
        std::fs::write(repodata.join(name), bytes).unwrap();
        let mut repomd = Repomd::parse(&std::fs::read(repodata.join("repomd.xml")).unwrap()).unwrap();
        repomd.records.retain(|record| record.kind != "updateinfo");
        repomd.records.push(RepomdRecord {
            kind: "updateinfo".to_owned(),
            location: format!("repodata/{name}"),
            checksum: Digest::of_bytes(DigestAlgorithm::Sha256, bytes),
            open_checksum: None,
            size: Some(bytes.len() as u64),
            open_size: None,
            timestamp: None,
        });
        std::fs::write(repodata.join("repomd.xml"), repomd.to_xml()).unwrap();
    }

    pub(crate) async fn resolve(&self, repository: &Path) -> Result<Resolved> {
        let location = repository.to_str().unwrap().parse()?;
        self.source
            .resolve(&ComposeRequest::new(SourceSpec::Repo(location)))
            .await
    }

    pub(crate) async fn complete_content(&self, resolved: &Resolved) -> Result<PackageContent> {
        match self.source.complete_content(&resolved.pins).await? {
            Content::Packages(content) => Ok(content),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn content(&self, resolved: &Resolved) -> Result<PackageContent> {
        match self.source.content(&resolved.pins).await? {
            Content::Packages(content) => Ok(content),
            other => panic!("{other:?}"),
        }
    }
}
