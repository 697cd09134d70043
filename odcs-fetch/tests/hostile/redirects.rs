//! Redirects: which are followed, and what goes along.

use odcs_core::ErrorKind;
use test_support::http::{Behaviour, Canary, Server, Tls};

use super::support::{Client, pattern};

#[tokio::test]
async fn what_is_a_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::empty();
        server.put("/y", "right");
        server.on("/x", Behaviour::Redirect(status, "/y?key=hidden".to_owned()));
        let client = Client::new([server.url("/")]);
        let (head, bytes) = client.get(&[server.url("/x")], None).await.unwrap();
        assert_eq!(
            (bytes.as_ref(), head.url.as_str()),
            (&b"right"[..], &*server.url("/y?key=hidden"))
        );
    }
    for status in [200, 201, 300, 304, 305, 306, 399] {
        let (server, canary) = (Server::empty(), Canary::new());
        server.put("/x", "as it is");
        let to = format!("http://127.0.0.1:{}/pub/x", canary.port());
        server.on(
            "/x",
            Behaviour::Status(status).and(Behaviour::Header("Location", to)),
        );
        let got = Client::new([server.url("/")]).bytes(&server.url("/x")).await;
        assert_eq!(got.is_ok(), status == 200, "{status}: {got:?}");
        assert_eq!(canary.connections(), 0);
    }
}

#[tokio::test]
async fn nothing_but_location_leads_anywhere() {
    let (server, canary) = (Server::empty(), Canary::new());
    server.put("/x", "right");
    let to = format!("http://127.0.0.1:{}/pub/x", canary.port());
    for (name, value) in [
        ("Refresh", format!("0; url={to}")),
        ("Content-Location", to.clone()),
        ("Link", format!("<{to}>; rel=canonical")),
        ("Alt-Svc", format!("http/1.1=\":{}\"", canary.port())),
        ("Location", to.clone()),
    ] {
        server.behave();
        server.on("/x", Behaviour::Header(name, value));
        let got = Client::new([server.url("/")])
            .bytes(&server.url("/x"))
            .await
            .unwrap();
        assert_eq!(got, "right", "{name}");
    }
    // Two of them, of which the second leads elsewhere.
    let raw = format!("HTTP/1.1 302 Found\r\nLocation: /x\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    server.behave();
    server.on("/y", Behaviour::Raw(raw.into_bytes()));
    let got = Client::new([server.url("/")]).bytes(&server.url("/y")).await;
    assert!(got.is_err() || got.is_ok_and(|bytes| bytes == "right"));
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn nothing_goes_along_that_was_not_meant_for_it() {
    let (from, to) = (Server::empty(), Server::empty());
    to.put("/y", pattern(1_000));
    from.on(
        "/x",
        Behaviour::Redirect(302, to.url("/y")).and(Behaviour::Header("Set-Cookie", "a=b".to_owned())),
    );
    to.on(
        "/y",
        Behaviour::CutAfter(100)
            .and(Behaviour::Header("Set-Cookie", "c=d".to_owned()))
            .once(),
    );
    let client = Client::new([from.url("/"), to.url("/")]);
    assert_eq!(
        client.bytes(&from.url("/x?key=hidden")).await.unwrap(),
        pattern(1_000)
    );
    let requests = [from.requests(), to.requests()].concat();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        for name in ["cookie", "referer", "authorization", "origin"] {
            assert_eq!(request.header(name), None, "{request:?}");
        }
        assert_eq!(request.header("accept-encoding"), Some("identity"), "{request:?}");
        assert!(
            request
                .header("user-agent")
                .is_some_and(|agent| agent.starts_with("odcs/")),
            "{request:?}"
        );
    }
    let second = to.requests();
    assert_eq!((second[1].range(), second[1].sent), (Some("bytes=100-"), 900));
    assert_eq!(second[1].header("host"), Some(to.address().to_string().as_str()));
}

#[tokio::test]
async fn what_a_redirect_says_is_shown_without_what_is_secret() {
    let server = Server::empty();
    for (location, kind) in [
        (
            "http://off.example.com/y?signature=hidden#hidden",
            ErrorKind::Forbidden,
        ),
        ("http://user:hidden@off.example.com/y", ErrorKind::Forbidden),
        ("/none?signature=hidden", ErrorKind::NotFound),
        ("data:,hidden", ErrorKind::Forbidden),
    ] {
        server.behave();
        server.on("/x", Behaviour::Redirect(302, location.to_owned()));
        let client = Client::new([server.url("/")]);
        let error = client.bytes(&server.url("/x")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{location}: {error}");
        let is_short = error.message().len() < 400;
        assert!(
            is_short && (!error.message().contains("hidden") || location.starts_with("data")),
            "{error}"
        );
    }
    server.behave();
    server.on(
        "/x",
        Behaviour::Redirect(302, format!("http://off.example.com/{}", "y".repeat(50_000))),
    );
    let error = Client::new([server.url("/")])
        .bytes(&server.url("/x"))
        .await
        .unwrap_err();
    assert!(error.message().len() < 1_000, "{error}");
}

#[tokio::test]
async fn redirects_from_https_to_http_are_not_followed() {
    let tls = Tls::new();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, tls.authority_pem()).unwrap();
    let (secure, plain) = (Server::empty_with_tls(&tls), Server::empty());
    plain.put("/y", "wrong");
    secure.put("/y", "right");
    let client = Client::with([secure.url("/"), plain.url("/")], |settings| {
        settings.ca_files = vec![ca];
    });

    secure.on("/x", Behaviour::Redirect(302, plain.url("/y")).once());
    let error = client.bytes(&secure.url("/x")).await.unwrap_err();
    assert_eq!(
        (error.kind(), plain.connections()),
        (ErrorKind::Forbidden, 0),
        "{error}"
    );

    secure.on("/x", Behaviour::Redirect(302, "/y".to_owned()));
    assert_eq!(client.bytes(&secure.url("/x")).await.unwrap(), "right");
    // The other way is one that servers go.
    plain.on("/x", Behaviour::Redirect(302, secure.url("/y")));
    assert_eq!(client.bytes(&plain.url("/x")).await.unwrap(), "right");
    // By way of http and back is not.
    plain.on("/z", Behaviour::Redirect(302, secure.url("/y")));
    secure.on("/z", Behaviour::Redirect(302, plain.url("/z")));
    let error = client.bytes(&secure.url("/z")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
}

#[tokio::test]
async fn who_cannot_be_trusted_is_not_asked_again() {
    let (tls, other) = (Tls::new(), Tls::new());
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, other.authority_pem()).unwrap();
    let server = Server::empty_with_tls(&tls);
    server.put("/x", "wrong");
    let client = Client::with([server.url("/")], |settings| settings.ca_files = vec![ca]);
    let error = client.bytes(&server.url("/x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("secure connection"), "{error}");
    assert!(client.clock.waits().is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn an_answer_without_the_protocol_that_was_asked_for_is_none() {
    let tls = Tls::new();
    let (secure, plain) = (Server::empty_with_tls(&tls), Server::empty());
    for url in [
        plain.url("/x").replace("http:", "https:"),
        secure.url("/x").replace("https:", "http:"),
    ] {
        let client = Client::new([&url]);
        let error = client.bytes(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}
