//! What type each field of a request has in JSON, and which fields of a body have another.

use serde_json::Value;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Text,
    Texts,
    Integer,
    Seconds,
}

const FIELDS: [(&str, Shape); 29] = [
    ("type", Shape::Text),
    ("source_type", Shape::Text),
    ("packages", Shape::Texts),
    ("builds", Shape::Texts),
    ("sigkeys", Shape::Texts),
    ("koji_event", Shape::Integer),
    ("modular_koji_tags", Shape::Texts),
    ("module_defaults_url", Shape::Text),
    ("module_defaults_commit", Shape::Text),
    ("scratch_modules", Shape::Texts),
    ("scratch_build_tasks", Shape::Texts),
    ("modules", Shape::Texts),
    ("base_module_br_name", Shape::Text),
    ("base_module_br_stream", Shape::Text),
    ("base_module_br_stream_version_lte", Shape::Integer),
    ("base_module_br_stream_version_gte", Shape::Integer),
    ("seconds_to_live", Shape::Seconds),
    ("seconds-to-live", Shape::Seconds),
    ("flags", Shape::Texts),
    ("results", Shape::Texts),
    ("arches", Shape::Texts),
    ("multilib_arches", Shape::Texts),
    ("multilib_method", Shape::Texts),
    ("lookaside_repos", Shape::Texts),
    ("label", Shape::Text),
    ("compose_type", Shape::Text),
    ("target_dir", Shape::Text),
    ("parent_pungi_compose_ids", Shape::Texts),
    ("respin_of", Shape::Text),
];

/// The fields of a body whose values have another type than theirs, by name.
pub fn wrong(body: &Value) -> Vec<String> {
    let Some(top) = body.as_object() else {
        return vec!["body".to_owned()];
    };
    let within = top.get("source").and_then(Value::as_object);
    let all = top.iter().chain(within.into_iter().flatten());
    let flat = top.contains_key("source_type") && !top.get("source").is_some_and(Value::is_object);
    let mut names: Vec<_> = all
        .filter(|(name, _)| flat || *name != "source_type")
        .filter_map(|(name, value)| {
            let (_, shape) = FIELDS.iter().find(|(known, _)| known == name)?;
            (!fits(*shape, value)).then(|| name.clone())
        })
        .collect();
    let source = match top.get("source") {
        Some(Value::Object(source)) => source.get("source").is_none_or(Value::is_string),
        Some(Value::String(_)) => flat,
        Some(_) => false,
        None => true,
    };
    if !source {
        names.push("source".to_owned());
    }
    names
}

fn fits(shape: Shape, value: &Value) -> bool {
    match shape {
        Shape::Text => value.is_string(),
        Shape::Texts => value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_string)),
        Shape::Integer => value.is_i64(),
        Shape::Seconds => {
            value.is_i64()
                || value
                    .as_str()
                    .is_some_and(|text| text.trim().parse::<i64>().is_ok())
        }
    }
}
