//! How composes end otherwise than by the work on them: cancelled, discarded, expired, removed.

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId, ComposeState};
use sqlx::Transaction;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::SqliteStore;
use crate::error::{Error, Result};

/// The lease number rises, so that whoever works on it cannot change it any more. A compose that never ran
/// was never done. `?4` is the last second that can be written.
const CANCEL: &str = "
UPDATE composes
SET state = 4, state_reason = 'Canceled by ' || ?2 || '.', removed_by = ?2,
    time_done = CASE WHEN time_started IS NULL THEN NULL ELSE ?3 END,
    time_to_expire = ?3 + min(lifetime, ?4 - ?3),
    lease_number = lease_number + 1, lease_expires = NULL, worker = NULL
WHERE id = ?1 AND state IN (0, 1)
RETURNING *";

const DISCARD: &str = "
UPDATE composes SET time_to_expire = ?3, removed_by = ?2
WHERE id = ?1 AND state IN (2, 4)
RETURNING *";

const EXPIRED: &str = "
SELECT * FROM composes
WHERE state IN (2, 4) AND time_to_expire <= ?1
ORDER BY time_to_expire, id LIMIT ?2";

/// The reason is added to the one that is there, a line below, as the reference server does.
const REMOVE: &str = "
UPDATE composes
SET state = 3, time_removed = ?2,
    state_reason = coalesce(state_reason || char(10), '') ||
        CASE WHEN removed_by IS NULL THEN 'Compose is expired.' ELSE 'Removed by ' || removed_by || '.' END
WHERE id = ?1 AND state IN (2, 4) AND time_to_expire <= ?2
RETURNING *";

const IN_USE: &str = "
SELECT EXISTS (SELECT 1 FROM composes WHERE id = ?1) AS known,
       EXISTS (SELECT 1 FROM composes WHERE id = ?1 AND state <> 3)
    OR EXISTS (SELECT 1 FROM composes WHERE reused_id = ?1 AND state <> 3) AS used";

impl SqliteStore {
    pub(super) async fn cancel_one(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        let last = Timestamp::from_seconds(i64::MAX).seconds();
        let change = sqlx::query(CANCEL)
            .bind(id.number())
            .bind(by)
            .bind(at.seconds())
            .bind(last);
        self.change(
            "cancel compose",
            id,
            change,
            "only one that waits or is being made can be cancelled",
            at,
        )
        .await
    }

    pub(super) async fn discard_one(&self, id: ComposeId, by: &str, at: Timestamp) -> Result<Compose> {
        let change = sqlx::query(DISCARD).bind(id.number()).bind(by).bind(at.seconds());
        self.change(
            "discard compose",
            id,
            change,
            "only one that is done or has failed can be deleted",
            at,
        )
        .await
    }

    pub(super) async fn remove_one(&self, id: ComposeId, at: Timestamp) -> Result<Compose> {
        let change = sqlx::query(REMOVE).bind(id.number()).bind(at.seconds());
        self.change(
            "remove compose",
            id,
            change,
            "only one that has ended and whose time is up can be removed",
            at,
        )
        .await
    }

    pub(super) async fn expired_ones(&self, now: Timestamp, limit: u32) -> Result<Vec<Compose>> {
        const OPERATION: &str = "find expired composes";
        let rows = sqlx::query(EXPIRED)
            .bind(now.seconds())
            .bind(limit)
            .fetch_all(&self.reader)
            .await;
        let rows = rows.map_err(|e| self.error(OPERATION, e))?;
        rows.iter()
            .map(|row| self.row(OPERATION, row).compose())
            .collect()
    }

    pub(super) async fn in_use(&self, id: ComposeId) -> Result<Option<bool>> {
        const OPERATION: &str = "find users of a tree";
        let row = sqlx::query(IN_USE)
            .bind(id.number())
            .fetch_one(&self.reader)
            .await;
        let row = row.map_err(|e| self.error(OPERATION, e))?;
        let row = self.row(OPERATION, &row);
        let known = row.integer(id, "known")? != 0;
        Ok(if known {
            Some(row.integer(id, "used")? != 0)
        } else {
            None
        })
    }

    /// Makes one change to one compose, and announces it if it is one of its state.
    async fn change(
        &self,
        operation: &'static str,
        id: ComposeId,
        change: Query<'_, Sqlite, SqliteArguments>,
        expected: &'static str,
        at: Timestamp,
    ) -> Result<Compose> {
        let mut transaction = self.write(operation).await?;
        let (from, compose) = self
            .change_in(operation, &mut transaction, id, change, expected)
            .await?;
        if from != compose.state {
            self.announce(operation, &mut transaction, at, Some(from), &compose)
                .await?;
        }
        self.commit(operation, transaction).await?;
        Ok(compose)
    }

    /// Makes one change to one compose, and says which state it was in before; if that does not allow it,
    /// nothing is changed, and the error says what the state is.
    pub(super) async fn change_in(
        &self,
        operation: &'static str,
        transaction: &mut Transaction<'static, Sqlite>,
        id: ComposeId,
        change: Query<'_, Sqlite, SqliteArguments>,
        expected: &'static str,
    ) -> Result<(ComposeState, Compose)> {
        let row = sqlx::query("SELECT state FROM composes WHERE id = ?1")
            .bind(id.number())
            .fetch_optional(&mut **transaction)
            .await
            .map_err(|e| self.error(operation, e))?;
        let Some(row) = row else {
            return Err(Error::Unknown { operation, id });
        };
        let state = self.row(operation, &row).state(id, "state")?;
        let changed = change.fetch_optional(&mut **transaction).await;
        match changed.map_err(|e| self.error(operation, e))? {
            Some(row) => Ok((state, self.row(operation, &row).compose()?)),
            None => Err(Error::State {
                operation,
                id,
                state,
                expected,
            }),
        }
    }
}
