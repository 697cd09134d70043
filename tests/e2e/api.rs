//! The REST API, as clients know it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn a_compose_goes_from_wait_to_done() {
    let (server, repository) = Server::with_test_repository();
    let submitted = server
        .submit(&json!({"source": {"type": "repo", "source": repository, "packages": ["ed"]}}))
        .await;
    assert_eq!(submitted["id"], 1);
    assert_eq!(submitted["state"], 0);
    assert_eq!(submitted["state_name"], "wait");
    assert_eq!(submitted["source_type"], 3);
    assert_eq!(submitted["packages"], "ed");
    assert_eq!(submitted["sigkeys"], "");
    assert_eq!(submitted["owner"], "unknown");
    assert!(submitted.get("warnings").is_none());
    let compose = server.ended(1).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert_eq!(compose["state"], 2);
    assert_eq!(compose["state_reason"], "Compose is generated successfully");
    let base = server.url("/composes/odcs-1");
    assert_eq!(compose["toplevel_url"], base);
    assert_eq!(compose["result_repo"], format!("{base}/compose/Temporary"));
    assert_eq!(
        compose["result_repofile"],
        format!("{base}/compose/Temporary/odcs-1.repo")
    );
    for time in ["time_submitted", "time_started", "time_done", "time_to_expire"] {
        let text = compose[time].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{time}: {text}");
    }
    let id = compose["pungi_compose_id"].as_str().unwrap();
    assert!(id.starts_with("odcs-1-1-20") && id.ends_with(".t.0"), "{id}");
    // The revision of the repository's metadata stands where a tag has its event.
    assert!(compose["koji_event"].as_i64().unwrap() > 0);
    let keys: Vec<_> = compose.as_object().unwrap().keys().cloned().collect();
    assert!(keys.is_sorted() && keys.len() == 43, "{keys:?}");
}

#[tokio::test]
async fn older_paths_bodies_and_slashes_work() {
    let (server, repository) = Server::with_test_repository();
    let flat =
        json!({"source_type": "repo", "source": repository, "packages": ["ed"], "seconds-to-live": "3600"});
    let nested = json!({"source": {"type": "repo", "source": repository, "packages": ["ed"]}, "seconds_to_live": 3600});
    let mut ids = Vec::new();
    for path in [
        "/api/1/composes",
        "/api/1/composes/",
        "/odcs/1/composes",
        "/odcs/1/composes/",
    ] {
        for body in [&flat, &nested] {
            // Some clients post JSON as a form.
            let form = [("Content-Type", "application/x-www-form-urlencoded")];
            let answer = server
                .ask(Method::POST, path, &form, body.to_string().as_bytes())
                .await;
            assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
            ids.push(answer.json()["id"].as_i64().unwrap());
        }
    }
    assert_eq!(ids, (1..=8).collect::<Vec<_>>());
    for id in ids {
        let compose = server.ended(id).await;
        assert_eq!(compose["state_name"], "done", "{compose}");
        for path in ["/api/1/composes", "/odcs/1/composes"] {
            assert_eq!(server.get(&format!("{path}/{id}")).await.json(), compose);
            assert_eq!(server.get(&format!("{path}/{id}/")).await.json(), compose);
        }
    }
}

#[tokio::test]
async fn lists_have_pages_and_about_tells_what_can_be_made() {
    let (server, repository) = Server::with_test_repository();
    for _ in 0..3 {
        server
            .submit(&json!({"source": {"type": "repo", "source": repository, "packages": ["ed"]}}))
            .await;
    }
    let list = server.get("/api/1/composes/?per_page=2").await;
    assert_eq!(list.header("access-control-allow-origin"), "*");
    let list = list.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(list["items"][0]["id"], 3);
    assert_eq!(
        (
            &list["meta"]["total"],
            &list["meta"]["pages"],
            &list["meta"]["prev"]
        ),
        (&json!(3), &json!(2), &Value::Null)
    );
    assert_eq!(
        list["meta"]["next"],
        server.url("/api/1/composes/?page=2&per_page=2")
    );
    for path in ["/api/1/about", "/api/1/about/", "/odcs/1/about/"] {
        let about = server.get(path).await.json();
        assert_eq!(about["auth_backend"], "noauth");
        assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(about["source_types"], json!(["repo"]));
        assert_eq!(
            about["flags"],
            json!(["no_deps", "check_deps", "no_reuse", "check_install"]),
            "none that would do nothing"
        );
    }
}

#[tokio::test]
async fn what_can_never_work_is_refused_with_its_field() {
    let (server, repository) = Server::with_test_repository();
    let source = json!({"type": "repo", "source": repository});
    for (body, says) in [
        (json!({}), "source"),
        (json!({"source": {"type": "tag", "source": "f36"}}), "\"tag\""),
        (
            json!({"source": {"type": "module", "source": "a:1"}}),
            "\"module\"",
        ),
        (json!({"source": {"type": "nope", "source": "f36"}}), "nope"),
        (json!({"source": {"type": "repo"}}), "source"),
        (
            json!({"source": {"type": "repo", "source": "/etc"}}),
            "is not below",
        ),
        (
            json!({"source": {"type": "repo", "source": "relative"}}),
            "source",
        ),
        (
            json!({"source": {"type": "repo", "source": format!("{}/../../etc", repository.display())}}),
            "source",
        ),
        (
            json!({"source": {"type": "repo", "source": "http://example.com/repo"}}),
            "fetch",
        ),
        (json!({"source": source, "arches": "x86_64"}), "arches"),
        (json!({"source": source, "arches": ["vax"]}), "vax"),
        (json!({"source": source, "flags": ["nope"]}), "nope"),
        (json!({"source": source, "results": ["ostree"]}), "ostree"),
        (json!({"source": source, "results": ["boot.iso"]}), "boot.iso"),
        (json!({"source": source, "target_dir": "nope"}), "target_dir"),
        (
            json!({"source": source, "lookaside_repos": ["http://localhost/x"]}),
            "lookaside",
        ),
        (
            json!({"source": source, "seconds_to_live": -5}),
            "seconds_to_live",
        ),
        (
            json!({"source": {"type": "repo", "source": repository, "packages": ["../ed"]}}),
            "packages",
        ),
        (
            json!({"source": {"type": "repo", "source": repository, "sigkeys": ["xyz"]}}),
            "sigkeys",
        ),
        (
            json!({"source": {"type": "repo", "source": repository, "builds": ["ed-1-1"]}}),
            "builds",
        ),
    ] {
        let answer = server.post(&body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        let error = answer.json();
        assert_eq!(
            (&error["status"], &error["error"]),
            (&json!(400), &json!("Bad Request"))
        );
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{body}: {error}"
        );
    }
    assert_eq!(server.get("/api/1/composes/").await.json()["meta"]["total"], 0);
}

#[tokio::test]
async fn errors_have_the_shape_that_clients_read() {
    let (server, _) = Server::with_test_repository();
    for (method, path, status, error) in [
        (Method::GET, "/api/1/composes/7", 404, "Not Found"),
        (Method::GET, "/api/1/composes/abc", 404, "Not Found"),
        (Method::GET, "/api/1/nothing", 404, "Not Found"),
        (Method::DELETE, "/api/1/about/", 405, "Method Not Allowed"),
        (Method::PUT, "/api/1/composes/", 405, "Method Not Allowed"),
    ] {
        let answer = server.ask(method, path, &[], b"").await;
        assert_eq!(answer.status, status, "{path}");
        let body = answer.json();
        assert_eq!((&body["status"], &body["error"]), (&json!(status), &json!(error)));
        assert!(body["message"].is_string());
    }
}

#[tokio::test]
async fn pages_of_other_sites_can_write_nothing() {
    let (server, repository) = Server::with_test_repository();
    let body = json!({"source": {"type": "repo", "source": repository}}).to_string();
    for headers in [
        [("Origin", "http://evil.example")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Host", "evil.example")],
    ] {
        let answer = server
            .ask(Method::POST, "/api/1/composes/", &headers, body.as_bytes())
            .await;
        assert!(answer.status.is_client_error(), "{headers:?}: {}", answer.status);
    }
    assert_eq!(server.get("/api/1/composes/").await.json()["meta"]["total"], 0);
}
