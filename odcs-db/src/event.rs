//! The columns of an event: what is written to them, and how a row becomes an [`Event`] again.

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId, ComposeState};
use odcs_core::event::{Event, EventId};

use crate::dialect::{Dialect, Value};
use crate::error::Result;
use crate::record::{Row, Values, to_json};

/// The columns of an event: the record as it is after the change, and the state before.
pub(crate) fn values_of_event(
    at: Timestamp,
    from: Option<ComposeState>,
    compose: &Compose,
) -> Result<Values> {
    Ok(vec![
        ("compose_id", compose.id.number().into()),
        ("at", at.seconds().into()),
        ("from_state", from.map(ComposeState::number).into()),
        ("record", Value::Text(Some(to_json("record event", compose)?))),
    ])
}

impl<DB: Dialect> Row<'_, DB> {
    /// The event. One that cannot be read is an error: leaving it out would lose it for those who listen.
    pub(crate) fn event(&self) -> Result<Event> {
        let id = ComposeId::new(self.integer(ComposeId::new(0), "compose_id")?);
        let from = self.optional(id, "from_state")?;
        Ok(Event {
            id: EventId::new(self.integer(id, "id")?),
            at: Timestamp::from_seconds(self.integer(id, "at")?),
            from: from.map(|_| self.state(id, "from_state")).transpose()?,
            compose: self.json(id, "record")?,
        })
    }
}
