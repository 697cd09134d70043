//! RPM and repository knowledge, without network and without async: what a package is (NEVRA, EVR,
//! dependencies, files), how it is read from a header or from repodata, which packages belong into
//! a compose ([`gather`]), and how repodata and comps are written.
//!
//! Nothing in this crate knows what a compose is, or where files come from: callers hand in readers
//! and byte slices and get values back. Only a [`keyring`], which is configuration, may be read from a path.

pub mod arch;
pub mod closure;
pub mod compression;
pub mod comps;
pub mod dependency;
pub mod digest;
pub mod evr;
pub mod facts;
pub mod gather;
pub mod header;
pub mod installable;
pub mod keyring;
pub mod multilib;
pub mod name;
pub mod nevra;
pub mod package;
pub mod repodata;
pub mod sigkey;

mod capability;
mod error;

pub use arch::{Arch, TreeArch};
pub use dependency::{Comparison, Dependency, DependencyVersion};
pub use digest::{Digest, DigestAlgorithm};
pub use error::{Error, Result};
pub use evr::Evr;
pub use name::{PackageName, PackagePattern};
pub use nevra::Nevra;
pub use package::{ChangelogEntry, FileEntry, FileKind, Package, PackageKind, Sizes};
pub use sigkey::Sigkey;
