//! A web without a network, and a content store without limits: what the source makes of what others give it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use odcs_core::allow::UrlAllowList;
use odcs_core::content_store::{Obtained, Wanted};
use odcs_core::fetch::{Expected, FetchExt, Get, GitCommit, Head, Sink, SinkError};
use odcs_core::files::{Root, SourceFile};
use odcs_core::{ContentStore, Error, ErrorKind, Fetch, Result};
use odcs_rpm::{Digest, DigestAlgorithm};
use tempfile::TempDir;
use url::Url;

type Hook = Box<dyn Fn() + Send>;

/// Directories at URLs.
#[derive(Default)]
pub(crate) struct Web {
    allowed: UrlAllowList,
    directories: Mutex<BTreeMap<String, PathBuf>>,
    answers: Mutex<BTreeMap<String, Result<Vec<u8>, ErrorKind>>>,
    requests: Mutex<Vec<String>>,
    /// What happens right after something was asked for, once.
    hooks: Mutex<BTreeMap<String, Hook>>,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

impl Web {
    pub(crate) fn new(allowed: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            allowed: UrlAllowList::parse(allowed).unwrap(),
            ..Self::default()
        })
    }

    /// Has a directory at a URL that ends in a slash.
    pub(crate) fn serve(&self, url: &str, directory: &Path) {
        self.directories
            .lock()
            .unwrap()
            .insert(url.to_owned(), directory.to_owned());
    }

    /// Has nothing there any more.
    pub(crate) fn close(&self, url: &str) {
        self.directories.lock().unwrap().remove(url).unwrap();
    }

    /// Answers this for a URL, whatever a directory has there.
    pub(crate) fn answer(&self, url: &str, answer: Result<&[u8], ErrorKind>) {
        let answer = answer.map(<[u8]>::to_vec);
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    /// After the next answer for this URL.
    pub(crate) fn after(&self, url: &str, hook: impl Fn() + Send + 'static) {
        self.hooks.lock().unwrap().insert(url.to_owned(), Box::new(hook));
    }

    /// The URLs that were asked for since this was asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    fn bytes(&self, url: &Url) -> Result<Vec<u8>> {
        let text = url.as_str();
        self.requests.lock().unwrap().push(text.to_owned());
        let answer = self.answers.lock().unwrap().get(text).cloned();
        let found = answer.unwrap_or_else(|| {
            let directories = self.directories.lock().unwrap();
            let mut directories = directories.iter();
            let file = directories.find_map(|(above, directory)| {
                let below = text.strip_prefix(above.as_str())?;
                // As servers do: percent signs are decoded.
                let path = Url::parse(&format!("file:///{below}"))
                    .unwrap()
                    .to_file_path()
                    .unwrap();
                std::fs::read(directory.join(path.strip_prefix("/").unwrap())).ok()
            });
            file.ok_or(ErrorKind::NotFound)
        });
        if let Some(hook) = self.hooks.lock().unwrap().remove(text) {
            hook();
        }
        found.map_err(|kind| Error::new(kind, "fetch", text, format!("{text} could not be fetched")))
    }
}

#[async_trait]
impl Fetch for Web {
    fn check(&self, url: &Url) -> Result<()> {
        if self.allowed.allows(url) {
            return Ok(());
        }
        let message = format!("{url} is not allowed here");
        Err(Error::new(ErrorKind::Forbidden, "fetch", url.as_str(), message))
    }

    async fn get(&self, get: &Get, sink: &mut dyn Sink) -> Result<Head> {
        let mut last = None;
        for place in &get.places {
            self.check(place).expect("it was checked before it is fetched");
            let bytes = match self.bytes(place) {
                Ok(bytes) => bytes,
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            };
            let mut head = Head::new(place.clone());
            head.size = Some(bytes.len() as u64);
            let bytes = match get.range {
                Some((first, end)) => {
                    let end = bytes.len().min(usize::try_from(end).unwrap() + 1);
                    bytes[usize::try_from(first).unwrap().min(end)..end].to_vec()
                }
                None => bytes,
            };
            if bytes.len() as u64 > get.limit {
                let message = format!("{place} is larger than the limit of {} bytes", get.limit);
                last = Some(Error::new(ErrorKind::Invalid, "fetch", place.as_str(), message));
                continue;
            }
            let mut written = sink.restart().await;
            if written.is_ok() {
                written = sink.write(bytes.into()).await;
            }
            if written.is_ok() {
                written = sink.finish().await;
            }
            match written {
                Ok(()) => return Ok(head),
                Err(SinkError::Wrong(error)) => last = Some(error),
                Err(SinkError::Failed(error)) => return Err(error),
            }
        }
        Err(last.expect("there is a place"))
    }

    async fn commit(&self, _: &GitCommit, _: &Path) -> Result<()> {
        unreachable!("nobody asks for a commit")
    }
}

/// Keeps everything.
#[derive(Debug)]
pub(crate) struct Kept {
    dir: TempDir,
    fetch: Arc<dyn Fetch>,
    /// The SHA-256 of what is known by other checksums.
    others: Mutex<BTreeMap<String, Digest>>,
    kept: Mutex<BTreeSet<String>>,
}

impl Kept {
    pub(crate) fn new(fetch: Arc<dyn Fetch>) -> Arc<Self> {
        Arc::new(Self {
            dir: TempDir::new().unwrap(),
            fetch,
            others: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Where a file is.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let digest = self
            .others
            .lock()
            .unwrap()
            .get(&digest.to_string())
            .cloned()
            .unwrap_or(digest.clone());
        self.dir.path().join(digest.hex())
    }

    /// Loses all of it.
    pub(crate) fn clear(&self) {
        for name in std::mem::take(&mut *self.kept.lock().unwrap()) {
            std::fs::remove_file(self.dir.path().join(name)).unwrap();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    fn file(&self, digest: &Digest) -> Option<SourceFile> {
        let path = self.path(digest);
        path.exists().then(|| SourceFile {
            root: Arc::new(Root::open(self.dir.path()).unwrap()),
            path: path.file_name().unwrap().to_str().unwrap().parse().unwrap(),
        })
    }
}

#[async_trait]
impl ContentStore for Kept {
    async fn find(&self, digest: &Digest) -> Result<Option<SourceFile>> {
        Ok(self.file(digest))
    }

    async fn obtain(&self, wanted: &Wanted) -> Result<Obtained> {
        if let Some(file) = wanted.digest.as_ref().and_then(|digest| self.file(digest)) {
            return Ok(Obtained::new(file, 0));
        }
        let name = wanted.places[0].as_str();
        let expected = Expected::at_most(wanted.limit, name)
            .with_size(wanted.size)
            .with_digest(wanted.digest.clone());
        let get = Get::of_any(wanted.places.clone(), wanted.limit);
        let (_, bytes) = self.fetch.bytes(&get, expected).await?;
        let fetched = bytes.len() as u64;
        let sha256 = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        if let Some(other) = &wanted.digest {
            self.others.lock().unwrap().insert(other.to_string(), sha256);
        }
        Ok(Obtained::new(self.keep(bytes).await?, fetched))
    }

    async fn keep(&self, bytes: Bytes) -> Result<SourceFile> {
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        std::fs::write(self.dir.path().join(digest.hex()), &bytes).unwrap();
        self.kept.lock().unwrap().insert(digest.hex().to_owned());
        Ok(self.file(&digest).unwrap())
    }

    async fn recheck(&self, digests: &[Digest]) -> Result<Vec<Digest>> {
        let mut damaged = Vec::new();
        for digest in digests {
            let path = self.path(digest);
            let bytes = std::fs::read(&path).unwrap_or_default();
            if Digest::of_bytes(digest.algorithm(), &bytes) != *digest {
                damaged.push(digest.clone());
                if path.exists() {
                    self.kept
                        .lock()
                        .unwrap()
                        .remove(path.file_name().unwrap().to_str().unwrap());
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
        Ok(damaged)
    }
}
