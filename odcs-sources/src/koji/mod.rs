//! Packages from Koji: from tags and from builds.
//!
//! Asked of the hub ([`client`]) is what belongs to a tag at an event, and which signatures are on record. Files are
//! taken from Koji's volume, if that is mounted here, or else from its `topurl`. Headers are read only where gathering
//! has to know what packages require: with `no_deps`, what the hub says is enough.
//!
//! Which copy of an RPM is taken, the unsigned one or one that was signed with a key asked for, is decided by the
//! signatures on record and by the signed copies that are there. That its header has the key, and that its digest is
//! the recorded one, is made sure of when it is laid out.
//!
//! Pinned is the event. Signing makes no event, so the copies are part of what composes are compared by; and deleted
//! builds vanish from old events, so a compose is made again from its manifest alone.

mod blocked;
mod build;
mod checksums;
pub mod client;
mod config;
mod content;
mod copies;
mod error;
mod headers;
mod listed;
mod listing;
#[cfg(feature = "pungi_compose")]
pub(crate) mod named;
mod offers;
mod paths;
mod pins;
mod replay;
mod resolve;
mod scratch;
mod selection;
mod tag;
mod volume;

pub use build::BuildSource;
pub use config::KojiSettings;
pub use error::{BuildFault, KojiSourceError, TaskFault};
pub use pins::KojiPins;
pub use tag::TagSource;

use std::sync::Arc;

use odcs_core::source::local::blocking;
use odcs_core::source::{Capability, Site};
use odcs_core::{Error, ErrorKind, Result};

use self::client::KojiHub;
use self::listed::Lists;
use self::volume::{Files, Volume};

/// A Koji hub and its files: what the sources share that take packages from it.
///
/// ```
/// use odcs_sources::koji::client::HubSettings;
/// use odcs_sources::koji::{Koji, KojiSettings, TagSource};
///
/// let hub = HubSettings::new("https://koji.example.com/kojihub".parse()?);
/// let koji = Koji::new(KojiSettings::new(hub).with_topdir("/mnt/koji"))?;
/// let source = TagSource::new(koji);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Koji {
    hub: KojiHub,
    settings: Arc<KojiSettings>,
    site: Option<Arc<Site>>,
    lists: Arc<Lists>,
}

impl Koji {
    /// Nothing is asked of the hub yet, and the volume need not be mounted.
    ///
    /// # Errors
    /// `Invalid` if certificates cannot be used, or if it is not said where the files are.
    pub fn new(settings: KojiSettings) -> Result<Self> {
        let site = settings.topurl.clone().map(Site::new).transpose()?;
        if settings.topdir.is_none() && (site.is_none() || settings.fetch.is_none()) {
            return Err(no_files());
        }
        Ok(Self {
            hub: KojiHub::new(settings.hub.clone())?,
            site: site.map(Arc::new),
            settings: Arc::new(settings),
            lists: Arc::default(),
        })
    }

    /// Where the files are at the moment: on the volume, if it is mounted.
    ///
    /// # Errors
    /// `Unavailable` if it is not, and nothing else is configured.
    async fn files(&self) -> Result<Files> {
        let served = self.site.clone().zip(self.settings.fetch.clone());
        let served = served.map(|(site, fetch)| Files::Served(site, fetch));
        let Some(topdir) = self.settings.topdir.clone() else {
            return served.ok_or_else(no_files);
        };
        match (blocking(move || Volume::open(&topdir)).await, served) {
            (Ok(volume), _) => Ok(Files::Mounted(Arc::new(volume))),
            (Err(error), Some(served)) => {
                tracing::debug!(%error, "files are fetched instead");
                Ok(served)
            }
            (Err(error), None) => Err(error),
        }
    }
}

fn no_files() -> Error {
    let message =
        "where Koji's files are is not configured: its volume (topdir), or the URL of the same tree (topurl)";
    Error::new(ErrorKind::Invalid, "open Koji's volume", "topdir", message)
}

/// What requests for packages from Koji may carry, whatever says which.
fn capability() -> Capability {
    let mut capability = Capability::plain_packages();
    capability.builds = true;
    capability.scratch_build_tasks = true;
    capability
}
