//! What a user sees: the real program, the real port, real peers.
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

mod api;
mod cache;
mod cleanup;
mod cli;
mod client_python;
mod config;
mod content;
mod createrepo;
mod dnf;
mod elsewhere;
mod failures;
mod files;
mod inside;
mod iso;
mod known;
mod life;
mod log;
mod renewal;
mod repodata;
mod signatures;
mod stopping;
mod store;

#[path = "../common/mod.rs"]
mod support;
