//! Mirrors, and connections to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use odcs_core::ErrorKind;
use odcs_core::allow::UrlAllowList;
use odcs_core::fetch::{Expected, Fetch, FetchExt, Get, MemorySink, Sink, SinkError};
use odcs_fetch::FetchSettings;

use crate::clock::impatient;
use crate::server::{Reply, Server};

#[tokio::test]
async fn the_next_place_is_tried_for_what_one_does_not_have_as_it_should_be() {
    let server = Server::start(|_, asked| match asked.path() {
        "/missing" => Reply::new("404 Not Found", &[], b""),
        "/busy" => Reply::new("503 Service Unavailable", &[], b""),
        "/login" => Reply::new("200 OK", &["Content-Type: text/html"], b"<html>"),
        "/large" => Reply::new("200 OK", &[], &[0; 101]),
        "/away" => Reply::new("302 Found", &["Location: http://192.0.2.1/"], b""),
        "/cut" => Reply::new("200 OK", &["ETag: \"1\""], b"an ex").cut(4),
        _ => Reply::new("200 OK", &[], b"an editor"),
    })
    .await;
    let (fetcher, _) = impatient(server.settings());
    let mut places: Vec<_> = ["missing", "busy", "login", "large", "away", "cut", "ed.rpm"]
        .map(|path| server.url(path))
        .into();
    places.insert(0, "http://192.0.2.1/".parse().unwrap());
    let expected = Expected::at_most(100, "it").with_size(Some(9));
    let (head, bytes) = fetcher
        .bytes(&Get::of_any(places.clone(), 100), expected.clone())
        .await
        .unwrap();
    assert_eq!(
        (bytes.as_ref(), head.url),
        (&b"an editor"[..], server.url("ed.rpm"))
    );
    let paths: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.path().to_owned())
        .collect();
    assert_eq!(
        paths[..7],
        ["/missing", "/busy", "/busy", "/busy", "/busy", "/login", "/large"]
    );
    assert_eq!(paths[7..], ["/away", "/cut", "/cut", "/cut", "/cut", "/ed.rpm"]);
    assert!(
        server.asked().last().unwrap().header("range").is_none(),
        "a tag is one server's own"
    );

    let error = fetcher
        .bytes(&Get::of_any(places[..3].to_vec(), 100), expected)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.message().starts_with(server.url("busy").as_str()),
        "{error}"
    );
    assert!(
        error
            .message()
            .ends_with("too busy (503 Service Unavailable) (3 places were tried)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_mirror_goes_on_with_a_file_of_the_same_date() {
    const DATE: &str = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
    let server = Server::start(|number, _| match number {
        0 => Reply::new("200 OK", &[DATE, "ETag: \"1\""], b"an editor").cut(4),
        _ => Reply::new(
            "206 Partial Content",
            &[DATE, "ETag: \"2\"", "Content-Range: bytes 4-8/9"],
            b"ditor",
        ),
    })
    .await;
    let mut settings = server.settings();
    settings.attempts = 1;
    let (fetcher, _) = impatient(settings);
    let get = Get::of_any(vec![server.url("a"), server.url("b")], 100);
    let (_, bytes) = fetcher.bytes(&get, Expected::at_most(100, "it")).await.unwrap();
    assert_eq!(bytes, "an editor");
    assert_eq!(
        server.asked()[1].header("if-range"),
        Some("Sun, 06 Nov 1994 08:49:37 GMT")
    );
}

#[tokio::test]
async fn nothing_is_tried_again_for_a_sink_that_cannot_go_on() {
    struct Full;
    #[async_trait::async_trait]
    impl Sink for Full {
        fn received(&self) -> u64 {
            0
        }
        async fn restart(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
        async fn write(&mut self, _: bytes::Bytes) -> Result<(), SinkError> {
            let full = odcs_core::Error::new(ErrorKind::Unavailable, "keep", "it", "the disk is full");
            Err(SinkError::Failed(full))
        }
        async fn finish(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    let get = Get::of_any(vec![server.url("a"), server.url("b")], 100);
    let error = server.fetcher().get(&get, &mut Full).await.unwrap_err();
    assert_eq!((error.message(), error.operation()), ("the disk is full", "keep"));
    assert_eq!(server.asked().len(), 1);
}

/// Remembers how many are at it at a time.
struct Counting {
    sink: MemorySink,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Sink for Counting {
    fn received(&self) -> u64 {
        self.sink.received()
    }
    async fn restart(&mut self) -> Result<(), SinkError> {
        self.sink.restart().await
    }
    async fn write(&mut self, bytes: bytes::Bytes) -> Result<(), SinkError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        self.sink.write(bytes).await
    }
    async fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish().await
    }
}

#[tokio::test]
async fn connections_to_a_host_are_capped_for_all_clones_and_used_again() {
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    let mut settings: FetchSettings = server.settings();
    settings.allowed = UrlAllowList::parse([server.url.as_str()]).unwrap();
    settings.connections_per_host = 3;
    let (fetcher, _) = impatient(settings);
    let most = Arc::new(AtomicUsize::new(0));
    let now = Arc::new(AtomicUsize::new(0));
    let mut all = Vec::new();
    for number in 0..40 {
        let get = Get::new(server.url(&number.to_string()), 100);
        let (fetcher, now, most) = (fetcher.clone(), Arc::clone(&now), Arc::clone(&most));
        all.push(tokio::spawn(async move {
            let sink = MemorySink::new(Expected::at_most(100, "it"));
            fetcher
                .get(&get, &mut Counting { sink, now, most })
                .await
                .unwrap();
        }));
    }
    for one in all {
        one.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    let connections = server.asked().iter().map(|asked| asked.connection).max().unwrap() + 1;
    assert!((3..=6).contains(&connections), "{connections} connections");
}
