//! Whether a source is taken at its word.

use serde::{Deserialize, Serialize};

/// Whether the packages of a source are taken for what they say they are. Who runs the service decides it
/// for each source; with a keyring configured, packages of untrusted sources must have a signature that one of
/// its keys verifies, whatever a request says.
///
/// What is made of several sources is trusted if all of them are:
///
/// ```
/// use odcs_core::source::Trust;
/// assert_eq!(Trust::Trusted.and(Trust::Trusted), Trust::Trusted);
/// assert_eq!(Trust::Trusted.and(Trust::Untrusted), Trust::Untrusted);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// A package is what its header says, and signed by whom its signatures name.
    #[default]
    Trusted,
    /// Anybody may have put the package there.
    Untrusted,
}

impl Trust {
    /// The trust in what comes from both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}
