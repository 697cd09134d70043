//! What a compose from Koji goes by.

use odcs_core::files::RelativePath;
use odcs_core::request::KojiTag;
use odcs_rpm::{Digest, PackagePattern, TreeArch};
use serde::{Deserialize, Serialize};

use super::client::{BuildId, EventId};
use super::copies::Policies;

/// Everything that moves, as it was when the compose was begun. Signatures and files are not in it: they have no
/// history in Koji.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KojiPins {
    /// The point in Koji's history that tags are looked at.
    pub event: EventId,
    /// The tags, in order of preference; none for a compose of builds.
    pub tags: Vec<KojiTag>,
    /// Whether what the tags inherit counts.
    pub inherit: bool,
    /// Builds that were asked for by themselves.
    pub builds: Vec<BuildId>,
    /// Builds that are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embargoed: Vec<BuildId>,
    /// Packages of scratch builds, below the top of Koji's tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scratch: Vec<RelativePath>,
    /// The arches of the compose.
    pub arches: Vec<TreeArch>,
    /// The packages asked for, where nothing else but what was built with them can belong: with `no_deps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<PackagePattern>>,
    /// Whether dependencies play no part, so that no header need be read.
    pub no_deps: bool,
    /// Names that were asked for, without wildcards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<PackagePattern>,
    /// Which builds and packages there were: old events forget those that are deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Digest>,
    /// What the packages are from, as people call it; without the event, so that composes of one content are the same.
    pub description: String,
    /// Which copies are wanted.
    pub(super) signatures: Policies,
}
