//! The [`ComposeStore`] on SQLite.
//!
//! Changes run in a transaction that is committed by name even where one statement would do: only then is
//! a failure to write reported to whoever believes that something was recorded.

use std::time::Duration;

use async_trait::async_trait;
use odcs_core::compose::{ComposeId, ComposeState};
use odcs_core::event::{Event, EventId};
use odcs_core::manifest::{Fingerprint, Manifest, ManifestDocument};
use odcs_core::source::{Pins, ResolvedFields};
use odcs_core::store::{Claim, Equal, Lease, NewCompose, Outcome, Page, Query};
use odcs_core::{Compose, ComposeStore, Result, Timestamp};
use sqlx::sqlite::Sqlite;

use super::SqliteStore;
use crate::error;
use crate::{list, record};

/// Along `composes_source_type_state`, which has all that is needed.
pub(super) const COUNTS: &str = "
SELECT source_type, state, count(*) FROM composes
GROUP BY source_type, state ORDER BY source_type, state";

/// SQLite keeps the highest id that was given here, once there has been one.
const SKIP_IDS: [&str; 2] = [
    "INSERT INTO sqlite_sequence (name, seq)
     SELECT 'composes', ?1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'composes')",
    "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'composes'",
];

#[async_trait]
impl ComposeStore for SqliteStore {
    async fn insert(&self, new: NewCompose) -> Result<Compose> {
        const OPERATION: &str = "record compose";
        let mut statement = record::insert::<Sqlite>("composes", record::values_of_new(&new)?);
        statement.push(" RETURNING *");
        let mut transaction = self.write(OPERATION).await?;
        let inserted = statement.build().fetch_one(&mut *transaction).await;
        let row = inserted.map_err(|e| self.error(OPERATION, e))?;
        let compose = self.row(OPERATION, &row).compose()?;
        self.announce(OPERATION, &mut transaction, new.submitted, None, &compose)
            .await?;
        self.commit(OPERATION, transaction).await?;
        Ok(compose)
    }

    async fn skip_ids(&self, up_to: ComposeId) -> Result<()> {
        const OPERATION: &str = "skip ids";
        let mut transaction = self.write(OPERATION).await?;
        for statement in SKIP_IDS {
            sqlx::query(statement)
                .bind(up_to.number())
                .execute(&mut *transaction)
                .await
                .map_err(|e| self.error(OPERATION, e))?;
        }
        self.commit(OPERATION, transaction).await?;
        Ok(())
    }

    async fn get(&self, id: ComposeId) -> Result<Option<Compose>> {
        const OPERATION: &str = "read compose";
        let row = sqlx::query("SELECT * FROM composes WHERE id = ?1")
            .bind(id.number())
            .fetch_optional(&self.reader)
            .await
            .map_err(|e| self.error(OPERATION, e))?;
        let compose = row.map(|row| self.row(OPERATION, &row).compose()).transpose()?;
        Ok(compose)
    }

    async fn find(&self, query: &Query) -> Result<Page> {
        const OPERATION: &str = "list composes";
        let failed = |error| self.error(OPERATION, error);
        // Both statements see the same records.
        let mut transaction = self.reader.begin().await.map_err(failed)?;
        let total: i64 = list::count::<Sqlite>(query)
            .build_query_scalar()
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        let rows = list::page::<Sqlite>(query)
            .build()
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.rollback().await.map_err(failed)?;

        let composes = rows.iter().map(|row| self.row(OPERATION, row).compose());
        Ok(Page {
            items: composes.collect::<error::Result<_>>()?,
            total: u64::try_from(total).unwrap_or(0),
        })
    }

    async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        // Whole seconds are recorded; a lease never ends before its time.
        let expires = now.plus(lease.saturating_add(Duration::from_nanos(999_999_999)));
        Ok(self.claim_next(worker, now, expires).await?)
    }

    async fn heartbeat(&self, lease: &Lease, until: Timestamp) -> Result<()> {
        Ok(self.prolong(lease, until).await?)
    }

    async fn holds(&self, lease: &Lease) -> Result<bool> {
        Ok(self.is_held(lease).await?)
    }

    async fn record_resolved(&self, lease: &Lease, pins: &Pins, fields: &ResolvedFields) -> Result<Compose> {
        Ok(self.resolved(lease, pins, fields).await?)
    }

    async fn find_equal(
        &self,
        lease: &Lease,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Equal>> {
        Ok(self.equal(lease, fingerprint, now).await?)
    }

    async fn record_manifest(&self, lease: &Lease, manifest: &ManifestDocument) -> Result<()> {
        Ok(self.manifest_of_work(lease, manifest).await?)
    }

    async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>> {
        Ok(self.manifest_of(id).await?)
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<Compose> {
        Ok(self.end(lease, outcome).await?)
    }

    async fn cancel(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        Ok(self.cancel_one(id, by, at).await?)
    }

    async fn extend(&self, id: ComposeId, until: Timestamp) -> Result<Compose> {
        Ok(self.extend_one(id, until).await?)
    }

    async fn discard(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        Ok(self.discard_one(id, by, at).await?)
    }

    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<Compose>> {
        Ok(self.expired_ones(now, limit).await?)
    }

    async fn remove(&self, id: ComposeId, at: Timestamp) -> Result<Compose> {
        Ok(self.remove_one(id, at).await?)
    }

    async fn is_tree_in_use(&self, id: ComposeId) -> Result<Option<bool>> {
        Ok(self.in_use(id).await?)
    }

    async fn undelivered(&self, limit: u32) -> Result<Vec<Event>> {
        Ok(self.undelivered_ones(limit).await?)
    }

    async fn delivered(&self, up_to: EventId, at: Timestamp) -> Result<()> {
        Ok(self.delivered_until(up_to, at).await?)
    }

    async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>> {
        const OPERATION: &str = "count composes";
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(COUNTS)
            .fetch_all(&self.reader)
            .await
            .map_err(|e| self.error(OPERATION, e))?;
        let counts = rows.into_iter().filter_map(|(source_type, state, number)| {
            let state = ComposeState::from_number(state)?;
            Some((source_type, state, u64::try_from(number).unwrap_or(0)))
        });
        Ok(counts.collect())
    }
}
