//! What was listed when a compose was pinned.
//!
//! Deleted builds vanish from the past, so an event alone does not say which builds there were: a digest of their
//! numbers is pinned with it. The list itself is handed on to who reads the content of these pins next, which is a
//! moment later as a rule: large tags are listed once, not twice.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use odcs_core::source::local::blocking;
use odcs_core::{Clock, Error, Result};
use odcs_rpm::digest::Hasher;
use odcs_rpm::{Digest, DigestAlgorithm};

use super::Koji;
use super::error::KojiSourceError;
use super::pins::KojiPins;
use super::selection::BuildRpms;

/// Lists that are kept for whoever asks for them: one for each compose that is begun at a time, and some.
const KEPT: usize = 4;

/// How long a list stands for what there is. Signatures have no event: those that are made meanwhile are seen by the
/// next compose.
const FRESH: Duration = Duration::from_secs(10);

/// Lists that were made for pins.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<VecDeque<List>>);

#[derive(Debug)]
struct List {
    pins: KojiPins,
    /// By a clock that only goes on.
    made: Duration,
    builds: Vec<BuildRpms>,
}

impl Lists {
    fn keep(&self, list: List) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = list.made;
        lists.retain(|list| now.saturating_sub(list.made) < FRESH);
        lists.push_back(list);
        while lists.len() > KEPT {
            lists.pop_front();
        }
    }

    fn take(&self, pins: &KojiPins, now: Duration) -> Option<Vec<BuildRpms>> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|list| now.saturating_sub(list.made) < FRESH);
        let at = lists.iter().position(|list| list.pins == *pins)?;
        lists.remove(at).map(|list| list.builds)
    }
}

impl Koji {
    /// Lists the builds of a compose for its pins, which have no digest of them yet.
    ///
    /// # Errors
    /// As [`builds_of`](Self::builds_of).
    pub(super) async fn pin_listed(&self, mut pins: KojiPins) -> Result<KojiPins> {
        let builds = self.builds_of(&pins).await?;
        let (builds, digest) = digested(builds).await?;
        // A large list takes a hub a while: it is as old as its answer.
        let made = self.clock().monotonic();
        pins.listed = Some(digest);
        let list = List {
            pins: pins.clone(),
            made,
            builds,
        };
        self.lists.keep(list);
        Ok(pins)
    }

    /// The builds of a compose as they were pinned.
    ///
    /// # Errors
    /// As [`builds_of`](Self::builds_of); `Gone` if there are others by now.
    pub(super) async fn pinned(&self, pins: &KojiPins) -> Result<Vec<BuildRpms>> {
        if let Some(builds) = self.lists.take(pins, self.clock().monotonic()) {
            return Ok(builds);
        }
        let (builds, digest) = digested(self.builds_of(pins).await?).await?;
        match &pins.listed {
            Some(pinned) if *pinned != digest => Err(KojiSourceError::ListGone.into()),
            _ => Ok(builds),
        }
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.hub.clock
    }
}

/// Builds, and a digest of which ones they are and which packages of them there are.
async fn digested(builds: Vec<BuildRpms>) -> Result<(Vec<BuildRpms>, Digest)> {
    blocking(move || {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        let mut all: Vec<&BuildRpms> = builds.iter().collect();
        all.sort_unstable_by_key(|build| build.build.id);
        for BuildRpms { build, rpms } in all {
            hasher.update(&build.id.0.to_le_bytes());
            hasher.update(&rpms.len().to_le_bytes());
            for rpm in rpms {
                hasher.update(&rpm.id.0.to_le_bytes());
            }
        }
        let digest = hasher.finish();
        Ok::<_, Error>((builds, digest))
    })
    .await
}
