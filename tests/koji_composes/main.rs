//! Composes of what a Koji hub has: the real program beside a double of a hub, and what has to come of it as somebody worked
//! it out by hand (`expected.toml`).
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod cases;
mod expected;
mod failures;
mod faults;
mod history;
mod lab;
mod peers;
mod time;

#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
