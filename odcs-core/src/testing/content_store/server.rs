//! What a content store fetches from in tests: files in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::fetch::{Fetch, Get, GitCommit, Head, Sink, SinkError};
use crate::{Error, ErrorKind, Result};

/// Bytes that are handed over at a time.
const PIECE: usize = 40_000;

/// A [`Fetch`] that has files itself. It goes on after what a sink has received, tries all places in turn, and
/// begins a file that turned out wrong once more from the beginning, as the real one does.
#[derive(Debug, Default)]
pub struct Server {
    files: Mutex<HashMap<String, Bytes>>,
    gets: AtomicUsize,
    cut: Mutex<Option<usize>>,
}

impl Server {
    /// Has a file; its URL.
    ///
    /// # Panics
    /// For a name that no URL can have.
    pub fn put(&self, name: &str, bytes: Vec<u8>) -> Url {
        let url: Url = format!("http://files.invalid/{name}").parse().unwrap();
        self.files.lock().unwrap().insert(url.to_string(), bytes.into());
        url
    }

    /// Does not have it any more.
    ///
    /// # Panics
    /// If another thread has while it used this server.
    pub fn remove(&self, name: &str) {
        let url = format!("http://files.invalid/{name}");
        self.files.lock().unwrap().remove(&url);
    }

    /// Ends every connection after so many bytes of a file.
    ///
    /// # Panics
    /// If another thread has while it used this server.
    pub fn cut_after(&self, bytes: Option<usize>) {
        *self.cut.lock().unwrap() = bytes;
    }

    /// How often something was fetched from it.
    pub fn gets(&self) -> usize {
        self.gets.load(Ordering::SeqCst)
    }

    async fn send(&self, place: &Url, sink: &mut dyn Sink) -> Result<(), SinkError> {
        let failed = |kind, what: &str| {
            let message = format!("{place} {what}");
            SinkError::Wrong(Error::new(kind, "fetch", place.as_str(), message))
        };
        let bytes = self.files.lock().unwrap().get(place.as_str()).cloned();
        let bytes = bytes.ok_or_else(|| failed(ErrorKind::NotFound, "is not there"))?;
        let mut at = usize::try_from(sink.received()).unwrap_or(usize::MAX);
        if at == 0 || at > bytes.len() {
            sink.restart().await?;
            at = 0;
        }
        let cut = *self.cut.lock().unwrap();
        let end = cut.unwrap_or(bytes.len()).min(bytes.len());
        while at < end {
            let next = at.saturating_add(PIECE).min(end);
            sink.write(bytes.slice(at..next)).await?;
            at = next;
            tokio::task::yield_now().await;
        }
        if end < bytes.len() {
            return Err(failed(ErrorKind::Unavailable, "was cut off"));
        }
        sink.finish().await
    }
}

#[async_trait]
impl Fetch for Server {
    fn check(&self, _: &Url) -> Result<()> {
        Ok(())
    }

    async fn get(&self, get: &Get, sink: &mut dyn Sink) -> Result<Head> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        let mut last = Error::invalid("places", "there is nowhere to fetch from");
        for place in &get.places {
            for _ in 0..2 {
                let went_on = sink.received() > 0;
                match self.send(place, sink).await {
                    Ok(()) => return Ok(Head::new(place.clone())),
                    Err(SinkError::Failed(error)) => return Err(error),
                    Err(SinkError::Wrong(error)) => last = error,
                }
                if last.kind() != ErrorKind::Invalid || !went_on {
                    break;
                }
                restart(sink).await?;
            }
            if last.kind() == ErrorKind::Invalid {
                restart(sink).await?;
            }
        }
        Err(last)
    }

    async fn commit(&self, commit: &GitCommit, _: &Path) -> Result<()> {
        let message = "there are no git repositories here";
        let repository = commit.repository.as_str();
        Err(Error::new(ErrorKind::NotFound, "fetch", repository, message))
    }
}

async fn restart(sink: &mut dyn Sink) -> Result<()> {
    match sink.restart().await {
        Ok(()) => Ok(()),
        Err(SinkError::Wrong(error) | SinkError::Failed(error)) => Err(error),
    }
}
