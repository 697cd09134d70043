//! Where packages come from.

use serde_json::json;

use super::*;
use crate::request::SourceSpec;

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
