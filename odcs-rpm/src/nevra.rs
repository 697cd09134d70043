//! Name, epoch, version, release and architecture: what tells packages apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Arch, Evr, PackageName};

/// Name, epoch, version, release and architecture of a package. Ordered by name, then EVR, then arch.
///
/// ```
/// use odcs_rpm::{Evr, Nevra};
/// let ed = Nevra::new("ed".parse()?, Evr::new(0, "1.14.1", "2")?, "x86_64".parse()?);
/// assert_eq!(ed.to_string(), "ed-0:1.14.1-2.x86_64");
/// assert_eq!(ed.file_name(), "ed-1.14.1-2.x86_64.rpm");
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Nevra {
    name: PackageName,
    evr: Evr,
    arch: Arch,
}

impl Nevra {
    /// Puts the parts together.
    pub fn new(name: PackageName, evr: Evr, arch: Arch) -> Self {
        Self { name, evr, arch }
    }

    /// The name.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// Epoch, version and release.
    pub fn evr(&self) -> &Evr {
        &self.evr
    }

    /// The architecture; `src` or `nosrc` for source packages.
    pub fn arch(&self) -> &Arch {
        &self.arch
    }

    /// `NAME-VERSION-RELEASE.ARCH`, without the epoch.
    pub fn nvra(&self) -> String {
        format!(
            "{}-{}-{}.{}",
            self.name,
            self.evr.version(),
            self.evr.release(),
            self.arch
        )
    }

    /// Whether a package whose header says this is the one that is listed as `listed`. Repodata calls every source
    /// package `src`, also one whose header says `nosrc`.
    ///
    /// ```
    /// # use odcs_rpm::{Evr, Nevra};
    /// let nevra = |arch: &str| -> odcs_rpm::Result<Nevra> {
    ///     Ok(Nevra::new("ed".parse()?, Evr::new(0, "1.20", "1")?, arch.parse()?))
    /// };
    /// assert!(nevra("nosrc")?.is_listed_as(&nevra("src")?));
    /// assert!(!nevra("i686")?.is_listed_as(&nevra("x86_64")?));
    /// # Ok::<(), odcs_rpm::Error>(())
    /// ```
    pub fn is_listed_as(&self, listed: &Self) -> bool {
        self.name == listed.name
            && self.evr == listed.evr
            && (self.arch == listed.arch || (self.arch.is_source() && listed.arch.is_source()))
    }

    /// The package's own file name, `NAME-VERSION-RELEASE.ARCH.rpm`.
    pub fn file_name(&self) -> String {
        self.nvra() + ".rpm"
    }
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.name, self.evr, self.arch)
    }
}
