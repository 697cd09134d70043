//! What authors of stores and sources test theirs with (feature `testing`): a clock that stands still
//! until it is moved, a [cache in memory](MemoryCache), and conformance suites [for stores](store::conformance),
//! [for sources](source::conformance), [for content stores](content_store::conformance) and
//! [for caches of metadata](metadata_cache::conformance).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite reports what it finds by panicking, as tests do"
)]

mod clock;
pub mod content_store;
mod memory_cache;
pub mod metadata_cache;
pub mod source;
pub mod store;

pub use clock::ManualClock;
pub use memory_cache::MemoryCache;
