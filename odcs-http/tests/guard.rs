//! Which requests are answered at all.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use common::{MemoryService, app, send, state_of};
use odcs_http::{HttpOptions, Scheme, router};

const REQUEST: &str = r#"{"source": {"type": "repo", "source": "/srv/repo"}}"#;

async fn status(app: &Router, method: &str, headers: &[(&str, &str)]) -> u16 {
    let answer = send(app, method, "/api/1/composes/", headers, REQUEST).await;
    if answer.status != 200 {
        answer.assert_error(answer.status.as_u16());
        // A page that has no business here cannot even read the refusal.
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    answer.status.as_u16()
}

#[tokio::test]
async fn without_authentication_only_names_of_the_machine_are_answered() {
    let (app, service) = app(MemoryService::default());
    for host in [
        "localhost",
        "localhost:5000",
        "LOCALHOST",
        "localhost.",
        "odcs.localhost:80",
        "127.0.0.1",
        "127.0.0.1:5000",
        "127.1.2.3",
        "[::1]",
        "[::1]:5000",
    ] {
        assert_eq!(status(&app, "GET", &[("host", host)]).await, 200, "{host}");
        assert_eq!(status(&app, "POST", &[("host", host)]).await, 200, "{host}");
    }
    let posted = service.composes.lock().unwrap().len();
    for host in [
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "evil-localhost",
        "0.0.0.0:5000",
        "192.168.1.1",
        "10.0.0.1:5000",
        "[::]:5000",
        "[fe80::1]",
    ] {
        assert_eq!(status(&app, "GET", &[("host", host)]).await, 421, "{host}");
        assert_eq!(status(&app, "POST", &[("host", host)]).await, 421, "{host}");
    }
    for host in [
        "localhos%74",
        "localhost:99999",
        "localhost:x",
        "",
        "user@localhost",
        "localhost/x",
        "local host",
        "a,localhost",
    ] {
        let status = status(&app, "POST", &[("host", host)]).await;
        assert!([400, 421].contains(&status), "{host}: {status}");
    }
    assert_eq!(
        status(&app, "GET", &[("host", "localhost"), ("host", "localhost")]).await,
        400
    );
    assert_eq!(service.composes.lock().unwrap().len(), posted);
    let answer = send(&app, "GET", "/composes/", &[("host", "example.com")], "").await;
    let message = answer.assert_error(421);
    assert!(message.contains("allowed hosts"), "{message}");
    let answer = send(
        &app,
        "GET",
        "http://example.com/api/1/composes/",
        &[("host", "localhost")],
        "",
    )
    .await;
    answer.assert_error(400);
}

#[tokio::test]
async fn names_that_are_configured_are_answered() {
    let mut options = HttpOptions::default();
    options.allowed_hosts = vec!["lab.example.com".to_owned()];
    options.scheme = Scheme::Https;
    let service = Arc::new(MemoryService::default());
    let files = Path::new("/proc/self/fdinfo");
    let app = router(state_of(
        service,
        files,
        "https://odcs.example.com/composes",
        options,
    ));
    for host in [
        "lab.example.com",
        "LAB.example.com:8080",
        "odcs.example.com",
        "localhost",
    ] {
        assert_eq!(status(&app, "GET", &[("host", host)]).await, 200, "{host}");
    }
    assert_eq!(status(&app, "GET", &[("host", "example.com")]).await, 421);
    let answer = send(
        &app,
        "GET",
        "/api/1/composes/",
        &[("host", "lab.example.com")],
        "",
    )
    .await;
    let first = answer.json()["meta"]["first"].as_str().unwrap().to_owned();
    assert!(
        first.starts_with("https://lab.example.com/api/1/composes/?"),
        "{first}"
    );
    for (origin, expected) in [
        ("https://lab.example.com", 200),
        ("https://odcs.example.com", 200),
        ("http://lab.example.com", 403),
    ] {
        let headers = [("host", "lab.example.com"), ("origin", origin)];
        assert_eq!(status(&app, "POST", &headers).await, expected, "{origin}");
    }
}

#[tokio::test]
async fn writes_are_not_taken_from_other_sites() {
    let (app, service) = app(MemoryService::default());
    let host = ("host", "localhost:5000");
    for headers in [
        [host, ("origin", "http://evil.example.com")],
        [host, ("origin", "http://localhost:5001")],
        [host, ("origin", "https://localhost:5000")],
        [host, ("origin", "http://localhost")],
        [host, ("origin", "http://localhost:5000.evil.example.com")],
        [host, ("origin", "null")],
        [host, ("origin", "")],
        [host, ("origin", "file://")],
        [host, ("sec-fetch-site", "cross-site")],
        [host, ("sec-fetch-site", "same-site")],
    ] {
        for method in ["POST", "PATCH", "PUT", "DELETE"] {
            assert_eq!(status(&app, method, &headers).await, 403, "{method} {headers:?}");
        }
        assert_eq!(status(&app, "GET", &headers).await, 200, "{headers:?}");
    }
    let both = [
        host,
        ("origin", "http://localhost:5000"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(status(&app, "POST", &both).await, 403);
    let twice = [
        host,
        ("origin", "http://localhost:5000"),
        ("origin", "http://evil.example.com"),
    ];
    assert_eq!(status(&app, "POST", &twice).await, 403);
    assert!(service.composes.lock().unwrap().is_empty());
    for headers in [
        [host, ("origin", "http://localhost:5000")],
        [host, ("origin", "http://127.0.0.1:5000")],
        [host, ("sec-fetch-site", "same-origin")],
        [host, ("sec-fetch-site", "none")],
        [host, ("accept", "*/*")],
    ] {
        assert_eq!(status(&app, "POST", &headers).await, 200, "{headers:?}");
    }
}
