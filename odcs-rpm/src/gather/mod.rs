//! Gathering: which packages go into a compose.
//!
//! Starting from the packages asked for, [`gather`] adds what they require, their source packages,
//! their debug packages and whatever else [`Options`] ask for, until nothing is missing. It is a
//! fixpoint over choices, not a solver: where several packages satisfy a requirement one is chosen by
//! fixed rules, and conflicts, obsoletes and weak dependencies play no part. [`select`] is the plain
//! choice by name, without dependencies. Either way every package comes with the reason why it is
//! there ([`Why`]).
//!
//! The rules are those of Pungi's gather on dnf, as observed by running it, with few differences. Rich
//! dependencies are followed exactly, where Pungi takes one provider of any of their parts. Where Pungi
//! walks a set in hash order, this walks by NEVRA, so that equal input gives equal results. `NAME.+` asks
//! for the multilib build alone, where Pungi takes a `noarch` one, too; `-NAME-debuginfo*` hides debug
//! packages, where Pungi takes it for a name of others; and debug packages have the old ones that they
//! require, where Pungi passes over them.
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

mod brief;
mod build;
mod choice;
mod codec;
mod companions;
mod decided;
mod finish;
mod fulltree;
mod index;
mod input;
mod made;
mod options;
mod pattern;
mod reason;
mod record;
mod resolve;
mod result;
pub(crate) mod rich;
mod run;
mod select;
mod set;
mod stored;
mod table;
mod texts;
mod varints;
mod view;

#[cfg(test)]
mod tests;

pub use build::SetBuilder;
pub use options::{Greedy, NameArch, Options};
pub use reason::{Brought, MultilibRule, Reason, Why};
pub use result::{Flag, Flags, Gathered, Member};
pub use run::gather;
pub use select::select;
pub use set::{Origin, PackageSet};

use crate::PackagePattern;

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
