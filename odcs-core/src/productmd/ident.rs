//! What a compose is called in its metadata.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::compose::Compose;
use crate::request::ComposeType;

/// The types of composes that metadata knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComposeKind {
    /// Made to try something.
    #[default]
    Test,
    /// Made every night.
    Nightly,
    /// Made for continuous integration.
    Ci,
    /// Made while something is developed.
    Development,
    /// Made to be released.
    Production,
}

impl ComposeKind {
    /// The name in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Nightly => "nightly",
            Self::Ci => "ci",
            Self::Development => "development",
            Self::Production => "production",
        }
    }

    /// What stands between date and respin in the compose's id.
    pub fn id_suffix(self) -> &'static str {
        match self {
            Self::Test => ".t",
            Self::Nightly => ".n",
            Self::Ci => ".ci",
            Self::Development => ".d",
            Self::Production => "",
        }
    }
}

/// Types that metadata does not know are written as `test`.
impl From<&ComposeType> for ComposeKind {
    fn from(asked: &ComposeType) -> Self {
        match asked.as_str() {
            "nightly" => Self::Nightly,
            "ci" => Self::Ci,
            "development" => Self::Development,
            "production" => Self::Production,
            _ => Self::Test,
        }
    }
}

/// Everything that a compose's id is made of: `SHORT-VERSION-DATE[.SUFFIX].RESPIN`.
///
/// ```
/// use odcs_core::productmd::{ComposeIdent, ComposeKind};
/// let ident = ComposeIdent {
///     short: "odcs-1".into(),
///     version: "1".into(),
///     date: "20261121".into(),
///     kind: ComposeKind::Test,
///     respin: 0,
/// };
/// assert_eq!(ident.to_string(), "odcs-1-1-20261121.t.0");
/// let production = ComposeIdent { kind: ComposeKind::Production, ..ident };
/// assert_eq!(production.to_string(), "odcs-1-1-20261121.0");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComposeIdent {
    /// Short name of the release; of our own composes `odcs-N`.
    pub short: String,
    /// Version of the release; of our own composes `1`.
    pub version: String,
    /// Date as `YYYYMMDD`.
    pub date: String,
    /// The type.
    pub kind: ComposeKind,
    /// Which one of that day it is, from 0.
    pub respin: u32,
}

impl ComposeIdent {
    /// What a compose of this service is called. The date is that of the submission, so that every
    /// attempt gives the same id.
    pub fn of(compose: &Compose) -> Self {
        let kind = compose
            .request
            .as_ref()
            .map(|request| ComposeKind::from(&request.compose_type));
        Self {
            short: compose.id.name(),
            version: "1".into(),
            date: compose.times.submitted.date(),
            kind: kind.unwrap_or_default(),
            respin: 0,
        }
    }

    /// Name and version of the release, as people read them: `odcs-1 1`.
    pub fn release_text(&self) -> String {
        format!("{} {}", self.short, self.version)
    }

    /// The section that heads the payload of each metadata file.
    pub fn section(&self) -> ComposeInfoSection {
        ComposeInfoSection {
            date: self.date.clone(),
            id: self.to_string(),
            respin: self.respin,
            kind: self.kind,
        }
    }
}

impl fmt::Display for ComposeIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            short,
            version,
            date,
            kind,
            respin,
        } = self;
        write!(f, "{short}-{version}-{date}{}.{respin}", kind.id_suffix())
    }
}

/// The section `compose` of metadata files. Fields in alphabetical order, as everywhere in these types:
/// it is the order they are written in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ComposeInfoSection {
    /// Date as `YYYYMMDD`.
    pub date: String,
    /// The id.
    pub id: String,
    /// Which one of that day it is.
    pub respin: u32,
    /// The type.
    #[serde(rename = "type")]
    pub kind: ComposeKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_suffix_and_unknown_ones_are_tests() {
        for (asked, name, suffix) in [
            ("test", "test", ".t"),
            ("nightly", "nightly", ".n"),
            ("ci", "ci", ".ci"),
            ("development", "development", ".d"),
            ("production", "production", ""),
            ("weekly", "test", ".t"),
        ] {
            let kind = ComposeKind::from(&asked.parse::<ComposeType>().unwrap());
            assert_eq!((kind.as_str(), kind.id_suffix()), (name, suffix), "{asked}");
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }
}
