//! Settings of the `pungi_compose` source.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_core::Fetch;

/// Where composes may be, and how much of them is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PungiComposeSettings {
    /// What composes on servers are read with.
    pub fetch: Arc<dyn Fetch>,
    /// Directories of this machine that composes may be below of.
    pub roots: Vec<PathBuf>,
    /// The most bytes of an `rpms.json`: 256 MiB, several times what the largest composes have.
    pub document_bytes: u64,
}

impl PungiComposeSettings {
    /// Composes on servers, as far as whoever fetches allows their URLs.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self {
            fetch,
            roots: Vec::new(),
            document_bytes: 256 << 20,
        }
    }

    /// Composes below these directories, too.
    #[must_use]
    pub fn with_roots<P: Into<PathBuf>>(mut self, roots: impl IntoIterator<Item = P>) -> Self {
        self.roots.extend(roots.into_iter().map(Into::into));
        self
    }
}
