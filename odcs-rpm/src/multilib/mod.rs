//! Which packages of a smaller sibling arch belong into a tree: libraries of i686 in one of x86_64.
//!
//! The decisions are those of [python-multilib](https://pypi.org/project/python-multilib/) 1.3 as Pungi calls it, without
//! a configuration file, its oddities included: packages that distributions have shipped for years depend on them. Names
//! that are always or never taken are the caller's business, as they are in Pungi. They look at the
//! multilib package itself, never at its native counterpart.
//!
//! ```
//! use odcs_rpm::multilib::{Method, Methods};
//! use odcs_rpm::{Evr, FileEntry, FileKind, Nevra, Package};
//!
//! let nevra = Nevra::new("zlib".parse()?, Evr::new(0, "1.3", "1")?, "i686".parse()?);
//! let mut zlib = Package::new(nevra);
//! let methods: Methods = [Method::Runtime].into_iter().collect();
//! assert!(!methods.selects(&zlib));
//! zlib.files.push(FileEntry { path: "/usr/lib/libz.so.1".into(), kind: FileKind::File });
//! assert!(methods.selects(&zlib));
//! # Ok::<(), odcs_rpm::Error>(())
//! ```

mod files;
mod names;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Package, Result};

/// A way to decide whether a package is multilib.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// What programs of the other arch need to run: shared libraries and the modules that they load.
    Runtime,
    /// What building for the other arch needs as well: `-devel` and `-static`, and all that
    /// [`Runtime`](Self::Runtime) selects.
    Devel,
    /// Everything.
    All,
}

impl Method {
    /// Every method, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Runtime, Self::Devel, Self::All];

    /// The name that requests use: `runtime`, `devel` or `all`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Devel => "devel",
            Self::All => "all",
        }
    }

    /// Whether this method takes the multilib package `package`. Its name, arch, provides and *all* its paths count,
    /// ghosts and directories too: a package read from `primary` alone lacks most of them.
    pub fn selects(self, package: &Package) -> bool {
        match self {
            Self::Runtime => is_runtime(package),
            Self::Devel => is_devel(package),
            Self::All => true,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| Error::value(text, "a multilib method: runtime, devel or all"))
    }
}

/// A set of [`Method`]s: a package is multilib if one of them says so.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
pub struct Methods {
    runtime: bool,
    devel: bool,
    all: bool,
}

impl Methods {
    /// Whether there is no method in it; it then selects nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether the method is in it.
    pub fn contains(self, method: Method) -> bool {
        match method {
            Method::Runtime => self.runtime,
            Method::Devel => self.devel,
            Method::All => self.all,
        }
    }

    /// Adds a method.
    pub fn insert(&mut self, method: Method) {
        match method {
            Method::Runtime => self.runtime = true,
            Method::Devel => self.devel = true,
            Method::All => self.all = true,
        }
    }

    /// The methods in it, in the order of [`Method::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL
            .into_iter()
            .filter(move |&method| self.contains(method))
    }

    /// Whether one of the methods takes the multilib package `package`; see [`Method::selects`].
    pub fn selects(self, package: &Package) -> bool {
        // What tells quickly comes first.
        self.all
            || (self.devel && Method::Devel.selects(package))
            || (self.runtime && Method::Runtime.selects(package))
    }
}

impl Extend<Method> for Methods {
    fn extend<I: IntoIterator<Item = Method>>(&mut self, methods: I) {
        methods.into_iter().for_each(|method| self.insert(method));
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        let mut set = Self::default();
        set.extend(methods);
        set
    }
}

fn is_runtime(package: &Package) -> bool {
    if names::prefers_64_bits(package) {
        return true;
    }
    if names::is_kernel(package) {
        return false;
    }
    package.files.iter().any(|file| files::is_for_runtime(&file.path))
}

fn is_devel(package: &Package) -> bool {
    names::is_for_development(package) || is_runtime(package)
}
