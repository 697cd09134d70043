//! RPMs that are named one by one, with the key of the copy that is meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use odcs_core::request::Nvr;
use odcs_core::source::Candidate;
use odcs_core::source::local::blocking;
use odcs_core::{Error, Result};
use odcs_rpm::{Nevra, Sigkey};

use super::Koji;
use super::client::{BuildId, BuildState};
use super::content::candidate;
use super::copies::Seen;
use super::error::KojiSourceError;
use super::offers::{Copy, Offer};
use super::selection::{self, BuildRpms};
use crate::catalog::Amount;

/// An RPM of a build.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) build: BuildId,
    pub(crate) nevra: Nevra,
    pub(crate) sigkey: Option<Sigkey>,
}

impl Koji {
    /// The numbers of builds.
    ///
    /// # Errors
    /// `NotFound` and `Invalid`, naming those that cannot be used; those of the hub.
    pub(crate) async fn complete_builds(&self, names: &[Nvr]) -> Result<Vec<BuildId>> {
        // Whoever asked for a compose has not asked for builds.
        self.usable_builds(names).await.map_err(|error| {
            let message = error.message().trim_start_matches("\"builds\": ").to_owned();
            Error::new(error.kind(), error.operation(), error.subject(), message)
                .with_retryable(error.is_retryable())
                .with_source(error)
        })
    }

    /// The candidates for RPMs, in their order; or those that Koji does not have.
    ///
    /// # Errors
    /// Those of the hub and of the volume; `Gone` for builds that are not there any more.
    pub(crate) async fn named(
        &self,
        named: Vec<Named>,
        amount: Amount,
    ) -> Result<Result<Vec<Candidate>, Vec<String>>> {
        let offers = self.offers_of(&named).await?;
        let files = self.files().await?;
        let found = blocking(move || {
            let (mut copies, mut missing): (Vec<Copy>, Vec<String>) = (Vec::new(), Vec::new());
            for one in named {
                let of_build = offers.get(&one.build).map(Vec::as_slice).unwrap_or_default();
                let Some(offer) = of_build.iter().find(|offer| offer.nevra.is_listed_as(&one.nevra)) else {
                    missing.push(one.nevra.to_string());
                    continue;
                };
                let file = files.locate(offer.path(one.sigkey.as_ref())?)?;
                let signed = one.sigkey.map(|key| (key, Seen::default()));
                copies.push(offer.copy(file, signed, Vec::new()));
            }
            Ok(if missing.is_empty() {
                Ok(copies)
            } else {
                Err(missing)
            })
        });
        let copies: Arc<[Copy]> = match found.await? {
            Ok(copies) => copies.into(),
            Err(missing) => return Ok(Err(missing)),
        };
        let packages = match amount {
            Amount::Brief => copies.iter().map(|copy| Arc::new(copy.recorded())).collect(),
            Amount::Complete => self.headers(Arc::clone(&copies)).complete().await?,
        };
        let candidates = copies.iter().zip(packages);
        Ok(Ok(candidates
            .map(|(copy, package)| candidate(copy, package))
            .collect()))
    }

    /// Everything that builds have, by their numbers.
    async fn offers_of(&self, named: &[Named]) -> Result<BTreeMap<BuildId, Vec<Offer>>> {
        let mut ids: Vec<BuildId> = named.iter().map(|one| one.build).collect();
        ids.sort_unstable();
        ids.dedup();
        let (mut builds, mut gone) = (Vec::new(), Vec::new());
        for (id, build) in ids.iter().zip(self.builds_by_id(&ids).await?) {
            match build {
                Some(build) if build.state == BuildState::Complete => builds.push(build),
                Some(build) => gone.push(build.nvr.to_string()),
                None => gone.push(format!("build {id}")),
            }
        }
        if !gone.is_empty() {
            return Err(KojiSourceError::BuildsGone(gone).into());
        }
        let lists = self.rpms_of(&ids).await?;
        let of_builds = builds.into_iter().zip(lists);
        of_builds
            .map(|(build, rpms)| {
                let id = build.id;
                let offers = selection::offers(self.hub.server(), vec![BuildRpms { build, rpms }])?;
                Ok((id, offers))
            })
            .collect()
    }
}
