//! Epoch, version and release, compared as RPM compares them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Epoch, version and release of a package. Ordered as `rpmvercmp` orders.
///
/// ```
/// use odcs_rpm::Evr;
///
/// let old = Evr::new(0, "1.14.1", "2")?;
/// let new = Evr::new(0, "1.14.10", "1")?;
/// assert!(old < new);
/// assert!(Evr::new(1, "0.1", "1")? > new);
/// assert_eq!(new.to_string(), "0:1.14.10-1");
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Evr {
    epoch: u32,
    version: Box<str>,
    release: Box<str>,
}

/// The serialised form; reading it goes through the checks of [`Evr::new`].
#[derive(Serialize, Deserialize)]
struct Parts(u32, Box<str>, Box<str>);

impl TryFrom<Parts> for Evr {
    type Error = Error;
    fn try_from(Parts(epoch, version, release): Parts) -> Result<Self> {
        Self::new(epoch, version, release)
    }
}

impl From<Evr> for Parts {
    fn from(evr: Evr) -> Self {
        Self(evr.epoch, evr.version, evr.release)
    }
}

impl Evr {
    /// Puts the parts together; version and release become parts of file names, so they may hold
    /// neither `-` nor `/`, white space or control characters, and may not be empty.
    ///
    /// # Errors
    /// [`Error::Value`] if a part is none.
    pub fn new(epoch: u32, version: impl Into<Box<str>>, release: impl Into<Box<str>>) -> Result<Self> {
        let (version, release) = (version.into(), release.into());
        if !is_part(&version) {
            return Err(Error::value(&version, "a package version"));
        }
        if !is_part(&release) {
            return Err(Error::value(&release, "a package release"));
        }
        Ok(Self {
            epoch,
            version,
            release,
        })
    }

    /// The epoch; 0 when the package has none.
    pub fn epoch(&self) -> u32 {
        self.epoch
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

fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text
            .chars()
            .any(|c| matches!(c, '-' | '/') || c.is_whitespace() || c.is_control())
}

/// Compares two version (or two release) strings as `rpmvercmp` does.
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    rpm_version::Evr::new("", left, "").cmp(&rpm_version::Evr::new("", right, ""))
}

/// Compares epoch, version and release as [`Evr`]s are ordered.
pub(crate) fn compare_evrs(left: (u32, &str, &str), right: (u32, &str, &str)) -> Ordering {
    left.0
        .cmp(&right.0)
        .then_with(|| compare_versions(left.1, right.1))
        .then_with(|| compare_versions(left.2, right.2))
        // Different spellings of an equal version ("1.0" and "1..0") still need one order.
        .then_with(|| (left.1, left.2).cmp(&(right.1, right.2)))
}

impl Ord for Evr {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_evrs(
            (self.epoch, &self.version, &self.release),
            (other.epoch, &other.version, &other.release),
        )
    }
}

impl PartialOrd for Evr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Evr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.epoch, &self.version, &self.release).hash(state);
    }
}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.epoch {
            // Nearly all of them.
            0 => f.write_str("0:")?,
            epoch => write!(f, "{epoch}:")?,
        }
        f.write_str(&self.version)?;
        f.write_str("-")?;
        f.write_str(&self.release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_like_rpm() {
        for (left, right, expected) in [
            ("1.0", "1.0", Ordering::Equal),
            ("1.0", "1.0.1", Ordering::Less),
            ("2.10", "2.9", Ordering::Greater),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.0^git1", "1.0", Ordering::Greater),
            ("1.0a", "1.0b", Ordering::Less),
            ("10xyz", "10.1xyz", Ordering::Less),
        ] {
            assert_eq!(compare_versions(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn refuses_what_would_leave_its_place_in_a_file_name() {
        for bad in ["", "1-2", "../1", "1 2", "1\n"] {
            assert!(Evr::new(0, bad, "1").is_err(), "{bad:?}");
            assert!(Evr::new(0, "1", bad).is_err(), "{bad:?}");
        }
    }
}
