//! Names that paths on the volume are made of.

use std::fmt;
use std::str::FromStr;

use odcs_rpm::PackageName;
use serde::{Deserialize, Serialize};

/// Bytes of one segment of a path; no file system takes more.
const SEGMENT: usize = 255;
/// Bytes of a path below `work`.
const PATH: usize = 4_096;

/// Whether a text can be one directory or file of a path, and nothing else: not empty, not `.` or `..`, without `/`,
/// white space and control characters.
fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= SEGMENT
        && !matches!(text, "." | "..")
        && !text
            .chars()
            .any(|c| c == '/' || c.is_whitespace() || c.is_control())
}

/// A text that is not what it has to be; what it has to be, as a noun phrase.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct NameError {
    value: String,
    expected: &'static str,
}

impl NameError {
    fn new(value: &str, expected: &'static str) -> Self {
        let value = value.chars().take(80).collect();
        Self { value, expected }
    }
}

/// Name, version and release of a build, the three directories that a build is in. Unlike the release of an RPM, that of
/// a build may have a part that says it is a draft (`1,draft_28`).
///
/// ```
/// use odcs_sources::koji::client::Nvr;
/// let nvr: Nvr = "lab-hello-1.0-1,draft_28".parse().unwrap();
/// assert_eq!((nvr.name().as_str(), nvr.version(), nvr.release()), ("lab-hello", "1.0", "1,draft_28"));
/// assert!("lab-..-1".parse::<Nvr>().is_err());
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nvr {
    name: PackageName,
    version: Box<str>,
    release: Box<str>,
}

impl Nvr {
    /// Puts the parts together.
    ///
    /// # Errors
    /// If the name is none of a package, or version or release has a `-` or cannot be a directory.
    pub fn new(name: &str, version: &str, release: &str) -> Result<Self, NameError> {
        let name = name
            .parse()
            .map_err(|_| NameError::new(name, "the name of a build"))?;
        let is_part = |text: &str| is_segment(text) && !text.contains('-');
        if !is_part(version) {
            return Err(NameError::new(version, "the version of a build"));
        }
        if !is_part(release) {
            return Err(NameError::new(release, "the release of a build"));
        }
        Ok(Self {
            name,
            version: version.into(),
            release: release.into(),
        })
    }

    /// The name of the package.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The release.
    pub fn release(&self) -> &str {
        &self.release
    }
}

impl FromStr for Nvr {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let split = || {
            let (rest, release) = text.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            Some((name, version, release))
        };
        let (name, version, release) =
            split().ok_or_else(|| NameError::new(text, "a NAME-VERSION-RELEASE"))?;
        Self::new(name, version, release)
    }
}

impl TryFrom<String> for Nvr {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Nvr> for String {
    fn from(nvr: Nvr) -> Self {
        nvr.to_string()
    }
}

impl fmt::Display for Nvr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.name, self.version, self.release)
    }
}

/// The name of a volume.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Volume(Box<str>);

impl Volume {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `DEFAULT`, whose packages are not below `vol/`.
    pub fn is_default(&self) -> bool {
        &*self.0 == "DEFAULT"
    }
}

impl FromStr for Volume {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if is_segment(text) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::new(text, "the name of a volume"))
        }
    }
}

impl TryFrom<String> for Volume {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Volume> for String {
    fn from(volume: Volume) -> Self {
        volume.0.into()
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file that a task made: a relative path below `work`, such as `tasks/3/3/ed-1.20-1.x86_64.rpm`.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkPath(Box<str>);

impl WorkPath {
    /// The path as text, without a slash at its ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is behind the last slash.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl FromStr for WorkPath {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() <= PATH && text.split('/').all(is_segment) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::new(text, "the path of a file below work"))
        }
    }
}

impl TryFrom<String> for WorkPath {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<WorkPath> for String {
    fn from(path: WorkPath) -> Self {
        path.0.into()
    }
}

impl fmt::Display for WorkPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for text in [
            "a-..-1",
            "a-1-..",
            "../a-1-1",
            "a-1/2-1",
            "a-1-1/../..",
            "a-1-\0",
            "a--1",
            "a-1-",
            "nodashes",
            "a-1 -1",
        ] {
            assert!(text.parse::<Nvr>().is_err(), "{text}");
        }
        for text in ["", ".", "..", "a/b", "a\0", "a b"] {
            assert!(text.parse::<Volume>().is_err(), "{text}");
        }
        for text in [
            "",
            "/tasks/1",
            "tasks/../1",
            "tasks//1",
            "tasks/1/",
            "tasks/./1",
            "tasks/\n",
        ] {
            assert!(text.parse::<WorkPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_what_was_read() {
        let nvr: Nvr = "lab-c++-1.0~rc1^2-1.el9".parse().unwrap();
        assert_eq!(nvr.to_string(), "lab-c++-1.0~rc1^2-1.el9");
        assert_eq!(nvr.name().as_str(), "lab-c++");
        assert!("DEFAULT".parse::<Volume>().unwrap().is_default());
        let path: WorkPath = "tasks/3/3/a.rpm".parse().unwrap();
        assert_eq!((path.as_str(), path.file_name()), ("tasks/3/3/a.rpm", "a.rpm"));
    }
}
