//! How long laying out takes, of all that a compose takes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use odcs_core::build::{Abandoned, BuilderCapability, Built};
use odcs_core::manifest::ManifestDocument;
use odcs_core::{Compose, ComposeBuilder, Job, Progress, Result, Staged};
use odcs_storage::NativeBuilder;

use crate::spent::{Begun, Spent};

/// A builder with a watch: links, metadata, saving, reading back and publishing, and nothing else.
#[derive(Debug)]
pub(crate) struct Timed {
    builder: NativeBuilder,
    spent: Arc<Mutex<Spent>>,
}

impl Timed {
    pub(crate) fn new(builder: NativeBuilder) -> (Self, Arc<Mutex<Spent>>) {
        let spent = Arc::default();
        let timed = Self {
            builder,
            spent: Arc::clone(&spent),
        };
        (timed, spent)
    }
}

#[async_trait]
impl ComposeBuilder for Timed {
    fn name(&self) -> &'static str {
        self.builder.name()
    }

    fn capability(&self) -> BuilderCapability {
        self.builder.capability()
    }

    async fn begin(&self, compose: &Compose) -> Result<Arc<dyn Progress>> {
        self.builder.begin(compose).await
    }

    async fn stage(&self, job: Job, progress: Arc<dyn Progress>) -> Result<Box<dyn Staged>> {
        let begun = Begun::now();
        let staged = self.builder.stage(job, progress).await;
        self.spent.lock().unwrap().add(&begun.spent());
        Ok(Box::new(TimedStaged {
            staged: staged?,
            spent: Arc::clone(&self.spent),
        }))
    }

    async fn is_published(&self, compose: &Compose) -> Result<bool> {
        self.builder.is_published(compose).await
    }

    async fn abandon(&self, job: &Abandoned) -> Result<()> {
        self.builder.abandon(job).await
    }
}

#[derive(Debug)]
struct TimedStaged {
    staged: Box<dyn Staged>,
    spent: Arc<Mutex<Spent>>,
}

#[async_trait]
impl Staged for TimedStaged {
    fn manifest(&self) -> &ManifestDocument {
        self.staged.manifest()
    }

    async fn publish(self: Box<Self>) -> Result<Built> {
        let begun = Begun::now();
        let built = self.staged.publish().await;
        self.spent.lock().unwrap().add(&begun.spent());
        built
    }
}
