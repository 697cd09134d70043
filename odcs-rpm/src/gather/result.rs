//! What gathering finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::set::Origin;
use crate::{Dependency, Nevra, Package, PackageKind, PackagePattern};

/// The packages of one tree, and what was amiss.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Gathered {
    /// The packages found, sorted by NEVRA, then origin. Those flagged [`Flag::Lookaside`] are here
    /// because something needs them, but stay out of the compose.
    pub members: Vec<Member>,
    /// The requirements that nothing visible satisfies, of each package that has some. Never an
    /// error: most composes are not meant to be closed.
    pub broken: BTreeMap<Nevra, BTreeSet<String>>,
    /// The patterns that matched no package, in the order they were asked.
    pub unmatched: Vec<PackagePattern>,
}

impl Gathered {
    /// The packages that enter the compose, of one kind.
    pub fn packages(&self, kind: PackageKind) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(move |member| member.kind == kind && !member.flags.contains(Flag::Lookaside))
    }

    /// The member with this NEVRA and origin.
    pub fn member(&self, nevra: &Nevra, origin: Origin) -> Option<&Member> {
        let found = self
            .members
            .binary_search_by(|member| (&member.package.nevra, member.origin).cmp(&(nevra, origin)));
        found.ok().and_then(|at| self.members.get(at))
    }

    /// Why a member is there: itself, the member that pulled it in, what pulled that one in, and so
    /// on to a package that was asked for.
    pub fn chain<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a Member> {
        let puller = |member: &&'a Member| {
            let why = member.why.as_ref()?;
            self.member(&why.by.nevra, why.origin)
        };
        std::iter::successors(Some(member), puller)
    }
}

/// A package in the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member {
    /// The package.
    pub package: Arc<Package>,
    /// Where it is from.
    pub origin: Origin,
    /// Which tree it belongs into.
    pub kind: PackageKind,
    /// What is remarkable about it.
    pub flags: Flags,
    /// What pulled it in; `None` for what was asked for.
    pub why: Option<Why>,
}

impl Member {
    /// The package's file name, `NAME-VERSION-RELEASE.ARCH.rpm`. Repodata gives source packages
    /// without their sources the arch `src`, too; that the name then ends in `.nosrc.rpm` is known
    /// from the packages built from them.
    pub fn file_name(&self) -> String {
        let name = self.package.nevra.file_name();
        let built = self.why.as_ref().filter(|why| why.reason == Reason::SourceOf);
        let source_rpm = built.and_then(|why| why.by.source_rpm.as_deref());
        match name.strip_suffix(".src.rpm") {
            Some(stem) if source_rpm.is_some_and(|name| name.ends_with(".nosrc.rpm")) => {
                format!("{stem}.nosrc.rpm")
            }
            _ => name,
        }
    }
}

/// Why a package is in the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Why {
    /// The package that pulled it in.
    pub by: Arc<Package>,
    /// Where that one is from.
    pub origin: Origin,
    /// For what.
    pub reason: Reason,
}

/// For what one package pulls in another.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// It satisfies this requirement, or with greedy gathering comes along with what does.
    Requires(Dependency),
    /// It is the source package.
    SourceOf,
    /// It has the debug information or the sources for debugging.
    DebugOf,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.nevra.nvra();
        match &self.reason {
            Reason::Requires(dependency) => write!(f, "{by} requires {dependency}"),
            Reason::SourceOf => write!(f, "source of {by}"),
            Reason::DebugOf => write!(f, "debug package of {by}"),
        }
    }
}

/// Something remarkable about a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// A pattern of the request chose it.
    Input,
    /// Belongs to a lookaside repository, and stays out of the compose.
    Lookaside,
}

impl Flag {
    const ALL: [Self; 2] = [Self::Input, Self::Lookaside];

    /// The name that Pungi gives the flag.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Lookaside => "lookaside",
        }
    }
}

/// The flags of a member.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Flags(u16);

impl Flags {
    /// Whether the flag is set.
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & Self::bit(flag) != 0
    }

    /// Whether no flag is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags that are set.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |&flag| self.contains(flag))
    }

    pub(super) fn set(&mut self, flag: Flag) {
        self.0 |= Self::bit(flag);
    }

    fn bit(flag: Flag) -> u16 {
        1 << flag as u16
    }
}
