//! `odcs serve`: the service.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

use odcs_core::engine::Shutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::config::{self, LogFormat, Overrides};
use crate::{assemble, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let loaded = config::load_here(&options.configuration)?;
    let configuration = &loaded.configuration;
    log_to_stderr(configuration.log_format);
    loaded
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let listen = configuration.listen;
    let cannot_listen = |error| failed(&format!("cannot listen on {listen}"), &error);
    let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let public_url = configuration.public_url_at(address);
    let public_url = public_url.ok_or_else(|| failed("cannot start", &"public_url is needed"))?;
    let service = assemble::service(configuration, &public_url)
        .await
        .map_err(|error| failed("cannot start", &error))?;
    let skipped = service.sweeper.skip_ids_of_trees().await;
    skipped.map_err(|error| failed("cannot start", &error))?;
    // Before anybody is told that the service runs: whoever knows may stop it.
    let signals = Signals::listen().map_err(|error| failed("cannot wait for signals", &error))?;
    if !address.ip().is_loopback() {
        tracing::warn!(
            "nobody is asked who they are: whoever reaches {address} over the network can have composes made"
        );
    }

    let shutdown = Shutdown::default();
    let stop_http = CancellationToken::new();
    let mut http = tokio::spawn(odcs_http::serve(listener, service.router, stop_http.clone()));
    let worker = service.engine.worker();
    let mut working = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { worker.run(shutdown).await }
    });
    let sweeping = tokio::spawn({
        let (sweeper, shutdown) = (service.sweeper, shutdown.clone());
        async move { sweeper.run(shutdown).await }
    });
    let dispatching = tokio::spawn({
        let (dispatcher, shutdown) = (service.dispatcher, shutdown.clone());
        async move { dispatcher.run(shutdown).await }
    });
    let stopping = tokio::spawn(stop_on_signals(signals, shutdown.clone(), configuration.grace));
    output::line(&format!(
        "odcs is listening on http://{}, composes are at {}",
        config::reachable(address),
        public_url
    ));

    // The API goes on answering while composes finish, so that whoever waits for one learns of it.
    let ended = tokio::select! {
        result = &mut working => result.map_err(|error| error.to_string()),
        result = &mut http => {
            shutdown.drain.cancel();
            shutdown.abort.cancel();
            let _ = (&mut working).await;
            Err(format!("the HTTP server ended: {result:?}"))
        }
    };
    stopping.abort();
    shutdown.drain.cancel();
    let _ = tokio::join!(sweeping, dispatching);
    stop_http.cancel();
    if !http.is_finished() {
        let _ = http.await;
    }
    tracing::info!("stopped");
    ended.map_err(Failure::Service)
}

fn failed(what: &str, error: &dyn Display) -> Failure {
    Failure::Service(format!("{what}: {error}"))
}

/// The signals that ask the service to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on they no longer end the process by themselves.
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The first signal lets running composes finish for a while; a second one does not.
async fn stop_on_signals(mut signals: Signals, shutdown: Shutdown, grace: Duration) {
    let name = signals.next().await;
    tracing::info!("{name}: no more work is taken up, running composes may finish");
    shutdown.drain.cancel();
    tokio::select! {
        _ = signals.next() => {}
        () = tokio::time::sleep(grace) => {}
    }
    tracing::warn!("running composes are handed back");
    shutdown.abort.cancel();
}

fn log_to_stderr(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ODCS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.with_ansi(false).json().flatten_event(true).init(),
    }
}
