//! Holds our repodata against that of the real `createrepo_c`, over packages from the real `rpmbuild` and over odd
//! ones from the project's generator, read with a reader that is not ours; and against it with `dnf`.
//!
//! Without the programs that a test needs it passes, saying so, except under `CI=true`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation
)]

#[path = "../common/mod.rs"]
mod common;
mod comps;
mod deviations;
mod differential;
mod dnf;
mod odd;
mod random;
mod rpmbuild;
mod signatures;
mod support;
mod tree;
