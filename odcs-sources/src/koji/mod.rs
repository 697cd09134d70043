//! Packages of a Koji hub.

pub mod client;
