//! One test for each rule of the parser.

use serde_json::json;

use super::*;
use crate::request::{ComposeResult, Embargo, Flag, KeyOrUnsigned, SourceSpec};

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
fn lifetimes() {
    let seconds = |fields: Value| {
        accept(&beside(fields))
            .lifetime
            .map(|lifetime| lifetime.seconds())
    };
    assert_eq!(seconds(json!({})), None);
    for name in ["seconds_to_live", "seconds-to-live"] {
        assert_eq!(seconds(json!({name: 60})), Some(60));
        assert_eq!(seconds(json!({name: "60"})), Some(60));
        for wrong in [
            json!(0),
            json!(-1),
            json!("0"),
            json!("abc"),
            json!(""),
            json!(60.5),
            json!([]),
            json!(true),
        ] {
            assert_eq!(refuse(&beside(json!({name: wrong}))).0, name, "{wrong}");
        }
        for wrong in [
            json!(null),
            json!(u64::MAX),
            json!(1e300),
            json!("99999999999999999999"),
        ] {
            assert_eq!(refuse(&beside(json!({name: wrong}))).0, name, "{wrong}");
        }
    }
    let both = beside(json!({"seconds_to_live": 100, "seconds-to-live": 200}));
    assert_eq!(accept(&both).lifetime.unwrap().seconds(), 100);
    assert!(warnings(&both)[0].contains("seconds-to-live"));
}

#[test]
fn source_types() {
    let source = |source: Value| json!({"source": source});
    assert_eq!(refuse(&source(json!({}))).0, "type");
    assert_eq!(
        refuse(&source(json!({"type": 1, "source": "f36"}))).1,
        "\"type\" should be a string"
    );
    let (field, message) = refuse(&source(json!({"type": "Tag", "source": "f36"})));
    assert_eq!(field, "type");
    assert!(message.contains("\"Tag\"") && message.contains("tag, module, repo, pulp, raw_config, build"));
    for kind in ["tag", "module", "repo", "pulp", "raw_config", "pungi_compose"] {
        for nothing in [json!({"type": kind}), json!({"type": kind, "source": "  "})] {
            let (field, message) = refuse(&source(nothing));
            assert_eq!(field, "source");
            assert!(message.contains(kind), "{message}");
        }
    }
    for wrong in [json!("f36"), json!(["f36"]), json!(1), json!(null)] {
        assert_eq!(refuse(&source(wrong)).0, "source");
    }
    assert_eq!(refuse(&json!({"flags": []})).0, "source");
    assert_eq!(refuse(&json!({})).0, "body");
    assert_eq!(refuse(&json!([])).0, "body");
}

#[test]
fn words_of_a_source_count_once() {
    let source = |kind: &str, source: &str| {
        accept(&json!({"source": {"type": kind, "source": source}}))
            .source
            .to_string()
    };
    assert_eq!(source("tag", "f37  f36 f37 "), "f37 f36");
    assert_eq!(source("pulp", "b a c a"), "b a c");
    assert_eq!(source("module", "a:1 b:2:3 a:1"), "a:1 b:2:3");
    assert_eq!(source("raw_config", "cfg#abc cfg#abc"), "cfg#abc");
    assert_eq!(source("repo", " /srv/repo "), "/srv/repo");
    assert_eq!(source("repo", "/srv/my repo"), "/srv/my repo");
    assert_eq!(source("repo", "http://example.com"), "http://example.com");
    assert_eq!(
        source("pungi_compose", "http://example.com/a?x=1"),
        "http://example.com/a?x=1"
    );
}

#[test]
fn refused_sources() {
    let refused = |kind: &str, text: &str| {
        let (field, message) = refuse(&json!({"source": {"type": kind, "source": text}}));
        assert_eq!(field, "source", "{message}");
        message
    };
    for text in ["testmodule", ":", ":s", "a:", "a:b:1:c:x", "a-b", "a:1 b"] {
        assert!(refused("module", text).contains("NAME:STREAM"), "{text}");
    }
    assert!(refused("module", "a:1 platform:f36").contains("platform"));
    assert!(refused("module", "bootstrap:f36").contains("bootstrap"));
    assert!(refused("raw_config", "cfg#a cfg#b").contains("single"));
    for text in ["cfg", "cfg#", "#hash", "cfg#a#b"] {
        assert!(refused("raw_config", text).contains("NAME#COMMIT"), "{text}");
    }
    refused("raw_config", "cfg#--upload-pack=x");
    for text in ["f36\"", "f36\n", "f36%", "f36*", "-f36", "f36\u{1f600}", "a/b"] {
        refused("tag", text);
    }
    for text in [
        "srv/repo",
        "ftp://example.com/",
        "file:///srv",
        "/srv/re\npo",
        "http://",
        "/a=b",
    ] {
        refused("repo", text);
    }
    for text in ["Server", "ext::sh", "git://example.com/x", "http://a http://b"] {
        refused("pungi_compose", text);
    }
}

#[test]
fn sources_that_may_be_missing() {
    let scratch = json!({"source": {"type": "module", "scratch_modules": ["m:s:1:c"]}});
    assert_eq!(accept(&scratch).source, SourceSpec::Module(vec![]));
    let none = json!({"source": {"type": "module", "scratch_modules": []}});
    assert_eq!(refuse(&none).0, "source");
    let build = json!({"source": {"type": "build", "builds": ["ed-1-1"]}});
    assert_eq!(accept(&build).source, SourceSpec::Build(vec![]));
    let build = json!({"source": {"type": "build", "source": "f36", "builds": ["ed-1-1"]}});
    assert_eq!(accept(&build).source.to_string(), "f36");
    assert!(warnings(&build)[0].contains("no effect"));
}

#[test]
fn custom_source_types() {
    let kinds = [SourceKind::custom("conda", 100).unwrap()];
    let body = json!({"source": {"type": "conda", "source": "any = text"}, "flags": ["no_label"]});
    let parsed = compose_request(&body, &kinds).unwrap();
    assert_eq!(parsed.request.source.kind(), kinds[0]);
    assert_eq!(parsed.request.source.to_string(), "any = text");
    assert!(parsed.warnings.is_empty());
    assert_eq!(refuse(&body).0, "type");
    let error = compose_request(&json!({"source": {"type": "x", "source": "y"}}), &kinds).unwrap_err();
    assert!(error.message().contains("conda"));
    let control = json!({"source": {"type": "conda", "source": "a\nb"}});
    assert!(compose_request(&control, &kinds).is_err());
}

#[test]
fn the_flat_form() {
    let body = json!({"source_type": "tag", "source": "f26", "packages": ["httpd"], "seconds-to-live": 3600});
    let parsed = compose_request(&body, &[]).unwrap();
    assert_eq!(parsed.request.source.to_string(), "f26");
    assert_eq!(parsed.request.packages().len(), 1);
    assert_eq!(parsed.request.lifetime.unwrap().seconds(), 3600);
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    assert_eq!(
        refuse(&json!({"source_type": "nope", "source": "f26"})).0,
        "source_type"
    );
    assert_eq!(
        refuse(&json!({"source_type": 1, "source": "f26"})).0,
        "source_type"
    );
    assert_eq!(
        refuse(&json!({"source_type": "tag", "source": ["f26"]})).0,
        "source"
    );
    assert_eq!(refuse(&json!({"source_type": "tag"})).0, "source");
    assert_eq!(
        warnings(&json!({"source_type": "tag", "source": "f26", "type": "tag", "foo": 1})).len(),
        2
    );
}

#[test]
fn flags_results_and_multilib() {
    let request = accept(&beside(json!({
        "flags": ["no_flags", "no_deps", "no_deps"], "results": ["iso"],
        "multilib_method": ["none", "devel", "all"], "multilib_arches": ["x86_64", "x86_64"],
    })));
    assert_eq!(request.flags.iter().collect::<Vec<_>>(), [Flag::NoDeps]);
    assert_eq!(
        request.results.iter().collect::<Vec<_>>(),
        [ComposeResult::Repository, ComposeResult::Iso]
    );
    assert_eq!(request.multilib_methods.bits(), 6);
    assert_eq!(request.multilib_arches.len(), 1);
    for (name, wrong) in [
        ("flags", "nope"),
        ("results", "nope"),
        ("multilib_method", "nope"),
        ("arches", "vax"),
    ] {
        let (field, message) = refuse(&beside(json!({name: [wrong]})));
        assert_eq!(field, name);
        assert!(message.contains(wrong), "{message}");
    }
}

#[test]
fn texts_with_types() {
    let cases = [
        ("builds", json!(["ed"])),
        ("builds", json!(["a/b-1-1"])),
        ("sigkeys", json!(["xyz"])),
        ("modules", json!(["a:b"])),
        ("scratch_modules", json!(["a:b:c"])),
        ("scratch_build_tasks", json!(["12a"])),
        ("modular_koji_tags", json!(["a b"])),
        ("packages", json!([""])),
        ("packages", json!(["../x"])),
        ("packages", json!(["a\nb"])),
        ("base_module_br_name", json!("a b")),
        ("base_module_br_stream", json!("a(b")),
    ];
    for (name, wrong) in cases {
        assert_eq!(refuse(&within(json!({name: wrong}))).0, name, "{wrong}");
    }
    let cases = [
        ("label", json!(" -/")),
        ("label", json!("a(b")),
        ("compose_type", json!("a b")),
        ("target_dir", json!("../x")),
        ("respin_of", json!("a/b")),
        ("parent_pungi_compose_ids", json!([""])),
        ("lookaside_repos", json!(["http://a b"])),
        ("lookaside_repos", json!(["--x"])),
    ];
    for (name, wrong) in cases {
        assert_eq!(refuse(&beside(json!({name: wrong}))).0, name, "{wrong}");
    }
    let (field, message) = refuse(&beside(json!({"lookaside_repos": ["/srv/repo"]})));
    assert_eq!(field, "lookaside_repos");
    assert!(message.contains("begins with file:///"), "{message}");
    let request = accept(&within(
        json!({"sigkeys": ["", "123"], "packages": ["gcc-c++", "ed*", "a(b)", "é"]}),
    ));
    assert_eq!(request.sigkeys()[0], KeyOrUnsigned::Unsigned);
    assert_eq!(request.packages().len(), 4);
    let urls = json!({"lookaside_repos": ["https://example.com/a%20b/?x=1&y=$basearch"]});
    assert_eq!(
        accept(&beside(urls.clone())).lookaside_repos[0].as_str(),
        urls["lookaside_repos"][0]
    );
}

#[test]
fn keys_by_arch() {
    let keys = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| text.parse().unwrap())
            .collect::<Vec<KeyOrUnsigned>>()
    };
    let arch = |name: &str| name.parse::<odcs_rpm::TreeArch>().unwrap();
    let request = accept(&within(
        json!({"sigkeys": {"*": ["123", ""], "s390x": ["ABC"], "aarch64": []}}),
    ));
    assert_eq!(request.sigkeys.as_deref(), Some(&*keys(&["123", ""])));
    for (name, expected) in [
        ("x86_64", &["123", ""][..]),
        ("s390x", &["ABC"]),
        ("aarch64", &[]),
    ] {
        assert_eq!(request.sigkeys_for(&arch(name)), keys(expected), "{name}");
    }
    let bare = accept(&within(json!({"sigkeys": {"s390x": ["abc"]}})));
    assert_eq!(
        (bare.sigkeys.as_deref(), bare.arch_sigkeys.len()),
        (Some(&[][..]), 1)
    );
    let flat = json!({"source_type": "tag", "source": "f36", "sigkeys": {"s390x": ["abc"]}});
    assert_eq!(accept(&flat), bare);
    assert_eq!(accept(&within(json!({"sigkeys": {}}))).sigkeys, Some(Vec::new()));
    for wrong in [
        json!({"s390x": "abc"}),
        json!({"s390x": {"a": []}}),
        json!({"s390x": [1]}),
        json!({"s390x": ["xyz"]}),
        json!({"vax": ["abc"]}),
        json!({"": ["abc"]}),
        json!({"s390x": ["a(b"]}),
        json!(5),
    ] {
        assert_eq!(refuse(&within(json!({"sigkeys": wrong}))).0, "sigkeys", "{wrong}");
    }
    // Nowhere else are there such objects.
    assert_eq!(refuse(&within(json!({"builds": {"s390x": []}}))).0, "builds");

    let renewal = renewal_request(&json!({"sigkeys": {"s390x": ["abc"], "*": ["123"]}})).unwrap();
    assert_eq!(renewal.request.sigkeys, Some(keys(&["123"])));
    assert_eq!(renewal.request.arch_sigkeys[&arch("s390x")], keys(&["abc"]));
}

#[test]
fn embargoes() {
    let embargo = |value: Value| accept(&within(json!({"embargo": value}))).embargo;
    let builds = ["ed-1-1", "a-b-2-1"].map(|nvr| nvr.parse().unwrap());
    assert_eq!(
        embargo(json!(["ed-1-1", "a-b-2-1", "ed-1-1"])),
        Some(Embargo::Builds(builds.to_vec()))
    );
    assert_eq!(
        embargo(json!("secret-f36")),
        Some(Embargo::Tag("secret-f36".parse().unwrap()))
    );
    assert_eq!(embargo(json!([])), None);
    for wrong in [
        json!("a b"),
        json!(""),
        json!(["ed"]),
        json!([1]),
        json!(1),
        json!({"a": []}),
        json!("-x"),
    ] {
        assert_eq!(refuse(&within(json!({"embargo": wrong}))).0, "embargo", "{wrong}");
    }
}

/// Fingerprints hash the stored form: what a request does not say must not show in it.
#[test]
fn what_is_not_said_is_not_stored() {
    let stored = serde_json::to_value(accept(&within(json!({"sigkeys": ["abc"]})))).unwrap();
    for absent in ["arch_sigkeys", "embargo"] {
        assert_eq!(stored.get(absent), None);
    }
    let older: ComposeRequest = serde_json::from_value(stored).unwrap();
    assert!(older.arch_sigkeys.is_empty() && older.embargo.is_none());
}

/// What resolving has rewritten counts, and nothing else.
#[test]
fn records_say_what_was_resolved() {
    let request = accept(&with(
        json!({"arches": ["x86_64"]}),
        json!({"sigkeys": {"*": ["", "ABC"], "x86_64": ["123"]}, "packages": [], "builds": ["ed-1-1"]}),
    ));
    let mut record = crate::compose::Requested::from_request(&request);
    assert_eq!(as_recorded(request.clone(), &record).unwrap(), request);
    // Nothing and an empty list are the same to the engine.
    record.packages = None;
    record.koji_event = Some(7);
    record.source = "something else".to_owned();
    assert_eq!(as_recorded(request.clone(), &record).unwrap(), request);

    let fields = crate::source::ResolvedFields {
        arches: Some(vec!["s390x".parse().unwrap(), "x86_64".parse().unwrap()]),
        builds: Some(vec!["foo-2-2".parse().unwrap()]),
        sigkeys: Some(vec!["abc".parse().unwrap(), KeyOrUnsigned::Unsigned]),
        packages: Some(vec!["foo".parse().unwrap()]),
        ..Default::default()
    };
    let mut rewritten = request.clone();
    fields.rewrite(&mut rewritten);
    assert!(rewritten.arch_sigkeys.is_empty());
    let record = crate::compose::Requested::from_request(&rewritten);
    assert_eq!(
        (record.sigkeys.as_deref(), &*record.arches),
        (Some("abc "), "s390x x86_64")
    );
    assert_eq!(as_recorded(request.clone(), &record).unwrap(), rewritten);

    let record = crate::compose::Requested {
        arches: "vax".to_owned(),
        ..record
    };
    assert_eq!(as_recorded(request, &record).unwrap_err().subject(), "arches");
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
fn module_defaults_go_together() {
    let defaults = |url: Value, commit: Value| {
        within(json!({"module_defaults_url": url, "module_defaults_commit": commit}))
    };
    let request = accept(&defaults(json!("HTTPS://example.com"), json!("main")));
    assert_eq!(
        request.module_defaults.unwrap().url.as_str(),
        "HTTPS://example.com"
    );
    assert_eq!(accept(&defaults(json!(""), json!(""))).module_defaults, None);
    assert_eq!(
        refuse(&defaults(json!("git://x"), json!(""))).0,
        "module_defaults_commit"
    );
    assert_eq!(
        refuse(&within(json!({"module_defaults_commit": "abc"}))).0,
        "module_defaults_url"
    );
    assert_eq!(
        refuse(&defaults(json!("git://x"), json!("--abc"))).0,
        "module_defaults_commit"
    );
    assert_eq!(
        refuse(&defaults(json!("ext::sh"), json!("abc"))).0,
        "module_defaults_url"
    );
    assert_eq!(refuse(&defaults(json!(1), json!(2))).0, "module_defaults_commit");
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
fn flags_of_other_types_warn() {
    let all: Vec<&str> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
    let count = |kind: &str, source: &str| {
        warnings(&json!({"source": {"type": kind, "source": source}, "flags": all})).len()
    };
    assert_eq!(count("tag", "f36"), 5);
    assert_eq!(count("module", "a:1"), 5);
    assert_eq!(count("pulp", "a"), 3);
    assert_eq!(count("raw_config", "a#b"), 5);
    assert_eq!(count("repo", "/a"), 6);
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

#[test]
fn renewals() {
    let body = json!({"seconds_to_live": 5000, "sigkeys": ["999"], "label": "L-1",
        "source": {"builds": ["n-1-1"], "modules": ["x:y:1:z"]}});
    let parsed = renewal_request(&body).unwrap();
    let renewal = parsed.request;
    assert_eq!(renewal.lifetime.unwrap().seconds(), 5000);
    assert_eq!(
        (renewal.sigkeys.unwrap().len(), renewal.builds.unwrap().len()),
        (1, 1)
    );
    assert_eq!(
        (renewal.label.unwrap().as_str(), renewal.modules.unwrap().len()),
        ("L-1", 1)
    );
    assert!(parsed.warnings.is_empty());
    assert_eq!(
        renewal_request(&json!({})).unwrap().request,
        crate::request::Renewal::default()
    );
    let ignored = json!({"flags": ["nope"], "source": {"type": "repo", "source": "x"}});
    assert_eq!(renewal_request(&ignored).unwrap().warnings.len(), 3);
    for (wrong, field) in [
        (json!({"source": "modules"}), "source"),
        (json!({"source": null}), "source"),
        (json!({"sigkeys": "a"}), "sigkeys"),
        (json!({"sigkeys": [1]}), "sigkeys"),
        (json!({"label": "a(b"}), "label"),
        (json!({"source": {"builds": "a"}}), "builds"),
        (json!({"source": {"source": "a\tb"}}), "source"),
        (
            json!({"lookaside_repos": ["http://localhost/?a=b"]}),
            "lookaside_repos",
        ),
        (json!({"seconds_to_live": -1}), "seconds_to_live"),
        (json!([]), "body"),
    ] {
        assert_eq!(renewal_request(&wrong).unwrap_err().subject(), field);
    }
}

#[test]
fn a_custom_source_survives_storage() {
    let kinds = [SourceKind::custom("conda", 100).unwrap()];
    let body = json!({"source": {"type": "conda", "source": "any = text"}});
    let request = compose_request(&body, &kinds).unwrap().request;
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<ComposeRequest>(&stored).unwrap(), request);
}
