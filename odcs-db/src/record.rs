//! The columns of a record: what is written to them, and how a row becomes a [`Compose`] again.

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId, ComposeState, Requested, Times};
use odcs_core::manifest::{Manifest, ManifestDocument};
use odcs_core::request::Lifetime;
use odcs_core::store::NewCompose;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::QueryBuilder;

use crate::dialect::{Dialect, Value};
use crate::error::{Error, Result};

/// Names of columns with what goes into them.
pub(crate) type Values = Vec<(&'static str, Value)>;

/// The columns of a compose about to be recorded, its id and the work on it excepted.
pub(crate) fn values_of_new(new: &NewCompose) -> Result<Values> {
    let mut values = values_of_requested(&new.requested);
    values.extend([
        ("owner", new.owner.as_str().into()),
        ("state", ComposeState::Wait.number().into()),
        ("time_submitted", new.submitted.seconds().into()),
        (
            "time_to_expire",
            new.submitted.plus(new.lifetime.duration()).seconds().into(),
        ),
        ("lifetime", seconds(new.lifetime).into()),
        ("renews", new.renews.map(ComposeId::number).into()),
        ("pungi_config_dump", (&new.pungi_config_dump).into()),
        (
            "request",
            Value::Text(Some(to_json("record compose", &new.request)?)),
        ),
    ]);
    Ok(values)
}

/// All columns of a record that exists already, the work on it excepted.
pub(crate) fn values_of_record(record: &Compose) -> Result<Values> {
    const OPERATION: &str = "take over record";
    let json = |text: Result<Option<String>>| text.map(Value::Text);
    let mut values = values_of_requested(&record.requested);
    let time = |time: Option<Timestamp>| Value::Integer(time.map(Timestamp::seconds));
    values.extend([
        ("id", record.id.number().into()),
        ("owner", record.owner.as_str().into()),
        ("state", record.state.number().into()),
        ("state_reason", (&record.state_reason).into()),
        ("time_submitted", record.times.submitted.seconds().into()),
        ("time_started", time(record.times.started)),
        ("time_done", time(record.times.done)),
        ("time_removed", time(record.times.removed)),
        ("time_to_expire", record.times.expires.seconds().into()),
        ("removed_by", (&record.removed_by).into()),
        ("reused_id", record.reused_id.map(ComposeId::number).into()),
        ("koji_task_id", record.koji_task_id.into()),
        ("pungi_compose_id", (&record.pungi_compose_id).into()),
        ("pungi_config_dump", (&record.pungi_config_dump).into()),
        ("renews", record.renews.map(ComposeId::number).into()),
        ("lifetime", seconds(record.lifetime).into()),
        (
            "request",
            json(
                record
                    .request
                    .as_ref()
                    .map(|it| to_json(OPERATION, it))
                    .transpose(),
            )?,
        ),
        (
            "pins",
            json(record.pins.as_ref().map(|it| to_json(OPERATION, it)).transpose())?,
        ),
    ]);
    Ok(values)
}

fn values_of_requested(requested: &Requested) -> Values {
    vec![
        ("source_type", requested.source_type.into()),
        ("source", requested.source.as_str().into()),
        ("packages", (&requested.packages).into()),
        ("builds", (&requested.builds).into()),
        ("sigkeys", (&requested.sigkeys).into()),
        ("koji_event", requested.koji_event.into()),
        ("modular_koji_tags", (&requested.modular_koji_tags).into()),
        ("module_defaults_url", (&requested.module_defaults_url).into()),
        ("scratch_modules", (&requested.scratch_modules).into()),
        ("scratch_build_tasks", (&requested.scratch_build_tasks).into()),
        ("modules", (&requested.modules).into()),
        ("base_module_br_name", (&requested.base_module_br_name).into()),
        ("base_module_br_stream", (&requested.base_module_br_stream).into()),
        (
            "base_module_br_stream_version_lte",
            requested.base_module_br_stream_version_lte.into(),
        ),
        (
            "base_module_br_stream_version_gte",
            requested.base_module_br_stream_version_gte.into(),
        ),
        ("flags", i64::from(requested.flags.bits()).into()),
        ("results", i64::from(requested.results.bits()).into()),
        ("arches", requested.arches.as_str().into()),
        ("multilib_arches", requested.multilib_arches.as_str().into()),
        ("multilib_method", requested.multilib_method.into()),
        ("lookaside_repos", requested.lookaside_repos.as_str().into()),
        ("label", (&requested.label).into()),
        ("compose_type", (&requested.compose_type).into()),
        ("target_dir", requested.target_dir.as_str().into()),
        (
            "parent_pungi_compose_ids",
            (&requested.parent_pungi_compose_ids).into(),
        ),
        ("respin_of", (&requested.respin_of).into()),
    ]
}

/// A lifetime as its column holds it. Past what the column can hold the year 9999 is long over.
fn seconds(lifetime: Lifetime) -> i64 {
    i64::try_from(lifetime.seconds()).unwrap_or(i64::MAX)
}

/// A document as its column holds it.
pub(crate) fn to_json<T: Serialize>(operation: &'static str, document: &T) -> Result<String> {
    serde_json::to_string(document).map_err(|source| Error::Json { operation, source })
}

/// The statement that inserts a row into a table, for the caller to complete.
pub(crate) fn insert<DB: Dialect>(table: &'static str, values: Values) -> QueryBuilder<DB> {
    let mut statement = QueryBuilder::new("INSERT INTO ");
    statement.push(table).push(" (");
    let mut names = statement.separated(", ");
    for (name, _) in &values {
        names.push(name);
    }
    statement.push(") VALUES (");
    for (position, (_, value)) in values.into_iter().enumerate() {
        if position > 0 {
            statement.push(", ");
        }
        DB::bind(&mut statement, value);
    }
    statement.push(")");
    statement
}

/// A row on its way to be a record: where errors come from.
pub(crate) struct Row<'r, DB: Dialect> {
    /// The row.
    pub(crate) row: &'r DB::Row,
    /// What is being done, for errors.
    pub(crate) operation: &'static str,
    /// The database, for errors.
    pub(crate) database: &'r str,
}

impl<DB: Dialect> Row<'_, DB> {
    /// The record.
    ///
    /// Documents that cannot be read any more, because an older or a newer version wrote them, are left
    /// out with a warning: the record is for ever, what can be made from it is not.
    pub(crate) fn compose(&self) -> Result<Compose> {
        let id = ComposeId::new(self.integer(ComposeId::new(0), "id")?);
        let lifetime = self.integer(id, "lifetime")?;
        let time = |column| {
            self.optional(id, column)
                .map(|it| it.map(Timestamp::from_seconds))
        };
        Ok(Compose {
            id,
            owner: self.text(id, "owner")?,
            state: self.state(id, "state")?,
            state_reason: self.optional_text(id, "state_reason")?,
            times: Times {
                submitted: Timestamp::from_seconds(self.integer(id, "time_submitted")?),
                started: time("time_started")?,
                done: time("time_done")?,
                removed: time("time_removed")?,
                expires: Timestamp::from_seconds(self.integer(id, "time_to_expire")?),
            },
            lifetime: u64::try_from(lifetime)
                .ok()
                .and_then(|seconds| Lifetime::from_seconds(seconds).ok())
                .ok_or_else(|| self.unreadable(id, "lifetime", &lifetime.to_string()))?,
            removed_by: self.optional_text(id, "removed_by")?,
            reused_id: self.optional(id, "reused_id")?.map(ComposeId::new),
            koji_task_id: self.optional(id, "koji_task_id")?,
            pungi_compose_id: self.optional_text(id, "pungi_compose_id")?,
            pungi_config_dump: self.optional_text(id, "pungi_config_dump")?,
            requested: self.requested(id)?,
            request: self.document(id, "request")?,
            pins: self.document(id, "pins")?,
            renews: self.optional(id, "renews")?.map(ComposeId::new),
        })
    }

    fn requested(&self, id: ComposeId) -> Result<Requested> {
        Ok(Requested {
            source_type: self.integer(id, "source_type")?,
            source: self.text(id, "source")?,
            packages: self.optional_text(id, "packages")?,
            builds: self.optional_text(id, "builds")?,
            sigkeys: self.optional_text(id, "sigkeys")?,
            koji_event: self.optional(id, "koji_event")?,
            modular_koji_tags: self.optional_text(id, "modular_koji_tags")?,
            module_defaults_url: self.optional_text(id, "module_defaults_url")?,
            scratch_modules: self.optional_text(id, "scratch_modules")?,
            scratch_build_tasks: self.optional_text(id, "scratch_build_tasks")?,
            modules: self.optional_text(id, "modules")?,
            base_module_br_name: self.optional_text(id, "base_module_br_name")?,
            base_module_br_stream: self.optional_text(id, "base_module_br_stream")?,
            base_module_br_stream_version_lte: self.optional(id, "base_module_br_stream_version_lte")?,
            base_module_br_stream_version_gte: self.optional(id, "base_module_br_stream_version_gte")?,
            flags: self.bits(id, "flags")?.into(),
            results: self.bits(id, "results")?.into(),
            arches: self.text(id, "arches")?,
            multilib_arches: self.text(id, "multilib_arches")?,
            multilib_method: self.integer(id, "multilib_method")?,
            lookaside_repos: self.text(id, "lookaside_repos")?,
            label: self.optional_text(id, "label")?,
            compose_type: self.optional_text(id, "compose_type")?,
            target_dir: self.text(id, "target_dir")?,
            parent_pungi_compose_ids: self.optional_text(id, "parent_pungi_compose_ids")?,
            respin_of: self.optional_text(id, "respin_of")?,
        })
    }

    /// What a column says in JSON. Unlike [`document`](Self::document) this is all that is asked for: if it
    /// cannot be read, nothing is told instead of it.
    pub(crate) fn json<T: DeserializeOwned>(&self, id: ComposeId, column: &'static str) -> Result<T> {
        let text = self.text(id, column)?;
        serde_json::from_str(&text).map_err(|error| {
            self.unreadable(id, column, &format!("no JSON that this version reads ({error})"))
        })
    }

    /// The manifest that a column has, which is all that is asked for, too.
    pub(crate) fn manifest(
        &self,
        id: ComposeId,
        column: &'static str,
        document: Vec<u8>,
    ) -> Result<Manifest> {
        let read = ManifestDocument::from_bytes(document).read();
        read.map_err(|error| self.unreadable(id, column, &format!("no manifest ({error})")))
    }

    fn document<T: DeserializeOwned>(&self, id: ComposeId, column: &'static str) -> Result<Option<T>> {
        let Some(text) = self.optional_text(id, column)? else {
            return Ok(None);
        };
        match serde_json::from_str(&text) {
            Ok(document) => Ok(Some(document)),
            Err(error) => {
                tracing::warn!(compose = %id, column, %error, "cannot be read by this version, left out");
                Ok(None)
            }
        }
    }

    fn bits(&self, id: ComposeId, column: &'static str) -> Result<u32> {
        let bits = self.integer(id, column)?;
        u32::try_from(bits).map_err(|_| self.unreadable(id, column, &bits.to_string()))
    }

    /// A whole number that must be there.
    pub(crate) fn integer(&self, id: ComposeId, column: &'static str) -> Result<i64> {
        self.optional(id, column)?
            .ok_or_else(|| self.unreadable(id, column, "absent"))
    }

    /// A whole number that may be absent.
    pub(crate) fn optional(&self, id: ComposeId, column: &'static str) -> Result<Option<i64>> {
        DB::integer(self.row, column).map_err(|error| self.unreadable(id, column, &error.to_string()))
    }

    fn text(&self, id: ComposeId, column: &'static str) -> Result<String> {
        self.optional_text(id, column)?
            .ok_or_else(|| self.unreadable(id, column, "absent"))
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&self, id: ComposeId, column: &'static str) -> Result<Option<String>> {
        DB::text(self.row, column).map_err(|error| self.unreadable(id, column, &error.to_string()))
    }

    /// Bytes that may be absent.
    pub(crate) fn bytes(&self, id: ComposeId, column: &'static str) -> Result<Option<Vec<u8>>> {
        DB::bytes(self.row, column).map_err(|error| self.unreadable(id, column, &error.to_string()))
    }

    /// A state, in a column of its number.
    pub(crate) fn state(&self, id: ComposeId, column: &'static str) -> Result<ComposeState> {
        let number = self.integer(id, column)?;
        ComposeState::from_number(number).ok_or_else(|| self.unreadable(id, column, &number.to_string()))
    }

    fn unreadable(&self, id: ComposeId, column: &'static str, found: &str) -> Error {
        Error::Record {
            operation: self.operation,
            database: self.database.to_owned(),
            id,
            column,
            found: found.to_owned(),
        }
    }
}
