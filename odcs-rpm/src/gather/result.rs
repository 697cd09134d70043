//! What gathering finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reason::{Reason, Why};
use super::set::Origin;
use crate::{Nevra, Package, PackageKind, PackagePattern};

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

    /// Why a member is there: itself, the member that brought it, what brought that one, and so on to
    /// a package that was asked for, whose [`why`](Member::why) says how.
    pub fn chain<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a Member> {
        let bringer = |member: &&'a Member| {
            let brought = member.why.brought()?;
            self.member(&brought.by.nevra, brought.origin)
        };
        std::iter::successors(Some(member), bringer)
    }
}

/// A package in the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member {
    /// The package.
    pub package: Arc<Package>,
    /// Its number in the set: see [`PackageSet::package`](super::PackageSet::package).
    pub number: u32,
    /// Where it is from.
    pub origin: Origin,
    /// Which tree it belongs into.
    pub kind: PackageKind,
    /// What is remarkable about it.
    pub flags: Flags,
    /// Why it is there.
    pub why: Why,
}

impl Member {
    /// The package's file name, `NAME-VERSION-RELEASE.ARCH.rpm`. Repodata gives source packages
    /// without their sources the arch `src`, too; that the name then ends in `.nosrc.rpm` is known
    /// from the packages built from them.
    pub fn file_name(&self) -> String {
        let name = self.package.nevra.file_name();
        let brought = self.why.brought();
        let built = brought.filter(|brought| brought.reason == Reason::SourceOf);
        let source_rpm = built.and_then(|brought| brought.by.source_rpm.as_deref());
        match name.strip_suffix(".src.rpm") {
            Some(stem) if source_rpm.is_some_and(|name| name.ends_with(".nosrc.rpm")) => {
                format!("{stem}.nosrc.rpm")
            }
            _ => name,
        }
    }
}

/// Something remarkable about a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// A pattern of the request chose it.
    Input,
    /// One of [`Options::prepopulate`](super::Options::prepopulate).
    Prepopulate,
    /// Belongs to a lookaside repository, and stays out of the compose.
    Lookaside,
    /// Selected as the multilib build of a member.
    Multilib,
    /// Added because its source package is there.
    Fulltree,
    /// Built from one of [`Options::fulltree_excludes`](super::Options::fulltree_excludes), fulltree or not.
    FulltreeExclude,
    /// A translation of a member.
    Langpack,
    /// Met the condition on which comps adds another package, which was added.
    Conditional,
    /// A source package for whose build requirements packages were added.
    SelfHosting,
}

impl Flag {
    /// Every flag, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Input,
        Self::Prepopulate,
        Self::Lookaside,
        Self::Multilib,
        Self::Fulltree,
        Self::FulltreeExclude,
        Self::Langpack,
        Self::Conditional,
        Self::SelfHosting,
    ];

    /// The name that Pungi gives the flag.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Prepopulate => "prepopulate",
            Self::Lookaside => "lookaside",
            Self::Multilib => "multilib",
            Self::Fulltree => "fulltree",
            Self::FulltreeExclude => "fulltree_exclude",
            Self::Langpack => "langpack",
            Self::Conditional => "conditional",
            Self::SelfHosting => "self_hosting",
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
