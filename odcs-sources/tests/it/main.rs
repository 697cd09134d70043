//! Sources over real directories.
//!
//! All in one program: each one more would have to be linked.
#![cfg(feature = "repo")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bombs;
mod cache;
mod conformance;
mod http;
mod http_replay;
#[cfg(feature = "koji")]
mod koji;
mod local;
mod mirrors;
mod replay;
mod repo;
mod spoilt;
mod support;
mod updates;
