//! From the bytes of a body to JSON.

use serde_json::Value;

use crate::{Error, Result};

/// The JSON object in the body of a request.
///
/// What the body calls itself does not matter: clients send JSON without a content type, or as a form.
/// A byte order mark is skipped. Of a key that is there twice the last one counts. `max_depth` is how
/// deep lists and objects may be nested, the outermost object included; more than 127 is never taken.
///
/// # Errors
/// `Invalid`, with `body` as its subject: for an empty body, for anything but UTF-8, for what is not
/// JSON (`NaN` and `Infinity` are not), for too deep a nesting and for JSON that is not an object.
///
/// ```
/// use odcs_core::request::parse::body_from_bytes;
/// let body = body_from_bytes(b"{\"seconds_to_live\": 60}", 32)?;
/// assert_eq!(body["seconds_to_live"], 60);
/// assert!(body_from_bytes(b"[[[]]]", 2).is_err());
/// # Ok::<(), odcs_core::Error>(())
/// ```
pub fn body_from_bytes(bytes: &[u8], max_depth: usize) -> Result<Value> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] = bytes {
        return Err(refused(
            "the body should be JSON in UTF-8, it looks like UTF-16 or UTF-32",
        ));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(refused("the body is empty; a JSON object is expected"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let message = format!("the body is not valid UTF-8 at byte {}", error.valid_up_to());
        refused(message).with_source(error)
    })?;
    if depth(text) > max_depth {
        return Err(refused(format!(
            "the body is nested too deeply: {max_depth} levels are allowed"
        )));
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| refused(format!("the body is not valid JSON: {error}")).with_source(error))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(not_an_object(&value))
    }
}

/// The refusal of JSON that is not an object.
pub(super) fn not_an_object(value: &Value) -> Error {
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "another object",
    };
    refused(format!("the body should be a JSON object, it is {what}"))
}

fn refused(message: impl Into<String>) -> Error {
    Error::invalid("body", message)
}

/// How deep brackets are nested, strings left out. Counted before parsing, so that no limit of the
/// parser is what decides; what it says about text that is not JSON does not matter.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        let error = body_from_bytes(bytes, 8).unwrap_err();
        assert_eq!(error.subject(), "body");
        error.to_string()
    }

    #[test]
    fn takes_json_with_or_without_a_mark() {
        assert_eq!(body_from_bytes(b" {} ", 8).unwrap(), serde_json::json!({}));
        let marked = b"\xef\xbb\xbf{\"a\": 1}";
        assert_eq!(body_from_bytes(marked, 8).unwrap(), serde_json::json!({"a": 1}));
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let body = body_from_bytes(br#"{"a": 1, "a": 2}"#, 8).unwrap();
        assert_eq!(body, serde_json::json!({"a": 2}));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(message(b"").contains("empty"));
        assert!(message(b" \n").contains("empty"));
        assert!(message(b"\xef\xbb\xbf").contains("empty"));
        assert!(message(b"\xff\xfe{\0}\0").contains("UTF-8"));
        assert!(message(b"{\0}\0").contains("UTF-8"));
        assert!(message(b"\0{\0}").contains("UTF-8"));
        assert!(message(b"{\"a\":\"\xff\"}").contains("at byte 6"));
        for bad in [
            "{",
            "hello",
            "{\"a\":1} x",
            "{\"a\":NaN}",
            "{\"a\":-Infinity}",
            "{'a':1}",
            "{\"a\":1e999}",
        ] {
            assert!(message(bad.as_bytes()).contains("not valid JSON"), "{bad}");
        }
        for (bad, is) in [
            ("null", "null"),
            ("true", "true or false"),
            ("5", "number"),
            ("\"a\"", "string"),
            ("[1]", "list"),
        ] {
            assert!(message(bad.as_bytes()).contains(is), "{bad}");
        }
    }

    #[test]
    fn nesting_is_limited_before_parsing() {
        assert!(body_from_bytes(br#"{"a": [[]]}"#, 3).is_ok());
        assert!(body_from_bytes(br#"{"a": [[]]}"#, 2).is_err());
        assert!(body_from_bytes(br#"{"a": "[[[[\"[[["}"#, 1).is_ok());
        let deep = [&b"{\"a\":"[..], &[b'['; 1_000_000]].concat();
        assert!(
            body_from_bytes(&deep, 32)
                .unwrap_err()
                .message()
                .contains("nested")
        );
        // The parser's own limit holds where the caller sets none.
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        assert!(body_from_bytes(deep.as_bytes(), usize::MAX).is_err());
    }
}
