//! Name, epoch, version, release and architecture: what tells packages apart.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Arch, Error, Evr, PackageName, Result};

/// Name, epoch, version, release and architecture of a package. Ordered by name, then EVR, then arch.
///
/// Written as one text, `NAME-EPOCH:VERSION-RELEASE.ARCH`, also where it is serialised; what was serialised
/// field by field is read all the same.
///
/// ```
/// use odcs_rpm::{Evr, Nevra};
/// let ed = Nevra::new("ed".parse()?, Evr::new(0, "1.14.1", "2")?, "x86_64".parse()?);
/// assert_eq!(ed.to_string(), "ed-0:1.14.1-2.x86_64");
/// assert_eq!(ed.file_name(), "ed-1.14.1-2.x86_64.rpm");
/// assert_eq!("ed-1.14.1-2.x86_64".parse::<Nevra>()?, ed);
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Deserialize)]
#[serde(try_from = "Written")]
pub struct Nevra {
    name: PackageName,
    evr: Evr,
    arch: Arch,
}

/// The serialised forms: as text, and as records of older versions have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(Box<str>),
    Fields { name: PackageName, evr: Evr, arch: Arch },
}

impl TryFrom<Written> for Nevra {
    type Error = Error;
    fn try_from(written: Written) -> Result<Self> {
        match written {
            Written::Text(text) => text.parse(),
            Written::Fields { name, evr, arch } => Ok(Self { name, evr, arch }),
        }
    }
}

impl Serialize for Nevra {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        // Quicker than to have a serializer escape it piece by piece: manifests have ten thousands of them.
        let parts = [
            self.name.as_str(),
            self.evr.version(),
            self.evr.release(),
            self.arch.as_str(),
        ];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut text = String::with_capacity(length + EPOCH_AND_MARKS);
        write!(text, "{self}").map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

/// Bytes of the largest epoch, and of what stands between the parts.
const EPOCH_AND_MARKS: usize = 14;

impl From<Nevra> for String {
    fn from(nevra: Nevra) -> Self {
        nevra.to_string()
    }
}

/// Reads `NAME-[EPOCH:]VERSION-RELEASE.ARCH`; no epoch is epoch 0.
impl FromStr for Nevra {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let parts = || {
            let (rest, arch) = text.rsplit_once('.')?;
            let (rest, release) = rest.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
            Some((name, epoch.parse().ok()?, version, release, arch))
        };
        let (name, epoch, version, release, arch) =
            parts().ok_or_else(|| Error::value(text, "a NAME-EPOCH:VERSION-RELEASE.ARCH"))?;
        Ok(Self {
            name: name.parse()?,
            evr: Evr::new(epoch, version, release)?,
            arch: arch.parse()?,
        })
    }
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
        f.write_str(self.name.as_str())?;
        f.write_str("-")?;
        self.evr.fmt(f)?;
        f.write_str(".")?;
        f.write_str(self.arch.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_serialised_forms_are_read() {
        let text = r#""a-b-2:1.0~rc1-3.fc40.noarch""#;
        let nevra: Nevra = serde_json::from_str(text).unwrap();
        assert_eq!(nevra.name().as_str(), "a-b");
        assert_eq!(
            (nevra.evr().epoch(), nevra.evr().release(), nevra.arch().as_str()),
            (2, "3.fc40", "noarch")
        );
        assert_eq!(serde_json::to_string(&nevra).unwrap(), text);
        let fields = r#"{"name":"a-b","evr":[2,"1.0~rc1","3.fc40"],"arch":"noarch"}"#;
        assert_eq!(serde_json::from_str::<Nevra>(fields).unwrap(), nevra);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "ed",
            "ed-1-2",
            "ed-1.x86_64",
            "-1-2.x86_64",
            "ed-x:1-2.x86_64",
            "ed--2.x86_64",
            "ed-1-2.",
            "ed-4294967296:1-2.noarch",
        ] {
            assert!(text.parse::<Nevra>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            name in "[a-z0-9_+.:-]{1,12}", epoch in any::<u32>(), version in "[a-z0-9:.~^]{1,8}",
            release in "[a-z0-9:.~^]{1,8}", arch in "[a-z0-9_]{1,8}",
        ) {
            let Ok(name) = name.parse() else { return Ok(()) };
            let nevra = Nevra::new(name, Evr::new(epoch, version, release).unwrap(), arch.parse().unwrap());
            prop_assert_eq!(nevra.to_string().parse::<Nevra>().unwrap(), nevra);
        }

        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Nevra>();
        }
    }
}
