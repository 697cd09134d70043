//! Connections: taking them, bounding them, and ending them in peace.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How connections are treated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// How many connections there may be at a time; more wait to be accepted. 1024.
    pub max_connections: usize,
    /// How long a connection may take to send the head of a request, idle time before it included;
    /// 30 seconds.
    pub header_timeout: Duration,
    /// How long the other end may take to accept more of an answer; 60 seconds.
    pub write_timeout: Duration,
    /// How long requests that are under way may still take after the server was told to stop;
    /// 10 seconds.
    pub grace: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            header_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(10),
        }
    }
}

/// Answers connections until told to stop, with the default options.
///
/// ```no_run
/// # async fn run(state: odcs_http::ApiState) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
/// let shutdown = tokio_util::sync::CancellationToken::new();
/// odcs_http::serve(listener, odcs_http::router(state), shutdown).await
/// # }
/// ```
///
/// # Errors
/// As [`serve_with`].
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> io::Result<()> {
    serve_with(listener, router, shutdown, ServerOptions::default()).await
}

/// Answers connections until told to stop. Then no new ones are taken, idle ones are closed, and what
/// is under way gets [`ServerOptions::grace`] to end.
///
/// # Errors
/// What the operating system says if the socket itself fails; failing connections are only logged.
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    options: ServerOptions,
) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(
        options.max_connections.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let connections = TaskTracker::new();
    let result = loop {
        let accepting = async {
            let slot = Arc::clone(&slots)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, peer)| (slot, stream, peer))
        };
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break Ok(()),
            accepted = accepting => accepted,
        };
        match accepted {
            Ok((slot, stream, peer)) => {
                let connection = answer(stream, peer, router.clone(), shutdown.clone(), options.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            Err(error) => match error.kind() {
                // The other end was gone again before it was our turn.
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::Interrupted => {}
                io::ErrorKind::InvalidInput => break Err(error),
                // Too many open files, mostly: that passes when others end.
                _ => {
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            },
        }
    };
    // From here on nobody waits in vain for an answer: connecting is refused.
    drop(listener);
    connections.close();
    connections.wait().await;
    result
}

/// Answers the requests of one connection.
async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
    options: ServerOptions,
) {
    // Answers are small or sent in large chunks: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(options.write_timeout));
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let service = service.map_err(|error: Infallible| match error {});
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(options.grace, connection.as_mut()).await {
                Ok(result) => result,
                Err(_) => {
                    tracing::warn!(%peer, "a request was still under way at shutdown and was cut off");
                    return;
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
