//! Events: the hub's clock.

use super::args::Args;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::{Event, Life};
use crate::value::row;

impl Calls<'_> {
    pub(super) fn last_event(&self, args: &Args) -> Answer {
        let before = match args.get("before") {
            Value::Nil => f64::INFINITY,
            Value::Double(before) => *before,
            Value::Int(before) => *before as f64,
            other => return Err(invalid_number(other, "float")),
        };
        let events = self.state.events.iter().filter(|event| event.ts < before);
        match events.max_by_key(|event| event.id) {
            Some(event) => Ok(of(event)),
            None if args.flag("strict", true) => Err(Fault::generic("query returned no rows")),
            None => Ok(Value::Nil),
        }
    }

    pub(super) fn event(&self, args: &Args) -> Answer {
        let id = match args.get("id") {
            Value::Int(id) => *id,
            Value::Str(text) if text.parse::<i64>().is_ok() => text.parse().unwrap(),
            other => return Err(invalid_number(other, "int")),
        };
        let event = self.state.event(id);
        event
            .map(of)
            .ok_or_else(|| Fault::generic("query returned no rows"))
    }

    /// Whether a row that says something about a tag began or ended after an event. Signatures are no such rows.
    pub(super) fn tag_changed(&self, args: &Args) -> Answer {
        let tags = match args.get("taglist") {
            Value::Array(tags) if !tags.is_empty() => tags,
            Value::Array(_) => return Err(syntax_error("()", ")")),
            other => return Err(syntax_error(&other.repr(), &other.repr())),
        };
        let Value::Int(event) = args.get("event") else {
            let event = args.get("event").repr();
            let what = format!(
                "<class 'psycopg2.errors.InvalidTextRepresentation'>: invalid input syntax for type integer: \
                 \"{0}\"\nLINE 6:    AND (update_event > '{0}')\n                               ^\n",
                event.trim_matches('\'')
            );
            return Err(Fault::uncaught(what));
        };
        let asked = |tag: i64| tags.contains(&Value::Int(tag));
        let state = self.state;
        let changed = |tag: i64, life: &Life| asked(tag) && life.changed_since(*event);
        let is_changed = state
            .tag_updates
            .iter()
            .any(|update| asked(update.tag_id) && update.update_event > *event)
            || state.tag_listing.iter().any(|row| changed(row.tag_id, &row.life))
            || state
                .tag_inheritance
                .iter()
                .any(|row| changed(row.tag_id, &row.life))
            || state.tag_config.iter().any(|row| changed(row.tag_id, &row.life))
            || state
                .tag_packages
                .iter()
                .any(|row| changed(row.tag_id, &row.life))
            || state.tag_extra.iter().any(|row| changed(row.tag_id, &row.life))
            || state
                .tag_external_repos
                .iter()
                .any(|row| changed(row.tag_id, &row.life))
            || state
                .group_config
                .iter()
                .any(|row| changed(row.tag_id, &row.life))
            || state
                .group_package_listing
                .iter()
                .any(|row| changed(row.tag_id, &row.life));
        Ok(Value::Bool(is_changed))
    }
}

fn of(event: &Event) -> Value {
    row([("id", event.id.into()), ("ts", event.ts.into())])
}

fn invalid_number(value: &Value, expected: &str) -> Fault {
    Fault::parameter(format!(
        "Invalid type for value {}: <class '{}'>, expected type <class '{expected}'>",
        value.repr(),
        value.python_type()
    ))
}

/// What the database says to a list of tags that is none.
fn syntax_error(list: &str, near: &str) -> Fault {
    let line = format!("LINE 5:  WHERE (tag_id IN {list})");
    let column =
        line.rfind(&format!(" {list}")).unwrap_or_default() + list.find(near).unwrap_or_default() + 1;
    Fault::uncaught(format!(
        "<class 'psycopg2.errors.SyntaxError'>: syntax error at or near \"{near}\"\n{line}\n{:column$}^\n",
        ""
    ))
}
