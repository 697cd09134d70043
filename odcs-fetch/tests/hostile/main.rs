//! What becomes of a fetcher among servers that misbehave and URLs that want to lead elsewhere.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

mod addresses;
mod arbitrary;
mod faults;
mod forms;
mod ranges;
mod redirects;
mod resuming;
mod support;
mod time;
