//! The configuration in effect, for people and programs.

use std::fmt::Write;

use serde_json::{Map, json};
use toml::Value;

use super::Loaded;
use super::keys::KEYS;

/// As TOML that can be used as a configuration file; each value's origin is a comment.
pub(crate) fn toml(loaded: &Loaded) -> String {
    let mut text = match &loaded.file {
        Some(file) => format!("# The configuration in effect, with {}.\n", file.display()),
        None => "# The configuration in effect, without a file.\n".to_owned(),
    };
    let mut tables = String::new();
    for key in KEYS {
        let (name, origin) = (key.name, loaded.origins.of(key.name));
        // Writing to a text cannot fail.
        let _ = match loaded.configuration.value(key) {
            Some(Value::Table(table)) => {
                let _ = writeln!(tables, "\n[{name}]  # {origin}");
                table.iter().try_for_each(|(entry, value)| {
                    let line = Value::String(entry.clone());
                    writeln!(tables, "{line} = {value}")
                })
            }
            Some(value) => writeln!(text, "{name} = {value}  # {origin}"),
            None => writeln!(text, "# {name} is known when the port is  # {origin}"),
        };
    }
    text + &tables
}

/// As JSON: for each key its value and its origin.
pub(crate) fn json(loaded: &Loaded) -> serde_json::Value {
    let values: Map<String, serde_json::Value> = KEYS
        .iter()
        .map(|key| {
            let value = loaded.configuration.value(key);
            let origin = loaded.origins.of(key.name).to_string();
            (key.name.to_owned(), json!({"value": value, "origin": origin}))
        })
        .collect();
    values.into()
}
