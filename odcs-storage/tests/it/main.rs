//! Composes on a real disk.
//!
//! All in one program: each one more would have to be linked.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod build;
mod cached;
mod contents;
mod failures;
mod iso;
mod records;
mod stage;
mod support;
mod targets;
mod verified;
