//! Taking composes up, and what only the holder of a lease may change.

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId, ComposeState};
use odcs_core::manifest::ManifestDocument;
use odcs_core::source::{Pins, ResolvedFields};
use odcs_core::store::{Claim, Lease, Outcome};
use sqlx::Transaction;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};

use super::SqliteStore;
use crate::error::{Error, Result};
use crate::record;

/// Along `composes_unfinished` the oldest one is found without looking at those that have ended. The planner
/// would rather sort all that wait, hence `INDEXED BY`; the states are written out to match the index. No lease
/// ends later than its length from now, unless the clock was set back since it was given; clocks of several
/// machines may differ by as much again.
pub(super) const NEXT: &str = "
SELECT id, state FROM composes INDEXED BY composes_unfinished
WHERE state IN (0, 1) AND (
    state = 0 OR lease_expires IS NULL OR lease_expires <= ?1 OR lease_expires > ?1 + 2 * lease_length
)
ORDER BY id LIMIT 1";

/// Nobody comes between this and [`NEXT`]: the transaction began by locking out other writers.
const CLAIM: &str = "
UPDATE composes
SET state = 1,
    time_started = coalesce(time_started, ?2),
    lease_number = lease_number + 1,
    lease_expires = ?3,
    lease_length = ?3 - ?2,
    worker = ?4,
    attempts = attempts + 1
WHERE id = ?1
RETURNING *";

const HEARTBEAT: &str = "
UPDATE composes SET lease_expires = ?3
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING id";

const HOLDS: &str = "
SELECT EXISTS (SELECT 1 FROM composes WHERE id = ?1 AND lease_number = ?2 AND state = 1)";

const RECORD_RESOLVED: &str = "
UPDATE composes
SET pins = ?3, source = coalesce(?4, source), koji_event = coalesce(?5, koji_event),
    arches = coalesce(?6, arches), builds = coalesce(?7, builds), sigkeys = coalesce(?8, sigkeys),
    packages = coalesce(?9, packages)
WHERE id = ?1 AND lease_number = ?2 AND state = 1
RETURNING *";

const RECORD_MANIFEST: &str = "
INSERT INTO manifests (compose_id, manifest, document)
SELECT id, '', ?3 FROM composes WHERE id = ?1 AND lease_number = ?2 AND state = 1
ON CONFLICT (compose_id) DO UPDATE SET manifest = excluded.manifest, document = excluded.document
RETURNING compose_id";

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

impl SqliteStore {
    pub(super) async fn claim_next(
        &self,
        worker: &str,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<Option<Claim>> {
        const OPERATION: &str = "claim compose";
        let failed = |error| self.error(OPERATION, error);
        let mut transaction = self.write(OPERATION).await?;
        let next = sqlx::query(NEXT)
            .bind(now.seconds())
            .fetch_optional(&mut *transaction)
            .await;
        let Some(next) = next.map_err(failed)? else {
            return Ok(None);
        };
        let next = self.row(OPERATION, &next);
        let id = ComposeId::new(next.integer(ComposeId::new(0), "id")?);
        let from = next.state(id, "state")?;
        let claimed = sqlx::query(CLAIM)
            .bind(id.number())
            .bind(now.seconds())
            .bind(expires.seconds())
            .bind(worker)
            .fetch_one(&mut *transaction)
            .await;
        let claimed = claimed.map_err(failed)?;
        let row = self.row(OPERATION, &claimed);
        let claim = Claim {
            compose: row.compose()?,
            lease: Lease {
                id,
                number: row.integer(id, "lease_number")?,
            },
            attempt: u32::try_from(row.integer(id, "attempts")?).unwrap_or(u32::MAX),
        };
        // Taking over from a worker that died is no change of state.
        if from == ComposeState::Wait {
            self.announce(OPERATION, &mut transaction, now, Some(from), &claim.compose)
                .await?;
        }
        self.commit(OPERATION, transaction).await?;
        Ok(Some(claim))
    }

    pub(super) async fn prolong(&self, lease: &Lease, until: Timestamp) -> Result<()> {
        const OPERATION: &str = "prolong lease";
        let mut transaction = self.write(OPERATION).await?;
        let prolonged = sqlx::query(HEARTBEAT)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(until.seconds())
            .fetch_optional(&mut *transaction)
            .await;
        self.held(OPERATION, lease, &mut transaction, prolonged).await?;
        self.commit(OPERATION, transaction).await
    }

    pub(super) async fn is_held(&self, lease: &Lease) -> Result<bool> {
        let held = sqlx::query_scalar(HOLDS)
            .bind(lease.id.number())
            .bind(lease.number)
            .fetch_one(&self.reader)
            .await;
        held.map_err(|e| self.error("look at lease", e))
    }

    pub(super) async fn resolved(
        &self,
        lease: &Lease,
        pins: &Pins,
        fields: &ResolvedFields,
    ) -> Result<Compose> {
        const OPERATION: &str = "record what was resolved";
        let pins = record::to_json(OPERATION, pins)?;
        let mut transaction = self.write(OPERATION).await?;
        let recorded = sqlx::query(RECORD_RESOLVED)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(pins)
            .bind(fields.source.as_deref())
            .bind(fields.koji_event)
            .bind(words(&fields.arches))
            .bind(words(&fields.builds))
            .bind(words(&fields.sigkeys))
            .bind(words(&fields.packages))
            .fetch_optional(&mut *transaction)
            .await;
        let row = self.held(OPERATION, lease, &mut transaction, recorded).await?;
        let compose = self.row(OPERATION, &row).compose()?;
        self.commit(OPERATION, transaction).await?;
        Ok(compose)
    }

    pub(super) async fn manifest_of_work(&self, lease: &Lease, manifest: &ManifestDocument) -> Result<()> {
        const OPERATION: &str = "record manifest";
        let mut transaction = self.write(OPERATION).await?;
        let recorded = sqlx::query(RECORD_MANIFEST)
            .bind(lease.id.number())
            .bind(lease.number)
            .bind(manifest.as_bytes())
            .fetch_optional(&mut *transaction)
            .await;
        self.held(OPERATION, lease, &mut transaction, recorded).await?;
        self.commit(OPERATION, transaction).await
    }

    pub(super) async fn end(&self, lease: &Lease, outcome: Outcome) -> Result<Compose> {
        const OPERATION: &str = "record outcome";
        let mut transaction = self.write(OPERATION).await?;
        let within = &mut transaction;
        let (at, compose) = match outcome {
            Outcome::Done {
                at,
                reason,
                pungi_compose_id,
            } => {
                let change = finish(lease, ComposeState::Done, at, reason, Some(pungi_compose_id));
                (at, self.end_by(OPERATION, within, lease, change).await?)
            }
            Outcome::Failed {
                at,
                reason,
                pungi_compose_id,
            } => {
                let change = finish(lease, ComposeState::Failed, at, reason, pungi_compose_id);
                (at, self.end_by(OPERATION, within, lease, change).await?)
            }
            Outcome::HandedBack { at } => {
                let change = sqlx::query(HAND_BACK).bind(lease.id.number()).bind(lease.number);
                (at, self.end_by(OPERATION, within, lease, change).await?)
            }
            Outcome::Reused { at, reason, of } => {
                let compose = self.use_tree(OPERATION, within, lease, (at, reason, of)).await?;
                (at, compose)
            }
        };
        let from = Some(ComposeState::Generating);
        self.announce(OPERATION, &mut transaction, at, from, &compose)
            .await?;
        self.commit(OPERATION, transaction).await?;
        Ok(compose)
    }

    async fn end_by(
        &self,
        operation: &'static str,
        transaction: &mut Transaction<'static, Sqlite>,
        lease: &Lease,
        change: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Compose> {
        let changed = change.fetch_optional(&mut **transaction).await;
        let row = self.held(operation, lease, transaction, changed).await?;
        self.row(operation, &row).compose()
    }

    /// The row of a change that only the holder of a lease may make: no row, no lease.
    pub(super) async fn held(
        &self,
        operation: &'static str,
        lease: &Lease,
        transaction: &mut Transaction<'static, Sqlite>,
        changed: sqlx::Result<Option<SqliteRow>>,
    ) -> Result<SqliteRow> {
        match changed.map_err(|e| self.error(operation, e))? {
            Some(row) => Ok(row),
            None => Err(Error::LeaseLost {
                operation,
                id: lease.id,
                lease: lease.number,
                reason: self.why_lost(operation, lease, transaction).await?,
            }),
        }
    }

    async fn why_lost(
        &self,
        operation: &'static str,
        lease: &Lease,
        transaction: &mut Transaction<'static, Sqlite>,
    ) -> Result<String> {
        let row = sqlx::query("SELECT state, worker FROM composes WHERE id = ?1")
            .bind(lease.id.number())
            .fetch_optional(&mut **transaction)
            .await
            .map_err(|e| self.error(operation, e))?;
        let Some(row) = row else {
            return Ok("there is no such compose".to_owned());
        };
        let row = self.row(operation, &row);
        let state = row.state(lease.id, "state")?;
        Ok(match row.optional_text(lease.id, "worker")? {
            Some(worker) if state == ComposeState::Generating => {
                format!("worker {worker:?} has taken it over")
            }
            _ => format!("its state is {state} by now"),
        })
    }
}

/// A list as its column holds it.
fn words<T: ToString>(list: &Option<Vec<T>>) -> Option<String> {
    let list = list.as_ref()?;
    Some(list.iter().map(T::to_string).collect::<Vec<_>>().join(" "))
}

fn finish(
    lease: &Lease,
    state: ComposeState,
    at: Timestamp,
    reason: String,
    pungi_compose_id: Option<String>,
) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(FINISH)
        .bind(lease.id.number())
        .bind(lease.number)
        .bind(state.number())
        .bind(reason)
        .bind(at.seconds())
        .bind(Timestamp::from_seconds(i64::MAX).seconds())
        .bind(pungi_compose_id)
}
