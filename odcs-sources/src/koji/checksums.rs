//! The digests of whole files that the hub has on record.

use std::collections::BTreeSet;
use std::sync::Arc;

use odcs_core::metadata_cache::known_digest;
use odcs_core::source::local::blocking;
use odcs_core::source::{Candidate, SourceRecord};
use odcs_core::{Error, Result};
use odcs_rpm::{Digest, DigestAlgorithm};

use super::Koji;
use super::client::{Fault, RpmId};
use super::offers::identity;

impl Koji {
    /// The digests that files must have, where the hub knows them.
    ///
    /// # Errors
    /// Those of the hub. A hub that has no such method leaves files without a digest: they are taken for what their headers
    /// say.
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
        let mut known = Vec::with_capacity(ids.len());
        for answer in self.hub.rpm_checksums(&ids).await? {
            known.push(match answer {
                Ok(known) => Some(known),
                // What an older hub says that does not have it.
                Err(error) if error.is_fault(Fault::GENERIC) => {
                    tracing::debug!(%error, "the hub does not tell the digests of files");
                    None
                }
                Err(error) => return Err(error.into()),
            });
        }
        let mut found = Vec::new();
        for (record, digest) in records.iter().zip(&mut digests) {
            let Some(record) = record.as_ref().filter(|_| digest.is_none()) else {
                continue;
            };
            let at = record.rpm_id.and_then(|id| ids.binary_search(&RpmId(id)).ok());
            let of_rpm = at.and_then(|at| known.get(at)?.as_ref());
            *digest = of_rpm.and_then(|known| known.of(record.sigkey.as_ref()).cloned());
            if let Some(digest) = digest {
                found.push((Arc::clone(record), digest.clone()));
            }
        }
        self.keep_digests(found).await?;
        Ok(digests)
    }

    /// What was found out before. A signed copy has its size and time in its name: made anew, it is another one.
    async fn kept_digests(&self, records: Arc<[Option<Arc<SourceRecord>>]>) -> Result<Vec<Option<Digest>>> {
        let Some(cache) = self.settings.cache.clone() else {
            return Ok(vec![None; records.len()]);
        };
        blocking(move || {
            let mut buffer = Vec::new();
            let mut kept = |record: &Arc<SourceRecord>| {
                // Where nothing was seen of a signed copy, it may be another one by now.
                let is_certain = record.sigkey.is_none() || record.size.is_some();
                let find = || known_digest(&*cache, &identity(record), DigestAlgorithm::Sha256, &mut buffer);
                is_certain.then(find).flatten()
            };
            let records = records.iter();
            Ok(records
                .map(|record| record.as_ref().and_then(&mut kept))
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
