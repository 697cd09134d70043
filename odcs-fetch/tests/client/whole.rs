//! Whole files, and what is asked for.

use bytes::Bytes;
use odcs_core::ErrorKind;
use odcs_core::fetch::{Expected, Fetch, FetchExt, Get, Head};
use odcs_fetch::Fetcher;
use url::Url;

use crate::server::{Reply, Server};

pub(crate) async fn get(fetcher: &Fetcher, url: Url) -> odcs_core::Result<(Head, Bytes)> {
    fetcher
        .bytes(&Get::new(url, 1_000), Expected::at_most(1_000, "it"))
        .await
}

#[tokio::test]
async fn a_file_is_fetched_with_what_the_server_says_of_it() {
    let server = Server::start(|_, asked| match asked.path() {
        "/ed.rpm" => Reply::new(
            "200 OK",
            &["Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"],
            b"an editor",
        ),
        "/busy" => Reply::new("403 Forbidden", &[], b"no"),
        _ => Reply::new("404 Not Found", &["Content-Type: text/html"], b"<html>"),
    })
    .await;
    let fetcher = server.fetcher();
    let (head, bytes) = get(&fetcher, server.url("ed.rpm")).await.unwrap();
    assert_eq!(bytes, "an editor");
    assert_eq!(
        (head.url, head.size, head.modified),
        (server.url("ed.rpm"), Some(9), Some(784_111_777))
    );
    for (path, kind, says) in [
        (
            "ex.rpm",
            ErrorKind::NotFound,
            "there is no such file (404 Not Found)",
        ),
        (
            "busy",
            ErrorKind::Unavailable,
            "does not give it to this service (403 Forbidden)",
        ),
    ] {
        let error = get(&fetcher, server.url(path)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false));
        assert!(error.message().contains(says), "{error}");
        assert!(error.message().starts_with(server.url(path).as_str()), "{error}");
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|asked| asked.connection == 0),
        "the connection is kept"
    );
    assert_eq!(asked[0].line, "GET /ed.rpm HTTP/1.1");
    let mut names: Vec<_> = asked[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
    assert_eq!(asked[0].header("accept-encoding"), Some("identity"));
    assert_eq!(
        asked[0].header("user-agent"),
        Some(concat!("odcs/", env!("CARGO_PKG_VERSION")))
    );
}

#[tokio::test]
async fn what_is_not_on_the_list_is_not_asked_for() {
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"secret")).await;
    let other = Server::start(|_, _| Reply::new("200 OK", &[], b"secret")).await;
    let fetcher = other.fetcher();
    for url in [
        server.url("a"),
        "file:///etc/passwd".parse().unwrap(),
        "ftp://127.0.0.1/".parse().unwrap(),
    ] {
        assert_eq!(fetcher.check(&url).unwrap_err().kind(), ErrorKind::Forbidden);
        assert_eq!(get(&fetcher, url).await.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    let url: Url = "http://me:secret@example.com/".parse().unwrap();
    let message = fetcher.check(&url).unwrap_err().to_string();
    assert!(
        message.starts_with("http://example.com/ may not be fetched"),
        "{message}"
    );
    assert_eq!((server.asked().len(), other.asked().len()), (0, 0));
}

#[tokio::test]
async fn more_than_the_limit_is_not_read() {
    let server = Server::start(|_, asked| match asked.path() {
        "/said" => Reply::new("200 OK", &[], &[0; 1_001]),
        _ => Reply {
            bytes: [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[0; 1_001]].concat(),
            close: true,
        },
    })
    .await;
    for path in ["said", "unsaid"] {
        let error = get(&server.fetcher(), server.url(path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error
                .message()
                .contains("larger than the 1000 bytes that are read"),
            "{error}"
        );
    }
    assert_eq!(server.asked().len(), 2);
}
