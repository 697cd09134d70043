//! What everything is called below the target directory.

use std::fmt;

use odcs_core::ComposeId;
use odcs_core::productmd::VARIANT;
use odcs_core::store::Lease;
use odcs_rpm::{Nevra, PackageKind, PackageName, TreeArch};

/// Where attempts are made, beside the composes. Never visible to clients.
pub const STAGING: &str = ".staging";
/// Where fetched files are kept, beside the composes that link to them. Never visible to clients.
pub const CONTENT: &str = ".content";
/// Where what is known about packages is kept, beside the composes. Never visible to clients.
pub const CACHE: &str = ".cache";
/// What is renamed into a compose's directory when it is complete.
pub const COMPOSE: &str = "compose";
/// The log that clients tail while the compose is being made. The name is the one they know.
pub const LOG: &str = "pungi-stderr.log";
/// The compose's id in its metadata, without a line end.
pub const COMPOSE_ID: &str = "COMPOSE_ID";
/// How it ended: [`FINISHED`] or [`DOOMED`].
pub const STATUS: &str = "STATUS";
/// The `STATUS` of a complete compose.
pub const FINISHED: &str = "FINISHED\n";
/// The `STATUS` of one that failed.
pub const DOOMED: &str = "DOOMED\n";
/// Where the packages of a tree are.
pub const PACKAGES: &str = "Packages";
/// Where the repodata of a tree is.
pub const REPODATA: &str = "repodata";
/// The directory of the metadata, below [`COMPOSE`].
pub const METADATA: &str = "metadata";

/// The staging directory of an attempt: `odcs-12.3`.
pub fn staging_name(lease: &Lease) -> String {
    format!("{}.{}", lease.id.name(), lease.number)
}

/// Where a published tree is moved in the staging directory before it is deleted: `removed-odcs-12`.
pub fn removed_name(id: ComposeId) -> String {
    format!("removed-{}", id.name())
}

/// The id in a name of [`removed_name`]'s form.
pub fn parse_removed_name(name: &str) -> Option<ComposeId> {
    parse_compose_name(name.strip_prefix("removed-")?)
}

/// The id and lease number of a staging directory.
pub fn parse_staging_name(name: &str) -> Option<(ComposeId, i64)> {
    let (compose, lease) = name.split_once('.')?;
    let digits = lease.bytes().all(|b| b.is_ascii_digit());
    Some((
        parse_compose_name(compose)?,
        lease.parse().ok().filter(|_| digits)?,
    ))
}

/// The id that a directory is named after: `odcs-12`, in no other spelling.
///
/// ```
/// use odcs_storage::layout::parse_compose_name;
/// assert_eq!(parse_compose_name("odcs-12").unwrap().number(), 12);
/// assert_eq!(parse_compose_name("odcs-012"), None);
/// assert_eq!(parse_compose_name("odcs-12.3"), None);
/// ```
pub fn parse_compose_name(name: &str) -> Option<ComposeId> {
    let id: ComposeId = name.strip_prefix("odcs-")?.parse().ok()?;
    (id.name() == name).then_some(id)
}

/// The symbolic link that older documentation names: `latest-odcs-12-1`.
pub fn latest_link(id: ComposeId) -> String {
    format!("latest-{}-1", id.name())
}

/// The id that a link of [`latest_link`]'s form is for.
pub fn parse_latest_link(name: &str) -> Option<ComposeId> {
    parse_compose_name(name.strip_prefix("latest-")?.strip_suffix("-1")?)
}

/// The `.repo` file of a compose, below `compose/Temporary`.
pub fn repo_file(id: ComposeId) -> String {
    format!("{}.repo", id.name())
}

/// The repositories that a compose consists of.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Tree {
    /// Ordinary packages of one arch.
    Os(TreeArch),
    /// Debug packages of one arch.
    Debug(TreeArch),
    /// Source packages of all arches.
    Source,
}

impl Tree {
    /// The tree that a kind of package belongs into.
    pub fn of(kind: PackageKind, arch: &TreeArch) -> Self {
        match kind {
            PackageKind::Binary => Self::Os(arch.clone()),
            PackageKind::Debug => Self::Debug(arch.clone()),
            PackageKind::Source => Self::Source,
        }
    }

    /// Where it is below [`COMPOSE`], as directories one inside the other.
    pub fn segments(&self) -> Vec<&str> {
        match self {
            Self::Os(arch) => vec![VARIANT, arch.as_str(), "os"],
            Self::Debug(arch) => vec![VARIANT, arch.as_str(), "debug", "tree"],
            Self::Source => vec![VARIANT, "source", "tree"],
        }
    }

    /// Where its ISO image is, likewise: `Temporary/x86_64/iso`. Debug trees have none.
    pub fn iso_segments(&self) -> Option<[&str; 3]> {
        match self {
            Self::Os(arch) => Some([VARIANT, arch.as_str(), "iso"]),
            Self::Source => Some([VARIANT, "source", "iso"]),
            Self::Debug(_) => None,
        }
    }

    /// The arch in its metadata.
    pub fn arch(&self) -> &str {
        match self {
            Self::Os(arch) | Self::Debug(arch) => arch.as_str(),
            Self::Source => "src",
        }
    }

    /// Whether it has `.treeinfo`, `.discinfo` and `media.repo`; debug trees do not.
    pub fn is_installable(&self) -> bool {
        !matches!(self, Self::Debug(_))
    }

    /// Where a package is, below [`COMPOSE`].
    pub fn package_path(&self, nevra: &Nevra) -> String {
        format!("{self}/{}", package_location(nevra))
    }
}

/// The path below [`COMPOSE`].
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments().join("/"))
    }
}

/// The directory below [`PACKAGES`] that a package is in: the first character of its name, in lower
/// case.
///
/// ```
/// assert_eq!(odcs_storage::layout::package_directory(&"ModemManager".parse()?), "m");
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub fn package_directory(name: &PackageName) -> String {
    name.as_str()
        .chars()
        .take(1)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Where a package is in its tree, as its repodata says: `Packages/e/ed-1.14.1-2.x86_64.rpm`.
pub fn package_location(nevra: &Nevra) -> String {
    format!(
        "{PACKAGES}/{}/{}",
        package_directory(nevra.name()),
        nevra.file_name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_read_back() {
        let lease = Lease {
            id: ComposeId::new(12),
            number: 3,
        };
        assert_eq!(staging_name(&lease), "odcs-12.3");
        assert_eq!(parse_staging_name("odcs-12.3"), Some((lease.id, 3)));
        assert_eq!(parse_removed_name(&removed_name(lease.id)), Some(lease.id));
        assert_eq!(parse_removed_name("removed-odcs-1.2"), None);
        assert_eq!(parse_latest_link(&latest_link(lease.id)), Some(lease.id));
        for other in [
            "odcs-12",
            "odcs-12.",
            "odcs-12.3.4",
            "odcs-12.+3",
            "odcs-.3",
            "x.1",
            ".1",
        ] {
            assert_eq!(parse_staging_name(other), None, "{other}");
        }
        for other in ["latest-odcs-12", "latest-odcs-1-2", "odcs-12-1", "latest--1"] {
            assert_eq!(parse_latest_link(other), None, "{other}");
        }
    }
}
