//! One test for each rule of the parser.

mod shape;
mod source;
mod stored;
mod values;

use serde_json::json;

use super::*;

/// A tag compose with something changed: beside `source`, or in it.
fn with(beside: Value, within: Value) -> Value {
    let mut body = json!({"source": {"type": "tag", "source": "f36"}});
    let add = |object: &mut Value, fields: Value| {
        let object = object.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
    };
    add(&mut body["source"], within);
    add(&mut body, beside);
    body
}

fn beside(fields: Value) -> Value {
    with(fields, json!({}))
}

fn within(fields: Value) -> Value {
    with(json!({}), fields)
}

fn accept(body: &Value) -> ComposeRequest {
    compose_request(body, &[]).unwrap().request
}

fn warnings(body: &Value) -> Vec<String> {
    compose_request(body, &[]).unwrap().warnings
}

/// The field at fault and the sentence, which must name it.
fn refuse(body: &Value) -> (String, String) {
    let error = compose_request(body, &[]).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    let (field, message) = (error.subject().to_owned(), error.message().to_owned());
    assert!(message.contains(&field), "{field}: {message}");
    (field, message)
}
