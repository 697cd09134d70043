//! Reading a repository with metadata, wherever its files are.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use odcs_core::CacheKey;
use odcs_core::files::SourceFile;
use odcs_core::source::{Candidate, PackageContent, PackageLocation};
use odcs_rpm::repodata::{Filelists, Limits, RepoPackage, Repomd, RepomdRecord, UpdateInfo, read_primary};
use odcs_rpm::{Digest, Package};

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::pins::read_repomd;
use super::roots::Repository;
use super::streamed::{self, AHEAD, add, index, send_files};
use super::verified::Verified;
use crate::catalog::{Amount, Catalog, CatalogBuilder, Item};

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

    /// Where the file of a package is; the time that it was last modified is in seconds since 1970, 0 if nobody knows.
    ///
    /// # Errors
    /// If its location leads out of the repository.
    fn package(&self, location: &str, modified: u64) -> odcs_core::Result<PackageLocation>;
}

impl Files for Repository {
    fn name(&self) -> &str {
        &self.path
    }

    fn metadata(&self, record: &RepomdRecord) -> odcs_core::Result<SourceFile> {
        self.file(&record.location)
    }

    fn package(&self, location: &str, _modified: u64) -> odcs_core::Result<PackageLocation> {
        self.file(location).map(PackageLocation::from)
    }
}

/// Reads what the pinned metadata of a directory lists.
pub(super) fn read(
    repository: &Repository,
    pinned: &Digest,
    settings: &RepoSettings,
    amount: Amount,
) -> Result<PackageContent, RepoError> {
    let Some((digest, repomd)) = read_repomd(repository)? else {
        return Err(RepoError::new(Reason::Changed, &repository.path));
    };
    if digest != *pinned {
        return Err(RepoError::new(Reason::Changed, &repository.path));
    }
    let metadata = Metadata {
        repository,
        repomd: &repomd,
        digest: &digest,
        settings,
    };
    match amount {
        Amount::Brief => metadata.brief(),
        Amount::Complete => metadata.complete(),
    }
}

/// The metadata of a repository.
#[derive(Clone, Copy)]
pub(super) struct Metadata<'a> {
    pub(super) repository: &'a dyn Files,
    pub(super) repomd: &'a Repomd,
    /// SHA-256 of `repomd.xml`.
    pub(super) digest: &'a Digest,
    pub(super) settings: &'a RepoSettings,
}

impl Metadata<'_> {
    /// What it lists, with brief packages and a set of them: from the cache, else from the files.
    pub(super) fn brief(&self) -> Result<PackageContent, RepoError> {
        let (catalog, updates) = rayon::join(
            || self.cached().map_or_else(|| self.catalog(), Ok),
            || updates(self.repository, self.repomd, self.settings),
        );
        let Catalog { set, items } = catalog?;
        let primary = self.name_of("primary");
        let candidates = items.into_iter().map(|item| {
            let Item {
                package,
                location,
                checksum,
            } = item;
            let file = file(self.repository, &primary, &package, &location)?;
            Ok(Candidate::new(package, file).with_checksum(checksum))
        });
        let candidates = candidates.collect::<Result<_, _>>()?;
        Ok(PackageContent {
            set: Some(set),
            ..self.content(candidates, updates?)
        })
    }

    /// What it lists, with complete packages.
    pub(super) fn complete(&self) -> Result<PackageContent, RepoError> {
        let (listed, updates) = rayon::join(
            || self.listed(),
            || updates(self.repository, self.repomd, self.settings),
        );
        let (path, packages) = listed?;
        let candidates = packages.into_iter().map(|listed| {
            check_base(&path, &listed)?;
            let file = file(self.repository, &path, &listed.package, &listed.location)?;
            Ok(Candidate::new(Arc::new(listed.package), file).with_checksum(listed.checksum))
        });
        let candidates = candidates.collect::<Result<_, _>>()?;
        Ok(self.content(candidates, updates?))
    }

    /// What the cache has of it.
    fn cached(&self) -> Option<Catalog> {
        Catalog::cached(self.settings.cache.as_deref()?, &self.key())
    }

    /// The same metadata says the same wherever it is. But a checksum in it may be a weak one, and so the metadata of
    /// one repository says nothing about another; and what is too large today need not have been yesterday.
    fn key(&self) -> CacheKey {
        let RepoSettings {
            metadata_bytes,
            open_metadata_bytes,
            metadata_ratio,
            ..
        } = self.settings;
        let limits = [metadata_bytes, open_metadata_bytes, metadata_ratio].map(|limit| limit.to_le_bytes());
        let parts = [self.repository.name().as_bytes(), self.digest.hex().as_bytes()];
        CacheKey::new("repodata", &[parts[0], parts[1], &limits.concat()])
    }

    /// Reads the packages, and indexes them.
    fn catalog(&self) -> Result<Catalog, RepoError> {
        let catalog = match self.streamed()? {
            Some(catalog) => catalog,
            None => {
                let (path, packages) = self.listed()?;
                let mut builder = CatalogBuilder::new();
                for listed in packages {
                    check_base(&path, &listed)?;
                    add(&mut builder, listed);
                }
                builder
                    .finish()
                    .map_err(|error| RepoError::damaged(error, &path))?
            }
        };
        if let Some(cache) = &self.settings.cache {
            catalog.keep(&**cache, &self.key());
        }
        Ok(catalog)
    }

    /// Indexes packages while they are read, if `primary` and `filelists` list the same packages in the same order,
    /// each once, as createrepo_c writes them: no more than a few of them are in memory then.
    fn streamed(&self) -> Result<Option<Catalog>, RepoError> {
        let (primary, path) = (self.primary()?, self.name_of("primary"));
        let Some(filelists) = self.repomd.record("filelists") else {
            return Ok(None);
        };
        let (send, receive) = sync_channel::<Vec<streamed::Files>>(AHEAD);
        let (streamed, files) = std::thread::scope(|scope| {
            let files = scope.spawn(move || -> Result<(), RepoError> {
                let file = Verified::open(self.repository, filelists, self.settings)?;
                file.read(self.settings, |reader| send_files(reader, &send))
            });
            let streamed = (|| {
                let file = Verified::open(self.repository, primary, self.settings)?;
                file.read(self.settings, |reader| index(reader, receive, &path))
            })();
            (streamed, files.join())
        });
        let fault = |_| RepoError::new(Reason::Fault, self.repository.name());
        let streamed = streamed?;
        files.map_err(fault)??;
        streamed
    }

    /// Reads all packages with all of their files; says in which file they are.
    fn listed(&self) -> Result<(String, Vec<RepoPackage>), RepoError> {
        let (repository, settings) = (self.repository, self.settings);
        let primary = self.primary()?;
        // Both are long; what one says is joined to the other at the end.
        let (primary, filelists) = rayon::join(
            || read_primary_of(repository, primary, settings),
            || -> Result<_, RepoError> {
                let Some(filelists) = self.repomd.record("filelists") else {
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
        Ok((path, packages))
    }

    fn primary(&self) -> Result<&RepomdRecord, RepoError> {
        let name = || format!("{}/repodata/repomd.xml", self.repository.name());
        let primary = self.repomd.record("primary");
        primary.ok_or_else(|| RepoError::new(Reason::NoPrimary, name()))
    }

    /// What a file of the metadata is called in messages.
    fn name_of(&self, kind: &str) -> String {
        let location = self.repomd.record(kind).map_or(kind, |record| &record.location);
        format!("{}/{location}", self.repository.name())
    }

    fn content(&self, candidates: Vec<Candidate>, updates: Option<UpdateInfo>) -> PackageContent {
        PackageContent {
            candidates,
            timestamp: self
                .repomd
                .revision
                .as_deref()
                .and_then(|revision| revision.parse().ok()),
            description: format!("the repository {}", self.repository.name()),
            updateinfo: updates.map(Arc::new),
            ..PackageContent::default()
        }
    }
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

/// Refuses packages that are kept somewhere else.
pub(super) fn check_base(primary: &str, listed: &RepoPackage) -> Result<(), RepoError> {
    let Some(base) = listed.location_base.clone() else {
        return Ok(());
    };
    let package = listed.package.nevra.to_string();
    Err(RepoError::new(Reason::Elsewhere { package, base }, primary))
}

/// Checks where a package is said to be.
fn file(
    repository: &dyn Files,
    primary: &str,
    package: &Package,
    location: &str,
) -> Result<PackageLocation, RepoError> {
    repository.package(location, package.file_time).map_err(|_| {
        let (package, href) = (package.nevra.to_string(), location.to_owned());
        RepoError::new(Reason::Location { package, href }, primary)
    })
}
