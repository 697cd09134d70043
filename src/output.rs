//! Writing to the terminal: the only place that does.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use serde_json::Value;

use crate::cli::ClientOptions;

/// Whether answers are printed as JSON: when asked for, and when a program is reading.
pub(crate) fn wants_json(options: &ClientOptions) -> bool {
    options.json || !std::io::stdout().is_terminal()
}

/// Why something could not be written to standard output.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Why not all of it is on standard output. That nobody wants to read on is no reason; a full disk is.
pub(crate) fn unwritten() -> Option<&'static str> {
    UNWRITTEN.get().map(String::as_str)
}

/// One line on standard output.
pub(crate) fn line(text: &str) {
    bytes(format!("{text}\n").as_bytes());
}

/// Bytes as they are on standard output; on a terminal without what would steer it. False if they did not
/// get there, and no more will.
pub(crate) fn bytes(bytes: &[u8]) -> bool {
    let mut out = std::io::stdout().lock();
    let written = if out.is_terminal() {
        out.write_all(harmless(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        out.write_all(bytes)
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                UNWRITTEN.get_or_init(|| error.to_string());
            }
            false
        }
    }
}

/// A part of a log on standard error.
pub(crate) fn log(bytes: &[u8]) {
    let mut error = std::io::stderr().lock();
    let _ = error.write_all(harmless(&String::from_utf8_lossy(bytes)).as_bytes());
}

/// A message on standard error, and the exit code 1.
pub(crate) fn failure(message: &str) -> ExitCode {
    remark(message);
    ExitCode::from(1)
}

/// A warning on standard error.
pub(crate) fn warning(message: &str) {
    remark(&format!("warning: {message}"));
}

/// A remark on standard error.
pub(crate) fn remark(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "odcs: {}", harmless(message));
}

/// A text without control characters but ends of lines and tabs: what servers and packages say must not
/// steer a terminal.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(steers) {
        text.replace(steers, "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// JSON as the reference's client prints it: four spaces, sorted keys.
pub(crate) fn json(value: &Value) {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    let mut value = value.clone();
    // Which is their order anyway unless some library asks serde_json to keep them as they came.
    value.sort_all_objects();
    if serde::Serialize::serialize(&value, &mut serializer).is_ok() {
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

/// Lines of columns, each as wide as its widest cell; a long last one does not widen anything.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) {
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(harmless("a\tb\nc é"), "a\tb\nc é");
        assert_eq!(harmless("\u{1b}[2J\u{9b}x\r"), "\u{fffd}[2J\u{fffd}x\u{fffd}");
    }
}
