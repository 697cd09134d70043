//! How many connections there are to a host at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The connections to each host. There are as many hosts as the allow list has.
#[derive(Debug)]
pub(crate) struct Hosts {
    each: usize,
    hosts: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

impl Hosts {
    pub(crate) fn new(each: usize) -> Self {
        Self {
            each: each.clamp(1, Semaphore::MAX_PERMITS),
            hosts: Mutex::default(),
        }
    }

    /// Waits until a connection to a host is free; it is taken until what is returned is dropped.
    pub(crate) async fn connection(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            match hosts.get(host) {
                Some(found) => Arc::clone(found),
                None => Arc::clone(
                    hosts
                        .entry(host.into())
                        .or_insert_with(|| Arc::new(Semaphore::new(self.each))),
                ),
            }
        };
        // Nobody closes it.
        host.acquire_owned().await.ok()
    }
}
