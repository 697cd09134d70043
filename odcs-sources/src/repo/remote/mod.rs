//! Repositories on HTTP servers.
//!
//! What resolving pins can be read later: `repomd.xml` and the metadata files go into the content store when the
//! repository is resolved, each once for its checksum, and are read from there. The packages themselves are only
//! named, and fetched by the engine once it is clear that they belong.

mod document;
mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use odcs_core::content_store::Wanted;
use odcs_core::files::{RelativePath, SourceFile};
use odcs_core::source::local::blocking;
use odcs_core::source::{PackageContent, PackageLocation, RemoteFile, Site, Trust};
use odcs_core::{ContentStore, Error, ErrorKind, Fetch, Result};
use odcs_rpm::Digest;
use odcs_rpm::repodata::{Repomd, RepomdRecord};
use url::Url;

pub(super) use self::document::Document;
pub(super) use self::replay::Replayed;
use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::metadata::{Files, KINDS, Metadata};
use super::mirrors::{BASEARCH, LIST_BYTES, Mirrors};
use super::pins::RepoPins;
use crate::catalog::Amount;

/// How often `repomd.xml` is read before it is given up that its files are there: a repository may be published anew
/// between the two.
const TRIES: usize = 3;

/// How many mirrors are asked for `repomd.xml`, before the repository itself is. Each that is down takes its time.
const ASKED: usize = 20;

/// How many mirrors are pinned: a file is looked for at each of them before it counts as gone.
const PINNED: usize = 8;

/// What repositories are fetched with.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    fetch: Arc<dyn Fetch>,
    contents: Arc<dyn ContentStore>,
    settings: Arc<RepoSettings>,
}

impl Remote {
    /// `None` where the settings say nothing of fetching.
    pub(super) fn new(settings: &Arc<RepoSettings>) -> Option<Self> {
        let (fetch, contents) = settings.remote.clone()?;
        Some(Self {
            fetch,
            contents,
            settings: Arc::clone(settings),
        })
    }

    /// The repository of a URL. No I/O.
    ///
    /// # Errors
    /// `Forbidden` if it may not be fetched from; `Invalid` if nothing can be below it.
    pub(super) fn site(&self, url: &Url) -> Result<Site> {
        if url.path().contains(BASEARCH) {
            // Servers would only say that there is no such directory.
            let why = format!(
                "{BASEARCH} stands for an arch in lookaside_repos only; name the repository of one arch"
            );
            return Err(RepoError::new(Reason::UnusableUrl(why), url.as_str()).into());
        }
        let site = Site::new(url.clone()).map_err(|error| {
            let why = error.message().to_owned();
            // The sentence is about prefixes of URLs, which it begins with.
            let why = why
                .rsplit_once(": ")
                .map_or(why.as_str(), |(_, why)| why)
                .to_owned();
            RepoError::new(Reason::UnusableUrl(why), url.as_str())
        })?;
        self.fetch.check(site.url()).map_err(of_source)?;
        Ok(site)
    }

    /// Pins a repository as it is now, and fetches its metadata.
    pub(super) async fn resolve(&self, url: &Url) -> Result<RepoPins> {
        let itself = self.site(url)?;
        let mut before: Option<(Digest, Error)> = None;
        for _ in 0..TRIES {
            let mut mirrors = self.mirrors(&itself).await?;
            mirrors.urls.truncate(ASKED);
            let site = itself.clone().with_mirrors(mirrors.urls)?;
            let (place, document) = self.newest(&site, &mirrors.accepted).await?;
            // Nothing new was published: it is damaged, not in the middle of being changed.
            if let Some((digest, error)) = before.take()
                && digest == document.digest
            {
                return Err(error);
            }
            // Those that were passed over are likely to lack its packages, too.
            let mut mirrors: Vec<Url> = site.urls().cloned().collect();
            mirrors.rotate_left(place);
            mirrors.truncate(PINNED);
            mirrors.pop_if(|last| last == itself.url());
            let site = itself.clone().with_mirrors(mirrors.iter().cloned())?;
            match self.metadata(&site, &document.repomd).await {
                Ok(_) => {
                    self.contents.keep(document.bytes).await?;
                    return Ok(RepoPins::Remote {
                        url: itself.url().clone(),
                        mirrors,
                        repomd: document.digest,
                        revision: document.repomd.revision,
                    });
                }
                Err(error) if is_of_file(&error) => before = Some((document.digest, error)),
                Err(error) => return Err(error),
            }
        }
        Err(before.map_or_else(
            || RepoError::new(Reason::Fault, itself.url().as_str()).into(),
            |(_, error)| error,
        ))
    }

    /// Reads what the pinned metadata lists.
    pub(super) async fn content(
        &self,
        url: &Url,
        mirrors: &[Url],
        pinned: &Digest,
        amount: Amount,
    ) -> Result<PackageContent> {
        let site = self.site(url)?.with_mirrors(mirrors.iter().cloned())?;
        let changed = || RepoError::new(Reason::Changed, name(&site));
        let (document, is_new) = match self.kept(pinned).await? {
            Some(document) => (document, false),
            None => {
                let fetched = self.pinned(&site, pinned).await?;
                (fetched.ok_or_else(changed)?, true)
            }
        };
        match self.read(site.clone(), document, amount).await {
            // What it names is not there as it was: has it been published anew since?
            Err(error) if error.kind() == ErrorKind::NotFound => Err(changed().caused_by(error).into()),
            Err(error) if is_of_file(&error) && !is_new => match self.pinned(&site, pinned).await {
                Ok(None) => Err(changed().caused_by(error).into()),
                Ok(Some(_)) | Err(_) => Err(error),
            },
            content => content,
        }
    }

    /// Reads a repository by its `repomd.xml`. Metadata that the store has damaged is fetched once more.
    async fn read(&self, site: Site, document: Document, amount: Amount) -> Result<PackageContent> {
        let (site, document) = (Arc::new(site), Arc::new(document));
        let trust = self.trust(&site);
        let mut is_again = false;
        loop {
            let fetched = Fetched {
                name: name(&site),
                site: Arc::clone(&site),
                files: self.metadata(&site, &document.repomd).await?,
            };
            let (known, settings) = (Arc::clone(&document), Arc::clone(&self.settings));
            let reading = blocking(move || {
                let metadata = Metadata {
                    repository: &fetched,
                    repomd: &known.repomd,
                    digest: &known.digest,
                    settings: &settings,
                };
                Ok(match amount {
                    Amount::Brief => metadata.brief()?,
                    Amount::Complete => metadata.complete()?,
                })
            });
            match reading.await {
                Ok(mut content) => {
                    content.trust = content.trust.and(trust);
                    return Ok(content);
                }
                Err(error) if is_again => return Err(error),
                Err(error) => {
                    let checksums = checksums(&document.repomd);
                    if self.contents.recheck(&checksums).await?.is_empty() {
                        return Err(error);
                    }
                    tracing::warn!(repository = name(&site), %error, "metadata is fetched again");
                    is_again = true;
                }
            }
        }
    }

    /// Has the metadata files in the content store.
    async fn metadata(&self, site: &Site, repomd: &Repomd) -> Result<BTreeMap<&'static str, SourceFile>> {
        if repomd.record("primary").is_none() {
            let name = format!("{}/repodata/repomd.xml", name(site));
            return Err(RepoError::new(Reason::NoPrimary, name).into());
        }
        let records = KINDS
            .into_iter()
            .filter_map(|kind| Some((kind, repomd.record(kind)?)));
        let files = try_join_all(records.map(async |(kind, record)| {
            let file = self.metadata_file(site, record).await?;
            Ok::<_, Error>((kind, file))
        }));
        Ok(files.await?.into_iter().collect())
    }

    async fn metadata_file(&self, site: &Site, record: &RepomdRecord) -> Result<SourceFile> {
        let limit = self.settings.metadata_bytes;
        if record.size.is_some_and(|size| size > limit) {
            let subject = format!("{}/{}", name(site), record.location);
            return Err(RepoError::new(Reason::Limit(format!("{limit} bytes")), subject).into());
        }
        let places = below(site, &record.location).and_then(|path| site.places_of(&path));
        let places = places.map_err(|_| {
            let (package, href) = (format!("its {} file", record.kind), record.location.clone());
            RepoError::new(
                Reason::Location { package, href },
                format!("{}/repodata/repomd.xml", name(site)),
            )
        })?;
        let wanted = Wanted::new(places, Some(record.checksum.clone()), limit).with_size(record.size);
        Ok(self.contents.obtain(&wanted).await?.file)
    }

    /// The mirrors that a repository has, as the list says now.
    async fn mirrors(&self, repository: &Site) -> Result<Mirrors> {
        let mut rules = self.settings.mirrors.iter();
        let Some(list) = rules.find_map(|rule| rule.list_of(repository.url())) else {
            return Ok(Mirrors::default());
        };
        let bytes = self.bytes(list.url(), LIST_BYTES).await?;
        list.read(&bytes, &*self.fetch)
    }

    /// Whether packages from there are taken at their word, whichever of its places they come from.
    fn trust(&self, site: &Site) -> Trust {
        if site.urls().all(|url| self.settings.trusted_urls.allows(url)) {
            Trust::Trusted
        } else {
            Trust::Untrusted
        }
    }
}

/// A repository whose metadata files were fetched.
struct Fetched {
    name: String,
    site: Arc<Site>,
    files: BTreeMap<&'static str, SourceFile>,
}

impl Files for Fetched {
    fn name(&self) -> &str {
        &self.name
    }

    fn metadata(&self, record: &RepomdRecord) -> Result<SourceFile> {
        let file = self.files.get(record.kind.as_str()).cloned();
        file.ok_or_else(|| RepoError::new(Reason::Fault, &self.name).into())
    }

    fn package(&self, location: &str, modified: u64) -> Result<PackageLocation> {
        let path = below(&self.site, location)?;
        let modified = Some(modified).filter(|time| *time > 0);
        let file = RemoteFile::new(Arc::clone(&self.site), path).with_modified(modified);
        Ok(file.into())
    }
}

/// A path in a repository, if it does not lead out of it, however a server reads it.
fn below(site: &Site, href: &str) -> Result<RelativePath> {
    let path = href.parse()?;
    site.url_of(&path)?;
    Ok(path)
}

/// A repository as messages call it.
fn name(site: &Site) -> String {
    site.url().as_str().trim_end_matches('/').to_owned()
}

/// The checksums of what is fetched of the metadata.
fn checksums(repomd: &Repomd) -> Vec<Digest> {
    let records = KINDS.into_iter().filter_map(|kind| repomd.record(kind));
    records.map(|record| record.checksum.clone()).collect()
}

/// Whether it is the file that is to blame, and not the way to it.
fn is_of_file(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid)
}

/// Names the field of requests that a URL came from.
fn of_source(error: Error) -> Error {
    let message = format!("\"source\": {}", error.message());
    Error::new(
        error.kind(),
        error.operation(),
        error.subject().to_owned(),
        message,
    )
    .with_source(error)
}
