//! Taking the bytes of a file that is being fetched to the disk.

use async_trait::async_trait;
use bytes::Bytes;
use odcs_core::fetch::{Sink, SinkError};
use odcs_core::{Error as CoreError, Result as CoreResult};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::address::Address;
use super::partial::{Fault, Partial, broken};

/// Bytes that are collected before they are written: most files are smaller, and then verified, written and put in
/// their place by one call that blocks. While so much is written, as much again is collected; then the connection has
/// to wait.
const BATCH: usize = 256 << 10;

/// Something that is being done with a file, and gives it back.
type UnderWay = JoinHandle<(Box<Partial>, Result<(), Fault>)>;

/// Takes what is fetched, by turns in memory and on the disk.
#[derive(Debug)]
pub(super) struct StoreSink {
    /// Here, unless something is being done with it.
    partial: Option<Box<Partial>>,
    under_way: Option<UnderWay>,
    pieces: Vec<Bytes>,
    held: usize,
    received: u64,
    verifies: bool,
    /// How many bytes were fetched, those that were thrown away included.
    fetched: u64,
    most: u64,
    placed: Option<Address>,
}

impl StoreSink {
    pub(super) fn new(partial: Box<Partial>, most: u64) -> Self {
        Self {
            received: partial.received(),
            verifies: partial.verifies(),
            partial: Some(partial),
            under_way: None,
            pieces: Vec::new(),
            held: 0,
            fetched: 0,
            most,
            placed: None,
        }
    }

    /// Puts what an earlier attempt has left, all of it, in its place. When it was modified is not known.
    pub(super) async fn finish_as_it_is(&mut self) -> CoreResult<Option<u64>> {
        match self.finish().await {
            Ok(()) => Ok(None),
            Err(SinkError::Wrong(error) | SinkError::Failed(error)) => Err(error),
        }
    }

    /// The file, and how many bytes were fetched for it.
    pub(super) async fn placed(
        mut self,
        modified: Option<u64>,
        is_dated: bool,
    ) -> CoreResult<(Address, u64)> {
        let address = self
            .placed
            .take()
            .ok_or_else(|| broken("a file was said to be complete that nobody has finished"))?;
        if let Some(partial) = self.partial.take().filter(|_| modified.is_some() && !is_dated) {
            let set = spawn_blocking(move || partial.set_modified(modified));
            set.await.map_err(|error| broken(&error.to_string()))??;
        }
        Ok((address, self.fetched))
    }

    /// Leaves what there is to the next one who tries.
    pub(super) async fn give_up(mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        // What is not worth a file of its own is fetched again.
        let is_much = self.received > BATCH as u64;
        let left = self
            .step(move |partial| if is_much { partial.write(&pieces) } else { Ok(()) })
            .await;
        if let Err(SinkError::Failed(error)) = left {
            tracing::debug!(%error, "what was fetched of a file could not be kept");
        }
        if let Some(partial) = self.partial.take() {
            // Waited for, so that whoever tries again finds it as it is going to be.
            let _ = spawn_blocking(move || drop(partial)).await;
        }
    }

    /// Waits for what is under way.
    async fn idle(&mut self) -> Result<(), SinkError> {
        let Some(under_way) = self.under_way.take() else {
            return Ok(());
        };
        let (partial, result) = under_way.await.map_err(lost)?;
        self.partial = Some(partial);
        result.map_err(sink_error)
    }

    /// Begins something that blocks.
    fn begin(
        &mut self,
        work: impl FnOnce(&mut Partial) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), SinkError> {
        let mut partial = self
            .partial
            .take()
            .ok_or_else(|| SinkError::Failed(broken("a file is not there any more")))?;
        self.under_way = Some(spawn_blocking(move || {
            let result = work(&mut partial);
            (partial, result)
        }));
        Ok(())
    }

    async fn step(
        &mut self,
        work: impl FnOnce(&mut Partial) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), SinkError> {
        self.idle().await?;
        self.begin(work)?;
        self.idle().await
    }

    fn take_pieces(&mut self) -> Vec<Bytes> {
        self.held = 0;
        std::mem::take(&mut self.pieces)
    }
}

#[async_trait]
impl Sink for StoreSink {
    fn received(&self) -> u64 {
        self.received
    }

    fn verifies(&self) -> bool {
        self.verifies
    }

    async fn restart(&mut self) -> Result<(), SinkError> {
        drop(self.take_pieces());
        self.received = 0;
        self.placed = None;
        // Whatever was wrong with what is thrown away.
        if let Err(SinkError::Failed(error)) = self.idle().await {
            return Err(SinkError::Failed(error));
        }
        match &self.partial {
            Some(partial) if partial.is_untouched() => Ok(()),
            _ => self.step(|partial| Ok(partial.clear()?)).await,
        }
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        let length = bytes.len();
        self.received = self.received.saturating_add(length as u64);
        self.fetched = self.fetched.saturating_add(length as u64);
        self.held = self.held.saturating_add(length);
        self.pieces.push(bytes);
        let is_too_much = self.received > self.most;
        if self.held >= BATCH || is_too_much {
            self.idle().await?;
            let pieces = self.take_pieces();
            self.begin(move |partial| partial.write(&pieces))?;
        }
        if is_too_much { self.idle().await } else { Ok(()) }
    }

    async fn finish(&mut self) -> Result<(), SinkError> {
        let pieces = self.take_pieces();
        self.step(move |partial| {
            partial.write(&pieces)?;
            partial.finish().map(drop)
        })
        .await?;
        self.placed = self
            .partial
            .as_ref()
            .and_then(|partial| partial.placed().cloned());
        Ok(())
    }
}

/// Dropped because nobody waits any more: the disk must not be waited for here.
impl Drop for StoreSink {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take().filter(|partial| partial.placed().is_none())
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn_blocking(move || drop(partial)));
        }
    }
}

fn sink_error(fault: Fault) -> SinkError {
    match fault {
        Fault::Wrong(error) => SinkError::Wrong(error),
        Fault::Failed(error) => SinkError::Failed(CoreError::from(error)),
    }
}

fn lost(error: tokio::task::JoinError) -> SinkError {
    SinkError::Failed(broken(&error.to_string()))
}
