//! Repositories that tests write, and composes of them.

use std::path::{Path, PathBuf};

use odcs_core::{Compose, ComposeRequest};
use rpmgen::{Layout, PackageSpec, write_repository};

use crate::support::{Lab, packages};

/// Repositories beside the one that every lab has.
pub(crate) struct Repositories(pub(crate) PathBuf);

impl Repositories {
    pub(crate) fn of(lab: &Lab) -> Self {
        Self(lab.repository.parent().unwrap().to_owned())
    }

    pub(crate) fn write(&self, name: &str, specs: Vec<PackageSpec>) -> PathBuf {
        let path = self.0.join(name);
        write_repository(&path, specs, Layout::Flat).unwrap();
        path
    }

    pub(crate) fn url(&self, below: &str) -> String {
        format!("file://{}/{below}", self.0.display())
    }
}

pub(crate) fn package(name: &str, arch: &str) -> PackageSpec {
    let source = PackageSpec::source(name, "1", "1", arch).file_name();
    PackageSpec::binary(name, "1", "1", arch).built_from(source)
}

pub(crate) fn request(lab: &Lab, repository: &Path, names: &[&str], lookaside: &[String]) -> ComposeRequest {
    let mut request = lab.request(names);
    request.source = odcs_core::request::SourceSpec::Repo(repository.to_str().unwrap().parse().unwrap());
    request.lookaside_repos = lookaside.iter().map(|url| url.parse().unwrap()).collect();
    request
}

pub(crate) async fn made(lab: &Lab, request: ComposeRequest) -> Compose {
    lab.engine.submit(request, "me").await.unwrap();
    lab.run_one().await
}

pub(crate) fn binaries(lab: &Lab, compose: &Compose, arch: &str) -> Vec<String> {
    packages(&lab.target(compose.id, &format!("compose/Temporary/{arch}/os/Packages")))
}
