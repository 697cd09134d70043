//! What went into a compose once.

use std::collections::BTreeSet;

use odcs_rpm::{Arch, Digest, DigestAlgorithm, Nevra, TreeArch};

use super::{Subject, blocking, errors, must_fail};
use crate::manifest::{Manifest, ManifestPackage};
use crate::source::{Candidate, Content, PackageContent};
use crate::{ErrorKind, Result};

/// No package is called that.
const ABSENT: &str = "odcs-conformance-absent";

/// The manifest of a compose of everything that there is.
pub(super) async fn manifest_of(subject: &Subject, content: &PackageContent) -> Manifest {
    let mut packages = Vec::new();
    let arch: TreeArch = "x86_64".parse().expect("an arch");
    for candidate in subject.fetched(&content.candidates).await {
        let arches = vec![arch.clone()];
        packages.push(blocking(move || recorded(&candidate, arches)).await);
    }
    packages.sort();
    // A compose has one file for each.
    packages.dedup_by(|one, other| one.nevra == other.nevra);
    let manifest = Manifest {
        source_type: subject.source().kind().name().to_owned(),
        description: content.description.clone(),
        timestamp: content.timestamp.unwrap_or(1_800_000_000),
        packages,
        lookaside: Vec::new(),
        updateinfo: None,
    };
    let written = serde_json::to_string(&manifest).expect("a manifest has a JSON form");
    serde_json::from_str(&written).expect("a manifest can be read back")
}

fn recorded(candidate: &Candidate, arches: Vec<TreeArch>) -> ManifestPackage {
    let (digest, size) = digest(candidate);
    ManifestPackage {
        kind: candidate.package.kind(),
        nevra: candidate.package.nevra.clone(),
        arches,
        file: candidate.file.to_string(),
        modified: candidate.modified(),
        size,
        digest,
        sigkey: (candidate
            .record
            .as_ref()
            .and_then(|record| record.sigkey.as_ref()))
        .map(|key| key.short().to_owned()),
        rpm_id: candidate.record.as_ref().and_then(|record| record.rpm_id),
        why: std::collections::BTreeMap::new(),
    }
}

fn digest(candidate: &Candidate) -> (Digest, u64) {
    let file = candidate.file.open();
    let file = file.unwrap_or_else(|error| panic!("{} cannot be opened: {error}", candidate.file));
    Digest::of_reader(DigestAlgorithm::Sha256, file).expect("a file can be read")
}

async fn replay(subject: &Subject, manifest: &Manifest) -> Result<PackageContent> {
    let Content::Packages(content) = subject.source().replay(manifest).await?;
    Ok(content)
}

/// Whatever the source has by now: these packages, with their checksums, and no others.
pub(super) async fn everything_comes_back(subject: &Subject, manifest: &Manifest) {
    let content = replay(subject, manifest).await;
    let content =
        content.unwrap_or_else(|error| panic!("nothing has changed, but it cannot be replayed: {error:?}"));
    is_that(subject, &content, manifest).await;
    let none = Manifest {
        packages: Vec::new(),
        ..manifest.clone()
    };
    let content = replay(subject, &none)
        .await
        .expect("nothing at all is easily replayed");
    assert!(
        content.candidates.is_empty(),
        "nothing went in, something comes out"
    );
}

/// These packages, and files that have the checksums that are recorded.
async fn is_that(subject: &Subject, content: &PackageContent, manifest: &Manifest) {
    says_that(content, manifest);
    for candidate in subject.fetched(&content.candidates).await {
        blocking(move || {
            let (digest, size) = digest(&candidate);
            let file = &candidate.file;
            assert_eq!(candidate.checksum, Some(digest), "{file} is what is recorded");
            assert_eq!(
                candidate.package.sizes.package, size,
                "the size of {file} is known"
            );
        })
        .await;
    }
}

/// These packages, with the checksums that are recorded: whoever reads the files verifies them.
pub(super) fn says_that(content: &PackageContent, manifest: &Manifest) {
    let recorded: BTreeSet<_> = manifest
        .packages
        .iter()
        .map(|package| (package.nevra.to_string(), Some(package.digest.clone())))
        .collect();
    let found: BTreeSet<_> = content
        .candidates
        .iter()
        .map(|candidate| (candidate.package.nevra.to_string(), candidate.checksum.clone()))
        .collect();
    assert_eq!(
        found, recorded,
        "a candidate for each package, with its recorded checksum"
    );
}

/// One that is not there is named; of many the first few, and the rest counted.
pub(super) async fn what_is_missing_is_named(subject: &Subject, manifest: &Manifest) {
    let mut incomplete = manifest.clone();
    incomplete.packages.push(absent(manifest, 0));
    let error = must_fail(replay(subject, &incomplete).await, "a package is missing");
    assert_eq!(error.kind(), ErrorKind::Gone, "{error:?}");
    errors::names(&error, ABSENT);
    for number in 1..1_000 {
        incomplete.packages.push(absent(manifest, number));
    }
    // That the message is not too long is looked at there.
    let error = must_fail(
        replay(subject, &incomplete).await,
        "a thousand packages are missing",
    );
    assert_eq!(error.kind(), ErrorKind::Gone, "{error:?}");
    errors::names(&error, ABSENT);
}

/// A package that never was, in the directory of one that is.
fn absent(manifest: &Manifest, number: u32) -> ManifestPackage {
    let model = manifest.packages.first().expect("there are packages");
    let arch: Arch = "noarch".parse().expect("an arch");
    let name = format!("{ABSENT}{number}").parse().expect("a name");
    let nevra = Nevra::new(name, model.nevra.evr().clone(), arch);
    let directory = model.file.rsplit_once('/').map_or("", |(directory, _)| directory);
    ManifestPackage {
        file: format!("{directory}/{}", nevra.file_name()),
        modified: None,
        digest: Digest::of_bytes(DigestAlgorithm::Sha256, nevra.to_string().as_bytes()),
        nevra,
        ..model.clone()
    }
}

/// A recorded path is no permission: what is not the source's, and what is something else by now, is gone. That it
/// is something else may also be left to whoever reads the whole file: then the candidate has the recorded checksum.
pub(super) async fn nothing_else_is_read(subject: &Subject, manifest: &Manifest) {
    let model = manifest.packages.first().expect("there are packages");
    let directory = model.file.rsplit_once('/').map_or("", |(directory, _)| directory);
    let up = "../".repeat(40);
    for file in [
        "/etc/hostname",
        "/proc/self/exe",
        "file:///etc/hostname",
        "http://192.0.2.1/x.rpm",
        "http://192.0.2.1",
        "http:///x.rpm",
        "",
        "/",
        "x.rpm",
        "nul\0.rpm",
        directory,
        &format!("{directory}/{up}etc/hostname"),
        &format!("{directory}/{up}proc/self/exe"),
    ] {
        let package = ManifestPackage {
            file: file.to_owned(),
            modified: None,
            ..absent(manifest, 0)
        };
        let hostile = Manifest {
            packages: vec![package],
            ..manifest.clone()
        };
        let error = must_fail(
            replay(subject, &hostile).await,
            "that is no package of this source",
        );
        assert_eq!(error.kind(), ErrorKind::Gone, "{file:?}: {error:?}");
    }
    let other = ManifestPackage {
        size: model.size + 1,
        digest: Digest::of_bytes(DigestAlgorithm::Sha256, b"something else"),
        ..model.clone()
    };
    let changed = Manifest {
        packages: vec![other.clone()],
        ..manifest.clone()
    };
    match replay(subject, &changed).await {
        Err(error) => {
            errors::is_well_formed(&error);
            assert_eq!(error.kind(), ErrorKind::Gone, "{error:?}");
            errors::names(&error, other.nevra.name().as_str());
        }
        Ok(content) => {
            let checksums = content.candidates.iter().map(|candidate| &candidate.checksum);
            assert!(
                checksums.eq([&Some(other.digest)]),
                "what is recorded is what the file must be, not what it is by now: {}",
                other.nevra
            );
        }
    }
}
