//! XML-RPC as the hub reads and writes it.

mod read;
mod write;

pub use read::{Document, read};
pub use write::{call, fault, response};
