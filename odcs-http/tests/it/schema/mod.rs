//! A checker for the part of JSON Schema that the OpenAPI document uses. It knows no keyword that it does not
//! look at, and is stricter in one thing: an object may have no properties but those that are described.

use std::collections::BTreeSet;

use serde_json::Value;

pub struct Checker<'a> {
    document: &'a Value,
}

/// Keywords that say nothing about what is valid.
const NOTES: [&str; 6] = ["description", "example", "examples", "default", "title", "format"];

pub fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

impl<'a> Checker<'a> {
    pub fn new(document: &'a Value) -> Self {
        Self { document }
    }

    pub fn assert_valid(&self, schema: &Value, value: &Value, what: &str) {
        if let Err(error) = self.check(schema, value) {
            panic!("{what}: {error}\n{value:#}");
        }
    }

    /// Every `$ref` leads somewhere.
    pub fn assert_references(&self) {
        fn walk(checker: &Checker<'_>, value: &Value) {
            match value {
                Value::Object(object) => {
                    if let Some(Value::String(reference)) = object.get("$ref") {
                        checker.referred(reference);
                    }
                    object.values().for_each(|value| walk(checker, value));
                }
                Value::Array(list) => list.iter().for_each(|value| walk(checker, value)),
                _ => {}
            }
        }
        walk(self, self.document);
    }

    fn referred(&self, reference: &str) -> &'a Value {
        let path = reference.strip_prefix('#').unwrap();
        self.document
            .pointer(path)
            .unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let allowed = self.properties(schema);
        self.validate(schema, value)?;
        match (allowed, value) {
            (Some(allowed), Value::Object(object)) => {
                let extra = object.keys().find(|key| !allowed.contains(*key));
                extra.map_or(Ok(()), |key| Err(format!("{key:?} is not described")))
            }
            _ => Ok(()),
        }
    }

    /// The properties that a schema describes, in all of its parts; `None` if it takes any.
    fn properties(&self, schema: &Value) -> Option<BTreeSet<String>> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.properties(self.referred(reference));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let all = parts.iter().filter_map(|part| self.properties(part));
            return Some(all.flatten().collect());
        }
        schema["properties"]
            .is_object()
            .then(|| keys(&schema["properties"]))
    }

    fn validate(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let object = schema.as_object().ok_or("there is no schema")?;
        for (keyword, wanted) in object {
            match keyword.as_str() {
                "$ref" => self.check(self.referred(wanted.as_str().unwrap()), value)?,
                // Each part knows its own properties only.
                "allOf" => {
                    for part in wanted.as_array().unwrap() {
                        let part = part["$ref"]
                            .as_str()
                            .map_or(part, |reference| self.referred(reference));
                        self.validate(part, value)?;
                    }
                }
                "oneOf" => {
                    let fitting = wanted.as_array().unwrap().iter();
                    let fitting = fitting.filter(|schema| self.check(schema, value).is_ok()).count();
                    if fitting != 1 {
                        return Err(format!("{value} fits {fitting} of {wanted}"));
                    }
                }
                "type" => {
                    let types = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                    if !types.iter().any(|name| is_of(value, name.as_str().unwrap())) {
                        return Err(format!("{value} is not of type {wanted}"));
                    }
                }
                "enum" => {
                    if !wanted.as_array().unwrap().contains(value) {
                        return Err(format!("{value} is none of {wanted}"));
                    }
                }
                "minimum" | "maximum" => {
                    let (Some(number), Some(limit)) = (value.as_f64(), wanted.as_f64()) else {
                        continue;
                    };
                    let fits = if keyword == "minimum" {
                        number >= limit
                    } else {
                        number <= limit
                    };
                    if !fits {
                        return Err(format!("{value} is beyond the {keyword} {wanted}"));
                    }
                }
                "required" => {
                    let missing = wanted.as_array().unwrap().iter();
                    let mut missing = missing.filter(|name| value.get(name.as_str().unwrap()).is_none());
                    if value.is_object()
                        && let Some(name) = missing.next()
                    {
                        return Err(format!("{name} is missing"));
                    }
                }
                "properties" => {
                    for (name, schema) in wanted.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            self.check(schema, value)
                                .map_err(|error| format!("{name}: {error}"))?;
                        }
                    }
                }
                "items" => {
                    for (at, value) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, value)
                            .map_err(|error| format!("[{at}]: {error}"))?;
                    }
                }
                "additionalProperties" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        self.check(wanted, value)
                            .map_err(|error| format!("{name}: {error}"))?;
                    }
                }
                "propertyNames" => {}
                note if NOTES.contains(&note) => {}
                other => panic!("the keyword {other} is not known here"),
            }
        }
        Ok(())
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}
