//! What a proxy in front says, and who is believed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::common::{Answer, MemoryService, fixture, send, state_of};
use axum::Router;
use axum::extract::ConnectInfo;
use odcs_http::{HttpOptions, router};

const PROXY: &str = "10.1.2.3:40000";
const STRANGER: &str = "192.0.2.7:40000";

/// A service behind a proxy; requests come from `peer`.
fn app(peer: &str, public_url: &str, total: u64) -> Router {
    let mut options = HttpOptions::default();
    options.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    options.allowed_hosts = vec!["odcs.example.com".to_owned()];
    let service = Arc::new(MemoryService {
        total: Some(total),
        ..MemoryService::default()
    });
    let files = Path::new("/proc/self/fdinfo");
    let peer: SocketAddr = peer.parse().unwrap();
    router(state_of(service, files, public_url, options)).layer(axum::Extension(ConnectInfo(peer)))
}

async fn list(peer: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(
        &app(peer, crate::common::PUBLIC_URL, 30),
        "GET",
        path,
        headers,
        "",
    )
    .await
}

async fn first(peer: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let answer = list(peer, path, headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["meta"]["first"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn links_are_those_of_the_recordings() {
    let mut compared = 0;
    for case in fixture("forwarded.jsonl") {
        let headers = case["headers"].as_object().unwrap();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap()))
            .collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, *value)).collect();
        let total = case["meta"]["total"].as_u64().unwrap_or_default();
        let app = app(PROXY, crate::common::PUBLIC_URL, total);
        let path = case["path"].as_str().unwrap();
        let answer = send(&app, "GET", path, &headers, "").await;
        if case["status"] == 308 {
            // We answer at both paths.
            assert_eq!(answer.status, 200, "{case}");
            continue;
        }
        assert_eq!(u64::from(answer.status.as_u16()), case["status"], "{case}");
        assert_eq!(answer.json()["meta"], case["meta"], "{}", case["name"]);
        compared += 1;
    }
    assert_eq!(compared, 3);
}

#[tokio::test]
async fn all_that_a_proxy_says_goes_into_links() {
    let link = first(
        PROXY,
        "/api/1/composes?per_page=2&owner=me",
        &[
            ("host", "backend:5000"),
            ("x-forwarded-host", "odcs.example.com"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "8443"),
            ("x-forwarded-prefix", "/odcs/"),
        ],
    );
    assert_eq!(
        link.await,
        "https://odcs.example.com:8443/odcs/api/1/composes/?page=1&per_page=2&owner=me"
    );
    // The reference's own headers go before the others.
    let link = first(
        PROXY,
        "/mine/api/1/composes/",
        &[
            ("x-scheme", "https"),
            ("x-forwarded-proto", "http"),
            ("x-script-name", "/mine"),
            ("x-forwarded-prefix", "/other"),
        ],
    );
    assert_eq!(
        link.await,
        "https://localhost/mine/api/1/composes/?page=1&per_page=10"
    );
}

#[tokio::test]
async fn strangers_are_not_believed() {
    let headers = [
        ("x-forwarded-host", "odcs.example.com"),
        ("x-scheme", "https"),
        ("x-forwarded-port", "1"),
        ("x-script-name", "/odcs"),
    ];
    let plain = "http://localhost/api/1/composes/?page=1&per_page=10";
    assert_eq!(first(STRANGER, "/api/1/composes/", &headers).await, plain);
    assert_eq!(
        list(STRANGER, "/odcs/api/1/composes/", &headers).await.status,
        404
    );
    // Nor is what cannot be understood looked at.
    assert_eq!(
        first(STRANGER, "/api/1/composes/", &[("x-scheme", "ftp")]).await,
        plain
    );
    // A proxy that no network of the configuration names is one of them, also on the same machine.
    assert_eq!(first("127.0.0.1:1", "/api/1/composes/", &headers).await, plain);
    assert_eq!(
        first("[::ffff:192.0.2.7]:1", "/api/1/composes/", &headers).await,
        plain
    );
    let mapped = first("[::ffff:10.1.2.3]:1", "/api/1/composes/", &headers).await;
    assert!(
        mapped.starts_with("https://odcs.example.com:1/odcs/api/1/"),
        "{mapped}"
    );
}

#[tokio::test]
async fn hosts_are_judged_by_the_one_that_was_asked_for() {
    let status = async |peer, headers: &[(&str, &str)]| {
        let answer = list(peer, "/api/1/composes/", headers).await;
        answer.status.as_u16()
    };
    let evil = ("x-forwarded-host", "evil.example.net");
    assert_eq!(status(PROXY, &[("host", "localhost"), evil]).await, 421);
    let good = ("x-forwarded-host", "odcs.example.com");
    assert_eq!(status(PROXY, &[("host", "backend"), good]).await, 200);
    // From anybody else the name that the request has is the one that counts.
    assert_eq!(status(STRANGER, &[("host", "evil.example.net"), good]).await, 421);
    assert_eq!(status(STRANGER, &[("host", "localhost"), evil]).await, 200);
    for header in [
        ("x-scheme", "javascript"),
        ("x-forwarded-host", "a/b"),
        ("x-script-name", "//evil.example.net"),
        ("x-forwarded-port", "http"),
    ] {
        assert_eq!(status(PROXY, &[header]).await, 400, "{header:?}");
    }
}

#[tokio::test]
async fn origins_are_compared_with_the_name_that_was_asked_for() {
    let post = async |peer, headers: &[(&str, &str)]| {
        let app = app(peer, crate::common::PUBLIC_URL, 0);
        let body = r#"{"source": {"type": "repo", "source": "/srv/repo"}}"#;
        let answer = send(&app, "POST", "/api/1/composes/", headers, body).await;
        answer.status.as_u16()
    };
    let https = [
        ("x-forwarded-host", "odcs.example.com"),
        ("x-forwarded-proto", "https"),
        ("origin", "https://odcs.example.com"),
    ];
    assert_eq!(post(PROXY, &https).await, 200);
    // What a page could have a browser send changes nothing.
    assert_eq!(post(STRANGER, &https).await, 403);
    let http = [
        ("x-forwarded-host", "odcs.example.com"),
        ("x-forwarded-proto", "https"),
        ("origin", "http://odcs.example.com"),
    ];
    assert_eq!(post(PROXY, &http).await, 403);
}

/// A service behind a proxy, with a compose that has one file.
fn with_files(public_url: &str) -> (tempfile::TempDir, Router) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("odcs-1")).unwrap();
    std::fs::write(dir.path().join("odcs-1/STATUS"), "FINISHED\n").unwrap();
    let mut options = HttpOptions::default();
    options.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    options.allowed_hosts = vec!["odcs.example.com".to_owned()];
    let state = state_of(Arc::default(), dir.path(), public_url, options);
    let peer: SocketAddr = PROXY.parse().unwrap();
    (dir, router(state).layer(axum::Extension(ConnectInfo(peer))))
}

#[tokio::test]
async fn pages_and_files_are_found_below_the_prefix() {
    let headers = [("x-script-name", "/odcs")];
    // The public URL is that of the proxy, or one that has nothing to do with it. The proxy takes its prefix
    // from the path, or leaves it there.
    for (public_url, link) in [
        ("https://odcs.example.com/odcs/composes", "/odcs/composes/"),
        ("https://odcs.example.com/composes", "/odcs/composes/"),
    ] {
        let (_dir, app) = with_files(public_url);
        for base in ["", "/odcs"] {
            let answer = send(&app, "GET", &format!("{base}/"), &headers, "")
                .await
                .text()
                .to_owned();
            assert!(answer.contains("href=\"/odcs/api/1/composes/\""), "{answer}");
            assert!(answer.contains(&format!("href=\"{link}\"")), "{answer}");
            let answer = send(&app, "GET", &format!("{base}/api/1/about"), &headers, "").await;
            assert_eq!(answer.json()["version"], "0.1.0");
            let file = format!("{base}/composes/odcs-1/STATUS");
            let answer = send(&app, "GET", &file, &headers, "").await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (200, "FINISHED\n"),
                "{public_url} {file}"
            );
        }
    }
    // Without a prefix, the path of the public URL is all that counts.
    let (_dir, app) = with_files("https://odcs.example.com/odcs/composes");
    for (path, status) in [
        ("/odcs/composes/odcs-1/STATUS", 200),
        ("/composes/odcs-1/STATUS", 404),
    ] {
        assert_eq!(send(&app, "GET", path, &[], "").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn composes_at_the_top_of_the_prefix() {
    let (_dir, app) = with_files("https://odcs.example.com/odcs/");
    let headers = [("x-script-name", "/odcs")];
    for base in ["", "/odcs"] {
        let answer = send(&app, "GET", &format!("{base}/odcs-1/STATUS"), &headers, "").await;
        assert_eq!(answer.status, 200);
        let answer = send(&app, "GET", &format!("{base}/"), &headers, "").await;
        assert!(answer.text().contains("href=\"./odcs-1/\""), "{}", answer.text());
        let answer = send(&app, "GET", &format!("{base}/api/1/nothing"), &headers, "").await;
        assert_eq!(answer.status, 404);
    }
}
