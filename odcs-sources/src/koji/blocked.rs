//! Packages that were asked for and cannot be in a tag.

use std::collections::BTreeSet;

use odcs_core::Result;

use super::Koji;
use super::client::PackageStatus;
use super::error::KojiSourceError;
use super::pins::KojiPins;
use super::scratch;
use super::selection::BuildRpms;

/// Packages that are asked about. Who asks for more that are not there has something else wrong.
const ASKED: usize = 50;

impl Koji {
    /// Says so where packages are missing because they are blocked: whoever asked for them would look for a misspelling
    /// otherwise. Of all others that are missing, the engine says what is like them.
    ///
    /// # Errors
    /// `NotFound`, naming the packages that are blocked; those of the hub.
    pub(super) async fn check_asked(&self, pins: &KojiPins, builds: &[BuildRpms]) -> Result<()> {
        let Some(tag) = pins.tags.first().filter(|_| pins.asked.len() <= ASKED) else {
            return Ok(());
        };
        if pins.asked.is_empty() {
            return Ok(());
        }
        let scratch = scratch::names_of(&pins.scratch)?;
        let names: BTreeSet<&str> = builds
            .iter()
            .flat_map(|build| &build.rpms)
            .map(|rpm| rpm.nevra.name().as_str())
            .collect();
        let mut blocked = Vec::new();
        for asked in &pins.asked {
            if names.contains(asked.as_str()) || scratch.contains(asked.as_str()) {
                continue;
            }
            let status = self
                .hub
                .package_in_tag(tag.as_str(), asked.as_str(), Some(pins.event));
            if status.await? == PackageStatus::Blocked {
                blocked.push(asked.to_string());
            }
        }
        if blocked.is_empty() {
            return Ok(());
        }
        let tag = tag.clone();
        Err(KojiSourceError::Blocked {
            packages: blocked,
            tag,
        }
        .into())
    }
}
