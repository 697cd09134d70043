//! Reads repodata that real tools wrote for real repositories, and writes it anew.
//!
//! `ODCS_REAL_REPODATA` names the folder; without it `../shared/fixtures/real` below the project's root
//! is taken. When neither exists the suite passes, saying so, except under `CI=true` with `../shared` at
//! hand.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

#[path = "../common/mod.rs"]
mod common;

mod appstream;
mod filelists;
mod gathered;
mod recorded;
mod support;
