//! What fields are: lists, strings and integers, how many, and which there are none of.

use serde_json::json;

use super::*;

#[test]
fn lists_are_lists_of_strings() {
    let names = [
        "arches",
        "multilib_arches",
        "multilib_method",
        "lookaside_repos",
        "flags",
        "results",
    ];
    for name in names.into_iter().chain(["parent_pungi_compose_ids"]) {
        for wrong in [
            json!("x86_64"),
            json!(5),
            json!([5]),
            json!([["a"]]),
            json!(null),
            json!({"a": 1}),
            json!(""),
        ] {
            let (field, message) = refuse(&beside(json!({name: wrong})));
            assert_eq!(
                (field.as_str(), message),
                (name, format!("\"{name}\" should be a list of strings"))
            );
        }
    }
    let names = [
        "packages",
        "builds",
        "sigkeys",
        "modular_koji_tags",
        "modules",
        "scratch_modules",
    ];
    for name in names.into_iter().chain(["scratch_build_tasks"]) {
        for wrong in [json!("a"), json!([null]), json!(true)] {
            assert_eq!(refuse(&within(json!({name: wrong}))).0, name);
            assert_eq!(
                refuse(&beside(json!({name: wrong}))).0,
                name,
                "beside source, too"
            );
        }
    }
}

#[test]
fn strings_and_integers() {
    for name in ["label", "compose_type", "target_dir", "respin_of"] {
        for wrong in [json!(5), json!(null), json!(["a"]), json!(true)] {
            let (field, message) = refuse(&beside(json!({name: wrong})));
            assert_eq!(
                (field.as_str(), message),
                (name, format!("\"{name}\" should be a string"))
            );
        }
    }
    for name in [
        "koji_event",
        "base_module_br_stream_version_lte",
        "base_module_br_stream_version_gte",
    ] {
        for wrong in [json!("5"), json!(5.0), json!(true), json!([5]), json!(null)] {
            let (field, message) = refuse(&within(json!({name: wrong})));
            assert_eq!(
                (field.as_str(), message),
                (name, format!("\"{name}\" should be an integer"))
            );
        }
        assert!(refuse(&within(json!({name: u64::MAX}))).1.contains("too large"));
    }
    assert_eq!(refuse(&within(json!({"koji_event": -1}))).0, "koji_event");
    assert_eq!(
        accept(&within(json!({"koji_event": 0})))
            .koji_event
            .unwrap()
            .number(),
        0
    );
}

#[test]
fn absent_lists_are_not_empty_ones() {
    let absent = accept(&beside(json!({})));
    assert_eq!(
        (absent.packages, absent.builds, absent.parent_pungi_compose_ids),
        (None, None, None)
    );
    let empty = accept(&with(
        json!({"parent_pungi_compose_ids": []}),
        json!({"packages": [], "builds": []}),
    ));
    assert_eq!(empty.packages, Some(vec![]));
    assert_eq!(empty.builds, Some(vec![]));
    assert_eq!(empty.parent_pungi_compose_ids, Some(vec![]));
}

#[test]
fn empty_texts() {
    let request = accept(&beside(
        json!({"label": "", "compose_type": "", "target_dir": "", "respin_of": ""}),
    ));
    assert_eq!(request.label.unwrap().as_str(), "");
    assert_eq!(request.compose_type.as_str(), "");
    assert_eq!(request.target_dir.as_str(), "default");
    assert_eq!(request.respin_of.unwrap().as_str(), "");
}

#[test]
fn unknown_keys_warn() {
    let body = with(
        json!({"foo": "bar", "baz": [[1.5], "x"], "packages": []}),
        json!({"quux": 1, "arches": []}),
    );
    let warnings = warnings(&body);
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    for key in ["foo", "baz", "packages", "quux", "arches"] {
        assert!(warnings.iter().any(|warning| warning.contains(key)), "{key}");
    }
    assert!(
        compose_request(&beside(json!({})), &[])
            .unwrap()
            .warnings
            .is_empty()
    );
    for wrong in [
        json!(null),
        json!({"a": 1}),
        json!("a(b"),
        json!([["a(b"]]),
        json!([{"q": 1}]),
    ] {
        assert_eq!(refuse(&beside(json!({"foo": wrong}))).0, "foo");
        assert_eq!(refuse(&within(json!({"foo": wrong}))).0, "foo");
    }
    let many: Map<String, Value> = (0..1000).map(|n| (format!("key{n}"), json!(1))).collect();
    let warnings = self::warnings(&beside(Value::Object(many)));
    assert_eq!(warnings.len(), 21);
    assert!(warnings[20].starts_with("980 more"));
}

#[test]
fn the_first_fault_is_the_error() {
    let nope = json!({"type": "nope", "source": "x"});
    assert_eq!(
        refuse(&json!({"source": nope, "flags": ["nope"], "label": 5})).0,
        "label"
    );
    let body = beside(json!({"flags": ["nope"], "results": ["nope"], "target_dir": "no pe"}));
    assert_eq!(refuse(&body).0, "flags");
    let body = with(json!({"label": "a(b"}), json!({"koji_event": "x"}));
    assert_eq!(refuse(&body).0, "koji_event");
}

#[test]
fn limits() {
    let long = "x".repeat(MAX_TEXT_CHARS + 1);
    assert_eq!(refuse(&beside(json!({"label": long}))).0, "label");
    assert_eq!(refuse(&within(json!({"packages": [long]}))).0, "packages");
    let many = vec!["a"; MAX_ITEMS + 1];
    assert!(refuse(&within(json!({"packages": many}))).1.contains("100000"));
    assert!(compose_request(&within(json!({"packages": &many[1..]})), &[]).is_ok());
    let sets: Vec<String> = (0..5000).map(|n| format!("content-set-{n}")).collect();
    let pulp = |source: &str| json!({"source": {"type": "pulp", "source": source}});
    assert!(compose_request(&pulp(&sets.join(" ")), &[]).is_ok());
    assert_eq!(refuse(&pulp(&"a ".repeat(MAX_SOURCE_CHARS))).0, "source");
    // Whatever is sent, no message gets long.
    let shown = refuse(&json!({"source": {"type": "n".repeat(4000), "source": "x"}}));
    assert!(shown.1.len() < 400);
}
