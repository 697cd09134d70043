//! `odcs serve`: the service.

use std::fmt::Display;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use odcs_core::engine::Shutdown;
use odcs_storage::LinkFallback;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Failure;
use crate::assemble::{self, Settings};
use crate::{output, values};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 lets the system choose one.
    #[arg(long, env = "ODCS_LISTEN", value_name = "ADDRESS", value_parser = values::address,
          default_value = "127.0.0.1:5000")]
    listen: SocketAddr,
    /// Where records and composes are kept; composes can be hardlinked only from the same file system.
    #[arg(long, env = "ODCS_DATA_DIR", value_name = "DIR", default_value = "odcs-data")]
    data_dir: PathBuf,
    /// The URL under which clients reach the composes; the service answers under its host name, too
    /// [default: http://ADDRESS/composes]
    #[arg(long, env = "ODCS_PUBLIC_URL", value_name = "URL", value_parser = values::public_url)]
    public_url: Option<Url>,
    /// Take repositories from below this directory; may be given several times [default: the current
    /// directory]
    #[arg(
        long = "repo-root",
        env = "ODCS_REPO_ROOTS",
        value_delimiter = ':',
        value_name = "DIR"
    )]
    repo_roots: Vec<PathBuf>,
    /// What to do with packages that cannot be hardlinked.
    #[arg(long, env = "ODCS_LINK_FALLBACK", default_value = "copy", value_enum)]
    link_fallback: Fallback,
    /// Threads that read packages [default: one for each processor]
    #[arg(long, env = "ODCS_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// How often expired composes are looked for.
    #[arg(long, env = "ODCS_SWEEP", default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    sweep: u64,
    /// How long running composes may take to finish after SIGTERM; then they are handed back, and the
    /// next start takes them up again.
    #[arg(long, env = "ODCS_GRACE", default_value_t = 30, value_name = "SECONDS")]
    grace: u64,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Fallback {
    /// Share the data blocks where the file system can, else copy.
    Copy,
    /// Fail the compose.
    Fail,
}

impl From<Fallback> for LinkFallback {
    fn from(fallback: Fallback) -> Self {
        match fallback {
            Fallback::Copy => Self::Copy,
            Fallback::Fail => Self::Fail,
        }
    }
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    log_to_stderr();
    let listen = options.listen;
    let cannot_listen = |error| failed(&format!("cannot listen on {listen}"), &error);
    let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let settings = settings(&options, address).map_err(|error| failed("cannot start", &error))?;
    let service = assemble::service(&settings)
        .await
        .map_err(|error| failed("cannot start", &error))?;
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
    let grace = Duration::from_secs(options.grace);
    let stopping = tokio::spawn(stop_on_signals(signals, shutdown.clone(), grace));
    output::line(&format!(
        "odcs is listening on http://{}, composes are at {}",
        reachable(address),
        settings.public_url
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
    let _ = sweeping.await;
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

/// Where clients of this machine find what listens on an address: `0.0.0.0` is none to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn settings(options: &Options, address: SocketAddr) -> std::io::Result<Settings> {
    let default_url =
        || Url::parse(&format!("http://{}/composes", reachable(address))).map_err(std::io::Error::other);
    let public_url = options.public_url.clone().map_or_else(default_url, Ok)?;
    let repo_roots = match options.repo_roots.as_slice() {
        [] => vec![std::env::current_dir()?],
        roots => roots.to_vec(),
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Settings {
        data_dir: options.data_dir.clone(),
        public_url,
        repo_roots,
        link_fallback: options.link_fallback.into(),
        sweep: Duration::from_secs(options.sweep),
        threads: options.threads.map_or(processors, usize::from),
    })
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ODCS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_addresses_that_can_be_connected_to() {
        for (address, there) in [
            ("0.0.0.0:5000", "127.0.0.1:5000"),
            ("[::]:5000", "[::1]:5000"),
            ("127.0.0.2:1", "127.0.0.2:1"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(address.parse().unwrap()), there.parse().unwrap());
        }
    }
}
