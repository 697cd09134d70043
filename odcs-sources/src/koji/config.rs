//! Settings of the sources that take packages from Koji.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_core::request::KeyOrUnsigned;
use odcs_core::{Fetch, MetadataCache};
use url::Url;

use super::client::{HubSettings, Profile};

/// Which hub is asked, and where its files are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KojiSettings {
    /// The hub.
    pub hub: HubSettings,
    /// Where Koji's volume is mounted on this machine. Files are linked from there.
    pub topdir: Option<PathBuf>,
    /// The same tree on a server: files are fetched from there if no volume is mounted.
    pub topurl: Option<Url>,
    /// What is fetched with.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// Where it is kept what was found out about packages. Without, headers are read anew for each compose.
    pub cache: Option<Arc<dyn MetadataCache>>,
    /// The keys of which packages have one where a request asks for none: where every package must be signed, whatever
    /// requests say, signed copies have to be taken.
    pub keys: Vec<KeyOrUnsigned>,
    /// Headers of packages that are asked of `topurl` at a time: 8.
    pub headers_at_once: usize,
}

impl KojiSettings {
    /// A hub; where its files are is yet to be said.
    pub fn new(hub: HubSettings) -> Self {
        Self {
            hub,
            topdir: None,
            topurl: None,
            fetch: None,
            cache: None,
            keys: Vec::new(),
            headers_at_once: 8,
        }
    }

    /// The hub and the files of a profile of Koji's own configuration.
    pub fn from_profile(profile: &Profile) -> Self {
        Self {
            topdir: Some(profile.topdir.clone()),
            topurl: profile.topurl.clone(),
            ..Self::new(HubSettings::from_profile(profile))
        }
    }

    /// Files are taken from the volume that is mounted there.
    #[must_use]
    pub fn with_topdir(mut self, topdir: impl Into<PathBuf>) -> Self {
        self.topdir = Some(topdir.into());
        self
    }

    /// Files are fetched from below there, where no volume is mounted.
    #[must_use]
    pub fn with_topurl(mut self, topurl: Url, fetch: Arc<dyn Fetch>) -> Self {
        self.topurl = Some(topurl);
        self.fetch = Some(fetch);
        self
    }

    /// What is found out about packages is kept there.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<dyn MetadataCache>) -> Self {
        self.cache = Some(cache);
        self
    }
}
