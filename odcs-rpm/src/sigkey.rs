//! Ids of the keys that packages are signed with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The id of a signing key: lower-case hex digits. Koji and ODCS name keys by their last eight
/// digits; longer ids and fingerprints are accepted and compared by the shorter one's length.
///
/// ```
/// use odcs_rpm::Sigkey;
/// let asked: Sigkey = "FD431D51".parse()?;
/// assert_eq!(asked.as_str(), "fd431d51");
/// assert!(asked.is_same_key(&"199e2f91fd431d51".parse()?));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct Sigkey(Box<str>);

impl Sigkey {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last eight digits, as Koji writes them.
    pub fn short(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(8)..).unwrap_or(&self.0)
    }

    /// Whether both ids can be of one key: the shorter is the end of the longer.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.0.ends_with(&*other.0) || other.0.ends_with(&*self.0)
    }
}

impl TryFrom<Box<str>> for Sigkey {
    type Error = Error;
    fn try_from(text: Box<str>) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for Sigkey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if fits {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(Error::value(text, "a key id (hex digits)"))
        }
    }
}

impl From<Sigkey> for Box<str> {
    fn from(key: Sigkey) -> Self {
        key.0
    }
}

impl fmt::Display for Sigkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
