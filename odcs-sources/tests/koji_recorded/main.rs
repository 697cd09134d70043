//! What real hubs sent, served again byte for byte to the real client; and what no hub should send.
//!
//! `ODCS_KOJI_RECORDINGS` names the folder with the recordings; without it `../shared/fixtures/koji/recordings` below the
//! project's root is taken. Some of them are kept in `fixtures`, so that there is always something to judge.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod cases;
mod connections;
mod double;
mod drafts;
mod expected;
mod faults;
mod profiles;
mod server;
mod shape;
mod typed;
