//! Settings of the `repo` source.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_core::allow::UrlAllowList;
use odcs_core::{Clock, ContentStore, Fetch, MetadataCache, SystemClock};
use odcs_rpm::compression::RATIO;

use super::mirrors::MirrorRule;

/// Where repositories may be, and how much of them is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RepoSettings {
    /// Repositories must be below one of these directories, or of those that are not trusted.
    pub roots: Vec<PathBuf>,
    /// Directories whose packages are not taken at their word; they may be below the others. What has a package
    /// from below one of them is untrusted as a whole.
    pub untrusted_roots: Vec<PathBuf>,
    /// Bytes of one metadata file as it lies on disk.
    pub metadata_bytes: u64,
    /// Bytes of one metadata file when decompressed.
    pub open_metadata_bytes: u64,
    /// How many times the size it comes in a metadata file may have when decompressed, past its first 8 MiB.
    pub metadata_ratio: u64,
    /// Files and directories in a repository without metadata.
    pub directory_entries: usize,
    /// What repositories on HTTP servers are fetched with, and where what was fetched is kept. Without, there are
    /// only directories.
    pub remote: Option<(Arc<dyn Fetch>, Arc<dyn ContentStore>)>,
    /// The packages of repositories below these URLs are taken at their word, those of others are not.
    pub trusted_urls: UrlAllowList,
    /// The repositories that have mirrors.
    pub mirrors: Vec<MirrorRule>,
    /// Where it is kept what was found out about repositories and their packages. Without, all of it is read anew for
    /// each compose.
    pub cache: Option<Arc<dyn MetadataCache>>,
    /// Tells how long ago directories were changed; nothing of it shows in any result.
    pub clock: Arc<dyn Clock>,
}

impl RepoSettings {
    /// Repositories below these directories. Limits: 512 MiB for a metadata file, 8 GiB decompressed, and
    /// [`RATIO`] times as much as it was; a million files in a directory tree without metadata.
    pub fn new<P: Into<PathBuf>>(roots: impl IntoIterator<Item = P>) -> Self {
        Self {
            roots: roots.into_iter().map(Into::into).collect(),
            untrusted_roots: Vec::new(),
            metadata_bytes: 512 << 20,
            open_metadata_bytes: 8 << 30,
            metadata_ratio: RATIO,
            directory_entries: 1_000_000,
            remote: None,
            trusted_urls: UrlAllowList::default(),
            mirrors: Vec::new(),
            cache: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Repositories below these directories, too, which are not trusted.
    #[must_use]
    pub fn with_untrusted<P: Into<PathBuf>>(mut self, roots: impl IntoIterator<Item = P>) -> Self {
        self.untrusted_roots.extend(roots.into_iter().map(Into::into));
        self
    }

    /// Repositories on HTTP servers, too, as far as whoever fetches allows their URLs.
    #[must_use]
    pub fn with_fetch(mut self, fetch: Arc<dyn Fetch>, contents: Arc<dyn ContentStore>) -> Self {
        self.remote = Some((fetch, contents));
        self
    }

    /// The packages of repositories below these URLs are taken at their word. Where a repository has mirrors, they
    /// must be below such URLs, too.
    #[must_use]
    pub fn with_trusted_urls(mut self, trusted: UrlAllowList) -> Self {
        self.trusted_urls = trusted;
        self
    }

    /// The repositories that have mirrors; of several rules for one, the first counts.
    #[must_use]
    pub fn with_mirrors(mut self, rules: impl IntoIterator<Item = MirrorRule>) -> Self {
        self.mirrors.extend(rules);
        self
    }

    /// What is found out about repositories and their packages is kept there.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<dyn MetadataCache>) -> Self {
        self.cache = Some(cache);
        self
    }
}
