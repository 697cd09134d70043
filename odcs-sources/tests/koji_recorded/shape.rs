//! The shapes that recordings are described by: types instead of values.

use odcs_sources::koji::client::xmlrpc::Value;
use serde_json::Value as Json;

/// What in a value is not as its shape says.
pub(crate) fn differs(shape: &Json, value: &Value, path: &str) -> Option<String> {
    match shape {
        Json::String(types) => {
            let found = type_name(value);
            let is_one = types.split('|').any(|expected| match expected {
                // What is too deep to be described any further.
                "struct" => found == "dict",
                expected => found == expected,
            });
            (!is_one).then(|| format!("{path} is {found}, not {types}"))
        }
        Json::Array(items) => {
            let Some(values) = value.as_array() else {
                return Some(format!("{path} is {}, not an array", value.kind()));
            };
            if let [Json::String(all)] = &**items
                && let Some((types, count)) = all.rsplit_once(" x ")
            {
                let count: usize = count.parse().unwrap();
                if values.len() != count {
                    return Some(format!("{path} has {} items, not {count}", values.len()));
                }
                let types = Json::from(types);
                return values.iter().find_map(|value| differs(&types, value, path));
            }
            let (items, count) = match items.split_last() {
                Some((Json::String(last), items)) if last.starts_with("... ") => {
                    let count = last.trim_start_matches("... ").trim_end_matches(" items");
                    (items, count.parse().unwrap())
                }
                _ => (&**items, items.len()),
            };
            if values.len() != count {
                return Some(format!("{path} has {} items, not {count}", values.len()));
            }
            let mut pairs = items.iter().zip(values).enumerate();
            pairs.find_map(|(index, (shape, value))| differs(shape, value, &format!("{path}[{index}]")))
        }
        Json::Object(members) => {
            let Some(found) = value.as_struct() else {
                return Some(format!("{path} is {}, not a struct", value.kind()));
            };
            if let Some(unknown) = found.0.keys().find(|name| !members.contains_key(&***name)) {
                return Some(format!("{path} has {unknown}"));
            }
            members.iter().find_map(|(name, shape)| match found.get(name) {
                None => Some(format!("{path} has no {name}")),
                Some(value) => differs(shape, value, &format!("{path}.{name}")),
            })
        }
        other => Some(format!("{path}: {other} is no shape")),
    }
}

/// What Python calls it.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Double(_) => "float",
        Value::String(_) => "str",
        Value::DateTime(_) => "DateTime",
        Value::Bytes(_) => "Binary",
        Value::Array(_) => "list",
        Value::Struct(_) => "dict",
    }
}
