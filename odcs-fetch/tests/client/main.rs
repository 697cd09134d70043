//! What the client does with servers that behave, and with the ordinary trouble of networks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

mod addresses;
mod clock;
mod pace;
mod places;
mod proxy;
mod ranges;
mod redirects;
mod resume;
mod retries;
mod server;
mod tls;
mod whole;
