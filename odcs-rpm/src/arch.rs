//! Architectures: of packages, and of the trees a compose is made of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Result};

/// The architecture of a package: `x86_64`, `noarch`, `src`, … Letters, digits and `_` only.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct Arch(Box<str>);

impl Arch {
    /// The arch as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `src` or `nosrc`.
    pub fn is_source(&self) -> bool {
        matches!(&*self.0, "src" | "nosrc")
    }

    /// Whether this is `noarch`.
    pub fn is_noarch(&self) -> bool {
        &*self.0 == "noarch"
    }
}

impl TryFrom<Box<str>> for Arch {
    type Error = Error;
    fn try_from(text: Box<str>) -> Result<Self> {
        let fits =
            (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if fits {
            Ok(Self(text))
        } else {
            Err(Error::value(&text, "an architecture"))
        }
    }
}

impl FromStr for Arch {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Box::<str>::from(text).try_into()
    }
}

impl Serialize for Arch {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<Arch> for Box<str> {
    fn from(arch: Arch) -> Self {
        arch.0
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the architecture of a package relates to the tree it might go into.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum ArchClass {
    /// Belongs into the tree; `noarch` too. The number ranks: 0 is best.
    Native(u8),
    /// Runs there, but belongs to a smaller sibling: i686 in an x86_64 tree. The number ranks.
    Multilib(u8),
    /// A source package.
    Source,
    /// Has no place in the tree.
    Foreign,
}

/// The architecture of a tree (`$basearch`): one that packages can be gathered for.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct TreeArch(&'static Row);

/// Tree arch, native arches best first (`noarch` is native everywhere and ranks last), multilib
/// arches best first.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The arches of Pungi's `pungi.arch`, as its gather was observed to rank them.
static TREES: &[Row] = &[
    ("aarch64", &["aarch64"], &[]),
    ("i386", &["i686", "i586", "i486", "i386"], &[]),
    ("loongarch64", &["loongarch64"], &[]),
    ("ppc64", &["ppc64"], &["ppc"]),
    ("ppc64le", &["ppc64le"], &[]),
    ("riscv64", &["riscv64"], &[]),
    ("s390x", &["s390x"], &["s390"]),
    ("x86_64", &["x86_64"], &["athlon", "i686", "i586", "i486", "i386"]),
];

impl TreeArch {
    /// All tree arches known, sorted.
    pub fn all() -> impl Iterator<Item = Self> {
        TREES.iter().map(Self)
    }

    /// The arch as text, as `$basearch` has it.
    pub fn as_str(&self) -> &'static str {
        self.0.0
    }

    /// What a package of this architecture is to the tree.
    ///
    /// ```
    /// use odcs_rpm::arch::{ArchClass, TreeArch};
    /// let tree: TreeArch = "x86_64".parse()?;
    /// assert_eq!(tree.class_of(&"x86_64".parse()?), ArchClass::Native(0));
    /// assert_eq!(tree.class_of(&"i686".parse()?), ArchClass::Multilib(1));
    /// assert_eq!(tree.class_of(&"s390x".parse()?), ArchClass::Foreign);
    /// # Ok::<(), odcs_rpm::Error>(())
    /// ```
    pub fn class_of(&self, arch: &Arch) -> ArchClass {
        let (_, native, multilib) = self.0;
        let rank = |list: &[&str]| {
            list.iter()
                .zip(0..)
                .find(|(name, _)| **name == arch.as_str())
                .map(|(_, n)| n)
        };
        if arch.is_source() {
            ArchClass::Source
        } else if arch.is_noarch() {
            ArchClass::Native(u8::MAX)
        } else if let Some(rank) = rank(native) {
            ArchClass::Native(rank)
        } else if let Some(rank) = rank(multilib) {
            ArchClass::Multilib(rank)
        } else {
            ArchClass::Foreign
        }
    }

    /// The architectures of packages that can stand in the tree, best first, multilib included; `noarch` goes without
    /// saying.
    ///
    /// ```
    /// use odcs_rpm::arch::TreeArch;
    /// let tree: TreeArch = "ppc64".parse()?;
    /// assert_eq!(tree.package_arches().collect::<Vec<_>>(), ["ppc64", "ppc"]);
    /// # Ok::<(), odcs_rpm::Error>(())
    /// ```
    pub fn package_arches(&self) -> impl Iterator<Item = &'static str> + use<> {
        let (_, native, multilib) = self.0;
        native.iter().chain(*multilib).copied()
    }

    /// Whether packages of this architecture can stand in the tree, multilib and `noarch` included.
    pub fn admits(&self, arch: &Arch) -> bool {
        matches!(self.class_of(arch), ArchClass::Native(_) | ArchClass::Multilib(_))
    }
}

impl TryFrom<Box<str>> for TreeArch {
    type Error = Error;
    fn try_from(text: Box<str>) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for TreeArch {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let row = TREES.iter().find(|(name, ..)| *name == text);
        row.map(Self)
            .ok_or_else(|| Error::value(text, "an architecture that composes can be made for"))
    }
}

impl Serialize for TreeArch {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<TreeArch> for Box<str> {
    fn from(arch: TreeArch) -> Self {
        arch.as_str().into()
    }
}

impl fmt::Display for TreeArch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
