//! Nothing is lost, stuck, half-visible or made twice, wherever the service is killed.
//!
//! Each test starts this program once more as [a service](victim) that kills itself with SIGKILL at a named
//! point, starts it again without, and looks at records, events and trees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod cache;
mod contents;
mod fetching;
mod points;
mod proof;
mod random;
mod victim;
mod wrappers;

#[allow(dead_code, unused_imports, reason = "shared with the tests of what users see")]
#[path = "../common/mod.rs"]
mod support;
