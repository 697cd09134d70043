//! What packages provide and require.

use std::fmt;

use crate::evr::compare_versions;

/// How a versioned dependency compares.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Comparison {
    /// `<`, `LT` in repodata.
    Less,
    /// `<=`, `LE`.
    LessOrEqual,
    /// `=`, `EQ`.
    Equal,
    /// `>=`, `GE`.
    GreaterOrEqual,
    /// `>`, `GT`.
    Greater,
}

impl Comparison {
    /// The flags of an RPM header (`RPMSENSE_LESS`, `_GREATER`, `_EQUAL`: bits 1 to 3); `None` without
    /// any of them.
    pub fn from_header_flags(flags: u32) -> Option<Self> {
        match (flags >> 1) & 0b111 {
            0b001 => Some(Self::Less),
            0b010 => Some(Self::Greater),
            0b100 => Some(Self::Equal),
            0b101 => Some(Self::LessOrEqual),
            0b110 => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    /// The `flags` attribute of repodata.
    pub fn from_repodata(text: &str) -> Option<Self> {
        Some(match text {
            "LT" => Self::Less,
            "LE" => Self::LessOrEqual,
            "EQ" => Self::Equal,
            "GE" => Self::GreaterOrEqual,
            "GT" => Self::Greater,
            _ => return None,
        })
    }

    /// The `flags` attribute of repodata.
    pub fn as_repodata(self) -> &'static str {
        match self {
            Self::Less => "LT",
            Self::LessOrEqual => "LE",
            Self::Equal => "EQ",
            Self::GreaterOrEqual => "GE",
            Self::Greater => "GT",
        }
    }

    /// The operator as people write it.
    pub fn as_operator(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    fn reaches_below(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual)
    }

    fn reaches_above(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual)
    }

    fn includes_equal(self) -> bool {
        matches!(self, Self::Equal | Self::LessOrEqual | Self::GreaterOrEqual)
    }
}

/// The version part of a dependency. Unlike [`Evr`](crate::Evr) the release may be missing, and
/// nothing of it ever reaches a file name.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct DependencyVersion {
    /// How it compares.
    pub comparison: Comparison,
    /// The epoch; 0 when there is none.
    pub epoch: u32,
    /// The version.
    pub version: Box<str>,
    /// The release, if there is one.
    pub release: Option<Box<str>>,
}

impl DependencyVersion {
    /// Splits the `[EPOCH:]VERSION[-RELEASE]` of a header.
    pub fn parse(comparison: Comparison, text: &str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.is_empty() || epoch.bytes().all(|b| b.is_ascii_digit()) => {
                (epoch.parse().unwrap_or(0), rest)
            }
            _ => (0, text),
        };
        // As for rpm, and in repodata: an empty release is none.
        let rest = rest.trim_end_matches('-');
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release.into())),
            None => (rest, None),
        };
        Self {
            comparison,
            epoch,
            version: version.into(),
            release,
        }
    }

    /// Whether the two ranges have a version in common, as `rpmdsCompare` decides: a side without a
    /// release leaves the release out of the comparison.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.as_borrowed().overlaps(other.as_borrowed())
    }

    pub(crate) fn as_borrowed(&self) -> BorrowedVersion<'_> {
        BorrowedVersion {
            comparison: self.comparison,
            epoch: self.epoch,
            version: &self.version,
            release: self.release.as_deref(),
        }
    }
}

/// A [`DependencyVersion`] whose texts are elsewhere; ordered like it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct BorrowedVersion<'a> {
    pub(crate) comparison: Comparison,
    pub(crate) epoch: u32,
    pub(crate) version: &'a str,
    pub(crate) release: Option<&'a str>,
}

impl BorrowedVersion<'_> {
    /// See [`DependencyVersion::overlaps`].
    pub(crate) fn overlaps(self, other: Self) -> bool {
        let order = self
            .epoch
            .cmp(&other.epoch)
            .then_with(|| compare_versions(self.version, other.version))
            .then_with(|| match (self.release, other.release) {
                (Some(left), Some(right)) => compare_versions(left, right),
                _ => std::cmp::Ordering::Equal,
            });
        let (left, right) = (self.comparison, other.comparison);
        match order {
            std::cmp::Ordering::Less => left.reaches_above() || right.reaches_below(),
            std::cmp::Ordering::Greater => left.reaches_below() || right.reaches_above(),
            std::cmp::Ordering::Equal => {
                (left.includes_equal() && right.includes_equal())
                    || (left.reaches_below() && right.reaches_below())
                    || (left.reaches_above() && right.reaches_above())
            }
        }
    }
}

/// A [`Dependency`] whose texts are elsewhere; ordered like it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct BorrowedDependency<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: Option<BorrowedVersion<'a>>,
    pub(crate) is_pre: bool,
}

impl BorrowedDependency<'_> {
    pub(crate) fn to_dependency(self) -> Dependency {
        Dependency {
            name: self.name.into(),
            version: self.version.map(|version| DependencyVersion {
                comparison: version.comparison,
                epoch: version.epoch,
                version: version.version.into(),
                release: version.release.map(Into::into),
            }),
            is_pre: self.is_pre,
        }
    }
}

impl fmt::Display for DependencyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.comparison.as_operator())?;
        // A version with a colon would be taken for an epoch and a version.
        if self.epoch != 0 || self.version.contains(':') {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.version)?;
        match &self.release {
            Some(release) => write!(f, "-{release}"),
            // The end of it would be taken for a release.
            None if self.version.contains('-') => f.write_str("-"),
            None => Ok(()),
        }
    }
}

/// One entry of provides, requires, conflicts, obsoletes or a weak dependency.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Dependency {
    /// The name of a package, a capability, a file path, or a rich dependency in parentheses.
    pub name: Box<str>,
    /// The version it asks for or offers.
    pub version: Option<DependencyVersion>,
    /// Needed already by the scriptlets of the package (`pre="1"` in repodata).
    pub is_pre: bool,
}

impl Dependency {
    /// A dependency without version.
    pub fn unversioned(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            version: None,
            is_pre: false,
        }
    }

    /// Whether this is a rich (boolean) dependency.
    pub fn is_rich(&self) -> bool {
        self.name.starts_with('(')
    }

    /// Whether this provide satisfies that requirement: same name, and one of them without version or
    /// ranges that overlap.
    ///
    /// ```
    /// use odcs_rpm::{Comparison, Dependency, DependencyVersion};
    /// let mut provide = Dependency::unversioned("libfoo");
    /// provide.version = Some(DependencyVersion::parse(Comparison::Equal, "1:2.0-3"));
    /// let mut require = Dependency::unversioned("libfoo");
    /// require.version = Some(DependencyVersion::parse(Comparison::GreaterOrEqual, "1:2.0"));
    /// assert!(provide.satisfies(&require));
    /// ```
    pub fn satisfies(&self, requirement: &Self) -> bool {
        self.name == requirement.name
            && match (&self.version, &requirement.version) {
                (Some(offered), Some(asked)) => offered.overlaps(asked),
                _ => true,
            }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.version
            .as_ref()
            .map_or(Ok(()), |version| write!(f, " {version}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn versions_read_as_they_are_shown(text in "[0-9]{0,2}:?[0-9a:~]{0,3}-?[0-9:-]{0,3}") {
            let version = DependencyVersion::parse(Comparison::Equal, &text);
            let shown = version.to_string();
            prop_assert_eq!(&DependencyVersion::parse(Comparison::Equal, shown.get(2..).unwrap_or_default()), &version, "{}", shown);
        }
    }
}
