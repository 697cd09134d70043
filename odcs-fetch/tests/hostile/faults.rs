//! Everything that a server can do wrong: with a checksum that is known, without one, and with a mirror.

use std::time::Duration;

use odcs_core::{Error, ErrorKind};
use test_support::http::{Behaviour, Broken, Rule, Server};

use super::support::{Client, digest_of, pattern};

use ErrorKind::{Forbidden, Invalid, NotFound, Unavailable};

/// Bytes of the file.
const SIZE: usize = 5_000;

/// What has to become of it.
#[derive(Clone, Debug)]
enum Want {
    /// The file.
    Right,
    /// Something else, and nobody can know: only where no checksum is.
    Taken(Vec<u8>),
    /// An error of this kind, which says this.
    Error(ErrorKind, &'static str),
}
use Want::{Right, Taken};

fn error(kind: ErrorKind, says: &'static str) -> Want {
    Want::Error(kind, says)
}

struct Row {
    rule: Rule,
    known: Want,
    unknown: Want,
    /// How many requests it takes, and between how many there is a wait.
    requests: usize,
    waits: usize,
}

/// The same with and without a checksum; every request but the first is another try.
fn row(rule: impl Into<Rule>, want: Want, requests: usize) -> Row {
    Row {
        rule: rule.into(),
        known: want.clone(),
        unknown: want,
        requests,
        waits: requests - 1,
    }
}

/// Refused if the checksum is known, taken if not.
fn other(rule: impl Into<Rule>, taken: impl Into<Vec<u8>>) -> Row {
    Row {
        known: error(Invalid, "is not what it should be"),
        unknown: Taken(taken.into()),
        ..row(rule, Right, 1)
    }
}

fn raw(text: &str, want: Want, requests: usize) -> Row {
    row(Behaviour::Raw(text.as_bytes().to_vec()), want, requests)
}

fn cut(says: &'static str, rule: impl Into<Rule>) -> Row {
    row(rule, error(Unavailable, says), 3)
}

/// Connections that end too early, and bodies whose length is not what it seems.
fn lengths() -> Vec<Row> {
    let file = pattern(SIZE);
    vec![
        row(Behaviour::Proper, Right, 1),
        cut("the connection was cut", Behaviour::CutAtOnce),
        cut("the connection was cut", Behaviour::CutInHead),
        cut("cut after 0 bytes", Behaviour::CutAfter(0)),
        cut("cut after 3000 bytes", Behaviour::CutAfter(1_000)),
        cut("cut after 4999 bytes", Behaviour::CutBeforeEnd(1)),
        row(Behaviour::CutAfter(2_000), Right, 3),
        row(Behaviour::CutAfter(2_500), Right, 2),
        cut(
            "cut after 2000 bytes",
            Behaviour::CutAfter(2_000).and(Behaviour::IgnoreRange),
        ),
        cut(
            "cut after 2000 bytes",
            Behaviour::CutAfter(2_000).and(Behaviour::ChangingEtag),
        ),
        // Whether the parts are of one file, the checksum says if nothing else does.
        Row {
            known: Right,
            ..cut(
                "cut after 2000 bytes",
                Behaviour::CutAfter(2_000).and(Behaviour::NoValidators),
            )
        },
        // All of it is here when the connection ends: there is no more, says the server then.
        row(Behaviour::LengthOff(100), Right, 2),
        other(Behaviour::LengthOff(-100), &file[..SIZE - 100]),
        row(Behaviour::NoLength, Right, 1),
        other(
            Behaviour::NoLength.and(Behaviour::CutAfter(2_000)),
            &file[..2_000],
        ),
        row(Behaviour::Chunked, Right, 1),
        row(Behaviour::Chunked.and(Behaviour::CutAfter(2_000)), Right, 3),
        row(Behaviour::BrokenChunks(Broken::NoEnd), Right, 2),
        row(Behaviour::BrokenChunks(Broken::NoLineEnd), Right, 2),
        cut(
            "the connection was cut",
            Behaviour::BrokenChunks(Broken::NoNumber),
        ),
        cut(
            "the connection was cut",
            Behaviour::BrokenChunks(Broken::HugeSize),
        ),
        row(Behaviour::EndlessBody, error(Invalid, "larger than"), 1),
        row(
            Behaviour::EndlessBody.and(Behaviour::Chunked),
            error(Invalid, "larger than"),
            1,
        ),
        row(Behaviour::Drip(1_000, Duration::from_millis(1)), Right, 1),
    ]
}

/// Other bytes, and answers that are none.
fn contents() -> Vec<Row> {
    let page = {
        let page = "<!DOCTYPE html><html><title>Sign in</title><p>Please sign in to go on.</html>\n";
        Row {
            known: error(Invalid, "web page"),
            ..other(Behaviour::Html(200), page)
        }
    };
    let mut flipped = pattern(SIZE);
    flipped[SIZE - 1] ^= 1;
    let longer = [pattern(SIZE), b"more".to_vec()].concat();
    vec![
        page,
        other(Behaviour::Body(flipped.clone().into()), flipped),
        other(Behaviour::Body(longer.clone().into()), longer),
        other(Behaviour::Body(pattern(10).into()), pattern(10)),
        other(Behaviour::Body(b""[..].into()), ""),
        // Bytes are taken as they are, whatever they are said to be.
        row(Behaviour::Header("Content-Encoding", "gzip".to_owned()), Right, 1),
        row(
            Behaviour::Header("Content-Encoding", "br, gzip, zstd".to_owned()),
            Right,
            1,
        ),
        row(
            Behaviour::Header("Content-Type", "text/html".to_owned()),
            Right,
            1,
        ),
        row(
            Behaviour::Header("Last-Modified", "yesterday".to_owned()),
            Right,
            1,
        ),
        row(Behaviour::Header("Set-Cookie", "a=b".to_owned()), Right, 1),
        row(Behaviour::Informational(3), Right, 1),
        row(Behaviour::Informational(5_000), Right, 1),
        row(Behaviour::HugeHeader(10_000), Right, 1),
        cut("", Behaviour::HugeHeader(4 << 20)),
        cut("", Behaviour::EndlessHeaders),
        raw("SSH-2.0-OpenSSH_9.9\r\n", error(Unavailable, ""), 3),
        raw("\0\0\0\0\0\0\0\0\0\0\0\0", error(Unavailable, ""), 3),
        raw(
            "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
            error(Unavailable, ""),
            3,
        ),
        raw(
            "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
            error(Unavailable, ""),
            3,
        ),
        raw("HTTP/1.1 200 OK\r\nno header\r\n\r\n", error(Unavailable, ""), 3),
        raw("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", error(Unavailable, ""), 3),
        raw(
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            error(Unavailable, ""),
            3,
        ),
        raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
            error(Unavailable, ""),
            3,
        ),
        raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
            error(Unavailable, ""),
            3,
        ),
        raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            error(Unavailable, ""),
            3,
        ),
        raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nabc",
            error(Invalid, "9999999999"),
            1,
        ),
    ]
}

/// Statuses, and redirects.
fn statuses(server: &Server) -> Vec<Row> {
    let mut rows = Vec::new();
    for status in [408, 425, 429, 500, 502, 503, 504] {
        rows.push(row(
            Behaviour::Status(status),
            error(Unavailable, "the server"),
            3,
        ));
    }
    for status in [
        204_u16, 205, 206, 300, 304, 400, 401, 402, 403, 405, 406, 407, 412, 416, 418, 451, 501, 505, 599,
    ] {
        rows.push(row(Behaviour::Status(status), error(Unavailable, ""), 1));
    }
    rows.extend([
        row(
            Behaviour::Status(404),
            error(NotFound, "there is no such file (404"),
            1,
        ),
        row(
            Behaviour::Status(410),
            error(NotFound, "there is no such file (410"),
            1,
        ),
        row(Behaviour::Html(404), error(NotFound, "there is no such file"), 1),
        row(Behaviour::Html(503), error(Unavailable, "too busy"), 3),
        row(Behaviour::Html(403), error(Unavailable, "does not give it"), 1),
        row(Behaviour::RedirectToItself, error(Invalid, "in a circle"), 1),
        row(Behaviour::Status(302), error(Unavailable, "leads nowhere"), 1),
        row(
            Behaviour::Redirect(302, "http://[".to_owned()),
            error(Unavailable, "leads nowhere"),
            1,
        ),
        row(
            Behaviour::Redirect(302, "http://127.0.0.1:1/x".to_owned()),
            error(Forbidden, "redirects to"),
            1,
        ),
        row(
            Behaviour::Redirect(302, "file:///etc/passwd".to_owned()),
            error(Forbidden, "redirects to"),
            1,
        ),
        row(
            Behaviour::Redirect(302, server.url("/y").replace("//", "//user:secret@")),
            error(Forbidden, "user name"),
            1,
        ),
        row(
            Behaviour::Redirect(302, "/none".to_owned()),
            error(NotFound, "redirected to"),
            2,
        ),
        row(Behaviour::RedirectChain(1), Right, 2),
        row(Behaviour::RedirectChain(5), Right, 6),
        row(
            Behaviour::RedirectChain(6),
            error(Invalid, "more than 5 times"),
            6,
        ),
        row(
            Behaviour::RedirectChain(1_000),
            error(Invalid, "more than 5 times"),
            6,
        ),
    ]);
    for row in &mut rows {
        if let [Behaviour::RedirectChain(_) | Behaviour::Redirect(..)] = row.rule.behaviours() {
            row.waits = 0;
        }
    }
    rows
}

fn rows(server: &Server) -> Vec<Row> {
    [lengths(), contents(), statuses(server)]
        .into_iter()
        .flatten()
        .collect()
}

fn stage() -> (Server, Client) {
    let server = Server::empty();
    server.put("/x", pattern(SIZE));
    let client = Client::new([server.url("/")]);
    (server, client)
}

/// Errors are sentences about the URL, for people.
fn is_readable(error: &Error, url: &str) {
    let message = error.message();
    assert!(message.contains(url), "{message}");
    assert!(
        message.len() < 600 && !message.contains(char::is_control),
        "{message}"
    );
    for odd in ["secret", "Please sign in", "hyper", "reqwest", "Some(", "  "] {
        assert!(!message.contains(odd), "{odd}: {message}");
    }
}

#[tokio::test]
async fn every_fault_has_its_reason_and_nothing_wrong_is_taken() {
    let file = pattern(SIZE);
    let count = rows(&stage().0).len();
    for index in 0..count {
        for digest in [Some(&file), None] {
            let (server, client) = stage();
            let row = rows(&server).remove(index);
            let name = format!("{:?} with digest {}", row.rule.behaviours(), digest.is_some());
            server.on("/x", row.rule);
            let url = server.url("/x");
            let got = client
                .get(std::slice::from_ref(&url), digest.map(Vec::as_slice))
                .await;
            match (got, if digest.is_some() { row.known } else { row.unknown }) {
                (Ok((head, bytes)), Right) => {
                    assert_eq!(digest_of(&bytes), digest_of(&file), "{name}");
                    assert!(head.url.as_str().starts_with(&url), "{name}: {head:?}");
                }
                (Ok((_, bytes)), Taken(taken)) => assert_eq!(bytes, taken, "{name}"),
                (Err(error), Want::Error(kind, says)) => {
                    assert_eq!(error.kind(), kind, "{name}: {error}");
                    assert!(error.message().contains(says), "{name}: {error}");
                    is_readable(&error, &url);
                    assert_eq!(error.is_retryable(), row.waits > 0, "{name}: {error}");
                }
                (got, want) => panic!("{name}: {got:?} instead of {want:?}"),
            }
            let requests = server.requests();
            assert_eq!(requests.len(), row.requests, "{name}: {requests:?}");
            let waits = client.clock.waits();
            assert_eq!(waits.len(), row.waits, "{name}: {waits:?}");
        }
    }
}

#[tokio::test]
async fn whatever_one_place_does_wrong_another_one_that_is_right_makes_good() {
    let file = pattern(SIZE);
    let count = rows(&stage().0).len();
    for index in 0..count {
        let (server, _) = stage();
        let (mirror, _) = stage();
        let client = Client::new([server.url("/"), mirror.url("/")]);
        let row = rows(&server).remove(index);
        let name = format!("{:?}", row.rule.behaviours());
        server.on("/x", row.rule);
        let places = [server.url("/x"), mirror.url("/x")];
        let (head, bytes) = client
            .get(&places, Some(&file))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(digest_of(&bytes), digest_of(&file), "{name}");
        let is_first = matches!(row.known, Right);
        assert!(
            head.url.as_str().starts_with(&places[usize::from(!is_first)]),
            "{name}: {head:?}"
        );
        assert_eq!(mirror.requests().len(), usize::from(!is_first), "{name}");
        assert_eq!(server.requests().len(), row.requests, "{name}");
    }
}

#[tokio::test]
async fn when_all_places_fail_the_last_one_is_named_and_how_many_there_were() {
    let (a, _) = stage();
    let (b, _) = stage();
    a.on("/x", Behaviour::Status(503));
    b.on("/x", Behaviour::Status(404));
    let client = Client::new([a.url("/"), b.url("/")]);
    let error = client.get(&[a.url("/x"), b.url("/x")], None).await.unwrap_err();
    assert_eq!(error.kind(), NotFound);
    is_readable(&error, &b.url("/x"));
    assert!(error.message().contains("2 places"), "{error}");
    assert_eq!((a.requests().len(), b.requests().len()), (3, 1));
}

#[tokio::test]
async fn nobody_listens() {
    let url = format!("http://{}/x", test_support::http::nobody());
    let client = Client::new([&url]);
    let error = client.bytes(&url).await.unwrap_err();
    assert_eq!(error.kind(), Unavailable);
    assert!(
        error.message().contains("there is no connection to 127.0.0.1") && error.is_retryable(),
        "{error}"
    );
    is_readable(&error, &url);
    assert_eq!(client.clock.waits().len(), 2);
}

#[tokio::test]
async fn names_that_are_not_known_are_looked_up_again() {
    let client = Client::new(["http://packages.example.com/"]);
    let error = client.bytes("http://packages.example.com/x").await.unwrap_err();
    assert_eq!(error.kind(), Unavailable);
    assert!(
        error
            .message()
            .contains("address of packages.example.com cannot be found"),
        "{error}"
    );
    assert_eq!(client.names.asked().len(), 3);
}

#[tokio::test]
async fn waits_double_and_are_as_long_as_the_server_asks_for() {
    let seconds = Duration::from_secs;
    for (asked, from, to) in [
        (None, [250, 500], [500, 1_000]),
        (Some("7"), [7_000; 2], [7_000; 2]),
        (Some("0"), [250, 500], [500, 1_000]),
        (Some("86400"), [30_000; 2], [30_000; 2]),
        (Some("99999999999999999999"), [250, 500], [500, 1_000]),
        (Some("soon"), [250, 500], [500, 1_000]),
        (Some("Fri, 31 Dec 9999 23:59:59 GMT"), [30_000; 2], [30_000; 2]),
        (Some("Thu, 01 Jan 1970 00:00:00 GMT"), [250, 500], [500, 1_000]),
    ] {
        let (server, client) = stage();
        let mut rule = Rule::from(Behaviour::Status(503));
        if let Some(asked) = asked {
            rule = rule.and(Behaviour::Header("Retry-After", asked.to_owned()));
        }
        server.on("/x", rule);
        client.bytes(&server.url("/x")).await.unwrap_err();
        let waits = client.clock.waits();
        assert_eq!(waits.len(), 2, "{asked:?}");
        for (index, wait) in waits.iter().enumerate() {
            let (from, to) = (
                Duration::from_millis(from[index]),
                Duration::from_millis(to[index]),
            );
            assert!((from..=to).contains(wait), "{asked:?}: {waits:?}");
        }
        assert!(waits.iter().all(|wait| *wait <= seconds(30)));
    }
}

#[tokio::test]
async fn it_works_as_soon_as_it_works() {
    for tries in 1..=3 {
        let (server, client) = stage();
        server.on("/x", Behaviour::Status(503).times(tries - 1));
        let got = client.bytes(&server.url("/x")).await.unwrap();
        assert_eq!(digest_of(&got), digest_of(&pattern(SIZE)));
        assert_eq!(
            (server.requests().len(), client.clock.waits().len()),
            (tries, tries - 1)
        );
    }
}

#[tokio::test]
async fn no_more_is_read_than_may_be() {
    let (server, client) = stage();
    server.on("/x", Behaviour::EndlessBody);
    let error = client.bytes(&server.url("/x")).await.unwrap_err();
    assert!(error.message().contains("1048576"), "{error}");
    drop(client);
    // What the system keeps for both sides of a connection is not much.
    let sent = server.requests()[0].sent;
    assert!(sent < 32 << 20, "{sent}");
}
