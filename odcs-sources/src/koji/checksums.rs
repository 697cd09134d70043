//! The digests of whole files that the hub has on record.

use std::collections::BTreeSet;
use std::sync::Arc;

use odcs_core::metadata_cache::known_digest;
use odcs_core::source::local::blocking;
use odcs_core::source::{Candidate, PackageLocation, SourceRecord};
use odcs_core::{Error, FileIdentity, FileStamp, Result};
use odcs_rpm::{Digest, DigestAlgorithm};

use super::Koji;
use super::client::RpmId;
use super::offers::identity;

/// A file, as far as its digest goes: what it is on record as, and by what an earlier answer is known to be about just
/// this file.
struct Asked {
    record: Arc<SourceRecord>,
    kept_by: Option<FileIdentity>,
}

impl Koji {
    /// The digests that files must have, where the hub knows them.
    ///
    /// # Errors
    /// Those of the hub that go by themselves. A hub that does not tell leaves files without a digest: they are taken
    /// for what their headers say.
    pub(crate) async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        let asked: Arc<[Option<Asked>]> = self.asked(chosen.to_vec()).await?.into();
        let mut digests = self.kept_digests(Arc::clone(&asked)).await?;
        let unknown = asked.iter().zip(&digests).filter(|(_, digest)| digest.is_none());
        let ids: BTreeSet<RpmId> = unknown
            .filter_map(|(asked, _)| asked.as_ref()?.record.rpm_id.map(RpmId))
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
        for (asked, digest) in asked.iter().zip(&mut digests) {
            let Some(Asked { record, kept_by }) = asked.as_ref().filter(|_| digest.is_none()) else {
                continue;
            };
            let at = record.rpm_id.and_then(|id| ids.binary_search(&RpmId(id)).ok());
            let of_rpm = at.and_then(|at| known.get(at)?.as_ref().ok());
            *digest = of_rpm.and_then(|known| known.of(record.sigkey.as_ref()).cloned());
            if let (Some(digest), Some(identity)) = (digest, kept_by) {
                found.push((identity.clone(), digest.clone()));
            }
        }
        self.keep_digests(found).await?;
        Ok(digests)
    }

    /// What digests are kept by. An unsigned file never changes. A signed copy is made anew when its RPM is signed with
    /// the same key once more, so an answer is about the file that was there then: on the volume, that can be seen.
    async fn asked(&self, chosen: Vec<Arc<Candidate>>) -> Result<Vec<Option<Asked>>> {
        let one = |candidate: &Candidate| {
            let record = candidate.record.clone()?;
            let kept_by = match (&record.sigkey, &candidate.file) {
                (None, _) => Some(identity(&record)),
                (Some(_), PackageLocation::Local(file)) => {
                    let metadata = file.open().and_then(|file| file.metadata()).ok();
                    metadata.map(|metadata| {
                        let FileStamp {
                            inode,
                            size,
                            modified: (seconds, nanoseconds),
                        } = FileStamp::of(&metadata);
                        let name = format!("{} {inode} {size} {seconds}.{nanoseconds}", record.name);
                        FileIdentity::named("koji copy", &name).signed(record.sigkey.as_ref())
                    })
                }
                (Some(_), _) => None,
            };
            Some(Asked { record, kept_by })
        };
        blocking(move || Ok(chosen.iter().map(|candidate| one(candidate)).collect())).await
    }

    /// What was found out before.
    async fn kept_digests(&self, asked: Arc<[Option<Asked>]>) -> Result<Vec<Option<Digest>>> {
        let Some(cache) = self.settings.cache.clone() else {
            return Ok(vec![None; asked.len()]);
        };
        blocking(move || {
            let mut buffer = Vec::new();
            let mut kept = |asked: &Asked| {
                let identity = asked.kept_by.as_ref()?;
                known_digest(&*cache, identity, DigestAlgorithm::Sha256, &mut buffer)
            };
            let asked = asked.iter();
            Ok(asked
                .map(|asked| asked.as_ref().and_then(&mut kept))
                .collect())
        })
        .await
    }

    async fn keep_digests(&self, found: Vec<(FileIdentity, Digest)>) -> Result<()> {
        let Some(cache) = self.settings.cache.clone() else {
            return Ok(());
        };
        blocking(move || {
            for (identity, digest) in &found {
                cache.put(&identity.digest(digest.algorithm()), &[digest.hex().as_bytes()]);
            }
            Ok::<_, Error>(())
        })
        .await
    }
}
