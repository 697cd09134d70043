//! The body of a request to renew a compose.

use serde_json::{Map, Value};

use super::{Parsed, body, dry_run, read, shape, warnings};
use crate::request::Renewal;
use crate::{Error, Result};

const WITHIN_SOURCE: [&str; 2] = ["builds", "modules"];
const BESIDE_SOURCE: [&str; 5] = ["source", "seconds_to_live", "seconds-to-live", "sigkeys", "label"];

/// Reads the body of a request to renew a compose: `{"seconds_to_live": 3600, "sigkeys": ["123"],
/// "label": "RC-1.0", "source": {"builds": [], "modules": []}}`, all of it optional.
///
/// Clients may send no body at all; that is `Renewal::default()`, and the caller's to see.
///
/// # Errors
/// As [`compose_request`](super::compose_request).
///
/// ```
/// use odcs_core::request::parse::renewal_request;
/// use serde_json::json;
/// let parsed = renewal_request(&json!({"seconds-to-live": "3600", "arches": ["x86_64"]}))?;
/// assert_eq!(parsed.request.lifetime.map(|lifetime| lifetime.seconds()), Some(3600));
/// assert_eq!(parsed.warnings, ["\"arches\" has no effect on a renewal"]);
/// # Ok::<(), odcs_core::Error>(())
/// ```
pub fn renewal_request(body: &Value) -> Result<Parsed<Renewal>> {
    let top = body.as_object().ok_or_else(|| body::not_an_object(body))?;
    let none = Map::new();
    let source = match top.get("source") {
        None => &none,
        Some(Value::Object(source)) => source,
        Some(_) => {
            let message = "\"source\" should be an object such as {\"builds\": [\"ed-1.14.1-2.fc36\"]}";
            return Err(Error::invalid("source", message));
        }
    };
    dry_run::refuse([top, source])?;
    shape::check(source, None)?;
    shape::check(top, Some("source"))?;
    for (fields, known) in [(source, &WITHIN_SOURCE[..]), (top, &BESIDE_SOURCE)] {
        shape::check_ignored(fields, known)?;
    }
    let lifetime = read::lifetime(top)?;
    let sigkeys = read::sigkeys(top)?;
    let request = Renewal {
        lifetime,
        sigkeys: sigkeys.keys,
        arch_sigkeys: sigkeys.of_arches,
        label: read::parsed(top, "label")?,
        builds: read::list(source, "builds")?,
        modules: read::list(source, "modules")?,
    };
    let within = keys_besides(source, &WITHIN_SOURCE).map(|key| {
        format!(
            "{} within \"source\" has no effect on a renewal",
            shape::quoted(key)
        )
    });
    let beside = keys_besides(top, &BESIDE_SOURCE)
        .map(|key| format!("{} has no effect on a renewal", shape::quoted(key)));
    let warnings = warnings::limited(within.chain(beside).collect());
    Ok(Parsed { request, warnings })
}

fn keys_besides<'a>(object: &'a Map<String, Value>, known: &'a [&str]) -> impl Iterator<Item = &'a String> {
    object.keys().filter(|key| !known.contains(&key.as_str()))
}
