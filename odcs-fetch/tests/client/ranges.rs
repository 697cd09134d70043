//! Parts of files.

use bytes::Bytes;
use odcs_core::ErrorKind;
use odcs_core::fetch::{Expected, FetchExt, Get, Head};

use crate::clock::impatient;
use crate::server::{Reply, Server};

async fn part(server: &Server, first: u64, last: u64) -> odcs_core::Result<(Head, Bytes)> {
    let (fetcher, _) = impatient(server.settings());
    let get = Get::new(server.url("ed.rpm"), 100).with_range(first, last);
    fetcher.bytes(&get, Expected::at_most(100, "it")).await
}

#[tokio::test]
async fn a_part_is_asked_for_and_nothing_else_is_taken() {
    let server = Server::start(|_, _| {
        Reply::new(
            "206 Partial Content",
            &["Content-Range: bytes 3-8/5000"],
            b"editor",
        )
    })
    .await;
    let (head, bytes) = part(&server, 3, 8).await.unwrap();
    assert_eq!((bytes.as_ref(), head.size), (&b"editor"[..], Some(5_000)));
    assert_eq!(server.asked()[0].header("range"), Some("bytes=3-8"));

    // The file may end before.
    let server =
        Server::start(|_, _| Reply::new("206 Partial Content", &["Content-Range: bytes 3-8/9"], b"editor"))
            .await;
    assert_eq!(part(&server, 3, 50).await.unwrap().1, "editor");
}

#[tokio::test]
async fn a_part_that_was_cut_goes_on() {
    const TAG: &str = "ETag: \"1\"";
    let server = Server::start(|number, _| match number {
        0 => Reply::new(
            "206 Partial Content",
            &[TAG, "Content-Range: bytes 3-8/90"],
            b"editor",
        )
        .cut(2),
        _ => Reply::new(
            "206 Partial Content",
            &[TAG, "Content-Range: bytes 5-8/90"],
            b"itor",
        ),
    })
    .await;
    assert_eq!(part(&server, 3, 8).await.unwrap().1, "editor");
    assert_eq!(server.asked()[1].header("range"), Some("bytes=5-8"));
    assert_eq!(server.asked()[1].header("if-range"), Some("\"1\""));
}

#[tokio::test]
async fn servers_that_only_send_whole_files_do_for_beginnings() {
    let server =
        Server::start(|_, _| Reply::new("200 OK", &[], &[b"an editor".as_slice(), &[0; 5_000]].concat()))
            .await;
    assert_eq!(part(&server, 0, 5).await.unwrap().1, "an edi");
    let (head, bytes) = part(&server, 3, 8).await.unwrap();
    assert_eq!((bytes.as_ref(), head.size), (&b"editor"[..], Some(5_009)));
    let error = part(&server, 2 << 20, 3 << 20).await.unwrap_err();
    assert!(
        error.message().contains("does not send parts of files"),
        "{error}"
    );
    let error = part(&server, 6_000, 6_001).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.message().contains("no bytes from 6000 on: it has 5009"),
        "{error}"
    );
}

#[tokio::test]
async fn other_parts_than_those_asked_for_are_not_taken() {
    let server = Server::start(|_, asked| match asked.header("range") {
        Some(_) => Reply::new("206 Partial Content", &["Content-Range: bytes 0-5/9"], b"an edi"),
        None => Reply::new("200 OK", &[], b"an editor"),
    })
    .await;
    assert_eq!(part(&server, 3, 8).await.unwrap().1, "editor");
    assert_eq!(server.asked().len(), 2);
    let error = part(&server, 8, 3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(server.asked().len(), 2);

    let server =
        Server::start(|_, _| Reply::new("416 Range Not Satisfiable", &["Content-Range: bytes */9"], b""))
            .await;
    let error = part(&server, 20, 30).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.message().contains("no bytes from 20 on: it has 9"),
        "{error}"
    );

    let server =
        Server::start(|_, _| Reply::new("416 Range Not Satisfiable", &["Content-Range: bytes */0"], b""))
            .await;
    assert_eq!(part(&server, 0, 30).await.unwrap().1, "");
}
