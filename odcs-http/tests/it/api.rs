//! The REST API over a service in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{MemoryService, PUBLIC_URL, TestFiles, app, compose, get, send, state_of};
use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::request::Parts;
use odcs_auth::{Action, AuthError, Authenticator, Decision, Identity, Policy, Refusal, RequestFacts};
use odcs_core::ErrorKind;
use odcs_core::compose::{ComposeState, Links};
use odcs_core::request::Flag;
use odcs_core::request::parse::compose_request;
use odcs_http::{ApiState, HttpOptions, router};
use serde_json::json;

const REQUEST: &str = r#"{"source": {"type": "repo", "source": "/srv/repo"}}"#;

fn with_composes(count: i64) -> MemoryService {
    MemoryService {
        composes: (1..=count).map(compose).collect::<Vec<_>>().into(),
        ..MemoryService::default()
    }
}

#[tokio::test]
async fn every_path_answers_with_and_without_a_slash_and_below_the_older_base() {
    let (app, _) = app(with_composes(1));
    for base in ["/api/1", "/odcs/1"] {
        for path in ["composes", "composes/1", "about"] {
            for slash in ["", "/"] {
                let path = format!("{base}/{path}{slash}");
                let answer = get(&app, &path).await;
                assert_eq!(answer.status, 200, "{path}");
                assert_eq!(answer.header("access-control-allow-origin"), "*");
                answer.json();
                let head = send(&app, "HEAD", &path, &[], "").await;
                assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
                assert_eq!(head.header("content-length"), answer.body.len().to_string());
                assert_eq!(head.header("access-control-allow-origin"), "*");
            }
        }
        for slash in ["", "/"] {
            let answer = send(&app, "POST", &format!("{base}/composes{slash}"), &[], REQUEST).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_ids_are_404() {
    let (app, _) = app(with_composes(1));
    for path in [
        "/api/1/nope/",
        "/api/1/",
        "/api/1",
        "/api/2/",
        "/api",
        "/odcs/1",
        "/nope",
        "/favicon.ico",
        "/static/openapispec.json",
        "/api/1/composes/2",
        "/api/1/composes/0",
        "/api/1/composes/-1",
        "/api/1/composes/+1",
        "/api/1/composes/abc",
        "/api/1/composes/1.0",
        "/api/1/composes/%ff",
        "/api/1/composes/1%2f",
        "/api/1/composes//",
        "/api/1/composes/1/x",
        "/api/1/composes/9223372036854775808",
        "/api/1/composes/999999999999999999999999999999",
    ] {
        let answer = get(&app, path).await;
        answer.assert_error(404);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    let head = send(&app, "HEAD", "/api/1/composes/2", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
    assert_eq!(head.header("access-control-allow-origin"), "*");
    assert_eq!(get(&app, "/api/1/composes/001").await.json()["id"], 1);
}

#[tokio::test]
async fn deleting_is_accepted_with_a_body() {
    let (app, service) = app(with_composes(2));
    for path in ["/api/1/composes/1", "/odcs/1/composes/1/"] {
        let answer = send(&app, "DELETE", path, &[], "").await;
        assert_eq!(answer.status, 202);
        let message =
            "The delete request for compose (id=1) has been accepted and will be processed by backend later.";
        assert_eq!(
            answer.json(),
            serde_json::json!({"message": message, "status": 202})
        );
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    service.composes.lock().unwrap()[1].state = ComposeState::Removed;
    send(&app, "DELETE", "/api/1/composes/2", &[], "")
        .await
        .assert_error(400);
    for path in ["/api/1/composes/3", "/api/1/composes/abc"] {
        send(&app, "DELETE", path, &[], "").await.assert_error(404);
    }
    let composes = service.composes.lock().unwrap();
    let removers: Vec<_> = composes
        .iter()
        .map(|compose| compose.removed_by.as_deref())
        .collect();
    assert_eq!(removers, [Some("anonymous"), None]);
}

#[tokio::test]
async fn wrong_methods_are_405_and_name_the_right_ones() {
    let (app, service) = app(with_composes(1));
    let cases = [
        (
            "/api/1/composes/",
            ["PUT", "DELETE", "PATCH"].as_slice(),
            "GET, HEAD, POST, OPTIONS",
        ),
        (
            "/api/1/composes/1",
            &["PUT", "POST"],
            "DELETE, GET, HEAD, PATCH, OPTIONS",
        ),
        ("/api/1/about", &["PUT", "POST", "TRACE"], "GET, HEAD, OPTIONS"),
        ("/", &["POST"], "GET, HEAD, OPTIONS"),
        ("/composes/x", &["POST", "PUT"], "GET, HEAD, OPTIONS"),
    ];
    for (path, methods, allow) in cases {
        for method in methods {
            let answer = send(&app, method, path, &[], "{}").await;
            answer.assert_error(405);
            let allowed: Vec<_> = answer.headers.get_all("allow").iter().collect();
            assert_eq!(allowed, [allow], "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
        let options = send(&app, "OPTIONS", path, &[], "").await;
        assert_eq!(
            (options.status.as_u16(), options.header("allow")),
            (200, allow),
            "{path}"
        );
    }
    assert_eq!(service.composes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_is_taken_whatever_type_it_says_it_has() {
    let (app, service) = app(MemoryService::default());
    for kind in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
    ] {
        let answer = send(
            &app,
            "POST",
            "/api/1/composes/",
            &[("content-type", kind)],
            REQUEST,
        )
        .await;
        assert_eq!(answer.status, 200, "{kind}");
        let view = answer.json();
        assert_eq!(view["state_name"], "wait");
        assert!(view.get("warnings").is_none() && view.get("pungi_config_dump").is_none());
    }
    let submitted = service.submitted.lock().unwrap().clone();
    let asked = serde_json::from_str(REQUEST).unwrap();
    let request = compose_request(&asked, &[]).unwrap().request;
    assert_eq!(submitted, Some((request, "unknown".to_owned())));
    for body in ["", "{", "[]", "null"] {
        let message = send(&app, "POST", "/api/1/composes/", &[], body)
            .await
            .assert_error(400);
        assert!(message.contains("the body"), "{message}");
    }
}

#[tokio::test]
async fn warnings_come_last_and_keys_are_sorted() {
    let (app, _) = app(MemoryService {
        warnings: vec!["\"foo\" is not a field of requests".to_owned()],
        ..MemoryService::default()
    });
    let answer = send(&app, "POST", "/api/1/composes/", &[], REQUEST).await;
    assert_eq!(
        answer.json()["warnings"],
        json!(["\"foo\" is not a field of requests"])
    );
    // serde_json's objects are sorted: written again, the answer is the same only if it was sorted.
    for path in [
        "/api/1/composes/",
        "/api/1/composes/1",
        "/api/1/about/",
        "/api/1/nope",
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.text(), format!("{}\n", answer.json()), "{path}");
    }
    assert_eq!(answer.text(), format!("{}\n", answer.json()));
}

#[tokio::test]
async fn bodies_have_limits() {
    let mut options = HttpOptions::default();
    options.max_body_bytes = 100;
    options.body_timeout = Duration::from_millis(50);
    let service = Arc::new(MemoryService::default());
    let app = router(state_of(
        service,
        Path::new("/proc/self/fdinfo"),
        PUBLIC_URL,
        options,
    ));
    let path = "/api/1/composes/";
    let padded = |size: usize| format!("{REQUEST:size$}");
    assert_eq!(send(&app, "POST", path, &[], padded(100)).await.status, 200);
    send(&app, "POST", path, &[], padded(101)).await.assert_error(413);
    send(&app, "POST", path, &[("content-length", "101")], "{}")
        .await
        .assert_error(413);
    let chunks = || stream::iter((0..1000).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b" "))));
    send(&app, "POST", path, &[], Body::from_stream(chunks()))
        .await
        .assert_error(413);
    let never = stream::pending::<Result<Bytes, std::io::Error>>();
    send(&app, "POST", path, &[], Body::from_stream(never))
        .await
        .assert_error(408);
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("gone"))]);
    send(&app, "POST", path, &[], Body::from_stream(broken))
        .await
        .assert_error(400);
}

#[tokio::test]
async fn failures_have_their_status_and_tell_nothing_from_inside() {
    for (kind, status) in [
        (ErrorKind::Invalid, 400),
        (ErrorKind::Forbidden, 403),
        (ErrorKind::NotFound, 404),
        (ErrorKind::Conflict, 409),
        (ErrorKind::Gone, 410),
        (ErrorKind::Internal, 500),
        (ErrorKind::Unavailable, 503),
    ] {
        let (app, _) = app(MemoryService {
            failure: Some(kind),
            ..MemoryService::default()
        });
        for (method, path) in [
            ("GET", "/api/1/composes/1"),
            ("GET", "/api/1/composes/"),
            ("POST", "/api/1/composes/"),
        ] {
            let answer = send(&app, method, path, &[], REQUEST).await;
            let message = answer.assert_error(status);
            assert_eq!(message.contains("as it was told to"), status != 500, "{message}");
            assert!(!answer.text().contains("secret"));
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_500_like_any_other() {
    let (app, _) = app(MemoryService {
        panics: true,
        ..MemoryService::default()
    });
    for (method, path) in [
        ("GET", "/api/1/about/"),
        ("GET", "/api/1/composes/1"),
        ("POST", "/api/1/composes/"),
    ] {
        let answer = send(&app, method, path, &[], REQUEST).await;
        answer.assert_error(500);
        assert!(!answer.text().contains("told to"));
        let cors = if method == "GET" { "*" } else { "" };
        assert_eq!(answer.header("access-control-allow-origin"), cors);
    }
}

#[tokio::test]
async fn about_tells_what_this_server_makes() {
    let (app, _) = app(MemoryService::default());
    assert_eq!(
        get(&app, "/api/1/about/").await.json(),
        json!({
            "allowed_clients": {},
            "arches": ["x86_64", "aarch64"],
            "auth_backend": "noauth",
            "flags": ["no_deps"],
            "raw_config_urls": {},
            "results": ["repository"],
            "sigkeys": [],
            "source_types": ["repo"],
            "version": "0.1.0",
        })
    );
}

#[tokio::test]
async fn the_page_at_the_top_leads_on() {
    let (app, _) = app(MemoryService::default());
    let answer = get(&app, "/").await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    for link in ["/composes/", "/api/1/composes/", "/api/1/about/"] {
        assert!(answer.text().contains(&format!("href=\"{link}\"")), "{link}");
        assert_eq!(get(&app, link).await.status, 200);
    }
}

/// Callers are whom `X-User` says; "eve" gives wrong credentials, "down" cannot be checked.
#[derive(Debug)]
pub struct HeaderAuth;

#[async_trait]
impl Authenticator for HeaderAuth {
    fn name(&self) -> &'static str {
        "header"
    }

    fn identifies(&self) -> bool {
        true
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static("Header realm=\"odcs\""))
    }

    async fn authenticate(
        &self,
        request: &Parts,
        _: Option<std::net::SocketAddr>,
    ) -> Result<Identity, AuthError> {
        match request.headers.get("x-user").map(|user| user.to_str().unwrap()) {
            None => Ok(Identity::Anonymous),
            Some("eve") => Err(AuthError::Refused {
                reason: "it is not true".to_owned(),
            }),
            Some("down") => Err(AuthError::Unavailable {
                service: "the directory".to_owned(),
            }),
            Some(name) => Ok(Identity::User {
                name: name.to_owned(),
                groups: Vec::new(),
            }),
        }
    }
}

/// Everybody with a name may have composes made, except Mike; nobody may have them without dependencies.
#[derive(Debug)]
pub struct NotMike;

impl Policy for NotMike {
    fn decide(&self, caller: &Identity, action: Action, facts: &RequestFacts<'_>) -> Decision {
        assert!([Action::NewCompose, Action::RenewCompose].contains(&action));
        assert!(action == Action::RenewCompose || facts.owner.is_none());
        match caller.owner() {
            name if facts.request.is_some_and(|it| it.flags.contains(Flag::NoDeps)) => {
                Decision::Refuse(Refusal {
                    caller: name.to_owned(),
                    attribute: "flags".to_owned(),
                    value: "no_deps".to_owned(),
                })
            }
            "mike" => Decision::Refuse(Refusal {
                caller: "mike".to_owned(),
                attribute: "source_types".to_owned(),
                value: "repo".to_owned(),
            }),
            _ if caller.is_known() => Decision::Allow,
            _ => Decision::Identify,
        }
    }
}

#[tokio::test]
async fn first_who_calls_then_may_they_then_the_rest() {
    let service = Arc::new(MemoryService::default());
    let app = router(ApiState::new(
        service.clone(),
        Arc::new(TestFiles::at(Path::new("/proc/self/fdinfo"))),
        Links::new(&PUBLIC_URL.parse().unwrap()),
        Arc::new(HeaderAuth),
        Arc::new(NotMike),
        HttpOptions::default(),
    ));
    let post =
        async |headers: &[(&str, &str)]| send(&app, "POST", "/api/1/composes/", headers, REQUEST).await;
    for headers in [[].as_slice(), &[("x-user", "eve")]] {
        let answer = post(headers).await;
        answer.assert_error(401);
        assert_eq!(answer.header("www-authenticate"), "Header realm=\"odcs\"");
    }
    post(&[("x-user", "down")]).await.assert_error(503);
    let message = post(&[("x-user", "mike")]).await.assert_error(403);
    assert!(
        message.contains("source_types") && message.contains("repo"),
        "{message}"
    );
    // What is asked for is looked at once it is known who asks.
    let body = REQUEST.replace("}}", "}, \"flags\": [\"no_deps\"]}");
    let refused = send(
        &app,
        "POST",
        "/api/1/composes/",
        &[("x-user", "joe")],
        body.clone(),
    )
    .await;
    assert!(refused.assert_error(403).contains("no_deps"));
    let refused = send(&app, "POST", "/api/1/composes/", &[("x-user", "mike")], "{").await;
    refused.assert_error(403);
    let refused = send(&app, "POST", "/api/1/composes/", &[("x-user", "joe")], "{").await;
    refused.assert_error(400);
    assert!(service.submitted.lock().unwrap().is_none());
    assert_eq!(post(&[("x-user", "joe")]).await.json()["owner"], "joe");
    // Reading needs no name, and who asks for one may be reached under any.
    let answer = send(
        &app,
        "GET",
        "/api/1/composes/1",
        &[("host", "odcs.example.com")],
        "",
    )
    .await;
    assert_eq!(answer.json()["owner"], "joe");
    assert_eq!(get(&app, "/api/1/about/").await.json()["auth_backend"], "header");
}

#[tokio::test]
async fn a_compose_is_renewed() {
    let service = with_composes(2);
    service.composes.lock().unwrap()[0].state = ComposeState::Done;
    let (app, service) = app(service);
    for path in ["/api/1/composes/1", "/api/1/composes/1/", "/odcs/1/composes/1"] {
        let answer = send(&app, "PATCH", path, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["id"].as_i64()),
            (200, Some(1))
        );
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let body = r#"{"seconds-to-live": "60", "label": "RC-1", "arches": ["x86_64"]}"#;
    let answer = send(&app, "PATCH", "/api/1/composes/1", &[("content-type", "")], body).await;
    assert_eq!(
        answer.json()["warnings"],
        json!(["\"arches\" has no effect on a renewal"])
    );
    let (renewal, by) = service.renewed.lock().unwrap().clone().unwrap();
    assert_eq!(renewal.lifetime.unwrap().seconds(), 60);
    assert_eq!(
        (renewal.label.unwrap().as_str(), by.as_str()),
        ("RC-1", "unknown")
    );

    let patch = async |path: &str, body: &'static str| send(&app, "PATCH", path, &[], body).await;
    patch("/api/1/composes/9", "").await.assert_error(404);
    patch("/api/1/composes/one", "{").await.assert_error(404);
    for body in [" ", "{", "[]", "null", r#"{"label": 1}"#, r#"{"source": 1}"#] {
        patch("/api/1/composes/1", body).await.assert_error(400);
    }
    let elsewhere = [("origin", "http://evil.example")];
    let refused = send(&app, "PATCH", "/api/1/composes/1", &elsewhere, "").await;
    refused.assert_error(403);
    let options = send(&app, "OPTIONS", "/api/1/composes/1", &[], "").await;
    assert_eq!(options.header("allow"), "DELETE, GET, HEAD, PATCH, OPTIONS");
}

#[tokio::test]
async fn renewing_is_decided_about_like_asking_anew() {
    let service = with_composes(1);
    let asked = json!({"source": {"type": "repo", "source": "/srv/repo"}, "flags": ["no_deps"]});
    service.composes.lock().unwrap()[0].request = Some(compose_request(&asked, &[]).unwrap().request);
    let service = Arc::new(service);
    let app = router(ApiState::new(
        service.clone(),
        Arc::new(TestFiles::at(Path::new("/proc/self/fdinfo"))),
        Links::new(&PUBLIC_URL.parse().unwrap()),
        Arc::new(HeaderAuth),
        Arc::new(NotMike),
        HttpOptions::default(),
    ));
    let patch = async |id: u8, headers: &[(&str, &str)]| {
        send(&app, "PATCH", &format!("/api/1/composes/{id}"), headers, "").await
    };
    patch(1, &[]).await.assert_error(401);
    // Who may not at all does not learn which composes there are.
    patch(9, &[("x-user", "mike")]).await.assert_error(403);
    patch(9, &[("x-user", "joe")]).await.assert_error(404);
    let refused = patch(1, &[("x-user", "joe")]).await.assert_error(403);
    assert!(refused.contains("no_deps"), "{refused}");
    assert!(service.renewed.lock().unwrap().is_none());
}
