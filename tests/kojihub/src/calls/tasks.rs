//! Tasks and what came of them.

use super::args::Args;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::{Task, seconds};
use crate::value::row;
use crate::xml;

/// States of tasks that have ended.
const CLOSED: i64 = 2;
const CANCELED: i64 = 3;
const FAILED: i64 = 5;

impl Calls<'_> {
    pub(super) fn task_info(&self, args: &Args) -> Answer {
        let with_request = args.flag("request", false);
        let one = |id: &Value| match self.task(id) {
            Some(task) => Ok(of(task, with_request)),
            None if args.flag("strict", false) => Err(Fault::generic("query returned no rows")),
            None => Ok(Value::Nil),
        };
        match args.get("task_id") {
            Value::Array(ids) => Ok(Value::Array(ids.iter().map(one).collect::<Result<_, _>>()?)),
            id => one(id),
        }
    }

    pub(super) fn task_children(&self, args: &Args) -> Answer {
        let parent = args.get("task_id").as_int();
        let with_request = args.flag("request", false);
        let children = self.state.task.iter();
        let rows = children
            .filter(|task| task.parent.is_some() && task.parent == parent)
            .map(|task| of(task, with_request));
        Ok(Value::Array(rows.collect()))
    }

    pub(super) fn task_result(&self, args: &Args) -> Answer {
        let id = args.get("taskId");
        let Some(task) = self.task(id) else {
            return Err(Fault::generic(format!("No such task: {}", id.repr())));
        };
        let result = task.result.as_deref().map(|result| xml::read(result.as_bytes()));
        let document = match (task.state, result) {
            (CLOSED | FAILED, Some(Ok(document))) => document,
            (CANCELED, _) => return Err(Fault::generic(format!("Task {} is canceled", task.id))),
            _ => return Err(Fault::generic(format!("Task {} is not finished", task.id))),
        };
        match document.fault {
            None => Ok(document.params.into_iter().next().unwrap_or(Value::Nil)),
            Some(fault) if !args.flag("raise_fault", true) => Ok(fault),
            Some(fault) => Err(Fault {
                code: fault.get("faultCode").and_then(Value::as_int).unwrap_or(1),
                text: fault
                    .get("faultString")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            }),
        }
    }

    fn task(&self, id: &Value) -> Option<&Task> {
        self.state.task.iter().find(|task| Some(task.id) == id.as_int())
    }
}

fn of(task: &Task, with_request: bool) -> Value {
    let ts = |time: &Option<String>| Value::from(time.as_ref().map(|time| seconds(time)));
    let Value::Struct(mut members) = row([
        ("arch", task.arch.clone().into()),
        ("awaited", task.awaited.into()),
        ("channel_id", task.channel_id.into()),
        ("completion_time", task.completion_time.clone().into()),
        ("completion_ts", ts(&task.completion_time)),
        ("create_time", task.create_time.clone().into()),
        ("create_ts", ts(&task.create_time)),
        ("host_id", task.host_id.into()),
        ("id", task.id.into()),
        ("label", task.label.clone().into()),
        ("method", (&task.method).into()),
        ("owner", task.owner.into()),
        ("parent", task.parent.into()),
        ("priority", task.priority.into()),
        ("start_time", task.start_time.clone().into()),
        ("start_ts", ts(&task.start_time)),
        ("state", task.state.into()),
        ("waiting", task.waiting.into()),
        ("weight", task.weight.into()),
    ]) else {
        return Value::Nil;
    };
    if with_request {
        let request = task
            .request
            .as_deref()
            .map(|request| xml::read(request.as_bytes()));
        let params = request.and_then(Result::ok).map(|document| document.params);
        members.push(("request".to_owned(), params.into()));
    }
    Value::Struct(members)
}
