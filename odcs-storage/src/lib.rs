//! Compose trees on disk.
//!
//! [`NativeBuilder`] lays out what was gathered and publishes it in one step; [`PublishedComposes`]
//! hands out the published files and nothing else; [`Trees`] lists and removes. All of them work on
//! [`Targets`], one directory or several. Below each there is, for each compose, `odcs-N/` with its log, `COMPOSE_ID`, `STATUS` and, once it is complete, `compose/`; and
//! `.staging/odcs-N.LEASE/` for each attempt under way, on the same file system, so that publishing is
//! a rename. [`layout`] has all names in one place.
//!
//! [`Contents`] keeps what was fetched in `.content/` of the default directory, for composes to link to.
//! [`PackCache`] keeps what is known about packages, in `.cache/` of the same.
//!
//! Packages are hardlinked from where they are ([`settings::LinkFallback`] says what happens when that
//! cannot be); their mode, owner and times are never touched.

pub mod layout;
pub mod settings;

mod arrange;
mod builder;
mod cache;
mod check;
mod choice;
mod contents;
mod dir;
mod error;
mod files;
mod inventory;
mod iso;
mod known;
mod link;
mod log;
mod manifest;
mod packages;
mod pass;
mod publish;
mod repodata;
mod repofile;
mod save;
mod space;
mod stage;
mod staged;
mod staging;
mod targets;
mod tree;
mod trees;
mod unsigned;

pub use builder::NativeBuilder;
pub use cache::{CacheProblem, CachePruned, CacheSettings, CacheStats, CacheVerified, PackCache};
pub use contents::{ContentDirectory, Contents, ContentsSettings, Damaged, Pruned, Pruning, Stats, Verified};
pub use error::{
    Error, IsoError, IsoFault, LinkObstacle, PackageError, PackageFault, Result, UnsignedPackage,
};
pub use files::PublishedComposes;
pub use settings::{LinkFallback, RepodataSettings, StorageSettings, Verification};
pub use targets::Targets;
pub use trees::Trees;
