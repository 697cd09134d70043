//! What is in composes, what is different between them, and what would be in them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::api::{HeaderAuth, NotMike};
use crate::common::{MemoryService, PUBLIC_URL, TestFiles, app, compose, get, send};
use odcs_core::ComposeState;
use odcs_core::compose::Links;
use odcs_core::manifest::Manifest;
use odcs_core::service::{Outlook, PreviewPackage};
use odcs_http::{ApiState, HttpOptions, router};
use serde_json::{Value, json};

pub const REQUEST: &str = r#"{"source": {"type": "repo", "source": "/srv/repo", "packages": ["ed"]}}"#;

fn package(kind: &str, nevra: &str, arches: &[&str], why: &Value) -> Value {
    let mut whys = serde_json::Map::new();
    for arch in arches {
        whys.insert((*arch).to_owned(), why.clone());
    }
    json!({
        "kind": kind, "nevra": nevra, "arches": arches, "file": format!("/srv/repo/{nevra}"), "size": 7,
        "digest": {"algorithm": "sha256", "hex": "ab".repeat(32)}, "sigkey": null, "why": whys,
    })
}

fn manifest(packages: &[Value]) -> Manifest {
    let lookaside = json!([{
        "nevra": "glibc-0:2-1.x86_64",
        "why": {"x86_64": {"reason": "requires", "requirement": "libc.so.6", "by": "ed-0:1.20-1.x86_64"}},
    }]);
    let manifest = json!({
        "source_type": "repo", "description": "the repository /srv/repo", "timestamp": 1, "packages": packages,
        "lookaside": lookaside,
    });
    serde_json::from_value(manifest).unwrap()
}

/// With a chain through a lookaside repository.
pub fn old() -> Manifest {
    let asked = json!({"reason": "asked", "pattern": "ed"});
    let by_glibc = json!({"reason": "requires", "requirement": "basesystem", "by": "glibc-0:2-1.x86_64"});
    manifest(&[
        package("binary", "basesystem-0:11-1.noarch", &["x86_64"], &by_glibc),
        package("binary", "ed-0:1.20-1.x86_64", &["x86_64"], &asked),
        package(
            "source",
            "ed-0:1.20-1.src",
            &["x86_64"],
            &json!({"reason": "source_of", "by": "ed-0:1.20-1.x86_64"}),
        ),
    ])
}

pub fn new() -> Manifest {
    let everything = json!({"reason": "everything"});
    manifest(&[
        package("binary", "ed-0:1.21-1.aarch64", &["aarch64"], &everything),
        package("binary", "ed-0:1.21-1.x86_64", &["x86_64"], &everything),
        package("binary", "sed-0:4-1.noarch", &["aarch64", "x86_64"], &everything),
        package("source", "ed-0:1.19-1.src", &["x86_64"], &everything),
    ])
}

pub fn outlook() -> Outlook {
    let packages = old().packages.into_iter().map(|package| {
        let is_known = !package.nevra.arch().is_source();
        PreviewPackage {
            kind: package.kind,
            nevra: package.nevra,
            arches: package.arches,
            size: package.size,
            digest: is_known.then_some(package.digest),
            why: package.why,
        }
    });
    Outlook::Made {
        description: "the repository /srv/repo".to_owned(),
        packages: packages.collect(),
        lookaside: old().lookaside,
    }
}

/// Composes 1 and 2 are done, 3 is removed, 4 reuses 1, 5 is of the time before manifests, 6 waits, 7 is being made and 8
/// has failed.
fn service() -> MemoryService {
    let composes = (1..=8).map(|id| {
        let mut it = compose(id);
        it.state = match id {
            3 => ComposeState::Removed,
            6 => ComposeState::Wait,
            7 => ComposeState::Generating,
            8 => ComposeState::Failed,
            _ => ComposeState::Done,
        };
        it.reused_id = (id == 4).then(|| compose(1).id);
        it
    });
    let without_reasons = {
        let mut it = old();
        it.packages
            .iter_mut()
            .for_each(|package| package.why = BTreeMap::new());
        it.lookaside.clear();
        it
    };
    MemoryService {
        composes: composes.collect::<Vec<_>>().into(),
        manifests: [
            (1, old()),
            (2, new()),
            (3, without_reasons),
            (4, old()),
            (7, new()),
            (8, new()),
        ]
        .into(),
        ..MemoryService::default()
    }
}

fn nevras(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().unwrap().iter();
    items.map(|item| item["nevra"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn packages_come_with_their_reasons() {
    let (app, _) = app(service());
    let answer = get(&app, "/api/1/composes/1/packages").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("access-control-allow-origin")
        ),
        (200, "*")
    );
    let answer = answer.json();
    assert_eq!(
        nevras(&answer),
        [
            "basesystem-0:11-1.noarch",
            "ed-0:1.20-1.x86_64",
            "ed-0:1.20-1.src"
        ]
    );
    let expected = json!({
        "arches": ["x86_64"], "kind": "binary", "nevra": "basesystem-0:11-1.noarch", "sha256": "ab".repeat(32),
        "sigkey": null, "size": 7,
        "why": {"x86_64": {
            "by": "glibc-0:2-1.x86_64", "by_lookaside": true, "reason": "requires", "requirement": "basesystem",
            "text": "glibc-2-1.x86_64 (of a lookaside repository) requires basesystem",
        }},
    });
    assert_eq!(answer["items"][0], expected);
    let expected = json!({"pattern": "ed", "reason": "asked", "text": "ed was asked for"});
    assert_eq!(answer["items"][1]["why"]["x86_64"], expected);
    assert_eq!(
        (&answer["compose"], &answer["tree_of"], &answer["meta"]["total"]),
        (&json!(1), &json!(1), &json!(3))
    );

    let lookaside = get(&app, "/api/1/composes/1/packages?kind=lookaside")
        .await
        .json();
    assert_eq!(nevras(&lookaside), ["glibc-0:2-1.x86_64"]);
    assert_eq!(lookaside["items"][0]["why"]["x86_64"]["by"], "ed-0:1.20-1.x86_64");
    assert_eq!(lookaside["items"][0]["sha256"], Value::Null);
}

#[tokio::test]
async fn packages_are_filtered_and_paged() {
    let (app, _) = app(service());
    for (query, expected) in [
        ("?name=ed", &["ed-0:1.20-1.x86_64", "ed-0:1.20-1.src"][..]),
        ("?name=*s*", &["basesystem-0:11-1.noarch"]),
        ("?kind=source", &["ed-0:1.20-1.src"]),
        ("?kind=debug", &[]),
        ("?arch=aarch64", &[]),
        ("?arch=x86_64&kind=binary&name=ed", &["ed-0:1.20-1.x86_64"]),
        ("?per_page=1&page=2", &["ed-0:1.20-1.x86_64"]),
        ("?page=9", &[]),
    ] {
        let answer = get(&app, &format!("/odcs/1/composes/1/packages/{query}"))
            .await
            .json();
        assert_eq!(nevras(&answer), expected, "{query}");
    }
    let meta = get(&app, "/api/1/composes/1/packages?per_page=1&page=2&name=*")
        .await
        .json()["meta"]
        .clone();
    let url = "http://localhost/api/1/composes/1/packages";
    assert_eq!(meta["next"], format!("{url}?page=3&per_page=1&name=*"));
    assert_eq!(meta["prev"], format!("{url}?page=1&per_page=1&name=*"));
    for query in [
        "?arch=x86-64",
        "?kind=rpm",
        "?page=0",
        "?per_page=x",
        "?name=a%2Fb",
    ] {
        let answer = get(&app, &format!("/api/1/composes/1/packages{query}")).await;
        answer.assert_error(400);
    }
}

#[tokio::test]
async fn composes_without_packages_say_why() {
    let (app, _) = app(service());
    for what in ["packages", "manifest", "diff/1"] {
        for (id, says) in [
            (5, "was not recorded"),
            (6, "is not done yet"),
            (7, "is not done yet"),
            (8, "has failed"),
            (9, "there is no compose 9"),
        ] {
            let answer = get(&app, &format!("/api/1/composes/{id}/{what}")).await;
            let message = answer.assert_error(404);
            assert!(message.contains(says), "{what}: {message}");
        }
        get(&app, &format!("/api/1/composes/x/{what}"))
            .await
            .assert_error(404);
    }
    get(&app, "/api/1/composes/1/diff/x").await.assert_error(404);
    let message = get(&app, "/api/1/composes/1/diff/8").await.assert_error(404);
    assert!(message.contains("compose 8"), "{message}");
    // One that is removed keeps its record, and one that reuses another has that one's.
    let removed = get(&app, "/api/1/composes/3/packages").await.json();
    assert_eq!(removed["items"][0]["why"], json!({}));
    let reusing = get(&app, "/api/1/composes/4/packages").await.json();
    assert_eq!((&reusing["compose"], &reusing["tree_of"]), (&json!(4), &json!(1)));
}

#[tokio::test]
async fn a_manifest_is_read_back_as_it_was() {
    let (app, _) = app(service());
    for path in ["/api/1/composes/1/manifest", "/odcs/1/composes/4/manifest/"] {
        let answer = get(&app, path).await;
        assert_eq!(serde_json::from_slice::<Manifest>(&answer.body).unwrap(), old());
        let head = send(&app, "HEAD", path, &[], "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    }
}

#[tokio::test]
async fn differences_have_a_direction() {
    let (app, _) = app(service());
    let there = get(&app, "/api/1/composes/1/diff/2").await.json();
    let shown = |answer: &Value| -> Vec<String> {
        let items = answer["items"].as_array().unwrap().iter();
        let items = items.map(|item| {
            let nevra = |side: &str| item[side]["nevra"].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                item["kind"],
                item["change"],
                nevra("before"),
                nevra("after"),
                item["arches"]
            )
        });
        items.map(|text| text.replace('"', "")).collect()
    };
    assert_eq!(
        shown(&there),
        [
            "binary removed basesystem-0:11-1.noarch - [x86_64]",
            "binary added - ed-0:1.21-1.aarch64 [aarch64]",
            "binary upgraded ed-0:1.20-1.x86_64 ed-0:1.21-1.x86_64 [x86_64]",
            "binary added - sed-0:4-1.noarch [aarch64,x86_64]",
            "source downgraded ed-0:1.20-1.src ed-0:1.19-1.src [x86_64]",
        ]
    );
    let counts = json!({"added": 2, "changed": 0, "downgraded": 1, "removed": 1, "upgraded": 1});
    assert_eq!(there["counts"], counts);
    let back = get(&app, "/api/1/composes/2/diff/1").await.json();
    assert_eq!(back["counts"]["removed"], 2);
    assert_eq!((&back["before"], &back["after"]), (&json!(2), &json!(1)));
    let none = get(&app, "/api/1/composes/1/diff/4").await.json();
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn a_dry_run_makes_nothing() {
    let (app, service) = app(MemoryService {
        outlook: Some(outlook()),
        warnings: vec!["\"foo\" is not known".to_owned()],
        ..MemoryService::default()
    });
    for query in ["dry_run=1", "dry_run=true", "x=y&dry_run=1"] {
        let answer = send(&app, "POST", &format!("/api/1/composes/?{query}"), &[], REQUEST).await;
        assert_eq!(answer.status, 200, "{query}");
        let answer = answer.json();
        assert_eq!(answer["dry_run"], true);
        assert!(answer["id"].is_null());
        assert_eq!(nevras(&answer)[0], "basesystem-0:11-1.noarch");
        assert_eq!(answer["items"][0]["why"]["x86_64"]["by_lookaside"], true);
        assert_eq!(answer["items"][2]["sha256"], Value::Null);
        assert_eq!(answer["lookaside"][0]["kind"], "lookaside");
        assert_eq!(answer["warnings"], json!(["\"foo\" is not known"]));
        assert_eq!(answer["log"][0], "gather: x86_64: 1 packages");
    }
    for query in [
        "dry_run",
        "dry_run=",
        "dry_run=2",
        "dry_run=1&dry_run=0",
        "dry-run=1",
        "dryRun=true",
    ] {
        for path in ["/api/1/composes/", "/odcs/1/composes"] {
            let answer = send(&app, "POST", &format!("{path}?{query}"), &[], REQUEST).await;
            let message = answer.assert_error(400);
            assert!(message.contains("nothing was made"), "{message}");
        }
    }
    let body = r#"{"source": {"type": "repo", "source": "/srv/repo"}, "dry_run": true}"#;
    send(&app, "POST", "/api/1/composes/", &[], body)
        .await
        .assert_error(400);
    assert!(service.submitted.lock().unwrap().is_none() && service.composes.lock().unwrap().is_empty());
    for query in ["", "?dry_run=0", "?dry_run=false"] {
        let answer = send(&app, "POST", &format!("/api/1/composes/{query}"), &[], REQUEST).await;
        assert_eq!(answer.json()["state_name"], "wait", "{query}");
    }
}

#[tokio::test]
async fn what_would_fail_is_told_from_what_is_refused() {
    let (app, service) = app(MemoryService::default());
    let answer = send(&app, "POST", "/api/1/composes/?dry_run=1", &[], REQUEST).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.json(),
        json!({
            "error": "Unprocessable Entity",
            "log": ["gather: x86_64: 1 packages"],
            "message": "Error while generating compose: there is nothing",
            "status": 422,
        })
    );
    let answer = send(&app, "POST", "/api/1/composes/?dry_run=1", &[], "{}").await;
    answer.assert_error(400);
    assert!(service.composes.lock().unwrap().is_empty());

    let (app, _) = crate::common::app(MemoryService {
        previews_fail: true,
        ..MemoryService::default()
    });
    let answer = send(&app, "POST", "/api/1/composes/?dry_run=1", &[], REQUEST).await;
    answer.assert_error(503);
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn what_has_no_dry_run_refuses_it() {
    let (app, service) = app(service());
    for method in ["PATCH", "DELETE"] {
        for query in ["dry_run=1", "dry_run=0", "dry_run", "dry-run=1"] {
            let path = format!("/api/1/composes/1?{query}");
            let message = send(&app, method, &path, &[], "").await.assert_error(400);
            assert!(message.contains("nothing was done"), "{message}");
        }
    }
    let body = r#"{"dry_run": true}"#;
    send(&app, "PATCH", "/api/1/composes/1", &[], body)
        .await
        .assert_error(400);
    assert!(service.renewed.lock().unwrap().is_none());
    assert!(
        service
            .composes
            .lock()
            .unwrap()
            .iter()
            .all(|it| it.removed_by.is_none())
    );
}

/// Whoever may not ask for a compose may not ask what would be in it either.
#[tokio::test]
async fn a_dry_run_needs_the_same_permission() {
    let service = Arc::new(MemoryService {
        outlook: Some(outlook()),
        ..MemoryService::default()
    });
    let app = router(ApiState::new(
        service.clone(),
        Arc::new(TestFiles::at(Path::new("/proc/self/fdinfo"))),
        Links::new(&PUBLIC_URL.parse().unwrap()),
        Arc::new(HeaderAuth),
        Arc::new(NotMike),
        HttpOptions::default(),
    ));
    let flagged = REQUEST.replace("}}", "}, \"flags\": [\"no_deps\"]}");
    for (user, body, status) in [
        ("eve", REQUEST, 401),
        ("mike", REQUEST, 403),
        ("joe", &flagged, 403),
        ("joe", "{", 400),
    ] {
        for query in ["", "?dry_run=1"] {
            let path = format!("/api/1/composes/{query}");
            let answer = send(&app, "POST", &path, &[("x-user", user)], body.to_owned()).await;
            answer.assert_error(status);
        }
    }
    let path = "/api/1/composes/?dry_run=1";
    send(&app, "POST", path, &[], REQUEST).await.assert_error(401);
    let elsewhere = [("x-user", "joe"), ("origin", "http://evil.example")];
    send(&app, "POST", path, &elsewhere, REQUEST)
        .await
        .assert_error(403);
    let allowed = send(&app, "POST", path, &[("x-user", "joe")], REQUEST).await;
    assert_eq!(allowed.json()["dry_run"], true);
    assert!(service.submitted.lock().unwrap().is_none());
}
