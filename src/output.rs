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

/// JSON as the reference's client prints it: four spaces, sorted keys.
pub(crate) fn json(value: &Value) {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    if serde::Serialize::serialize(value, &mut serializer).is_ok() {
        line(&String::from_utf8_lossy(&bytes));
    }
}

/// A compose for people: what matters of it, one fact a line.
pub(crate) fn compose(value: &Value) {
    let text = |key: &str| match &value[key] {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) if !items.is_empty() => Some(
            items
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        ),
        _ => None,
    };
    line(&format!(
        "compose {} is {}",
        value["id"],
        value["state_name"].as_str().unwrap_or("unknown")
    ));
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
    for (key, name) in facts {
        if let Some(fact) = text(key) {
            line(&format!("  {name:<12} {fact}"));
        }
    }
}

/// One line of a list of composes.
pub(crate) fn compose_row(value: &Value) {
    let text = |key: &str| value[key].as_str().unwrap_or("-").to_owned();
    let (state, time) = (text("state_name"), text("time_submitted"));
    let packages = value["packages"]
        .as_str()
        .filter(|packages| !packages.is_empty())
        .unwrap_or("(all)");
    line(&format!(
        "{:>6}  {state:<10}  {time}  {}  {packages}",
        value["id"].to_string(),
        text("source")
    ));
}
