//! Packages signed in every way, well and badly, and what is found out about them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

mod certificates;
mod hostile;
mod keys;
mod loading;
mod peers;
mod rpms;
mod signatures;
