//! Gathering: which packages go into a compose.
//!
//! Starting from the packages asked for, [`gather`] adds what they require, their source packages
//! and their debug packages, until nothing is missing. It is a fixpoint over choices, not a solver:
//! where several packages satisfy a requirement one is chosen by fixed rules, and conflicts,
//! obsoletes and weak dependencies play no part. [`select`] is the plain choice by name, without
//! dependencies.
//!
//! The rules are those of Pungi's gather on dnf, as observed by running it, with two differences. Rich
//! dependencies are followed exactly, where Pungi takes one provider of any of their parts. And where
//! Pungi walks a set in hash order, this walks by NEVRA, so that equal input gives equal results.
//!
//! ```
//! use odcs_rpm::gather::{Options, PackageSet, Request, gather};
//!
//! let set = PackageSet::new(Vec::new(), Vec::new())?;
//! let request = Request::Packages(vec!["bash".parse()?]);
//! let gathered = gather(&set, &request, &Options::new("x86_64".parse()?));
//! assert!(gathered.members.is_empty());
//! assert_eq!(gathered.unmatched[0].as_str(), "bash");
//! # Ok::<(), odcs_rpm::Error>(())
//! ```

mod choice;
mod index;
mod pattern;
mod resolve;
mod result;
pub(crate) mod rich;
mod run;
mod select;
mod set;
mod table;
mod view;

#[cfg(test)]
mod tests;

pub use result::{Flag, Flags, Gathered, Member, Reason, Why};
pub use run::gather;
pub use select::select;
pub use set::{Origin, PackageSet};

use crate::{PackagePattern, TreeArch};

/// What is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// Every package of the set: as if every package name in it were asked for.
    Everything,
    /// The packages with these names. For [`gather`]:
    ///
    /// * `NAME`: the best package of that name; only a text that looks like the name of a debug
    ///   package is one of debug packages;
    /// * `NAME.+`: the multilib build;
    /// * `-NAME`, `-NAME.+`, `-NAME.src`: hides packages, multilib builds, source packages from the
    ///   whole gather;
    /// * `system-release` with [`Greedy::All`]: whatever provides it.
    ///
    /// `NAME` may have `*`, `?` and `[…]`; then one package is chosen for every name that matches.
    /// [`select`] knows names with `*` only.
    Packages(Vec<PackagePattern>),
}

/// How many packages are taken where one would do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
pub enum Greedy {
    /// The best one.
    #[default]
    None,
    /// All candidates.
    All,
    /// For requirements, all candidates built together with the best one.
    Build,
}

/// How to gather.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The arch of the tree.
    pub arch: TreeArch,
    /// How many packages are taken where one would do.
    pub greedy: Greedy,
    /// Whether to add what packages require.
    pub resolve_deps: bool,
    /// Whether to leave source packages out.
    pub exclude_source: bool,
    /// Whether to leave the debug packages of packages out; debug packages asked for by name stay.
    pub exclude_debug: bool,
    /// Names of packages whose multilib builds are hidden.
    pub multilib_blacklist: Vec<PackagePattern>,
}

impl Options {
    /// The defaults: not greedy, dependencies resolved, nothing left out.
    pub fn new(arch: TreeArch) -> Self {
        Self {
            arch,
            greedy: Greedy::None,
            resolve_deps: true,
            exclude_source: false,
            exclude_debug: false,
            multilib_blacklist: Vec::new(),
        }
    }
}
