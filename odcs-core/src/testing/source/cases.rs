//! What a suite needs to know about the source it is put to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::content_store::ContentStore;
use crate::request::ComposeRequest;

/// Something that happens to what is behind a source.
pub(super) type Change<'a> = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + 'a>> + 'a>;

/// Requests to a source, and what is to become of them.
pub struct Cases<'a> {
    pub(super) works: ComposeRequest,
    pub(super) refused: Vec<ComposeRequest>,
    pub(super) not_found: Vec<ComposeRequest>,
    pub(super) contents: Option<Arc<dyn ContentStore>>,
    pub(super) changes: Vec<(&'static str, Change<'a>)>,
}

impl<'a> Cases<'a> {
    /// A request that works: the source has at least one package for it.
    pub fn new(works: ComposeRequest) -> Self {
        Self {
            works,
            refused: Vec::new(),
            not_found: Vec::new(),
            contents: None,
            changes: Vec::new(),
        }
    }

    /// A request that [`check`](crate::ComposeSource::check) must refuse.
    #[must_use]
    pub fn refused(mut self, request: ComposeRequest) -> Self {
        self.refused.push(request);
        self
    }

    /// A request that [`check`](crate::ComposeSource::check) cannot see anything wrong with, for something that
    /// is not there.
    #[must_use]
    pub fn not_found(mut self, request: ComposeRequest) -> Self {
        self.not_found.push(request);
        self
    }

    /// Where packages that are elsewhere are fetched to, as the engine does, so that they can be looked at. A source
    /// whose candidates are files of this machine needs none.
    #[must_use]
    pub fn fetching(mut self, contents: Arc<dyn ContentStore>) -> Self {
        self.contents = Some(contents);
        self
    }

    /// Changes what is behind the source: something is published, replaced or removed. What was pinned before
    /// must be the same afterwards, or `Gone`. Changes come last, in the order given, one after the other, and so
    /// that the packages that the source has can be read; only after the last one may some be missing.
    #[must_use]
    pub fn changing<F, Fut>(mut self, what: &'static str, change: F) -> Self
    where
        F: FnOnce() -> Fut + 'a,
        Fut: Future<Output = ()> + 'a,
    {
        self.changes.push((what, Box::new(move || Box::pin(change()))));
        self
    }
}

impl fmt::Debug for Cases<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes: Vec<_> = self.changes.iter().map(|(what, _)| what).collect();
        f.debug_struct("Cases")
            .field("works", &self.works)
            .field("refused", &self.refused)
            .field("not_found", &self.not_found)
            .field("changes", &changes)
            .finish()
    }
}
