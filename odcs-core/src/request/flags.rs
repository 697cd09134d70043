//! Flags and results: small closed sets, numbered as the reference server stores them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A flag that changes how a compose is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Flag {
    /// Only the packages asked for, without what they depend on.
    NoDeps,
    /// Only what is tagged in the tag itself.
    NoInheritance,
    /// Pulp repositories that are not published yet, too.
    IncludeUnpublishedPulpRepos,
    /// Fail unless every dependency is met inside the compose.
    CheckDeps,
    /// Modules in state `done`, too.
    IncludeDoneModules,
    /// Leave out Pulp content sets that do not exist.
    IgnoreAbsentPulpRepos,
    /// Make it even if an equal compose exists.
    NoReuse,
    /// Replace a fixed arch in Pulp's URLs by `$basearch`.
    UseOnlyCompatibleArch,
    /// Do not label the compose.
    NoLabel,
    /// Fail unless every package asked for can be installed from the compose. An addition of this service.
    CheckInstall,
}

impl Flag {
    /// All flags in the order of their bits.
    pub const ALL: [Self; 10] = [
        Self::NoDeps,
        Self::NoInheritance,
        Self::IncludeUnpublishedPulpRepos,
        Self::CheckDeps,
        Self::IncludeDoneModules,
        Self::IgnoreAbsentPulpRepos,
        Self::NoReuse,
        Self::UseOnlyCompatibleArch,
        Self::NoLabel,
        Self::CheckInstall,
    ];

    /// The name in requests and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoDeps => "no_deps",
            Self::NoInheritance => "no_inheritance",
            Self::IncludeUnpublishedPulpRepos => "include_unpublished_pulp_repos",
            Self::CheckDeps => "check_deps",
            Self::IncludeDoneModules => "include_done_modules",
            Self::IgnoreAbsentPulpRepos => "ignore_absent_pulp_repos",
            Self::NoReuse => "no_reuse",
            Self::UseOnlyCompatibleArch => "use_only_compatible_arch",
            Self::NoLabel => "no_label",
            Self::CheckInstall => "check_install",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Flag {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|flag| flag.as_str() == text);
        found.ok_or_else(|| {
            Error::invalid(
                "flags",
                format!("unknown flag {text:?}; the flags are {}", known()),
            )
        })
    }
}

/// A set of flags.
///
/// ```
/// use odcs_core::request::{Flag, Flags};
/// let flags: Flags = [Flag::NoDeps, Flag::NoReuse].into_iter().collect();
/// assert_eq!(flags.bits(), 65);
/// assert!(flags.contains(Flag::NoDeps));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct Flags(u32);

impl Flags {
    /// The set as the number that records hold.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether a flag is set.
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// The flags that are set, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.contains(*flag))
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        Self(flags.into_iter().fold(0, |bits, flag| bits | flag.bit()))
    }
}

impl From<u32> for Flags {
    /// Takes the bits that are known.
    fn from(bits: u32) -> Self {
        Self(
            Flag::ALL
                .into_iter()
                .fold(0, |all, flag| all | (bits & flag.bit())),
        )
    }
}

impl From<Flags> for u32 {
    fn from(flags: Flags) -> Self {
        flags.0
    }
}

/// Something that a compose consists of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum ComposeResult {
    /// The repositories; always made.
    Repository,
    /// An ISO image per arch that holds the repository.
    Iso,
    /// An OSTree commit.
    Ostree,
    /// A bootable installation image.
    BootIso,
}

impl ComposeResult {
    /// All results in the order of their bits.
    pub const ALL: [Self; 4] = [Self::Repository, Self::Iso, Self::Ostree, Self::BootIso];

    /// The name in requests and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Iso => "iso",
            Self::Ostree => "ostree",
            Self::BootIso => "boot.iso",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for ComposeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ComposeResult {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|result| result.as_str() == text);
        found.ok_or_else(|| {
            Error::invalid(
                "results",
                format!("unknown result {text:?}; the results are {}", known()),
            )
        })
    }
}

/// What a compose consists of. A repository always belongs to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct ComposeResults(u32);

impl ComposeResults {
    /// The set as the number that records hold.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether a result is asked for.
    pub fn contains(self, result: ComposeResult) -> bool {
        self.0 & result.bit() != 0
    }

    /// The results asked for, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = ComposeResult> {
        ComposeResult::ALL
            .into_iter()
            .filter(move |result| self.contains(*result))
    }
}

impl Default for ComposeResults {
    fn default() -> Self {
        Self(ComposeResult::Repository.bit())
    }
}

impl FromIterator<ComposeResult> for ComposeResults {
    fn from_iter<I: IntoIterator<Item = ComposeResult>>(results: I) -> Self {
        results
            .into_iter()
            .fold(Self::default(), |Self(bits), result| Self(bits | result.bit()))
    }
}

impl From<u32> for ComposeResults {
    /// Takes the bits that are known.
    fn from(bits: u32) -> Self {
        ComposeResult::ALL
            .into_iter()
            .filter(|result| bits & result.bit() != 0)
            .collect()
    }
}

impl From<ComposeResults> for u32 {
    fn from(results: ComposeResults) -> Self {
        results.0
    }
}
