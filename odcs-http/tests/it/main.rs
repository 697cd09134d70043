//! The API, published files and everything around them, through the router or over TCP.
//!
//! All in one program: each one more would have to be linked.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod api;
mod common;
mod files;
mod guard;
mod openapi;
mod operations;
mod packages;
mod proxy;
mod recorded;
mod schema;
mod server;
