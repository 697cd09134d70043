//! Trees that several composes share: what is equal, what is reused, what is kept for whom.

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId};
use odcs_core::manifest::{Fingerprint, Manifest};
use odcs_core::store::{Equal, Lease};
use sqlx::Transaction;
use sqlx::sqlite::Sqlite;

use super::SqliteStore;
use crate::error::{Error, Result};

/// Whoever asks again under the same lease keeps its place.
const RECORD_FINGERPRINT: &str = "
UPDATE composes SET
    fingerprint = ?3,
    fingerprint_lease = ?2,
    fingerprint_order = CASE
        WHEN fingerprint IS ?3 AND fingerprint_lease IS ?2 THEN fingerprint_order
        ELSE (
            SELECT coalesce(max(fingerprint_order), 0) + 1
            FROM composes INDEXED BY composes_fingerprint WHERE fingerprint = ?3
        )
    END
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING id";

/// A tree outlives the compose that it was made for, as long as another one that is done uses it. The newest
/// comes first: if there is a choice, the older one was found not to be what it should be.
///
/// Whoever was deleted keeps no tree, even if the clock was set back since; so it is everywhere below.
pub(super) const EQUAL_DONE: &str = "
SELECT tree FROM (
    SELECT DISTINCT coalesce(reused_id, id) AS tree FROM composes INDEXED BY composes_fingerprint
    WHERE fingerprint = ?2 AND id <> ?1
)
WHERE EXISTS (
    SELECT 1 FROM composes
    WHERE id = tree AND state = 2 AND removed_by IS NULL AND time_to_expire > ?3
) OR EXISTS (
    SELECT 1 FROM composes INDEXED BY composes_reused_id
    WHERE reused_id = tree AND state = 2 AND removed_by IS NULL AND time_to_expire > ?3
)
ORDER BY tree DESC LIMIT 1";

/// The first that said so: it waits for nobody. One that was taken over since says so anew. A lease that ends
/// too late was given before the clock was set back, as when composes are claimed: its holder, were it alive,
/// would have prolonged it since.
pub(super) const EQUAL_RUNNING: &str = "
SELECT id FROM composes INDEXED BY composes_fingerprint
WHERE fingerprint = ?2 AND state = 1 AND fingerprint_lease = lease_number
    AND lease_expires > ?3 AND lease_expires <= ?3 + 2 * lease_length
    AND fingerprint_order < (SELECT fingerprint_order FROM composes WHERE id = ?1)
ORDER BY fingerprint_order LIMIT 1";

/// What reuses another has no tree of its own. The planner would rather look at all that are done.
pub(super) const IS_KEPT: &str = "
SELECT EXISTS (SELECT 1 FROM composes WHERE id = ?1 AND reused_id IS NULL) AND (
    EXISTS (
        SELECT 1 FROM composes
        WHERE id = ?1 AND state = 2 AND removed_by IS NULL AND time_to_expire > ?2
    ) OR EXISTS (
        SELECT 1 FROM composes INDEXED BY composes_reused_id
        WHERE reused_id = ?1 AND state = 2 AND removed_by IS NULL AND time_to_expire > ?2
    )
)";

/// `?5` is the last second that can be written.
const REUSE: &str = "
UPDATE composes
SET state = 2, state_reason = ?4, time_done = ?3, reused_id = ?6,
    pungi_compose_id = (SELECT pungi_compose_id FROM composes WHERE id = ?6),
    time_to_expire = max(
        ?3 + min(lifetime, ?5 - ?3),
        coalesce(
            (SELECT time_to_expire FROM composes WHERE id = ?6 AND state = 2 AND removed_by IS NULL), 0
        )
    ),
    worker = NULL, lease_expires = NULL
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING *";

const KEEP_REUSED: &str = "
UPDATE composes SET time_to_expire = max(time_to_expire, ?2)
WHERE id = ?1 AND state = 2 AND removed_by IS NULL";

const EXTEND: &str = "
UPDATE composes SET time_to_expire = max(time_to_expire, ?2)
WHERE id = ?1 AND state = 2
RETURNING *";

/// `NOT INDEXED` leaves it the ids to go by; it would rather look at all that are done.
pub(super) const EXTEND_WITH: &str = "
UPDATE composes NOT INDEXED SET time_to_expire = max(time_to_expire, ?2)
WHERE id IN (
    SELECT ?1 UNION ALL SELECT id FROM composes INDEXED BY composes_reused_id WHERE reused_id = ?1
) AND state = 2 AND removed_by IS NULL";

const MANIFEST: &str = "
SELECT compose_id, manifest, document FROM manifests
WHERE compose_id = (SELECT coalesce(reused_id, id) FROM composes WHERE id = ?1)";

impl SqliteStore {
    pub(super) async fn equal(
        &self,
        lease: &Lease,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Equal>> {
        const OPERATION: &str = "look for an equal compose";
        let mut transaction = self.write(OPERATION).await?;
        let recorded = sqlx::query(RECORD_FINGERPRINT)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(fingerprint.as_str())
            .fetch_optional(&mut *transaction)
            .await;
        self.held(OPERATION, lease, &mut transaction, recorded).await?;
        let mut found = None;
        // One that can be used now is better than one to wait for.
        for (statement, equal) in [
            (EQUAL_DONE, Equal::Done as fn(ComposeId) -> Equal),
            (EQUAL_RUNNING, Equal::Running),
        ] {
            let id: Option<i64> = sqlx::query_scalar(statement)
                .bind(lease.id.number())
                .bind(fingerprint.as_str())
                .bind(now.seconds())
                .fetch_optional(&mut *transaction)
                .await
                .map_err(|e| self.error(OPERATION, e))?;
            found = id.map(|id| equal(ComposeId::new(id)));
            if found.is_some() {
                break;
            }
        }
        self.commit(OPERATION, transaction).await?;
        Ok(found)
    }

    /// Lets the compose of a lease use a tree, and keeps that for as long.
    pub(super) async fn use_tree(
        &self,
        operation: &'static str,
        transaction: &mut Transaction<'static, Sqlite>,
        lease: &Lease,
        (at, reason, of): (Timestamp, String, ComposeId),
    ) -> Result<Compose> {
        // Asked before this compose is a user itself; answered after the lease was found to count.
        let kept: bool = sqlx::query_scalar(IS_KEPT)
            .bind(of.number())
            .bind(at.seconds())
            .fetch_one(&mut **transaction)
            .await
            .map_err(|e| self.error(operation, e))?;
        let reused = sqlx::query(REUSE)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(at.seconds())
            .bind(reason)
            .bind(Timestamp::from_seconds(i64::MAX).seconds())
            .bind(of.number())
            .fetch_optional(&mut **transaction)
            .await;
        let row = self.held(operation, lease, transaction, reused).await?;
        if !kept {
            return Err(Error::TreeGone {
                operation,
                id: lease.id,
                of,
            });
        }
        let compose = self.row(operation, &row).compose()?;
        let kept_longer = sqlx::query(KEEP_REUSED)
            .bind(of.number())
            .bind(compose.times.expires.seconds())
            .execute(&mut **transaction)
            .await;
        kept_longer.map_err(|e| self.error(operation, e))?;
        Ok(compose)
    }

    /// Those that share its tree are kept as long as it is, except for those that somebody has deleted.
    pub(super) async fn extend_one(&self, id: ComposeId, until: Timestamp) -> Result<Compose> {
        const OPERATION: &str = "keep compose longer";
        let mut transaction = self.write(OPERATION).await?;
        let change = sqlx::query(EXTEND).bind(id.number()).bind(until.seconds());
        let expected = "only one that is done can be kept longer";
        let (_, compose) = self
            .change_in(OPERATION, &mut transaction, id, change, expected)
            .await?;
        let with_it = sqlx::query(EXTEND_WITH)
            .bind(compose.reused_id.unwrap_or(id).number())
            .bind(until.seconds())
            .execute(&mut *transaction)
            .await;
        with_it.map_err(|e| self.error(OPERATION, e))?;
        self.commit(OPERATION, transaction).await?;
        Ok(compose)
    }

    /// One that cannot be read is an error: what is made once more must not silently be something else.
    pub(super) async fn manifest_of(&self, id: ComposeId) -> Result<Option<Manifest>> {
        const OPERATION: &str = "read manifest";
        let row = sqlx::query(MANIFEST)
            .bind(id.number())
            .fetch_optional(&self.reader)
            .await
            .map_err(|e| self.error(OPERATION, e))?;
        let Some(row) = row else {
            return Ok(None);
        };
        let store = self.clone();
        // It may have megabytes.
        let read = tokio::task::spawn_blocking(move || {
            let row = store.row(OPERATION, &row);
            let of = ComposeId::new(row.integer(id, "compose_id")?);
            match row.bytes(of, "document")? {
                Some(document) => row.manifest(of, "document", document),
                // Of a version that did not compress it.
                None => row.json(of, "manifest"),
            }
        });
        let read = read.await.map_err(|ended| {
            let source = sqlx::Error::Io(std::io::Error::other(ended));
            self.error(OPERATION, source)
        });
        read?.map(Some)
    }
}
