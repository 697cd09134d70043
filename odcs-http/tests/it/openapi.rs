//! The OpenAPI document is what is in `openapi.json`, and describes what is really answered.
//!
//! To write it anew after a change: `ODCS_UPDATE=1 cargo test -p odcs-http --test it openapi`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::{MemoryService, app, compose, get, send};
use crate::packages::{REQUEST, new, old, outlook};
use crate::schema::{Checker, keys};
use odcs_core::compose::{ComposeView, Links, Requested};
use odcs_core::request::{ComposeResult, Flag, parse};
use odcs_core::{ErrorKind, Timestamp};
use odcs_http::openapi;
use serde_json::{Value, json};

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

#[test]
fn the_file_is_in_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("ODCS_UPDATE").is_some() {
        fs::write(&path, openapi()).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == openapi(),
        "openapi.json is not what the program says; look at the difference after \
         ODCS_UPDATE=1 cargo test -p odcs-http --test it openapi"
    );
}

#[tokio::test]
async fn the_document_is_served_as_it_is() {
    let (app, _) = app(MemoryService::default());
    for path in ["/api/1/openapi.json", "/odcs/1/openapi.json"] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), document());
    }
    assert_eq!(document()["openapi"], "3.1.0");
}

/// Every schema that is named is there, every operation has an id of its own and says what it answers.
#[test]
fn the_document_is_whole() {
    let document = document();
    let checker = Checker::new(&document);
    checker.assert_references();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
            let statuses = operation["responses"].as_object().unwrap();
            assert!(statuses.keys().any(|status| status.starts_with('2')), "{name}");
            let named: BTreeSet<_> = path.split('/').filter(|part| part.starts_with('{')).collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let described: BTreeSet<_> = parameters
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
                .collect();
            assert_eq!(named, described.iter().map(String::as_str).collect(), "{name}");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
    }
}

/// What is described is there, under the method that it is described for.
#[tokio::test]
async fn all_operations_are_there() {
    let (app, _) = app(MemoryService {
        composes: vec![compose(1)].into(),
        ..MemoryService::default()
    });
    for (path, item) in document()["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "1").replace("{other}", "2");
        let options = send(&app, "OPTIONS", &path, &[], "").await;
        assert_eq!(options.status, 200, "{path}");
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            assert!(
                options.header("allow").contains(&method),
                "{method} {path}: {}",
                options.header("allow")
            );
        }
    }
}

const PACKAGES: &str = "/api/1/composes/{id}/packages";
const MANIFEST: &str = "/api/1/composes/{id}/manifest";
const DIFF: &str = "/api/1/composes/{id}/diff/{other}";

fn service() -> MemoryService {
    let mut done = compose(2);
    let time = Some(Timestamp::from_seconds(1_795_262_500));
    done.state = odcs_core::ComposeState::Done;
    (done.times.started, done.times.done, done.times.removed) = (time, time, time);
    done.requested.packages = Some("ed".to_owned());
    done.requested.koji_event = Some(i64::MAX);
    let mut other = compose(3);
    other.state = odcs_core::ComposeState::Done;
    MemoryService {
        composes: vec![compose(1), done, other].into(),
        manifests: [(2, old()), (3, new())].into(),
        warnings: vec!["\"foo\" is not known".to_owned()],
        ..MemoryService::default()
    }
}

#[tokio::test]
async fn answers_are_as_described() {
    let document = document();
    let checker = Checker::new(&document);
    let (healthy, _) = app(service());
    let (failing, _) = app(MemoryService {
        failure: Some(ErrorKind::Unavailable),
        ..MemoryService::default()
    });
    let (foreseeing, _) = app(MemoryService {
        outlook: Some(outlook()),
        ..service()
    });
    for (app, method, path, template) in [
        (&healthy, "GET", "/api/1/composes/1", "/api/1/composes/{id}"),
        (&healthy, "GET", "/api/1/composes/2", "/api/1/composes/{id}"),
        (&healthy, "GET", "/api/1/composes/99", "/api/1/composes/{id}"),
        (&healthy, "GET", "/api/1/composes/", "/api/1/composes/"),
        (
            &healthy,
            "GET",
            "/api/1/composes/?page=2&per_page=1",
            "/api/1/composes/",
        ),
        (&healthy, "GET", "/api/1/composes/?order_by=x", "/api/1/composes/"),
        (&healthy, "POST", "/api/1/composes/", "/api/1/composes/"),
        (&failing, "POST", "/api/1/composes/", "/api/1/composes/"),
        (&healthy, "DELETE", "/api/1/composes/1", "/api/1/composes/{id}"),
        (&healthy, "DELETE", "/api/1/composes/99", "/api/1/composes/{id}"),
        (
            &healthy,
            "GET",
            "/api/1/composes/1/log",
            "/api/1/composes/{id}/log",
        ),
        (&healthy, "GET", "/api/1/composes/2/packages", PACKAGES),
        (
            &healthy,
            "GET",
            "/api/1/composes/2/packages?kind=lookaside",
            PACKAGES,
        ),
        (&healthy, "GET", "/api/1/composes/2/packages?arch=a-b", PACKAGES),
        (&healthy, "GET", "/api/1/composes/1/packages", PACKAGES),
        (&healthy, "GET", "/api/1/composes/2/manifest", MANIFEST),
        (&healthy, "GET", "/api/1/composes/1/manifest", MANIFEST),
        (&healthy, "GET", "/api/1/composes/2/diff/3", DIFF),
        (&healthy, "GET", "/api/1/composes/3/diff/2", DIFF),
        (&healthy, "GET", "/api/1/composes/1/diff/2", DIFF),
        (&healthy, "POST", "/api/1/composes/?dry_run=1", "/api/1/composes/"),
        (&healthy, "POST", "/api/1/composes/?dry_run=2", "/api/1/composes/"),
        (
            &foreseeing,
            "POST",
            "/api/1/composes/?dry_run=1",
            "/api/1/composes/",
        ),
        (&healthy, "GET", "/api/1/about/", "/api/1/about/"),
        (&healthy, "GET", "/api/1/openapi.json", "/api/1/openapi.json"),
        (&healthy, "GET", "/healthz", "/healthz"),
        (&healthy, "GET", "/readyz", "/readyz"),
        (&failing, "GET", "/readyz", "/readyz"),
    ] {
        let body = if path.contains("dry_run") { REQUEST } else { "{}" };
        let answer = send(app, method, path, &[], body).await;
        let status = answer.status.as_u16().to_string();
        let operation = &document["paths"][template][method.to_lowercase()];
        let described = &operation["responses"][&status];
        assert!(
            described.is_object(),
            "{method} {path}: {status} is not described"
        );
        let schema = &described["content"]["application/json"]["schema"];
        checker.assert_valid(schema, &answer.json(), &format!("{method} {path}"));
        if template != "/api/1/openapi.json" {
            let mut sorted = answer.json();
            sorted.sort_all_objects();
            let body = String::from_utf8_lossy(&answer.body);
            assert_eq!(body.trim_end(), sorted.to_string(), "{method} {path}");
        }
    }
}

/// Every operation says what it answers when there is no store to ask.
#[tokio::test]
async fn operations_without_a_store_are_as_described() {
    let document = document();
    let checker = Checker::new(&document);
    let (failing, _) = app(MemoryService {
        failure: Some(ErrorKind::Unavailable),
        ..MemoryService::default()
    });
    let mut unavailable = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        let path = template.replace("{id}", "1").replace("{other}", "2");
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let body = if method == "POST" { REQUEST } else { "" };
            let answer = send(&failing, &method, &path, &[], body).await;
            if answer.status != 503 {
                continue;
            }
            unavailable += 1;
            let schema = &operation["responses"]["503"]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{method} {path}: 503 is not described");
            checker.assert_valid(schema, &answer.json(), &format!("{method} {path}"));
        }
    }
    assert!(unavailable > 5, "{unavailable}");
}

/// The record has all of its fields and no others, with those that are always there as required ones.
#[tokio::test]
async fn the_record_is_described_in_full() {
    let document = document();
    let schema = &document["components"]["schemas"]["ComposeRecord"];
    let (app, _) = app(service());
    let single = get(&app, "/api/1/composes/1").await.json();
    let listed = get(&app, "/api/1/composes/").await.json()["items"][0].clone();
    // Only where they were asked for: what this service has beyond the recorded one.
    let additions: BTreeSet<_> = ["arch_sigkeys", "embargo"].map(str::to_owned).into();
    let described: BTreeSet<_> = &keys(&schema["properties"]) - &additions;
    assert_eq!(described, keys(&single));
    assert_eq!(keys(&single).len(), 43);
    let required = schema["required"].as_array().unwrap().iter();
    let required: BTreeSet<_> = required.map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(required, keys(&listed));
    for (name, field) in schema["properties"].as_object().unwrap() {
        let described =
            field["description"].is_string() || field.get("$ref").is_some() || field["oneOf"].is_array();
        assert!(described, "{name}");
    }
}

/// What was asked for beyond the fields of the recorded service is in the record, as it is described.
#[test]
fn additions_are_in_the_record() {
    let document = document();
    let checker = Checker::new(&document);
    let schema = json!({"$ref": "#/components/schemas/ComposeRecord"});
    let links = Links::new(&"http://localhost/odcs".parse().unwrap());
    for (within, expected) in [
        (
            json!({"sigkeys": {"*": ["fd431d51", ""], "s390x": ["ABC"], "aarch64": []}, "embargo": "secret"}),
            json!({"sigkeys": "fd431d51 ", "arch_sigkeys": {"s390x": "ABC", "aarch64": ""}, "embargo": "secret"}),
        ),
        (
            json!({"sigkeys": {"s390x": ["ABC"]}, "embargo": ["ed-1-1", "foo-2-2"]}),
            json!({"sigkeys": "", "arch_sigkeys": {"s390x": "ABC"}, "embargo": ["ed-1-1", "foo-2-2"]}),
        ),
    ] {
        let mut body = json!({"source": {"type": "tag", "source": "f36"}});
        body["source"]
            .as_object_mut()
            .unwrap()
            .extend(within.as_object().unwrap().clone());
        let request = parse::compose_request(&body, &[]).unwrap().request;
        let mut compose = compose(1);
        compose.requested = Requested::from_request(&request);
        compose.request = Some(request);
        let view = serde_json::to_value(ComposeView::new(&compose, &links)).unwrap();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(view[name], *value, "{name}");
        }
        checker.check(&schema, &view).unwrap();
    }
}

/// The checker finds what is wrong; else the tests above would say nothing.
#[test]
fn wrong_answers_are_found() {
    let document = document();
    let checker = Checker::new(&document);
    let error = json!({"$ref": "#/components/schemas/Error"});
    let right = json!({"error": "Not Found", "message": "no", "status": 404});
    assert_eq!(checker.check(&error, &right), Ok(()));
    for (name, value) in [
        ("status", json!("404")),
        ("status", json!(200)),
        ("message", json!(null)),
        ("extra", json!(1)),
    ] {
        let mut wrong = right.clone();
        wrong[name] = value;
        assert!(checker.check(&error, &wrong).is_err(), "{wrong}");
    }
    let missing = json!({"error": "Not Found", "status": 404});
    assert!(checker.check(&error, &missing).is_err());
}

/// What the document says may be sent is read by the parser, without a warning that it is not known.
#[test]
fn all_described_fields_are_understood() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut body = json!({"source": {"type": "module", "source": "testmodule:master"}});
    for (schema, target) in [("ComposeRequest", ""), ("Source", "source")] {
        for name in keys(&schemas[schema]["properties"]) {
            let value = match name.as_str() {
                "type" | "source" => continue,
                "seconds_to_live" => json!(60),
                "koji_event" | "base_module_br_stream_version_lte" | "base_module_br_stream_version_gte" => {
                    json!(1)
                }
                "flags" => json!(["no_deps"]),
                "results" => json!(["repository"]),
                "multilib_method" => json!(["devel"]),
                "arches" | "multilib_arches" => json!(["x86_64"]),
                "lookaside_repos" => json!(["https://example.com/"]),
                "compose_type" => json!("nightly"),
                "label" => json!("RC-1.0"),
                "module_defaults_url" => json!("https://example.com/x.git"),
                "builds" => json!(["ed-1-1"]),
                "sigkeys" => json!(["abcd"]),
                "scratch_modules" => json!(["a:b:1:c"]),
                "scratch_build_tasks" => json!(["1"]),
                "modules" => json!(["a:b:1:c"]),
                "packages" | "modular_koji_tags" => json!(["ed"]),
                "parent_pungi_compose_ids" => json!(["P-1-20260101.n.0"]),
                _ => json!("word"),
            };
            match target {
                "" => body[&name] = value,
                target => body[target][&name] = value,
            }
        }
    }
    let parsed = parse::compose_request(&body, &[]).unwrap();
    let unknown: Vec<_> = parsed
        .warnings
        .iter()
        .filter(|text| text.contains("known"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let names = |schema: &str| {
        let schema = &schemas[schema];
        let plain = schema["enum"].as_array().into_iter().flatten();
        let documented = schema["oneOf"].as_array().into_iter().flatten();
        let documented = documented.flat_map(|one| one["enum"].as_array().unwrap());
        let names = plain
            .chain(documented)
            .map(|name| name.as_str().unwrap().to_owned());
        names.collect::<BTreeSet<_>>()
    };
    let flags = Flag::ALL.into_iter().map(|flag| flag.as_str().to_owned());
    assert_eq!(names("Flag"), flags.collect());
    let results = ComposeResult::ALL
        .into_iter()
        .map(|result| result.as_str().to_owned());
    assert_eq!(names("ComposeResult"), results.collect());
    let states = odcs_core::ComposeState::ALL
        .into_iter()
        .map(|state| state.name().to_owned());
    assert_eq!(names("StateName"), states.collect());
}
