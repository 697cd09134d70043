//! The suite that every store of composes has to pass.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use odcs_core::ComposeStore;
use odcs_core::testing::store::conformance;
use odcs_db::SqliteStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let number = AtomicU32::new(0);
    conformance(|| async {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let store = SqliteStore::open(directory.path().join(format!("{number}.db"))).await;
        Arc::new(store.unwrap()) as Arc<dyn ComposeStore>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() {
    conformance(|| async {
        let store = SqliteStore::in_memory().await;
        Arc::new(store.unwrap()) as Arc<dyn ComposeStore>
    })
    .await;
}
