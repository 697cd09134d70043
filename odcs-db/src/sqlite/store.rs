//! The [`ComposeStore`] on SQLite.
//!
//! Changes run in a transaction that is committed by name even where one statement would do: only then is
//! a failure to write reported to whoever believes that something was recorded.

use std::time::Duration;

use async_trait::async_trait;
use odcs_core::compose::{ComposeId, ComposeState};
use odcs_core::source::{Pins, ResolvedFields};
use odcs_core::store::{Claim, Lease, NewCompose, Outcome, Page, Query};
use odcs_core::{Compose, ComposeStore, Result, Timestamp};
use sqlx::Transaction;
use sqlx::sqlite::{Sqlite, SqliteRow};

use super::SqliteStore;
use crate::error::{self, Error};
use crate::record::Row;
use crate::{list, record};

/// Along `composes_unfinished` the oldest one is found without looking at those that have ended. The planner
/// would rather sort all that wait, hence `INDEXED BY`; the states are written out to match the index.
pub(super) const CLAIM: &str = "
UPDATE composes
SET state = 1,
    time_started = coalesce(time_started, ?1),
    lease_number = lease_number + 1,
    lease_expires = ?2,
    worker = ?3,
    attempts = attempts + 1
WHERE id = (
    SELECT id FROM composes INDEXED BY composes_unfinished
    WHERE state IN (0, 1) AND (state = 0 OR lease_expires IS NULL OR lease_expires <= ?1)
    ORDER BY id LIMIT 1
)
RETURNING *";

const HEARTBEAT: &str = "
UPDATE composes SET lease_expires = max(lease_expires, ?3)
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING id";

const RECORD_RESOLVED: &str = "
UPDATE composes
SET pins = ?3, source = coalesce(?4, source), koji_event = coalesce(?5, koji_event)
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING *";

/// `?6` is the last second that can be written: however long the lifetime, nothing overflows.
const FINISH: &str = "
UPDATE composes
SET state = ?3, state_reason = ?4, time_done = ?5, time_to_expire = ?5 + min(lifetime, ?6 - ?5),
    pungi_compose_id = coalesce(?7, pungi_compose_id), worker = NULL, lease_expires = NULL
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING *";

/// The fencing number stays: whoever still believes to hold the lease must not come through later.
const HAND_BACK: &str = "
UPDATE composes
SET state = 0, attempts = max(attempts - 1, 0), worker = NULL, lease_expires = NULL
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING *";

/// Along `composes_source_type_state`, which has all that is needed.
pub(super) const COUNTS: &str = "
SELECT source_type, state, count(*) FROM composes
GROUP BY source_type, state ORDER BY source_type, state";

#[async_trait]
impl ComposeStore for SqliteStore {
    async fn insert(&self, new: NewCompose) -> Result<Compose> {
        const OPERATION: &str = "record compose";
        let mut statement = record::insert::<Sqlite>(record::values_of_new(&new)?);
        statement.push(" RETURNING *");
        let mut transaction = self.write(OPERATION).await?;
        let inserted = statement.build().fetch_one(&mut *transaction).await;
        let row = inserted.map_err(|e| self.error(OPERATION, e))?;
        let compose = self.row(OPERATION, &row).compose()?;
        self.commit(OPERATION, transaction).await?;
        Ok(compose)
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
        const OPERATION: &str = "claim compose";
        // Whole seconds are recorded; a lease never ends before its time.
        let expires = now.plus(lease.saturating_add(Duration::from_nanos(999_999_999)));
        let mut transaction = self.write(OPERATION).await?;
        let claimed = sqlx::query(CLAIM)
            .bind(now.seconds())
            .bind(expires.seconds())
            .bind(worker)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|e| self.error(OPERATION, e))?;
        let Some(row) = claimed else {
            return Ok(None);
        };
        let row = self.row(OPERATION, &row);
        let compose = row.compose()?;
        let claim = Claim {
            lease: Lease {
                id: compose.id,
                number: row.integer(compose.id, "lease_number")?,
            },
            attempt: u32::try_from(row.integer(compose.id, "attempts")?).unwrap_or(u32::MAX),
            compose,
        };
        self.commit(OPERATION, transaction).await?;
        Ok(Some(claim))
    }

    async fn heartbeat(&self, lease: &Lease, until: Timestamp) -> Result<()> {
        const OPERATION: &str = "prolong lease";
        let mut transaction = self.write(OPERATION).await?;
        let prolonged = sqlx::query(HEARTBEAT)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(until.seconds())
            .fetch_optional(&mut *transaction)
            .await;
        self.held(OPERATION, lease, transaction, prolonged, |_| Ok(()))
            .await?;
        Ok(())
    }

    async fn record_resolved(&self, lease: &Lease, pins: &Pins, fields: &ResolvedFields) -> Result<Compose> {
        const OPERATION: &str = "record what was resolved";
        let pins = record::to_json(OPERATION, pins)?;
        let mut transaction = self.write(OPERATION).await?;
        let recorded = sqlx::query(RECORD_RESOLVED)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(pins)
            .bind(fields.source.as_deref())
            .bind(fields.koji_event)
            .fetch_optional(&mut *transaction)
            .await;
        Ok(self
            .held(OPERATION, lease, transaction, recorded, |row| row.compose())
            .await?)
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<Compose> {
        const OPERATION: &str = "record outcome";
        let (state, at, reason, pungi_compose_id) = match outcome {
            Outcome::Done {
                at,
                reason,
                pungi_compose_id,
            } => (ComposeState::Done, at, reason, Some(pungi_compose_id)),
            Outcome::Failed { at, reason } => (ComposeState::Failed, at, reason, None),
            Outcome::HandedBack => return Ok(self.hand_back(lease).await?),
        };
        let mut transaction = self.write(OPERATION).await?;
        let finished = sqlx::query(FINISH)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(state.number())
            .bind(reason)
            .bind(at.seconds())
            .bind(Timestamp::from_seconds(i64::MAX).seconds())
            .bind(pungi_compose_id)
            .fetch_optional(&mut *transaction)
            .await;
        Ok(self
            .held(OPERATION, lease, transaction, finished, |row| row.compose())
            .await?)
    }

    async fn cancel(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        Ok(self.cancel_one(id, by, at).await?)
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

impl SqliteStore {
    async fn hand_back(&self, lease: &Lease) -> error::Result<Compose> {
        const OPERATION: &str = "hand compose back";
        let mut transaction = self.write(OPERATION).await?;
        let handed_back = sqlx::query(HAND_BACK)
            .bind(lease.id.number())
            .bind(lease.number)
            .fetch_optional(&mut *transaction)
            .await;
        self.held(OPERATION, lease, transaction, handed_back, |row| row.compose())
            .await
    }

    /// Ends a change that only the holder of a lease may make: no row, no lease.
    async fn held<T>(
        &self,
        operation: &'static str,
        lease: &Lease,
        mut transaction: Transaction<'static, Sqlite>,
        changed: sqlx::Result<Option<SqliteRow>>,
        read: impl FnOnce(Row<'_, Sqlite>) -> error::Result<T>,
    ) -> error::Result<T> {
        let Some(row) = changed.map_err(|e| self.error(operation, e))? else {
            return Err(Error::LeaseLost {
                operation,
                id: lease.id,
                lease: lease.number,
                reason: self.why_lost(operation, lease, &mut transaction).await?,
            });
        };
        let answer = read(self.row(operation, &row))?;
        self.commit(operation, transaction).await?;
        Ok(answer)
    }

    async fn why_lost(
        &self,
        operation: &'static str,
        lease: &Lease,
        transaction: &mut Transaction<'static, Sqlite>,
    ) -> error::Result<String> {
        let row = sqlx::query("SELECT state, worker FROM composes WHERE id = ?1")
            .bind(lease.id.number())
            .fetch_optional(&mut **transaction)
            .await
            .map_err(|e| self.error(operation, e))?;
        let Some(row) = row else {
            return Ok("there is no such compose".to_owned());
        };
        let row = self.row(operation, &row);
        let state = ComposeState::from_number(row.integer(lease.id, "state")?);
        Ok(match (state, row.optional_text(lease.id, "worker")?) {
            (Some(ComposeState::Generating), Some(worker)) => format!("worker {worker:?} has taken it over"),
            (Some(state), _) => format!("its state is {state} by now"),
            (None, _) => "its state is unknown".to_owned(),
        })
    }
}
