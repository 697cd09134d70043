//! The outbox: changes of state, until somebody has taken them.

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeState};
use odcs_core::event::{Event, EventId};
use sqlx::Transaction;
use sqlx::sqlite::Sqlite;

use super::SqliteStore;
use crate::error::Result;
use crate::{event, record};

/// Along `events_undelivered`.
pub(super) const UNDELIVERED: &str = "
SELECT id, compose_id, at, from_state, record FROM events
WHERE delivered IS NULL
ORDER BY id LIMIT ?1";

const DELIVERED: &str = "
UPDATE events SET delivered = ?2
WHERE delivered IS NULL AND id <= ?1";

impl SqliteStore {
    /// Records a change of state in the transaction that makes it: both, or neither.
    pub(super) async fn announce(
        &self,
        operation: &'static str,
        transaction: &mut Transaction<'static, Sqlite>,
        at: Timestamp,
        from: Option<ComposeState>,
        compose: &Compose,
    ) -> Result<()> {
        let values = event::values_of_event(at, from, compose)?;
        let inserted = record::insert::<Sqlite>("events", values)
            .build()
            .execute(&mut **transaction)
            .await;
        inserted.map_err(|e| self.error(operation, e))?;
        Ok(())
    }

    pub(super) async fn undelivered_ones(&self, limit: u32) -> Result<Vec<Event>> {
        const OPERATION: &str = "read events";
        let rows = sqlx::query(UNDELIVERED).bind(limit).fetch_all(&self.reader).await;
        let rows = rows.map_err(|e| self.error(OPERATION, e))?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            match self.row(OPERATION, row).event() {
                Ok(event) => events.push(event),
                // Those before it must not wait for it.
                Err(error) if events.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(events)
    }

    pub(super) async fn delivered_until(&self, up_to: EventId, at: Timestamp) -> Result<()> {
        const OPERATION: &str = "record delivery of events";
        let mut transaction = self.write(OPERATION).await?;
        let recorded = sqlx::query(DELIVERED)
            .bind(up_to.number())
            .bind(at.seconds())
            .execute(&mut *transaction)
            .await;
        recorded.map_err(|e| self.error(OPERATION, e))?;
        self.commit(OPERATION, transaction).await
    }
}
