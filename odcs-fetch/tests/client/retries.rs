//! What is tried again, how often, and when.

use std::time::Duration;

use odcs_core::ErrorKind;

use crate::clock::impatient;
use crate::server::{Reply, Server};
use crate::whole::get;

#[tokio::test]
async fn what_may_work_later_is_tried_again_after_longer_and_longer_waits() {
    let server = Server::start(|number, _| match number {
        0 => Reply::new("500 Internal Server Error", &[], b""),
        1 => Reply::new("503 Service Unavailable", &["Retry-After: 7"], b""),
        2 => Reply::new(
            "429 Too Many Requests",
            &["Retry-After: Sun, 06 Nov 1994 09:00:00 GMT"],
            b"",
        ),
        _ => Reply::new("200 OK", &[], b"an editor"),
    })
    .await;
    let (fetcher, clock) = impatient(server.settings());
    assert_eq!(get(&fetcher, server.url("ed.rpm")).await.unwrap().1, "an editor");
    let waits = clock.waits();
    assert_eq!(waits.len(), 3);
    assert!((250..=500).contains(&waits[0].as_millis()), "{waits:?}");
    // What the server asks for, up to the longest wait.
    assert_eq!(waits[1..], [Duration::from_secs(7), Duration::from_secs(30)]);
}

#[tokio::test]
async fn it_is_given_up_in_the_end_and_what_cannot_work_at_once() {
    for (status, tries, kind) in [
        ("408 Request Timeout", 4, ErrorKind::Unavailable),
        ("425 Too Early", 4, ErrorKind::Unavailable),
        ("502 Bad Gateway", 4, ErrorKind::Unavailable),
        ("504 Gateway Timeout", 4, ErrorKind::Unavailable),
        ("400 Bad Request", 1, ErrorKind::Unavailable),
        ("401 Unauthorized", 1, ErrorKind::Unavailable),
        ("404 Not Found", 1, ErrorKind::NotFound),
        ("410 Gone", 1, ErrorKind::NotFound),
        ("501 Not Implemented", 1, ErrorKind::Unavailable),
        ("204 No Content", 1, ErrorKind::Unavailable),
        ("304 Not Modified", 1, ErrorKind::Unavailable),
    ] {
        let server = Server::start(move |_, _| Reply::new(status, &[], b"")).await;
        let (fetcher, clock) = impatient(server.settings());
        let error = get(&fetcher, server.url("ed.rpm")).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (kind, tries > 1), "{error}");
        assert!(error.message().contains(&status[..3]), "{error}");
        assert_eq!(
            (server.asked().len(), clock.waits().len()),
            (tries, tries - 1),
            "{status}"
        );
    }
}

#[tokio::test]
async fn connections_that_break_or_are_refused_are_tried_again() {
    let server = Server::start(|number, _| match number {
        0 => Reply {
            bytes: Vec::new(),
            close: true,
        },
        1 => Reply::new("200 OK", &[], b"an editor").cut(4),
        _ => Reply::new("200 OK", &[], b"an editor"),
    })
    .await;
    let (fetcher, clock) = impatient(server.settings());
    assert_eq!(get(&fetcher, server.url("ed.rpm")).await.unwrap().1, "an editor");
    assert_eq!(clock.waits().len(), 2);
    assert!(
        server.asked()[2].header("range").is_none(),
        "nothing says that it is the same file"
    );

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let allowed = odcs_core::allow::UrlAllowList::parse([&url]).unwrap();
    let (fetcher, clock) = impatient(odcs_fetch::FetchSettings::new(allowed));
    let error = get(&fetcher, url.parse().unwrap()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true)
    );
    assert!(
        error
            .message()
            .contains("no connection to 127.0.0.1: Connection refused"),
        "{error}"
    );
    assert_eq!(clock.waits().len(), 3);
}
