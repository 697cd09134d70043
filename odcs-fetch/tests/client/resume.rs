//! Going on where a connection was cut.

use bytes::Bytes;
use odcs_core::ErrorKind;
use odcs_core::fetch::{Expected, Fetch, FetchExt, Get, MemorySink, Sink};
use odcs_rpm::{Digest, DigestAlgorithm};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::clock::impatient;
use crate::server::{Asked, Reply, Server};
use crate::whole::get;

const FILE: &[u8] = b"an editor for lines";
const DATE: &str = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
const TAG: &str = "ETag: \"1\"";

fn whole(headers: &[&str]) -> Reply {
    Reply::new("200 OK", headers, FILE)
}

/// What was asked for, as a server that does it properly answers.
fn rest(asked: &Asked, headers: &[&str]) -> Reply {
    let range = asked.header("range").unwrap();
    let first: usize = range
        .strip_prefix("bytes=")
        .unwrap()
        .split('-')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    if first >= FILE.len() {
        let range = format!("Content-Range: bytes */{}", FILE.len());
        return Reply::new("416 Range Not Satisfiable", &[&range], b"");
    }
    let range = format!("Content-Range: bytes {first}-{}/{}", FILE.len() - 1, FILE.len());
    Reply::new(
        "206 Partial Content",
        &[&[range.as_str()], headers].concat(),
        &FILE[first..],
    )
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut hasher = odcs_rpm::digest::Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(bytes);
    hasher.finish()
}

async fn left_behind(bytes: &'static [u8]) -> MemorySink {
    let expected = Expected::at_most(1_000, "it").with_digest(Some(sha256(FILE)));
    let mut sink = MemorySink::new(expected);
    sink.write(Bytes::from_static(bytes)).await.unwrap();
    sink
}

#[tokio::test]
async fn what_was_cut_goes_on_where_it_stopped_if_it_is_the_same_file() {
    for (headers, condition) in [
        (&[TAG, DATE][..], "\"1\""),
        (&[DATE, "ETag: W/\"1\""], "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        let server = Server::start(move |number, asked| match number {
            0 => whole(headers).cut(5),
            1 => rest(asked, headers).cut(3),
            _ => rest(asked, headers),
        })
        .await;
        let (fetcher, _) = impatient(server.settings());
        let (head, bytes) = get(&fetcher, server.url("ed.rpm")).await.unwrap();
        assert_eq!((bytes.as_ref(), head.size), (FILE, Some(19)));
        let asked = server.asked();
        let ranges: Vec<_> = asked.iter().map(|asked| asked.header("range")).collect();
        assert_eq!(ranges, [None, Some("bytes=5-"), Some("bytes=8-")]);
        assert_eq!(asked[1].header("if-range"), Some(condition));
    }
}

#[tokio::test]
async fn another_file_is_fetched_from_its_beginning() {
    type Answer = fn(&Asked) -> Reply;
    let answers: [Answer; 6] = [
        // As it should be done.
        |_| whole(&["ETag: \"2\""]),
        // The tag is another one.
        |asked| rest(asked, &["ETag: \"2\""]),
        // The size is another one.
        |_| Reply::new("206 Partial Content", &["Content-Range: bytes 5-9/10"], b"xxxxx"),
        // Another part than was asked for.
        |_| Reply::new("206 Partial Content", &["Content-Range: bytes 4-8/19"], b"xxxxx"),
        |_| Reply::new("206 Partial Content", &[], b"xxxxx"),
        // It is shorter now.
        |_| Reply::new("416 Range Not Satisfiable", &["Content-Range: bytes */3"], b""),
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        let server = Server::start(move |number, asked| match number {
            0 => whole(&[TAG]).cut(5),
            1 => answer(asked),
            _ => whole(&[TAG]),
        })
        .await;
        let (fetcher, clock) = impatient(server.settings());
        assert_eq!(get(&fetcher, server.url("ed.rpm")).await.unwrap().1, FILE, "{n}");
        let asked = server.asked();
        assert_eq!(asked.len(), if n == 0 { 2 } else { 3 }, "{n}");
        assert!(
            asked.get(2).is_none_or(|asked| asked.header("range").is_none()),
            "{n}"
        );
        assert_eq!(clock.waits().len(), 1, "{n}: only for what was cut");
    }
}

#[tokio::test]
async fn what_an_earlier_process_left_behind_is_completed() {
    for (left, asked) in [(&FILE[..7], "bytes=7-"), (FILE, "bytes=19-")] {
        let server = Server::start(|_, asked| rest(asked, &[TAG])).await;
        let mut sink = left_behind(left).await;
        let head = server
            .fetcher()
            .get(&Get::new(server.url("ed.rpm"), 1_000), &mut sink)
            .await
            .unwrap();
        assert_eq!((sink.into_bytes().as_ref(), head.size), (FILE, Some(19)));
        assert_eq!(server.asked().len(), 1);
        assert_eq!(server.asked()[0].header("range"), Some(asked));
        assert_eq!(server.asked()[0].header("if-range"), None);
    }
}

#[tokio::test]
async fn what_is_wrong_after_it_was_completed_is_fetched_once_more_from_its_beginning() {
    let right = Arc::new(AtomicUsize::new(1));
    for is_right in [1, 0] {
        right.store(is_right, Ordering::SeqCst);
        let server = Server::start({
            let right = Arc::clone(&right);
            move |_, asked| match asked.header("range") {
                Some(_) => rest(asked, &[]),
                None if right.load(Ordering::SeqCst) == 1 => whole(&[]),
                None => Reply::new(
                    "200 OK",
                    &["Content-Type: text/html; charset=utf-8"],
                    b"<html>please log in",
                ),
            }
        })
        .await;
        let mut sink = left_behind(b"an edifo").await;
        let result = server
            .fetcher()
            .get(&Get::new(server.url("ed.rpm"), 1_000), &mut sink)
            .await;
        assert_eq!(server.asked().len(), 2);
        if is_right == 1 {
            result.unwrap();
            assert_eq!(sink.into_bytes().as_ref(), FILE);
        } else {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(
                error.message().ends_with("the server answered a web page"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_comes_in_parts_only_is_put_together() {
    let server = Server::start(|number, asked| match number {
        0 => whole(&[TAG]).cut(5),
        1 => Reply::new(
            "206 Partial Content",
            &[TAG, "Content-Range: bytes 5-9/19"],
            &FILE[5..10],
        ),
        _ => rest(asked, &[TAG]),
    })
    .await;
    let (fetcher, _) = impatient(server.settings());
    let get = Get::new(server.url("ed.rpm"), 19);
    let expected = Expected::at_most(19, "it").with_size(Some(19));
    assert_eq!(fetcher.bytes(&get, expected).await.unwrap().1, FILE);
    assert_eq!(server.asked()[2].header("range"), Some("bytes=10-"));
}

#[tokio::test]
async fn what_began_anew_and_is_wrong_is_not_fetched_again() {
    // It takes no ranges, and has another file.
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor for limes")).await;
    let mut sink = left_behind(b"an edi").await;
    let get = Get::new(server.url("ed.rpm"), 1_000);
    let error = server.fetcher().get(&get, &mut sink).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(server.asked()[0].header("range"), Some("bytes=6-"));
}
