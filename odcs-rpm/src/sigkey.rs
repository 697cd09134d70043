//! Ids of the keys that packages are signed with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Result};

/// Digits of the ids that Koji writes, of those in signatures, and of a fingerprint since version 6.
const SHORT_ID: usize = 8;
const LONG_ID: usize = 16;
const V6_FINGERPRINT: usize = 64;

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
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct Sigkey(Box<str>);

impl Sigkey {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last eight digits of the key id, as Koji writes them.
    pub fn short(&self) -> &str {
        let id = match self.0.len() {
            // The key id is the beginning of it.
            V6_FINGERPRINT => self.0.get(..LONG_ID).unwrap_or(&self.0),
            _ => &self.0,
        };
        id.get(id.len().saturating_sub(SHORT_ID)..).unwrap_or(id)
    }

    /// The id whose bytes these are, in hex. Of more than 32 bytes the first count.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..V6_FINGERPRINT / 2).unwrap_or(bytes);
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// Whether both ids are of one key: the shorter is the end of the longer. Less than eight digits
    /// say too little to tell keys apart, and are the same as themselves only. The key id in a version 6
    /// fingerprint is its beginning (RFC 9580, 5.5.4.3).
    pub fn is_same_key(&self, other: &Self) -> bool {
        let (short, long) = if self.0.len() <= other.0.len() {
            (&*self.0, &*other.0)
        } else {
            (&*other.0, &*self.0)
        };
        let long = match long.get(..LONG_ID) {
            Some(id) if long.len() == V6_FINGERPRINT && short.len() <= LONG_ID => id,
            _ => long,
        };
        short == long || (short.len() >= SHORT_ID && long.ends_with(short))
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

impl Serialize for Sigkey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_id_is_the_end_of_the_key_id() {
        for (id, short) in [
            ("199e2f91fd431d51".to_owned(), "fd431d51"),
            (format!("{:0>40}", "199e2f91fd431d51"), "fd431d51"),
            (format!("{:0<64}", "199e2f91fd431d51"), "fd431d51"),
            ("123".to_owned(), "123"),
        ] {
            assert_eq!(id.parse::<Sigkey>().unwrap().short(), short);
        }
    }

    #[test]
    fn one_key_goes_by_ids_of_several_lengths() {
        let id = "199e2f91fd431d51";
        let (v4, v6) = (format!("{id:0>40}"), format!("{id:0<64}"));
        for (asked, found, expected) in [
            ("fd431d51", id, true),
            (&v4, id, true),
            (&v6, id, true),
            (&v6, "fd431d51", true),
            (&v6, &v6, true),
            ("199e2f91", id, false),
            ("2f91fd431d51", id, true),
            ("1", id, false),
            ("431d51", id, false),
            ("431d51", "431d51", true),
            (&v6, "00000000", false),
        ] {
            let (asked, found): (Sigkey, Sigkey) = (asked.parse().unwrap(), found.parse().unwrap());
            assert_eq!(asked.is_same_key(&found), expected, "{asked} {found}");
            assert_eq!(found.is_same_key(&asked), expected, "{found} {asked}");
        }
    }
}
