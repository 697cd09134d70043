//! Reading a directory with RPMs and no metadata.

use std::sync::{Arc, Mutex, PoisonError};

use odcs_core::files::SourceFile;
use odcs_core::source::local::{open_package, package_error};
use odcs_core::source::{Candidate, PackageContent};
use odcs_core::{CacheKey, ErrorKind, FileIdentity, MetadataCache, Result};
use odcs_rpm::header::HeaderReader;
use odcs_rpm::{Digest, Package, facts};
use rayon::prelude::*;

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::listing::{self, Entry, Listing};
use super::roots::Repository;
use super::trees::Trees;
use crate::catalog::{Amount, Catalog, CatalogBuilder};

/// How many packages are read at once: so many are in memory with all that their headers say.
const CHUNK: usize = 256;

/// Reads the headers of all RPMs that were there when the directory was pinned, as far as they are not known.
pub(super) fn read(
    repository: &Repository,
    pinned: &Digest,
    settings: &RepoSettings,
    trees: &Trees,
    amount: Amount,
) -> Result<PackageContent> {
    let changed = |error: RepoError| match error.kind() {
        // It was there when it was pinned.
        ErrorKind::NotFound => RepoError::new(Reason::Changed, &repository.path).caused_by(error),
        _ => error,
    };
    let listing = listing::pinned(repository, pinned, settings, trees).map_err(changed)?;
    let listing = listing.ok_or_else(|| RepoError::new(Reason::Changed, &repository.path))?;
    let packages = Packages {
        repository,
        cache: settings.cache.as_deref(),
        idle: Mutex::default(),
    };
    let (packages, set) = match amount {
        Amount::Brief => {
            let Catalog { set, items } = packages.catalog(&listing, pinned)?;
            let packages: Vec<_> = items.into_iter().map(|item| item.package).collect();
            (packages, Some(set))
        }
        Amount::Complete => (packages.complete(&listing)?, None),
    };
    let entries = listing.entries().par_iter().with_min_len(CHUNK);
    let candidates = entries
        .zip(packages)
        .map(|(entry, package)| Ok(Candidate::new(package, file(repository, entry)?)));
    Ok(PackageContent {
        candidates: candidates.collect::<Result<_>>()?,
        timestamp: None,
        description: format!("the directory {}", repository.path),
        set,
        ..PackageContent::default()
    })
}

/// The packages of a directory.
struct Packages<'a> {
    repository: &'a Repository,
    cache: Option<&'a dyn MetadataCache>,
    /// Readers that nobody is using, with the buffers that they have.
    idle: Mutex<Vec<Reader>>,
}

impl Packages<'_> {
    /// The brief packages in the order of the listing, and the set of them: from the cache if they were read before.
    fn catalog(&self, listing: &Listing, pinned: &Digest) -> Result<Catalog> {
        let key = self.cache.map(|_| {
            let (path, numbers) = (self.repository.real_path(), listing.numbers());
            let parts = [path.as_bytes(), pinned.hex().as_bytes(), &numbers];
            CacheKey::new("directory", &parts)
        });
        let cached = self.cache.zip(key.as_ref());
        let known = cached.and_then(|(cache, key)| Catalog::cached(cache, key));
        if let Some(catalog) = known.filter(|catalog| catalog.items.len() == listing.entries().len()) {
            return Ok(catalog);
        }
        let too_large = |error| RepoError::damaged(error, &self.repository.path);
        let mut builder = CatalogBuilder::new();
        let mut read: Result<Vec<Package>> = Ok(Vec::new());
        let chunks = listing.entries().chunks(CHUNK).map(Some).chain([None]);
        // While one chunk is read, the one before is indexed.
        for chunk in chunks {
            let packages = read?;
            let add = || {
                for package in &packages {
                    builder.add(package, Box::default(), None);
                }
            };
            (read, ()) = rayon::join(|| self.read(chunk.unwrap_or_default()), add);
        }
        let catalog = builder.finish().map_err(too_large)?;
        if let Some((cache, key)) = cached {
            catalog.keep(cache, key);
        }
        Ok(catalog)
    }

    /// All packages, complete.
    fn complete(&self, listing: &Listing) -> Result<Vec<Arc<Package>>> {
        let packages = self.read(listing.entries())?.into_iter().map(Arc::new).collect();
        if let Some(cache) = self.cache {
            cache.flush();
        }
        Ok(packages)
    }

    fn read(&self, entries: &[Entry]) -> Result<Vec<Package>> {
        let one = |entry: &Entry| {
            let mut reader = self.idle().pop().unwrap_or_default();
            let package = reader.package(self.repository, entry, self.cache);
            self.idle().push(reader);
            package
        };
        entries.par_iter().map(one).collect()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads packages one after the other, with the same buffers.
#[derive(Default)]
struct Reader {
    headers: HeaderReader,
    buffer: Vec<u8>,
}

impl Reader {
    /// A package: from the cache, else from its file.
    fn package(
        &mut self,
        repository: &Repository,
        entry: &Entry,
        cache: Option<&dyn MetadataCache>,
    ) -> Result<Package> {
        let file = file(repository, entry)?;
        let Some(cache) = cache else {
            return self.header(repository, entry, &file);
        };
        let identity = FileIdentity::local(&file, entry.stamp);
        if cache.get(&identity.facts(), &mut self.buffer)
            && let Ok(package) = facts::decode(&self.buffer)
        {
            return Ok(package);
        }
        let package = self.header(repository, entry, &file)?;
        self.buffer.clear();
        facts::encode(&package, &mut self.buffer);
        cache.put(&identity.facts(), &[&self.buffer]);
        Ok(package)
    }

    fn header(&mut self, repository: &Repository, entry: &Entry, file: &SourceFile) -> Result<Package> {
        let changed = || RepoError::new(Reason::Changed, &repository.path);
        let (opened, stamp) = open_package(file).map_err(|error| match error.kind() {
            // It was there when it was listed.
            ErrorKind::NotFound => changed().caused_by(error).into(),
            _ => error,
        })?;
        if stamp != entry.stamp {
            return Err(changed().into());
        }
        let package = self.headers.read_header(&opened, stamp.facts());
        package.map_err(|error| package_error(error, file))
    }
}

fn file(repository: &Repository, entry: &Entry) -> Result<SourceFile> {
    repository.file(&entry.path).map_err(|_| {
        let (package, href) = ("a package".to_owned(), entry.path.to_string());
        RepoError::new(Reason::Location { package, href }, &repository.path).into()
    })
}
