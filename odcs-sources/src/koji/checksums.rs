//! The digests of whole files that the hub has on record.

use std::collections::BTreeSet;
use std::sync::Arc;

use odcs_core::metadata_cache::known_digest;
use odcs_core::source::local::blocking;
use odcs_core::source::{Candidate, SourceRecord};
use odcs_core::{Error, Result};
use odcs_rpm::{Digest, DigestAlgorithm};

use super::Koji;
use super::client::RpmId;
use super::offers::identity;

impl Koji {
    /// The digests that files must have, where the hub knows them. They never change, so they are asked for once.
    ///
    /// # Errors
    /// Those of the hub that go by themselves. A hub that does not tell leaves files without a digest: they are taken
    /// for what their headers say.
    pub(crate) async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        let records: Arc<[Option<Arc<SourceRecord>>]> =
            chosen.iter().map(|candidate| candidate.record.clone()).collect();
        let mut digests = self.kept_digests(Arc::clone(&records)).await?;
        let unknown = records
            .iter()
            .zip(&digests)
            .filter(|(_, digest)| digest.is_none());
        let ids: BTreeSet<RpmId> = unknown
            .filter_map(|(record, _)| record.as_ref()?.rpm_id.map(RpmId))
            .collect();
        if ids.is_empty() {
            return Ok(digests);
        }
        let ids: Vec<RpmId> = ids.into_iter().collect();
        let known = match self.hub.rpm_checksums(&ids).await {
            Ok(known) => known,
            Err(error) if error.is_retryable() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the hub does not tell the digests of files");
                return Ok(digests);
            }
        };
        let mut found = Vec::new();
        for (record, digest) in records.iter().zip(&mut digests) {
            let Some(record) = record.as_ref().filter(|_| digest.is_none()) else {
                continue;
            };
            let at = record.rpm_id.and_then(|id| ids.binary_search(&RpmId(id)).ok());
            let of_rpm = at.and_then(|at| known.get(at)?.as_ref().ok());
            *digest = of_rpm.and_then(|known| known.of(record.sigkey.as_ref()).cloned());
            if let Some(digest) = digest {
                found.push((Arc::clone(record), digest.clone()));
            }
        }
        self.keep_digests(found).await?;
        Ok(digests)
    }

    /// What was found out before.
    async fn kept_digests(&self, records: Arc<[Option<Arc<SourceRecord>>]>) -> Result<Vec<Option<Digest>>> {
        let Some(cache) = self.settings.cache.clone() else {
            return Ok(vec![None; records.len()]);
        };
        blocking(move || {
            let mut buffer = Vec::new();
            let mut kept = |record: &SourceRecord| {
                known_digest(&*cache, &identity(record), DigestAlgorithm::Sha256, &mut buffer)
            };
            let records = records.iter();
            Ok(records
                .map(|record| record.as_ref().and_then(|record| kept(record)))
                .collect())
        })
        .await
    }

    async fn keep_digests(&self, found: Vec<(Arc<SourceRecord>, Digest)>) -> Result<()> {
        let Some(cache) = self.settings.cache.clone() else {
            return Ok(());
        };
        blocking(move || {
            for (record, digest) in &found {
                let key = identity(record).digest(digest.algorithm());
                cache.put(&key, &[digest.hex().as_bytes()]);
            }
            Ok::<_, Error>(())
        })
        .await
    }
}
