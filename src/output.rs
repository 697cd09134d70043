//! Writing to the terminal: the only place that does.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::ClientOptions;

/// Whether answers are printed as JSON: when asked for, and when a program is reading.
pub(crate) fn wants_json(options: &ClientOptions) -> bool {
    options.json || !std::io::stdout().is_terminal()
}

/// One line on standard output. A reader that went away is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A message on standard error, and the exit code 1.
pub(crate) fn failure(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "odcs: {message}");
    ExitCode::from(1)
}

/// A remark on standard error.
pub(crate) fn warning(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "odcs: warning: {message}");
}

/// JSON as the reference's client prints it: four spaces, sorted keys.
pub(crate) fn json(value: &Value) {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    if serde::Serialize::serialize(value, &mut serializer).is_ok() {
        line(&String::from_utf8_lossy(&bytes));
    }
}

/// A field of an answer as text; nothing if it is absent, or of another type.
pub(crate) fn text<'a>(answer: &'a Value, field: &str) -> Option<&'a str> {
    answer.get(field).and_then(Value::as_str)
}

/// The id of a compose.
pub(crate) fn id(compose: &Value) -> i64 {
    compose.get("id").and_then(Value::as_i64).unwrap_or_default()
}

/// The items of a list in an answer.
pub(crate) fn items<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer
        .get(field)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A compose for people: what matters of it, one fact a line.
pub(crate) fn compose(compose: &Value) {
    let state = text(compose, "state_name").unwrap_or_default();
    let how = match state {
        "wait" => "waits",
        "generating" => "is being made",
        "done" => "is done",
        "removed" => "is removed",
        "failed" => "has failed",
        other => other,
    };
    line(&format!("compose {} {how}", id(compose)));
    let facts = [
        ("state_reason", "reason"),
        ("source", "source"),
        ("packages", "packages"),
        ("arches", "arches"),
        ("sigkeys", "signed with"),
        ("flags", "flags"),
        ("owner", "owner"),
        ("time_submitted", "submitted"),
        ("time_to_expire", "expires"),
        ("result_repofile", "repo file"),
    ];
    for (field, name) in facts {
        if field == "result_repofile" && matches!(state, "failed" | "removed") {
            // There is none.
            continue;
        }
        let fact = match text(compose, field) {
            Some(text) => text.to_owned(),
            None => items(compose, field)
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        };
        if !fact.is_empty() {
            line(&format!("  {name:<12} {fact}"));
        }
    }
}

/// One line of a list of composes.
pub(crate) fn compose_row(compose: &Value) {
    let field = |name| text(compose, name).filter(|text| !text.is_empty());
    let (state, time) = (
        field("state_name").unwrap_or("-"),
        field("time_submitted").unwrap_or("-"),
    );
    let (source, packages) = (
        field("source").unwrap_or("-"),
        field("packages").unwrap_or("(all)"),
    );
    line(&format!(
        "{:>6}  {state:<10}  {time}  {source}  {packages}",
        id(compose)
    ));
}
