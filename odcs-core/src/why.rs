//! Why a package is in a compose.

mod chain;

use std::fmt;

pub use chain::{Chain, End, Reasons, Step};
use odcs_rpm::{Nevra, PackagePattern};
use serde::{Deserialize, Serialize};

/// Why a package is in a compose, for one arch: the reason, and the package that it has to do with. From one to the
/// next they lead to what was asked for.
///
/// ```
/// use odcs_core::why::{Reason, Why};
/// let why = Why {
///     reason: Reason::Requires { requirement: "libedit >= 3".into() },
///     by: Some("ed-0:1.14.1-2.x86_64".parse()?),
/// };
/// assert_eq!(why.to_string(), "ed-1.14.1-2.x86_64 requires libedit >= 3");
/// let json = r#"{"reason":"requires","requirement":"libedit >= 3","by":"ed-0:1.14.1-2.x86_64"}"#;
/// assert_eq!(serde_json::to_string(&why)?, json);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct Why {
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
    /// The package that pulled it in; `None` for what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Nevra>,
}

/// What a package is there for.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The request names it.
    Asked {
        /// The entry of the request that it matches.
        pattern: PackagePattern,
    },
    /// The request names no packages: everything is asked for.
    Everything,
    /// It satisfies a requirement of the other package, or was built together with what does.
    Requires {
        /// The requirement, as RPM writes it.
        requirement: Box<str>,
    },
    /// It satisfies a requirement for building the other package, a source package.
    BuildRequires {
        /// The requirement, as RPM writes it.
        requirement: Box<str>,
    },
    /// The other package was built from it.
    SourceOf,
    /// It has the debug information, or the sources for debuggers, of the other package.
    DebugOf,
    /// It belongs with the other package, as comps says.
    Conditional,
    /// It was built together with the other package.
    BuiltWith,
    /// It is a language pack of the other package.
    Langpack,
    /// It is the other package, built for the smaller word size.
    Multilib {
        /// What selects it: `devel`, `runtime`, `all`, or an entry of a list of names.
        rule: Box<str>,
    },
    /// It is always there.
    Prepopulated,
}

impl Why {
    /// An entry of the request matches it.
    pub fn asked(pattern: PackagePattern) -> Self {
        let reason = Reason::Asked { pattern };
        Self { reason, by: None }
    }

    /// Everything was asked for.
    pub fn everything() -> Self {
        let reason = Reason::Everything;
        Self { reason, by: None }
    }
}

/// As half a sentence: "ed-1.14.1-2.x86_64 requires libedit".
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = || {
            let by = self.by.as_ref();
            by.map_or_else(|| "another package".to_owned(), Nevra::nvra)
        };
        match &self.reason {
            Reason::Asked { pattern } => write!(f, "asked for by {pattern}"),
            Reason::Everything => f.write_str("everything was asked for"),
            Reason::Requires { requirement } => write!(f, "{} requires {requirement}", by()),
            Reason::BuildRequires { requirement } => write!(f, "{} needs {requirement} to be built", by()),
            Reason::SourceOf => write!(f, "source of {}", by()),
            Reason::DebugOf => write!(f, "debug package of {}", by()),
            Reason::Conditional => write!(f, "belongs with {}, as comps says", by()),
            Reason::BuiltWith => write!(f, "built together with {}", by()),
            Reason::Langpack => write!(f, "language pack of {}", by()),
            Reason::Multilib { rule } => write!(f, "multilib package of {}, selected by {rule}", by()),
            Reason::Prepopulated => f.write_str("always there"),
        }
    }
}
