//! XML-RPC as Koji speaks it: values, calls as they are sent, answers as they come in.
//!
//! Answers are read as a stream, in one pass, by [`Reader`]: into a [`Value`] where they are small, straight into
//! records where they are large. A document type, and with it any entity of its own, is refused; depth, elements, texts
//! and bytes are bounded ([`Limits`]).

mod budget;
mod encode;
mod error;
mod limits;
mod member;
mod reader;
mod tag;
mod tree;
mod value;

pub use encode::{Call, EncodeError, encode_call};
pub(crate) use encode::{encode_entry, encode_multicall};
pub use error::ReadError;
pub use limits::Limits;
pub use reader::{Field, Item, Kind, Reader};
pub use tree::{read_answer, read_call};
pub(crate) use tree::{read_fault, read_value};
pub use value::{Mismatch, Struct, Value};

#[cfg(test)]
mod tests;
