//! Connections: real ones, over TCP.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{MemoryService, PUBLIC_URL, app, state_of};
use odcs_http::{HttpOptions, ServerOptions, router, serve_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

async fn start(app: axum::Router, options: ServerOptions) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve_with(listener, app, shutdown.clone(), options));
    Running {
        address,
        shutdown,
        server,
    }
}

fn short() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.header_timeout = Duration::from_millis(300);
    options.grace = Duration::from_millis(300);
    options
}

/// Sends a request and reads until the other end closes.
async fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(10), stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn answers_until_it_is_told_to_stop() {
    let running = start(app(MemoryService::default()).0, ServerOptions::default()).await;
    let request = "GET /api/1/about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = talk(running.address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"auth_backend\":\"noauth\""), "{answer}");
    // An idle connection does not hold the server up.
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(b"GET /api/1/about HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 64];
    assert!(idle.read(&mut first).await.unwrap() > 0);
    running.shutdown.cancel();
    timeout(Duration::from_secs(5), running.server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn bodies_are_cut_where_the_file_was_opened_and_heads_have_lengths() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log"), vec![b'x'; 500_000]).unwrap();
    let state = state_of(
        Arc::new(MemoryService::default()),
        dir.path(),
        PUBLIC_URL,
        HttpOptions::default(),
    );
    let running = start(router(state), ServerOptions::default()).await;
    let end = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let answer = talk(running.address, &format!("GET /composes/log {end}\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 500000"), "{head}");
    assert_eq!(body.len(), 500_000);
    let answer = talk(running.address, &format!("HEAD /composes/log {end}\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("content-length: 500000") && body.is_empty(),
        "{answer}"
    );
    let answer = talk(running.address, &format!("HEAD /api/1/nope {end}\r\n")).await;
    assert!(
        answer.starts_with("HTTP/1.1 404") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    let unchanged = format!("GET /composes/log {end}If-None-Match: *\r\n\r\n");
    let answer = talk(running.address, &unchanged).await;
    assert!(
        answer.starts_with("HTTP/1.1 304") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    assert!(!answer.contains("content-length: 0"), "{answer}");
    let ranges = format!("GET /composes/log {end}Range: bytes=0-2,499999-\r\n\r\n");
    let answer = talk(running.address, &ranges).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );

    // A file that shrinks while it is sent breaks the connection, rather than pass for the whole.
    fs::write(dir.path().join("big"), vec![b'x'; 64 << 20]).unwrap();
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(format!("GET /composes/big {end}\r\n").as_bytes())
        .await
        .unwrap();
    let mut read = vec![0; 1000];
    stream.read_exact(&mut read).await.unwrap();
    fs::write(dir.path().join("big"), "").unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(rest.len() < 64 << 20);
    running.shutdown.cancel();
}

#[tokio::test]
async fn slow_heads_and_missing_hosts_are_refused() {
    let running = start(app(MemoryService::default()).0, short()).await;
    let answer = talk(running.address, "GET /api/1/about HTTP/1.1\r\nHost: loc").await;
    assert!(!answer.contains("200 OK"), "{answer}");
    for request in [
        "GET /api/1/about HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /api/1/about HTTP/1.0\r\n\r\n",
        "GET http://example.com/api/1/about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let answer = talk(running.address, request).await;
        assert!(answer.contains(" 400 Bad Request"), "{answer}");
    }
    running.shutdown.cancel();
}

#[tokio::test]
async fn a_request_under_way_gets_its_time_and_no_more() {
    let running = start(app(MemoryService::default()).0, short()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let body = br#"{"source": {"type": "repo", "source": "/srv/repo"}}"#;
    let length = body.len();
    let head =
        format!("POST /api/1/composes/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut stuck = TcpStream::connect(running.address).await.unwrap();
    stuck.write_all(head.as_bytes()).await.unwrap();
    // Both have been taken up once a later one has been answered.
    talk(
        running.address,
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    running.shutdown.cancel();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    timeout(Duration::from_secs(5), running.server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn connections_wait_their_turn() {
    let mut options = short();
    options.max_connections = 1;
    let running = start(app(MemoryService::default()).0, options).await;
    let mut held = TcpStream::connect(running.address).await.unwrap();
    held.write_all(b"GET").await.unwrap();
    // The first one is cut off for being slow; then it is the second one's turn.
    let request = "GET /api/1/about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(
        talk(running.address, request)
            .await
            .starts_with("HTTP/1.1 200 OK")
    );
    running.shutdown.cancel();
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("big"), vec![b'x'; 64 << 20]).unwrap();
    let state = state_of(
        Arc::new(MemoryService::default()),
        dir.path(),
        PUBLIC_URL,
        HttpOptions::default(),
    );
    let mut options = short();
    options.write_timeout = Duration::from_millis(200);
    options.max_connections = 1;
    let running = start(router(state), options).await;
    let mut stuck = TcpStream::connect(running.address).await.unwrap();
    let request = b"GET /composes/big HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stuck.write_all(request).await.unwrap();
    // Its place is taken by the next one, which it would else keep for ever.
    let request = "GET /api/1/about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(
        talk(running.address, request)
            .await
            .starts_with("HTTP/1.1 200 OK")
    );
    running.shutdown.cancel();
}
