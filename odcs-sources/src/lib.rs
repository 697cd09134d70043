//! The sources that composes can be made from, one module each, behind a cargo feature of the same
//! name. Each module holds the same files: `config.rs` (its settings), `error.rs`, `pins.rs` (what it
//! pins), and what is particular to it.
//!
//! | feature | source type | packages from |
//! | --- | --- | --- |
//! | `repo` | [`RepoSource`](repo::RepoSource) | an RPM repository, or a directory with RPMs |
//! | `koji` | [`TagSource`](koji::TagSource), [`BuildSource`](koji::BuildSource) | tags and builds of a Koji hub, scratch builds |
//! | `pungi_compose` | [`PungiComposeSource`](pungi_compose::PungiComposeSource) | Koji, as the variant of an existing compose has them |

#[cfg(any(feature = "repo", feature = "koji"))]
mod catalog;
#[cfg(feature = "koji")]
pub mod koji;
#[cfg(feature = "pungi_compose")]
pub mod pungi_compose;
#[cfg(feature = "repo")]
pub mod repo;
