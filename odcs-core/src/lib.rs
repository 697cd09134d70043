//! The domain and the engine of ODCS, the On Demand Compose Service.
//!
//! A **compose** is a temporary RPM repository with exactly the packages somebody asked for. This
//! crate knows what a request is ([`request`]), what is recorded of a compose ([`compose`]), where
//! packages come from ([`source`]), who lays them out ([`build`]), where records are kept
//! ([`store`]), and how one leads to the other ([`engine`]). It does no network and no disk work of
//! its own: sources, stores and builders are traits, implemented in other crates or in yours (sources of
//! plain files find what they share in [`source::local`]).

pub mod allow;
pub mod build;
pub mod compose;
pub mod content_store;
pub mod difference;
pub mod engine;
pub mod event;
pub mod fetch;
pub mod files;
pub mod manifest;
pub mod metadata_cache;
pub mod observe;
pub mod packages;
pub mod plan;
pub mod productmd;
pub mod request;
pub mod service;
pub mod source;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod trees;
pub mod why;

mod error;

pub use build::{Built, ComposeBuilder, Job, Phase, Progress, Staged, Work};
pub use compose::{Compose, ComposeId, ComposeState, Links};
pub use content_store::ContentStore;
pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventSink};
pub use fetch::Fetch;
pub use manifest::Manifest;
pub use metadata_cache::{CacheKey, FileIdentity, FileStamp, KeptBlocks, MetadataCache};
pub use observe::Observer;
pub use request::{ComposeRequest, SourceKind};
pub use service::ComposeService;
pub use source::{ComposeSource, SourceRegistry};
pub use store::ComposeStore;
pub use time::{Clock, SystemClock, Timestamp};
pub use trees::ComposeTrees;
