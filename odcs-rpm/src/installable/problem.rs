//! Why something cannot be installed, as data and in words.

use std::fmt;

use crate::{Dependency, Nevra, PackageName};

/// What is asked whether it can be installed.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Request {
    /// Exactly this package.
    Package(Nevra),
    /// Some package of this name.
    Name(PackageName),
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(nevra) => Short(nevra).fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// One of the facts that together keep something from being installed.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Problem {
    /// There is no such package.
    NotThere,
    /// A requirement that nothing provides.
    NothingProvides {
        /// The package that has it.
        package: Nevra,
        /// The requirement.
        requirement: Dependency,
    },
    /// A requirement that only packages provide of which other problems tell.
    Requires {
        /// The package that has it.
        package: Nevra,
        /// The requirement.
        requirement: Dependency,
        /// Every package that provides it, or a part of a rich one. Sorted; empty where only the absence of some
        /// package would do.
        providers: Vec<Nevra>,
    },
    /// A conflict.
    Conflicts {
        /// The package that has it.
        package: Nevra,
        /// What it conflicts with.
        conflict: Dependency,
        /// The package that is that.
        with: Nevra,
    },
    /// A package that replaces another one.
    Obsoletes {
        /// The package that replaces.
        package: Nevra,
        /// What it replaces.
        obsolete: Dependency,
        /// The package that is that.
        obsoleted: Nevra,
    },
    /// Two packages of one name of which only one can be installed: their versions differ, or their arches are of the
    /// same kind.
    SameName {
        /// The one.
        package: Nevra,
        /// The other; a greater NEVRA.
        other: Nevra,
    },
    /// A rich dependency with more alternatives than are looked at. What has it counts as not installable.
    TooComplex {
        /// The package that has it.
        package: Nevra,
        /// The dependency.
        dependency: Dependency,
    },
}

impl Problem {
    /// The package whose dependency it is; `None` where there is none.
    pub fn package(&self) -> Option<&Nevra> {
        match self {
            Self::NotThere => None,
            Self::NothingProvides { package, .. }
            | Self::Requires { package, .. }
            | Self::Conflicts { package, .. }
            | Self::Obsoletes { package, .. }
            | Self::SameName { package, .. }
            | Self::TooComplex { package, .. } => Some(package),
        }
    }

    /// What it says of its package.
    fn statement(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => f.write_str("there is no such package"),
            Self::NothingProvides { requirement, .. } => {
                write!(f, "requires {requirement}, which nothing provides")
            }
            Self::Requires {
                requirement,
                providers,
                ..
            } => {
                write!(f, "requires {requirement}")?;
                match &providers[..] {
                    [] => Ok(()),
                    [one] => write!(f, ", which only {} provides", Short(one)),
                    many => write!(f, ", which {} provide", List(many)),
                }
            }
            Self::Conflicts { conflict, with, .. } => {
                write!(f, "conflicts with {conflict}, which {} is", Short(with))
            }
            Self::Obsoletes {
                obsolete, obsoleted, ..
            } => write!(f, "obsoletes {obsolete}, which {} is", Short(obsoleted)),
            Self::SameName { other, .. } => write!(f, "cannot be installed beside {}", Short(other)),
            Self::TooComplex { dependency, .. } => {
                write!(f, "has too many alternatives in {}", Cut(dependency))
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = self.package() {
            write!(f, "{} ", Short(package))?;
        }
        self.statement(f)
    }
}

/// Something that was requested and cannot be installed.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct NotInstallable {
    /// What was requested.
    pub request: Request,
    /// The facts that together make it impossible, in the order in which one leads to the next, beginning with those
    /// about what was requested. Never empty; cut after [`MAX_REASONS`](Self::MAX_REASONS).
    pub reasons: Vec<Problem>,
}

impl NotInstallable {
    /// Facts that are kept.
    pub const MAX_REASONS: usize = 100;

    /// Facts that the text tells of.
    const TOLD: usize = 8;
}

impl fmt::Display for NotInstallable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be installed: ", self.request)?;
        for (reason, number) in self.reasons.iter().zip(0..Self::TOLD) {
            if number > 0 {
                f.write_str("; ")?;
            }
            let is_about_it = match (&self.request, reason.package()) {
                (Request::Package(request), Some(package)) => request == package,
                _ => false,
            };
            match is_about_it {
                true if number == 0 => {
                    f.write_str("it ")?;
                    reason.statement(f)?;
                }
                _ => reason.fmt(f)?,
            }
        }
        match self.reasons.len().saturating_sub(Self::TOLD) {
            0 => Ok(()),
            more => write!(f, "; and {more} more reasons"),
        }
    }
}

/// A NEVRA as people write it: without an epoch of 0.
struct Short<'a>(&'a Nevra);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.evr().epoch() {
            0 => f.write_str(&self.0.nvra()),
            _ => self.0.fmt(f),
        }
    }
}

/// Some packages by name, and how many more there are.
struct List<'a>(&'a [Nevra]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 4;
        let more = self.0.len().saturating_sub(NAMED);
        let named = self.0.len() - more;
        for (package, number) in self.0.iter().zip(0..named) {
            let separator = match number {
                0 => "",
                _ if number + 1 == named && more == 0 => " and ",
                _ => ", ",
            };
            write!(f, "{separator}{}", Short(package))?;
        }
        match more {
            0 => Ok(()),
            _ => write!(f, " and {more} more"),
        }
    }
}

/// The beginning of a dependency.
struct Cut<'a>(&'a Dependency);

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 60;
        f.write_str("\"")?;
        let mut characters = self.0.name.chars();
        characters
            .by_ref()
            .take(SHOWN)
            .try_for_each(|c| fmt::Write::write_char(f, c))?;
        f.write_str(if characters.next().is_some() {
            "…\""
        } else {
            "\""
        })
    }
}
