//! Servers that take their time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use odcs_core::allow::UrlAllowList;
use odcs_core::fetch::{Fetch, Get, Sink, SinkError};
use odcs_core::testing::ManualClock;
use odcs_core::{ErrorKind, Timestamp};
use odcs_fetch::{FetchSettings, Fetcher, SystemResolver};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::Url;

use crate::server::read;

/// Writes what it is sent, and nothing else.
async fn puppet() -> (Url, mpsc::UnboundedSender<&'static [u8]>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let (strings, mut pulled) = mpsc::unbounded_channel::<&'static [u8]>();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        read(&mut stream, 0).await.unwrap();
        while let Some(bytes) = pulled.recv().await {
            if stream.write_all(bytes).await.is_err() {
                break;
            }
        }
    });
    (url, strings)
}

/// Counts where the test can see it.
struct Shared(Arc<AtomicU64>);

#[async_trait::async_trait]
impl Sink for Shared {
    fn received(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
    async fn restart(&mut self) -> Result<(), SinkError> {
        self.0.store(0, Ordering::SeqCst);
        Ok(())
    }
    async fn write(&mut self, bytes: bytes::Bytes) -> Result<(), SinkError> {
        self.0.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok(())
    }
    async fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

struct Stage {
    strings: mpsc::UnboundedSender<&'static [u8]>,
    clock: ManualClock,
    received: Arc<AtomicU64>,
    result: tokio::task::JoinHandle<odcs_core::Result<odcs_core::fetch::Head>>,
}

impl Stage {
    async fn set() -> Self {
        let (url, strings) = puppet().await;
        let clock = ManualClock::new(Timestamp::from_seconds(1_000));
        let mut settings = FetchSettings::new(UrlAllowList::parse([url.as_str()]).unwrap());
        settings.attempts = 1;
        let fetcher = Fetcher::with_parts(settings, Arc::new(SystemResolver), Arc::new(clock.clone()));
        let received = Arc::new(AtomicU64::new(0));
        let mut sink = Shared(Arc::clone(&received));
        let result =
            tokio::spawn(async move { fetcher.unwrap().get(&Get::new(url, 1_000_000), &mut sink).await });
        Self {
            strings,
            clock,
            received,
            result,
        }
    }

    async fn until(&self, received: u64) {
        while self.received.load(Ordering::SeqCst) < received || self.clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn error(self) -> odcs_core::Error {
        let error = self.result.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Unavailable, true)
        );
        error
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx";

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let stage = Stage::set().await;
    stage.until(0).await;
    stage.clock.advance(Duration::from_secs(40));
    let error = stage.error().await;
    assert!(error.message().contains("nothing came for 40 seconds"), "{error}");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let stage = Stage::set().await;
    stage.strings.send(HEAD).unwrap();
    stage.until(1).await;
    stage.clock.advance(Duration::from_secs(29));
    stage.strings.send(b"x").unwrap();
    stage.until(2).await;
    stage.clock.advance(Duration::from_secs(29));
    tokio::task::yield_now().await;
    assert!(!stage.result.is_finished());
    stage.clock.advance(Duration::from_secs(1));
    let error = stage.error().await;
    assert!(error.message().contains("nothing came for 30 seconds"), "{error}");
}

#[tokio::test]
async fn a_server_that_only_drips_is_given_up() {
    let stage = Stage::set().await;
    stage.strings.send(HEAD).unwrap();
    for received in 1..=3 {
        stage.until(received).await;
        stage.clock.advance(Duration::from_secs(20));
        stage.strings.send(b"x").unwrap();
    }
    let error = stage.error().await;
    assert!(
        error.message().contains("the connection is too slow: only "),
        "{error}"
    );
    assert!(error.message().contains(" bytes came in 60 seconds"), "{error}");
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    const MINUTE: &[u8] = &[0; 30_000];
    let stage = Stage::set().await;
    stage.strings.send(HEAD).unwrap();
    stage.until(1).await;
    for part in 1..=3 {
        stage.clock.advance(Duration::from_secs(25));
        stage.strings.send(MINUTE).unwrap();
        stage.until(1 + part * 30_000).await;
    }
    stage.strings.send(&MINUTE[..9_999]).unwrap();
    assert_eq!(stage.result.await.unwrap().unwrap().size, Some(100_000));
}
