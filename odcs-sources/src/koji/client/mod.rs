//! The client of a Koji hub: typed calls over XML-RPC. See [`KojiHub`].
//!
//! ```no_run
//! use odcs_sources::koji::client::{HubSettings, KojiHub, TaggedRpms};
//! # async fn example() -> Result<(), odcs_sources::koji::client::KojiError> {
//! let hub = KojiHub::new(HubSettings::new("https://koji.example.com/kojihub".parse().unwrap()))?;
//! let event = hub.last_event().await?;
//! let mut query = TaggedRpms::new("f42-updates");
//! query.event = Some(event.id);
//! query.inherit = true;
//! query.latest = true;
//! let listing = hub.tagged_rpms(&query).await?;
//! for rpm in &listing.rpms {
//!     println!("{} of build {}: signed with {:?}", rpm.nevra, rpm.build_id, rpm.signatures.keys);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every call reads, and none logs in, so that a call can be repeated whenever its answer did not come. What an answer
//! holds is checked where it is read: names and keys that paths are made of have types that no path can be led astray
//! with, and an answer of another shape than a hub's is an error that names call, row and field.

mod body;
mod calls;
mod decode;
mod error;
mod fault;
mod hub;
mod ids;
mod listing;
mod multicall;
mod names;
mod profile;
mod query;
mod records;
mod scratch;
mod settings;
mod tls;
mod transport;
pub mod xmlrpc;

pub use calls::Each;
pub use error::{KojiError, Problem};
pub use fault::Fault;
pub use hub::KojiHub;
pub use ids::{BuildId, EventId, PackageId, RpmId, TagId, TaskId};
pub use names::{NameError, Nvr, Volume, WorkPath};
pub use profile::{Profile, ProfileError, ProfileFiles};
pub use query::{BuildRef, TagRef, TaggedBuilds, TaggedRpms};
pub use records::{
    Build, BuildState, Event, FoundBuild, InheritedTag, PackageStatus, PayloadHash, Rpm, RpmChecksums,
    RpmListing, Signatures, Tag, TaggedBuild,
};
pub use scratch::{Task, TaskResult, TaskState};
pub use settings::HubSettings;
