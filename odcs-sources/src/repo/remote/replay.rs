//! What went into a compose once and came from a server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_core::manifest::ManifestPackage;
use odcs_core::source::local::blocking;
use odcs_core::source::{Candidate, PackageContent, PackageLocation, RemoteFile, Site, Trust};
use odcs_core::{Error, ErrorKind, Manifest, Result};
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, DigestAlgorithm, Nevra};
use url::Url;

use super::super::metadata::updates;
use super::super::mirrors::http;
use super::{Fetched, PINNED, Remote, name};
use crate::catalog::Amount;

/// Packages that are asked for at a time.
const AT_A_TIME: usize = 8;

/// Directories that are looked at for the repositories that something was in.
const PROBED: usize = 32;

/// What became of the packages of a manifest that came from servers: by their place in it.
pub(in super::super) type Replayed = BTreeMap<usize, Result<Candidate>>;

impl Remote {
    /// Finds the packages of a manifest that came from servers: in the content store, where they were, or where the
    /// repositories around them have them now.
    ///
    /// # Errors
    /// What may be otherwise later. What is lost is in the result.
    pub(in super::super) async fn replay(&self, manifest: &Manifest) -> Result<Replayed> {
        let packages = manifest.packages.iter().enumerate();
        let remote = packages.filter_map(|(number, package)| Some((number, package, http(&package.file)?)));
        let remote: Vec<_> = remote.collect();
        if remote.is_empty() {
            return Ok(Replayed::new());
        }
        let places = self.places(&remote).await?;
        let (mut found, mut looking) = (Replayed::new(), Vec::new());
        for ((number, package, _), file) in remote.iter().zip(places) {
            match file {
                Ok(file) => looking.push((*number, *package, file)),
                Err(error) => {
                    found.insert(*number, Err(error));
                }
            }
        }
        found.extend(self.recorded(looking).await?);
        self.look_around(&remote, &mut found).await?;
        Ok(found)
    }

    /// Where each file was. A URL that was recorded is no permission: it must be allowed as any other.
    async fn places(&self, recorded: &[(usize, &ManifestPackage, Url)]) -> Result<Vec<Result<RemoteFile>>> {
        let mut sites: BTreeMap<Url, Arc<Site>> = BTreeMap::new();
        let mut files = Vec::with_capacity(recorded.len());
        for (_, package, url) in recorded {
            let file = self.place(package, url, &mut sites).await;
            match file {
                Err(error) if error.is_retryable() => return Err(error),
                file => files.push(file),
            }
        }
        Ok(files)
    }

    async fn place(
        &self,
        package: &ManifestPackage,
        url: &Url,
        sites: &mut BTreeMap<Url, Arc<Site>>,
    ) -> Result<RemoteFile> {
        self.fetch.check(url)?;
        let no_file = || {
            let shown: String = package.file.chars().take(200).collect();
            let message = format!("{shown:?} is not the URL of a file");
            Error::new(ErrorKind::Forbidden, "replay manifest", shown, message)
        };
        let directory = url.join(".").map_err(|_| no_file())?;
        // The repository itself may have nothing, and its mirrors all of it.
        for above in above(&directory) {
            if self
                .settings
                .mirrors
                .iter()
                .any(|rule| rule.list_of(&above).is_some())
            {
                let site = match sites.get(&above) {
                    Some(site) => Arc::clone(site),
                    None => {
                        let site = self.site(&above)?;
                        // A list that cannot be read is asked for once, not for each package.
                        let mirrors = usable(self.mirrors(&site).await)?.unwrap_or_default();
                        let site = Arc::new(site.with_mirrors(mirrors.urls.into_iter().take(PINNED))?);
                        Arc::clone(sites.entry(above).or_insert(site))
                    }
                };
                return file_of(package, site).ok_or_else(no_file);
            }
        }
        let site = match sites.get(&directory) {
            Some(site) => Arc::clone(site),
            None => {
                let site = Arc::new(Site::new(directory.clone())?);
                Arc::clone(sites.entry(directory).or_insert(site))
            }
        };
        file_of(package, site).ok_or_else(no_file)
    }

    /// Packages, as far as their files still are what was recorded, by what is kept or by their headers alone.
    async fn recorded(
        &self,
        packages: Vec<(usize, &ManifestPackage, RemoteFile)>,
    ) -> Result<Vec<(usize, Result<Candidate>)>> {
        // Made before anything is waited for: with this closure in it, the future would not count as `Send` in traits.
        let looking: Vec<_> = packages
            .into_iter()
            .map(|(number, package, file)| async move {
                let kept = self.kept_package(package, &file).await?;
                Ok::<_, Error>((number, package, file, kept))
            })
            .collect();
        let mut looking = stream::iter(looking).buffered(AT_A_TIME);
        let (mut found, mut elsewhere, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        while let Some((number, package, file, kept)) = looking.try_next().await? {
            match kept {
                Some(candidate) => found.push((number, Ok(candidate))),
                None => {
                    numbers.push(number);
                    elsewhere.push((package, file));
                }
            }
        }
        drop(looking);
        let read = Candidate::read_all_recorded_remote(&*self.fetch, elsewhere, AT_A_TIME).await;
        found.extend(numbers.into_iter().zip(read));
        Ok(found)
    }

    /// A package whose file is in the content store as it should be.
    async fn kept_package(&self, package: &ManifestPackage, file: &RemoteFile) -> Result<Option<Candidate>> {
        let Some(here) = self.contents.find(&package.digest).await? else {
            return Ok(None);
        };
        let (package, file) = (package.clone(), file.clone().with_modified(package.modified));
        blocking(move || {
            // One that was evicted just now, or is damaged, is fetched again by whoever lays it out.
            let candidate = Candidate::read_recorded(&package, here.clone()).ok();
            Ok(candidate.map(|candidate| Candidate {
                file: PackageLocation::Fetched(file, here),
                ..candidate
            }))
        })
        .await
    }

    /// Looks for what is lost in the repositories around it, as their metadata has it now.
    async fn look_around(
        &self,
        remote: &[(usize, &ManifestPackage, Url)],
        found: &mut Replayed,
    ) -> Result<()> {
        let is_lost = |number: &usize| {
            let result = found.get(number);
            result.is_some_and(|result| result.as_ref().is_err_and(|error| !error.is_retryable()))
        };
        let lost: Vec<_> = remote.iter().filter(|(number, ..)| is_lost(number)).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let mut now: BTreeMap<&Nevra, Vec<Candidate>> = lost
            .iter()
            .map(|(_, package, _)| (&package.nevra, Vec::new()))
            .collect();
        for (site, document) in self.repositories(lost.iter().map(|(_, _, url)| url)).await? {
            let Some(content) = usable(self.read(site, document, Amount::Brief).await)? else {
                continue;
            };
            for candidate in content.candidates {
                if let Some(known) = now.get_mut(&candidate.package.nevra) {
                    known.push(candidate);
                }
            }
        }
        let mut looking = Vec::new();
        for (number, package, _) in lost {
            for candidate in now.get(&package.nevra).into_iter().flatten() {
                // A checksum of another kind says nothing; the recorded one is verified anyway.
                let fits = candidate.checksum.as_ref().is_none_or(|known| {
                    known.algorithm() != DigestAlgorithm::Sha256 || *known == package.digest
                });
                if let Some(file) = candidate.file.remote().filter(|_| fits) {
                    looking.push((*number, *package, file.clone()));
                }
            }
        }
        for (number, candidate) in self.recorded(looking).await? {
            if let Some(candidate) = usable(candidate)? {
                found.insert(number, Ok(candidate));
            }
        }
        Ok(())
    }

    /// The repositories that files are in: the innermost directory above each that has a `repomd.xml`.
    async fn repositories(&self, files: impl Iterator<Item = &Url>) -> Result<Vec<(Site, super::Document)>> {
        let directories: BTreeSet<Url> = files.filter_map(|url| url.join(".").ok()).collect();
        let (mut seen, mut repositories) = (BTreeSet::new(), Vec::new());
        for directory in directories {
            for above in above(&directory) {
                // Whether there was something or not, whatever is further up was looked at, too.
                if seen.len() >= PROBED || !seen.insert(above.clone()) {
                    break;
                }
                let Ok(site) = self.site(&above) else { break };
                let mirrors = usable(self.mirrors(&site).await)?.unwrap_or_default();
                let site = site.with_mirrors(mirrors.urls.into_iter().take(PINNED))?;
                if let Some((_, document)) = usable(self.newest(&site, &mirrors.accepted).await)? {
                    repositories.push((site, document));
                    break;
                }
            }
        }
        Ok(repositories)
    }

    /// The updates that were handed on with packages, if the content store or the repositories around them still
    /// have them.
    pub(in super::super) async fn recorded_updates(
        &self,
        manifest: &Manifest,
        recorded: &Digest,
    ) -> Result<Option<Arc<UpdateInfo>>> {
        if let Some(bytes) = self.kept_bytes(recorded, UpdateInfo::LIMIT).await? {
            let parsed = blocking(move || Ok(UpdateInfo::parse(bytes.into()).ok()));
            if let Some(updates) = parsed.await? {
                return Ok(Some(Arc::new(updates)));
            }
        }
        let files: Vec<Url> = manifest
            .packages
            .iter()
            .filter_map(|package| http(&package.file))
            .collect();
        for (site, document) in self.repositories(files.iter()).await? {
            let updates = usable(self.updates(site, document).await)?.flatten();
            if let Some(updates) = updates.filter(|updates| updates.digest() == recorded) {
                return Ok(Some(Arc::new(updates)));
            }
        }
        Ok(None)
    }

    /// The updates of a repository.
    async fn updates(&self, site: Site, document: super::Document) -> Result<Option<UpdateInfo>> {
        let Some(record) = document.repomd.record("updateinfo") else {
            return Ok(None);
        };
        let file = self.metadata_file(&site, record).await?;
        let fetched = Fetched {
            name: name(&site),
            site: Arc::new(site),
            files: BTreeMap::from([("updateinfo", file)]),
        };
        let (repomd, settings) = (document.repomd, Arc::clone(&self.settings));
        blocking(move || Ok(updates(&fetched, &repomd, &settings)?)).await
    }

    /// Keeps a document with updates for as long as there is room: composes with it can be made again then, also
    /// when the repository has others by now. Without room, they perhaps cannot.
    pub(in super::super) async fn keep_updates(&self, updates: &UpdateInfo) {
        let kept = match self.contents.find(updates.digest()).await {
            Ok(None) => self
                .contents
                .keep(Bytes::copy_from_slice(updates.bytes()))
                .await
                .map(|_| ()),
            Ok(Some(_)) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the updates of the repository are not kept");
        }
    }

    /// Content with the trust that its files deserve, by the URLs that they are known by: what they are is recorded,
    /// wherever they come from.
    pub(in super::super) fn trusting(&self, mut content: PackageContent) -> PackageContent {
        let mut remote = content
            .candidates
            .iter()
            .filter_map(|candidate| candidate.file.remote());
        let is_trusted = |file: &RemoteFile| {
            file.url()
                .is_ok_and(|url| self.settings.trusted_urls.allows(&url))
        };
        if !remote.all(is_trusted) {
            content.trust = Trust::Untrusted;
        }
        content
    }
}

/// A directory and those above it, the innermost first.
fn above(directory: &Url) -> impl Iterator<Item = Url> + use<> {
    std::iter::successors(Some(directory.clone()), |url| {
        let up = url.join("..").ok()?;
        (up != *url).then_some(up)
    })
}

/// The file of a package below a site, if that is what its URL says.
fn file_of(package: &ManifestPackage, site: Arc<Site>) -> Option<RemoteFile> {
    let path = package.file.strip_prefix(site.url().as_str())?.parse().ok()?;
    let file = RemoteFile::new(site, path);
    let url = file.url().ok()?;
    (url.as_str() == package.file).then_some(file)
}

/// What went wrong for good is as if nothing were there: there is something better to say about the package.
fn usable<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            tracing::info!(%error, "nothing is looked for here");
            Ok(None)
        }
        Ok(found) => Ok(Some(found)),
    }
}
