//! What the REST API asks of the engine.

use async_trait::async_trait;
use std::fmt;

use crate::Result;
use crate::compose::{Compose, ComposeId};
use crate::store::{Page, Query};

/// The service behind the REST API: requests in, records out.
#[async_trait]
pub trait ComposeService: fmt::Debug + Send + Sync + 'static {
    /// Parses the JSON body of a request, checks it, and records it in the name of its owner.
    ///
    /// # Errors
    /// `Invalid` or `Forbidden`, naming the field; `Unavailable` if it cannot be recorded now.
    async fn submit(&self, body: &[u8], owner: &str) -> Result<Submitted>;

    /// The record of an id.
    ///
    /// # Errors
    /// `Unavailable` if records cannot be read now.
    async fn get(&self, id: ComposeId) -> Result<Option<Compose>>;

    /// One page of the records that match.
    ///
    /// # Errors
    /// `Unavailable` if records cannot be read now.
    async fn find(&self, query: &Query) -> Result<Page>;

    /// What this service can do.
    fn about(&self) -> About;
}

/// A request that was recorded.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The record.
    pub compose: Compose,
    /// What was accepted, but does not do what the caller may think.
    pub warnings: Vec<String>,
}

/// What a service can do: names as requests use them, sorted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// The version of the service.
    pub version: String,
    /// Source types.
    pub source_types: Vec<String>,
    /// Flags.
    pub flags: Vec<String>,
    /// Results.
    pub results: Vec<String>,
    /// Arches.
    pub arches: Vec<String>,
}
