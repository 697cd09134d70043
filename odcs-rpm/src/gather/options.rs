//! How to gather.

use std::fmt;
use std::str::FromStr;

use crate::comps::{Conditional, Langpack};
use crate::multilib::Methods;
use crate::{Arch, Error, PackageName, PackagePattern, Result, TreeArch};

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

/// How to gather. The order of the lists does not matter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The arch of the tree.
    pub arch: TreeArch,
    /// How many packages are taken where one would do.
    pub greedy: Greedy,
    /// Whether to add what packages require. Without, [`conditional`](Self::conditional) and
    /// [`selfhosting`](Self::selfhosting) have no effect either.
    pub resolve_deps: bool,
    /// Whether to add what the source packages need to be built.
    pub selfhosting: bool,
    /// Whether to add the other packages of each source package.
    pub fulltree: bool,
    /// Names of source packages that bring none of their other packages.
    pub fulltree_excludes: Vec<PackageName>,
    /// Whether to leave source packages out.
    pub exclude_source: bool,
    /// Whether to leave the debug packages of packages out; debug packages asked for by name stay.
    pub exclude_debug: bool,
    /// By which rules packages bring their multilib builds.
    pub multilib_methods: Methods,
    /// Names of packages that bring their multilib builds whatever the rules say.
    pub multilib_whitelist: Vec<PackagePattern>,
    /// Names of packages whose multilib builds are hidden, from lookaside too.
    pub multilib_blacklist: Vec<PackagePattern>,
    /// Packages to start with besides those asked for, as an earlier compose had them. Those that
    /// are not there any more are passed over.
    pub prepopulate: Vec<NameArch>,
    /// Packages that are added when another one is there; see
    /// [`Comps::conditional`](crate::comps::Comps::conditional).
    pub conditional: Vec<Conditional>,
    /// The translations of packages; see [`Comps::langpacks`](crate::comps::Comps::langpacks).
    pub langpacks: Vec<Langpack>,
}

impl Options {
    /// The defaults: not greedy, dependencies resolved, nothing left out, and nothing added that
    /// nobody requires but sources and debug packages.
    pub fn new(arch: TreeArch) -> Self {
        Self {
            arch,
            greedy: Greedy::None,
            resolve_deps: true,
            selfhosting: false,
            fulltree: false,
            fulltree_excludes: Vec::new(),
            exclude_source: false,
            exclude_debug: false,
            multilib_methods: Methods::default(),
            multilib_whitelist: Vec::new(),
            multilib_blacklist: Vec::new(),
            prepopulate: Vec::new(),
            conditional: Vec::new(),
            langpacks: Vec::new(),
        }
    }
}

/// A package name with an architecture, written `NAME.ARCH`.
///
/// ```
/// use odcs_rpm::gather::NameArch;
/// let bash: NameArch = "bash.i686".parse()?;
/// assert_eq!((bash.name.as_str(), bash.arch.as_str()), ("bash", "i686"));
/// assert!("bash".parse::<NameArch>().is_err());
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct NameArch {
    /// The name.
    pub name: PackageName,
    /// The architecture.
    pub arch: Arch,
}

impl FromStr for NameArch {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let (name, arch) = text
            .rsplit_once('.')
            .ok_or_else(|| Error::value(text, "a package name with an architecture (NAME.ARCH)"))?;
        Ok(Self {
            name: name.parse()?,
            arch: arch.parse()?,
        })
    }
}

impl fmt::Display for NameArch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.arch)
    }
}
