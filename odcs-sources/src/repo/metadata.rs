//! Reading a repository with metadata, wherever its files are.

use std::sync::Arc;

use odcs_core::files::SourceFile;
use odcs_core::source::{Candidate, PackageContent, PackageLocation};
use odcs_rpm::Digest;
use odcs_rpm::repodata::{Filelists, Limits, RepoPackage, Repomd, RepomdRecord, UpdateInfo, read_primary};

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::pins::read_repomd;
use super::roots::Repository;
use super::verified::Verified;

/// The metadata files that are read. What else there is (changelogs, groups, databases) plays no part.
pub(super) const KINDS: [&str; 3] = ["primary", "filelists", "updateinfo"];

/// A repository whose metadata files are here: in its directory, or fetched from its server.
pub(super) trait Files: Sync {
    /// What it is called in messages: a path or a URL, without a slash at the end.
    fn name(&self) -> &str;

    /// One of its metadata files.
    ///
    /// # Errors
    /// If its location leads out of the repository.
    fn metadata(&self, record: &RepomdRecord) -> odcs_core::Result<SourceFile>;

    /// Where the file of a package is.
    ///
    /// # Errors
    /// If its location leads out of the repository.
    fn package(&self, listed: &RepoPackage) -> odcs_core::Result<PackageLocation>;
}

impl Files for Repository {
    fn name(&self) -> &str {
        &self.path
    }

    fn metadata(&self, record: &RepomdRecord) -> odcs_core::Result<SourceFile> {
        self.file(&record.location)
    }

    fn package(&self, listed: &RepoPackage) -> odcs_core::Result<PackageLocation> {
        self.file(&listed.location).map(PackageLocation::from)
    }
}

/// Reads what the pinned metadata of a directory lists.
pub(super) fn read(
    repository: &Repository,
    pinned: &Digest,
    settings: &RepoSettings,
) -> Result<PackageContent, RepoError> {
    let Some((digest, repomd)) = read_repomd(repository)? else {
        return Err(RepoError::new(Reason::Changed, &repository.path));
    };
    if digest != *pinned {
        return Err(RepoError::new(Reason::Changed, &repository.path));
    }
    read_all(repository, &repomd, settings)
}

/// Reads what metadata lists.
pub(super) fn read_all(
    repository: &dyn Files,
    repomd: &Repomd,
    settings: &RepoSettings,
) -> Result<PackageContent, RepoError> {
    let name = format!("{}/repodata/repomd.xml", repository.name());
    let primary = repomd
        .record("primary")
        .ok_or_else(|| RepoError::new(Reason::NoPrimary, &name))?;
    // All are long; what one says is joined to the other at the end.
    let ((primary, updates), filelists) = rayon::join(
        || {
            rayon::join(
                || read_primary_of(repository, primary, settings),
                || updates(repository, repomd, settings),
            )
        },
        || -> Result<_, RepoError> {
            let Some(filelists) = repomd.record("filelists") else {
                return Ok(None);
            };
            let file = Verified::open(repository, filelists, settings)?;
            file.read(settings, |reader| Filelists::read(reader, Limits::default()))
                .map(Some)
        },
    );
    let (path, mut packages) = primary?;
    match filelists? {
        Some(filelists) => {
            let given = filelists.give_to(&mut packages);
            given.map_err(|error| RepoError::damaged(error, &path))?;
        }
        // Then only the files in primary can be required, which is most of what ever is.
        None => tracing::warn!(repository = repository.name(), "the repository has no filelists"),
    }
    let candidates = packages
        .into_iter()
        .map(|package| candidate(repository, &path, package))
        .collect::<Result<_, _>>()?;
    Ok(PackageContent {
        candidates,
        timestamp: repomd
            .revision
            .as_deref()
            .and_then(|revision| revision.parse().ok()),
        description: format!("the repository {}", repository.name()),
        updateinfo: updates?.map(Arc::new),
        ..PackageContent::default()
    })
}

/// Reads the packages; says in which file.
fn read_primary_of(
    repository: &dyn Files,
    record: &RepomdRecord,
    settings: &RepoSettings,
) -> Result<(String, Vec<RepoPackage>), RepoError> {
    let file = Verified::open(repository, record, settings)?;
    let path = file.name.clone();
    let packages = file.read(settings, |reader| read_primary(reader, Limits::default()))?;
    Ok((path, packages))
}

/// Reads which updates the packages belong to, if the repository says so. A document that readers would stumble
/// over is an error: a compose without it would hide security updates, and nobody would know why.
pub(super) fn updates(
    repository: &dyn Files,
    repomd: &Repomd,
    settings: &RepoSettings,
) -> Result<Option<UpdateInfo>, RepoError> {
    let Some(record) = repomd.record("updateinfo") else {
        return Ok(None);
    };
    let file = Verified::open(repository, record, settings)?;
    file.read(settings, |reader| UpdateInfo::read(reader)).map(Some)
}

/// Checks where a package is said to be.
fn candidate(repository: &dyn Files, primary: &str, listed: RepoPackage) -> Result<Candidate, RepoError> {
    let package = listed.package.nevra.to_string();
    if let Some(base) = listed.location_base.clone() {
        return Err(RepoError::new(Reason::Elsewhere { package, base }, primary));
    }
    let file = repository.package(&listed).map_err(|_| {
        RepoError::new(
            Reason::Location {
                package,
                href: listed.location.clone(),
            },
            primary,
        )
    })?;
    Ok(Candidate {
        package: Arc::new(listed.package),
        file,
        checksum: Some(listed.checksum),
    })
}
