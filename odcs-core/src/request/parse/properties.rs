//! Properties: whatever is sent, nothing panics, and what is accepted survives storage.

use proptest::prelude::*;
use serde_json::json;

use super::shape::Place;
use super::*;
use crate::compose::Requested;
use crate::request::KeyOrUnsigned;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-z0-9:#/ .-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

/// Fields of the API with values that may fit.
fn likely_field() -> impl Strategy<Value = (String, Value)> {
    let texts = |text: &'static str| prop::collection::vec(text, 0..4).prop_map(|list| json!(list));
    prop_oneof![
        (
            prop::sample::select(vec!["packages", "modules", "sigkeys", "foo", "source"]),
            any_json()
        )
            .prop_map(|(name, value)| (name.to_owned(), value)),
        texts("[a-zé*+()&<-]{1,8}").prop_map(|value| ("packages".to_owned(), value)),
        texts("[a-z]{1,4}-[0-9.]{1,4}-[0-9]").prop_map(|value| ("builds".to_owned(), value)),
        texts("[0-9a-fA-F]{0,16}").prop_map(|value| ("sigkeys".to_owned(), value)),
        prop::collection::btree_map("x86_64|s390x|\\*|vax", texts("[0-9a-f]{8}"), 0..3)
            .prop_map(|lists| ("sigkeys".to_owned(), json!(lists))),
        texts("[a-z]{1,4}-[0-9.]{1,4}-[0-9]").prop_map(|value| ("embargo".to_owned(), value)),
        "[a-z.-]{0,6}".prop_map(|value| ("embargo".to_owned(), json!(value))),
        texts("x86_64|s390x|i386|vax").prop_map(|value| ("arches".to_owned(), value)),
        texts("no_deps|no_label|no_flags|check_deps").prop_map(|value| ("flags".to_owned(), value)),
        texts("iso|boot.iso").prop_map(|value| ("results".to_owned(), value)),
        texts("HTTP://[a-z]{1,5}(/\\$arch)?(\\?x=1)?")
            .prop_map(|value| ("lookaside_repos".to_owned(), value)),
        "[a-z.-]{0,6}".prop_map(|value| ("label".to_owned(), json!(value))),
        "[a-z.-]{0,6}".prop_map(|value| ("respin_of".to_owned(), json!(value))),
        any::<u32>().prop_map(|value| ("seconds-to-live".to_owned(), json!(value))),
        any::<i64>().prop_map(|value| ("koji_event".to_owned(), json!(value))),
    ]
}

fn likely_body() -> impl Strategy<Value = Value> {
    let source = prop_oneof![
        Just(("tag", "f36 f37")),
        Just(("repo", "HTTP://example.com")),
        Just(("pungi_compose", "http://Example.com/a?b")),
        Just(("raw_config", "cfg#main")),
        Just(("module", "a:1 b:2:3:c")),
        Just(("build", "any words")),
        Just(("pulp", "a b")),
    ];
    let fields = prop::collection::vec(likely_field(), 0..6);
    let defaults = prop::option::of("git://[a-z]{1,5}(\\?x)?");
    (source, fields, defaults).prop_map(|((kind, source), fields, defaults)| {
        let mut body = json!({"source_type": kind, "source": source});
        let object = body.as_object_mut().unwrap();
        object.extend(fields);
        if let Some(url) = defaults {
            object.insert("module_defaults_url".to_owned(), json!(url));
            object.insert("module_defaults_commit".to_owned(), json!("main"));
        }
        body
    })
}

/// What the words of a record cannot tell apart: no keys, an empty list of them, and "unsigned" alone. How
/// long the compose is kept is not among them, nor are keys of single arches and embargoes.
fn as_words_say(mut request: ComposeRequest) -> ComposeRequest {
    request.lifetime = None;
    request.arch_sigkeys.clear();
    request.embargo = None;
    if matches!(request.sigkeys(), [] | [KeyOrUnsigned::Unsigned]) {
        request.sigkeys = Some(Vec::new());
    }
    request
}

proptest! {
    #[test]
    fn no_json_panics(body in any_json(), nested in any_json()) {
        let _ = compose_request(&body, &[]);
        let _ = renewal_request(&body);
        let _ = compose_request(&json!({"source": body, "flags": nested}), &[]);
        let _ = compose_request(&json!({"source": {"type": "tag", "source": "x", "foo": body}, "bar": nested}), &[]);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[{\"a:,}\\]\\\\]{0,40}") {
        let _ = body_from_bytes(&bytes, 4);
        let _ = body_from_bytes(text.as_bytes(), 4);
    }

    #[test]
    fn accepted_requests_survive_storage(body in likely_body()) {
        if let Ok(parsed) = compose_request(&body, &[]) {
            let stored = serde_json::to_string(&parsed.request).unwrap();
            let back: ComposeRequest = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(back, parsed.request);
        }
    }

    #[test]
    fn a_record_means_the_request_it_was_made_of(body in likely_body()) {
        if let Ok(parsed) = compose_request(&body, &[]) {
            let mut request = parsed.request;
            if request.arches.is_empty() {
                request.arches = vec!["x86_64".parse().unwrap()];
            }
            let words = Requested::from_request(&request);
            let back = words.to_request().unwrap();
            prop_assert_eq!(Requested::from_request(&back), words);
            prop_assert_eq!(back, as_words_say(request));
        }
    }

    #[test]
    fn no_record_panics(texts in prop::collection::vec(prop::option::of(".{0,20}"), 8), number in any::<i64>()) {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().flatten();
        let record = Requested {
            source_type: number % 9,
            source: text().unwrap_or_default(),
            packages: text(),
            sigkeys: text(),
            koji_event: Some(number),
            module_defaults_url: text(),
            arches: text().unwrap_or_default(),
            lookaside_repos: text().unwrap_or_default(),
            label: text(),
            multilib_method: number,
            target_dir: text().unwrap_or_default(),
            ..Requested::default()
        };
        let _ = record.to_request();
    }

    #[test]
    fn both_forms_mean_the_same(body in likely_body()) {
        let mut nested = json!({"source": {}});
        for (key, value) in body.as_object().unwrap() {
            let key = if key == "source_type" { "type" } else { key };
            match shape::find(key) {
                Some(field) if field.place == Place::Source => nested["source"][key] = value.clone(),
                _ => nested[key] = value.clone(),
            }
        }
        // Only a source that is an object makes the difference.
        prop_assume!(!body["source"].is_object());
        match (compose_request(&body, &[]), compose_request(&nested, &[])) {
            (Ok(flat), Ok(nested)) => prop_assert_eq!(flat, nested),
            (flat, nested) => prop_assert_eq!(flat.is_err(), nested.is_err()),
        }
    }
}
