//! What the headers of packages say, where gathering has to know what they require.
//!
//! An RPM of Koji never changes under its number, so what was read once is kept by that, and not looked for again.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt};
use odcs_core::files::SourceFile;
use odcs_core::source::local::{blocking, open_package, package_error};
use odcs_core::source::{Candidate, PackageLocation, RemoteFile};
use odcs_core::{CacheKey, Error, ErrorKind, Fetch, FileIdentity, MetadataCache, Result};
use odcs_rpm::digest::Hasher;
use odcs_rpm::header::HeaderReader;
use odcs_rpm::{DigestAlgorithm, Package, facts};
use rayon::prelude::*;

use super::error::KojiSourceError;
use super::offers::Copy;
use crate::catalog::{Catalog, CatalogBuilder};

/// How many packages are read at once: so many are in memory with all that their headers say.
const CHUNK: usize = 256;

/// The copies of a compose, and what their headers are read with.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) copies: Arc<[Copy]>,
    pub(super) cache: Option<Arc<dyn MetadataCache>>,
    pub(super) fetch: Option<Arc<dyn Fetch>>,
    /// Headers that are asked for at a time, of a server.
    pub(super) at_once: usize,
}

/// What a chunk has: packages that are known or were read here, and `None` for those that are elsewhere.
type Known = Vec<Option<Result<Package>>>;

impl Headers {
    /// The packages, indexed for gathering: brief ones in the order of the copies, and the set of them.
    ///
    /// # Errors
    /// `NotFound`, naming the files that are not there; `Invalid` for what is damaged or another package.
    pub(super) async fn catalog(self: &Arc<Self>) -> Result<Catalog> {
        let this = Arc::clone(self);
        if let Some(catalog) = blocking(move || Ok(this.kept())).await? {
            return Ok(catalog);
        }
        let mut builder = CatalogBuilder::new();
        let (mut read, mut missing) = (Vec::new(), Vec::new());
        // While one chunk is read, the one before is indexed.
        for chunk in self.chunks().map(Some).chain([None]) {
            let index = blocking(move || {
                for package in &read {
                    builder.add(package, Box::default(), None);
                }
                Ok(builder)
            });
            let read_next = async {
                match chunk {
                    Some(chunk) => self.read(chunk, &mut missing).await,
                    None => Ok(Vec::new()),
                }
            };
            (builder, read) = try_join(index, read_next).await?;
        }
        all_there(missing)?;
        let this = Arc::clone(self);
        blocking(move || {
            let catalog = builder.finish().map_err(too_large)?;
            if let Some(cache) = &this.cache {
                catalog.keep(&**cache, &this.key());
            }
            Ok(catalog)
        })
        .await
    }

    /// The packages, complete, in the order of the copies.
    ///
    /// # Errors
    /// As [`catalog`](Self::catalog).
    pub(super) async fn complete(self: &Arc<Self>) -> Result<Vec<Arc<Package>>> {
        let (mut packages, mut missing) = (Vec::with_capacity(self.copies.len()), Vec::new());
        for chunk in self.chunks() {
            let read = self.read(chunk, &mut missing).await?;
            packages.extend(read.into_iter().map(Arc::new));
        }
        all_there(missing)?;
        if let Some(cache) = self.cache.clone() {
            blocking(move || {
                cache.flush();
                Ok(())
            })
            .await?;
        }
        Ok(packages)
    }

    fn chunks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let all = self.copies.len();
        (0..all)
            .step_by(CHUNK)
            .map(move |begin| begin..all.min(begin + CHUNK))
    }

    /// The catalog of these copies, if it was made before.
    fn kept(&self) -> Option<Catalog> {
        let catalog = Catalog::cached(&**self.cache.as_ref()?, &self.key())?;
        (catalog.items.len() == self.copies.len()).then_some(catalog)
    }

    /// What a catalog is kept by: which copies it has, in their order.
    fn key(&self) -> CacheKey {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        for copy in &*self.copies {
            hasher.update(copy.record.name.as_bytes());
            hasher.update(b"\0");
        }
        CacheKey::new("koji", &[hasher.finish().hex().as_bytes()])
    }

    /// The packages of a chunk, as far as they are there.
    async fn read(self: &Arc<Self>, chunk: Range<usize>, missing: &mut Vec<String>) -> Result<Vec<Package>> {
        let (this, range) = (Arc::clone(self), chunk.clone());
        let known: Known = blocking(move || Ok(this.known(range))).await?;
        let copies = self.copies.get(chunk).unwrap_or_default();
        let elsewhere = copies.iter().zip(&known).filter(|(_, known)| known.is_none());
        let reading: Vec<_> = elsewhere.map(|(copy, _)| self.remote(copy)).collect();
        let mut fetched = stream::iter(reading)
            .buffered(self.at_once.max(1))
            .collect::<Vec<_>>()
            .await
            .into_iter();
        let mut packages = Vec::with_capacity(copies.len());
        for (copy, known) in copies.iter().zip(known) {
            match known.or_else(|| fetched.next()) {
                Some(Ok(package)) => packages.push(package),
                Some(Err(error)) if error.kind() == ErrorKind::NotFound => {
                    missing.push(copy.file.to_string());
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
        Ok(packages)
    }

    /// What is kept of the packages of a chunk, or in their files, as far as they are here.
    fn known(&self, chunk: Range<usize>) -> Known {
        let idle: Mutex<Vec<Reader>> = Mutex::default();
        let copies = self.copies.get(chunk).unwrap_or_default();
        let one = |copy: &Copy| {
            let lock = || idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut reader = lock().pop().unwrap_or_default();
            let package = reader.known(copy, self.cache.as_deref());
            lock().push(reader);
            package
        };
        copies.par_iter().map(one).collect()
    }

    async fn remote(&self, copy: &Copy) -> Result<Package> {
        let (Some(fetch), PackageLocation::Remote(remote)) = (&self.fetch, &copy.file) else {
            let message = "the header of a file could not be asked for because of a fault in this program";
            let subject = copy.file.to_string();
            return Err(Error::new(ErrorKind::Internal, "read header", subject, message));
        };
        let package = header_of(&**fetch, remote, copy).await?;
        if let Some(cache) = self.cache.clone() {
            let (identity, package) = (copy.identity(), package.clone());
            blocking(move || {
                keep(&*cache, &identity, &package, &mut Vec::new());
                Ok(())
            })
            .await?;
        }
        Ok(package)
    }
}

/// Says which files are not there, if any.
fn all_there(missing: Vec<String>) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(KojiSourceError::missing_files(missing).into())
}

/// What the header of a copy says that is on a server.
///
/// # Errors
/// As [`Candidate::read_remote`]; `Invalid` if it is another package.
pub(super) async fn header_of(fetch: &dyn Fetch, remote: &RemoteFile, copy: &Copy) -> Result<Package> {
    let candidate = Candidate::read_remote(fetch, remote.clone(), None).await?;
    checked(Arc::unwrap_or_clone(candidate.package), copy)
}

/// Reads packages one after the other, with the same buffers.
#[derive(Default)]
struct Reader {
    headers: HeaderReader,
    buffer: Vec<u8>,
}

impl Reader {
    /// A package: from the cache, else from its file, if that is here.
    fn known(&mut self, copy: &Copy, cache: Option<&dyn MetadataCache>) -> Option<Result<Package>> {
        let identity = copy.identity();
        if let Some(cache) = cache
            && cache.get(&identity.facts(), &mut self.buffer)
            && let Ok(package) = facts::decode(&self.buffer)
        {
            return Some(Ok(package));
        }
        let read = self.header(copy.file.here()?, copy);
        if let (Some(cache), Ok(package)) = (cache, &read) {
            keep(cache, &identity, package, &mut self.buffer);
        }
        Some(read)
    }

    fn header(&mut self, file: &SourceFile, copy: &Copy) -> Result<Package> {
        let (opened, stamp) = open_package(file)?;
        let package = self.headers.read_header(&opened, stamp.facts());
        checked(package.map_err(|error| package_error(error, file))?, copy)
    }
}

/// The package, if it is the one that Koji has there.
fn checked(mut package: Package, copy: &Copy) -> Result<Package> {
    let is_it = match copy.record.rpm_id {
        Some(_) => package.nevra.is_listed_as(&copy.nevra),
        // The name of a file is all that is known of what a task has made, and says no epoch.
        None => package.nevra.file_name() == copy.nevra.file_name(),
    };
    if !is_it {
        let (file, found) = (copy.file.to_string(), package.nevra.to_string());
        return Err(KojiSourceError::other_package(file, &copy.nevra, found).into());
    }
    let size = copy.record.size.filter(|size| *size != package.sizes.package);
    if let Some(recorded) = size {
        let (file, found) = (copy.file.to_string(), package.sizes.package);
        return Err(KojiSourceError::OtherSize {
            file,
            found,
            recorded,
        }
        .into());
    }
    if copy.record.rpm_id.is_some() {
        package.nevra.clone_from(&copy.nevra);
    }
    // A copy may be written anew, and be signed anew: what its header says of the package stays, its file does not.
    package.file_time = 0;
    if copy.record.size.is_none() {
        package.sizes.package = 0;
    }
    Ok(package)
}

fn keep(cache: &dyn MetadataCache, identity: &FileIdentity, package: &Package, buffer: &mut Vec<u8>) {
    buffer.clear();
    facts::encode(package, buffer);
    cache.put(&identity.facts(), &[buffer.as_slice()]);
}

fn too_large(error: odcs_rpm::Error) -> Error {
    Error::new(ErrorKind::Invalid, "read Koji", "packages", error.to_string()).with_source(error)
}
