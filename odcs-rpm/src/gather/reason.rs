//! Why a package is in the result.

use std::fmt;
use std::sync::Arc;

use super::set::Origin;
use crate::multilib::Method;
use crate::{Dependency, Package, PackagePattern};

/// Why a package is in the result. Following [`Brought::by`] from any member ends at one that was
/// asked for; [`Gathered::chain`](super::Gathered::chain) does that.
///
/// Several reasons may hold; this is the one that counted first. Where several patterns chose a package
/// at once, it is the plainest: names before globs, then the first in the order of texts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Why {
    /// This pattern of the request chose it.
    Asked(PackagePattern),
    /// Everything was asked for.
    Everything,
    /// It is one of [`Options::prepopulate`](super::Options::prepopulate).
    Prepopulated,
    /// Another member brought it.
    Brought(Brought),
}

/// That one package brings another.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Brought {
    /// The package that brings it.
    pub by: Arc<Package>,
    /// Where that one is from.
    pub origin: Origin,
    /// For what.
    pub reason: Reason,
}

/// For what one package brings another.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// It satisfies this requirement, or with greedy gathering comes along with what does.
    Requires(Dependency),
    /// It satisfies this build requirement of a source package.
    BuildRequires(Dependency),
    /// Comps has it added when the package that brings it is there.
    Conditional,
    /// It is the source package.
    SourceOf,
    /// It has the debug information or the sources for debugging.
    DebugOf,
    /// It was built from the same source RPM, of this file name.
    Fulltree(Box<str>),
    /// It has a translation.
    Langpack,
    /// It is the multilib build, selected by this rule.
    Multilib(MultilibRule),
}

/// What selects a multilib build.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MultilibRule {
    /// This entry of [`Options::multilib_whitelist`](super::Options::multilib_whitelist).
    Whitelist(PackagePattern),
    /// This one of [`Options::multilib_methods`](super::Options::multilib_methods).
    Method(Method),
}

impl Why {
    /// The package that brought it; `None` for what was asked for.
    pub fn brought(&self) -> Option<&Brought> {
        match self {
            Self::Brought(brought) => Some(brought),
            Self::Asked(_) | Self::Everything | Self::Prepopulated => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(pattern) => write!(f, "asked for by {pattern}"),
            Self::Everything => f.write_str("everything was asked for"),
            Self::Prepopulated => f.write_str("was there from the start"),
            Self::Brought(brought) => brought.fmt(f),
        }
    }
}

impl fmt::Display for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.nevra.nvra();
        match &self.reason {
            Reason::Requires(dependency) => write!(f, "{by} requires {dependency}"),
            Reason::BuildRequires(dependency) => write!(f, "building {by} requires {dependency}"),
            Reason::Conditional => write!(f, "comps adds it to {by}"),
            Reason::SourceOf => write!(f, "source of {by}"),
            Reason::DebugOf => write!(f, "debug package of {by}"),
            Reason::Fulltree(source) => write!(f, "built from {source}, as was {by}"),
            Reason::Langpack => write!(f, "translation of {by}"),
            Reason::Multilib(MultilibRule::Whitelist(pattern)) => {
                write!(f, "multilib build of {by}, which the whitelist has as {pattern}")
            }
            Reason::Multilib(MultilibRule::Method(method)) => {
                write!(f, "multilib build of {by} by the method {method}")
            }
        }
    }
}
