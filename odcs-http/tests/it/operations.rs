//! What those who run a server look at: health, metrics and logs of composes.

use std::fs;
use std::sync::Arc;

use crate::common::{MemoryService, PUBLIC_URL, app, compose, get, send, state_of};
use axum::Router;
use odcs_core::compose::{ComposeId, ComposeState};
use odcs_core::{ErrorKind, Observer};
use odcs_http::{HttpOptions, Metrics, router};
use serde_json::json;
use tempfile::TempDir;

#[tokio::test]
async fn health_is_told_under_any_host() {
    let (app, _) = app(MemoryService::default());
    for path in ["/healthz", "/readyz"] {
        for host in ["localhost", "10.0.0.1:5000", "pod.example.com", "a@b"] {
            for method in ["GET", "HEAD"] {
                let answer = send(&app, method, path, &[("host", host)], "").await;
                assert_eq!(answer.status, 200, "{method} {path} {host}");
                assert_eq!(answer.header("cache-control"), "no-store");
            }
        }
        let answer = send(&app, "POST", path, &[("host", "example.com")], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, "GET, HEAD, OPTIONS")
        );
    }
    assert_eq!(get(&app, "/healthz").await.json(), json!({"status": "ok"}));
    let checks = json!({"checks": [
        {"name": "store", "problem": null, "ready": true},
        {"name": "target_dir", "problem": null, "ready": true},
    ], "ready": true});
    assert_eq!(get(&app, "/readyz").await.json(), checks);
    // Nothing else is: not what looks like it, and no other path.
    for path in [
        "/healthz/",
        "/healthz/x",
        "/readyz/../api/1/about",
        "/",
        "/api/1/metrics",
        "/api/1/openapi.json",
    ] {
        let answer = send(&app, "GET", path, &[("host", "example.com")], "").await;
        assert_eq!(answer.status, 421, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_ready_is_named() {
    let (app, _) = app(MemoryService {
        failure: Some(ErrorKind::Unavailable),
        ..MemoryService::default()
    });
    assert_eq!(get(&app, "/healthz").await.status, 200);
    let answer = get(&app, "/readyz").await;
    assert_eq!(answer.status, 503);
    let answer = answer.json();
    assert_eq!(answer["ready"], false);
    assert_eq!(
        answer["checks"][0],
        json!({"name": "store", "problem": "Unavailable", "ready": false})
    );
    assert_eq!(answer["checks"][1]["ready"], true);
}

/// An app over a directory with composes in these states.
fn with_logs(states: &[ComposeState]) -> (TempDir, Router) {
    let directory = TempDir::new().unwrap();
    let composes = (1..).zip(states).map(|(id, state)| {
        let mut compose = compose(id);
        compose.state = *state;
        compose
    });
    let mut composes: Vec<_> = composes.collect();
    if let Some(last) = composes.last_mut() {
        last.reused_id = Some(ComposeId::new(1));
    }
    let service = Arc::new(MemoryService {
        composes: composes.into(),
        ..MemoryService::default()
    });
    let app = router(state_of(
        service,
        directory.path(),
        PUBLIC_URL,
        HttpOptions::default(),
    ));
    (directory, app)
}

fn write_log(directory: &TempDir, id: i64, text: &str) {
    let top = directory.path().join(format!("odcs-{id}"));
    fs::create_dir_all(&top).unwrap();
    fs::write(top.join("pungi-stderr.log"), text).unwrap();
}

#[tokio::test]
async fn logs_can_be_followed() {
    let (directory, app) = with_logs(&[ComposeState::Generating]);
    let path = "/api/1/composes/1/log";
    assert!(get(&app, path).await.assert_error(404).contains("no log yet"));
    write_log(&directory, 1, "one\n");
    for path in [path, "/api/1/composes/1/log/", "/odcs/1/composes/1/log"] {
        let answer = get(&app, path).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "one\n"));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let head = send(&app, "HEAD", path, &[], "").await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length"), head.text()),
        (200, "4", "")
    );
    let rest = async |from: &str| send(&app, "GET", path, &[("range", from)], "").await;
    let nothing_new = rest("bytes=4-").await;
    nothing_new.assert_error(416);
    assert_eq!(nothing_new.header("content-range"), "bytes */4");
    write_log(&directory, 1, "one\ntwo\n");
    let new = rest("bytes=4-").await;
    assert_eq!((new.status.as_u16(), new.text()), (206, "two\n"));
    assert_eq!(new.header("content-range"), "bytes 4-7/8");
}

#[tokio::test]
async fn a_missing_log_is_explained() {
    use ComposeState::{Done, Failed, Removed, Wait};
    let (directory, app) = with_logs(&[Done, Wait, Removed, Failed, Done]);
    write_log(&directory, 1, "of the first\n");
    for (id, expected) in [
        (2, "nobody has begun"),
        (3, "is removed"),
        (4, "has no log"),
        (99, "there is no compose 99"),
    ] {
        let message = get(&app, &format!("/api/1/composes/{id}/log"))
            .await
            .assert_error(404);
        assert!(message.contains(expected), "{message}");
    }
    get(&app, "/api/1/composes/x/log").await.assert_error(404);
    get(&app, "/api/1/composes/..%2f1/log").await.assert_error(404);
    // One that reuses another shows that one's, until it has its own.
    assert_eq!(get(&app, "/api/1/composes/5/log").await.text(), "of the first\n");
    write_log(&directory, 5, "of its own\n");
    assert_eq!(get(&app, "/api/1/composes/5/log").await.text(), "of its own\n");
    // Only a file is a log.
    fs::create_dir_all(directory.path().join("odcs-4/pungi-stderr.log")).unwrap();
    get(&app, "/api/1/composes/4/log").await.assert_error(404);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = send(&app, method, "/api/1/composes/1/log", &[], "").await;
        answer.assert_error(405);
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
}

#[tokio::test]
async fn metrics_count_requests_and_composes() {
    let metrics = Arc::new(Metrics::new());
    let service = Arc::new(MemoryService {
        composes: vec![compose(1)].into(),
        counts: vec![
            (3, ComposeState::Done, 7),
            (3, ComposeState::Failed, 2),
            (777, ComposeState::Done, 1),
            (778, ComposeState::Done, 1),
        ],
        ..MemoryService::default()
    });
    let files = TempDir::new().unwrap();
    let state = state_of(service, files.path(), PUBLIC_URL, HttpOptions::default());
    let app = router(state.with_metrics(metrics.clone()));
    metrics.compose_submitted(3);
    for (method, path) in [
        ("GET", "/api/1/composes/1"),
        ("GET", "/api/1/composes/1/"),
        ("GET", "/api/1/composes/2"),
        ("BREW", "/api/1/composes/1"),
        ("GET", "/composes/odcs-1/x"),
        ("GET", "/nowhere/1"),
        ("GET", "/nowhere/2"),
        ("GET", "/api/1/nowhere"),
    ] {
        send(&app, method, path, &[], "").await;
    }
    for path in ["/api/1/metrics/", "/api/1/metrics", "/odcs/1/metrics"] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .header("content-type")
                .starts_with("application/openmetrics-text; version=1.0.0")
        );
        assert_eq!(answer.text().matches("# EOF").count(), 1);
        assert!(answer.text().ends_with("# EOF\n"));
    }
    let text = get(&app, "/api/1/metrics/").await;
    let text = text.text();
    for line in [
        "# TYPE composes_total gauge",
        "composes_total{source_type=\"repo\",state=\"done\"} 7",
        "composes_total{source_type=\"repo\",state=\"failed\"} 2",
        "composes_total{source_type=\"tag\",state=\"wait\"} 0",
        "composes_total{source_type=\"other\",state=\"done\"} 2",
        "odcs_store_up 1",
        "odcs_composes_submitted_total{source_type=\"repo\"} 1",
        "odcs_http_requests_total{method=\"GET\",route=\"/api/1/composes/{id}\",status=\"2xx\"} 2",
        "odcs_http_requests_total{method=\"GET\",route=\"/api/1/composes/{id}\",status=\"4xx\"} 1",
        "odcs_http_requests_total{method=\"other\",route=\"/api/1/composes/{id}\",status=\"4xx\"} 1",
        "odcs_http_requests_total{method=\"GET\",route=\"files\",status=\"4xx\"} 1",
        "odcs_http_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"} 3",
        "odcs_http_request_duration_seconds_count{method=\"GET\",route=\"none\"} 3",
    ] {
        assert!(
            text.lines().any(|known| known == line),
            "{line} is not in\n{text}"
        );
    }
    // The seven types of the API in five states, and what is counted together.
    let composes = text.lines().filter(|line| line.starts_with("composes_total{"));
    assert_eq!(composes.count(), 36);
}

#[tokio::test]
async fn the_reference_servers_series_are_there() {
    let (app, _) = app(MemoryService::default());
    let text = get(&app, "/api/1/metrics/").await;
    for kind in [
        "tag",
        "module",
        "repo",
        "pulp",
        "raw_config",
        "build",
        "pungi_compose",
    ] {
        for state in ["wait", "generating", "done", "removed", "failed"] {
            let line = format!("composes_total{{source_type=\"{kind}\",state=\"{state}\"}} 0\n");
            assert!(text.text().contains(&line), "{line}");
        }
    }
}

#[tokio::test]
async fn metrics_do_not_depend_on_the_store() {
    let (app, _) = app(MemoryService {
        failure: Some(ErrorKind::Unavailable),
        ..MemoryService::default()
    });
    get(&app, "/api/1/composes/1").await.assert_error(503);
    let answer = get(&app, "/api/1/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("odcs_store_up 0\n"));
    assert!(!answer.text().contains("composes_total{"));
    assert!(answer.text().contains("status=\"5xx\"} 1\n"));
}

#[tokio::test]
async fn callers_cannot_add_series() {
    let (app, _) = app(MemoryService::default());
    for number in 0..200 {
        send(&app, &format!("M{number}"), &format!("/x/{number}"), &[], "").await;
        get(&app, &format!("/api/1/composes/{number}?page={number}")).await;
        get(&app, &format!("/composes/odcs-{number}/")).await;
    }
    let text = get(&app, "/api/1/metrics").await;
    let series = text
        .text()
        .lines()
        .filter(|line| line.starts_with("odcs_http_requests_total{"));
    assert_eq!(series.count(), 3);
}

#[tokio::test]
async fn every_path_says_what_it_can_do() {
    let (app, _) = app(MemoryService {
        composes: vec![compose(1)].into(),
        ..MemoryService::default()
    });
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/composes/",
        "/api/1/about/",
        "/api/1/metrics/",
        "/api/1/openapi.json",
        "/api/1/composes/",
        "/api/1/composes/1",
        "/api/1/composes/1/log",
    ] {
        let options = send(&app, "OPTIONS", path, &[], "").await;
        assert_eq!((options.status.as_u16(), options.text()), (200, ""), "{path}");
        let allow: Vec<_> = options.header("allow").split(", ").map(str::to_owned).collect();
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(allow.iter().any(|known| known == method), "{path}: {allow:?}");
        }
        for method in ["PUT", "PATCH", "POST", "DELETE", "TRACE", "BREW"] {
            if allow.iter().any(|known| known == method) {
                continue;
            }
            let answer = send(&app, method, path, &[], "").await;
            answer.assert_error(405);
            assert_eq!(answer.header("allow"), options.header("allow"), "{method} {path}");
        }
    }
    for path in [
        "/x",
        "/api",
        "/api/",
        "/api/1",
        "/api/1/x",
        "/api/2/composes/",
        "/api/1/composes/1/x",
    ] {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT"] {
            let answer = send(&app, method, path, &[], "").await;
            assert_eq!(answer.status, 404, "{method} {path}");
            if method != "HEAD" {
                answer.assert_error(404);
            }
        }
    }
}
