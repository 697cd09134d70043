//! The sources that composes can be made from, one module each, behind a cargo feature of the same
//! name. Each module holds the same files: `config.rs` (its settings), `error.rs`, `pins.rs` (what it
//! pins), and what is particular to it.
//!
//! | feature | source type | packages from |
//! | --- | --- | --- |
//! | `repo` | [`RepoSource`](repo::RepoSource) | an RPM repository, or a directory with RPMs |

#[cfg(feature = "koji")]
pub mod koji;
#[cfg(feature = "repo")]
pub mod repo;
