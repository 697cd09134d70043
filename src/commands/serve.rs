//! `odcs serve`: the service.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use odcs_core::engine::Shutdown;
use odcs_storage::LinkFallback;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Failure;
use crate::assemble::{self, Settings};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 lets the system choose one.
    #[arg(long, env = "ODCS_LISTEN", default_value = "127.0.0.1:5000")]
    listen: SocketAddr,
    /// Where records and composes are kept; composes can be hardlinked only from the same file system.
    #[arg(long, env = "ODCS_DATA_DIR", default_value = "odcs-data")]
    data_dir: PathBuf,
    /// The URL under which clients reach the composes [default: http://LISTEN/composes]
    #[arg(long, env = "ODCS_PUBLIC_URL")]
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
    let failed = |message: String| {
        move |error: &dyn std::fmt::Display| Failure::Service(format!("{message}: {error}"))
    };
    let listener = TcpListener::bind(options.listen).await;
    let listener =
        listener.map_err(|error| failed(format!("cannot listen on {}", options.listen))(&error))?;
    let address = listener
        .local_addr()
        .map_err(|error| failed("cannot listen".into())(&error))?;
    let settings = settings(&options, address).map_err(|error| failed("cannot start".into())(&error))?;
    let service = assemble::service(&settings)
        .await
        .map_err(|error| failed("cannot start".into())(&error))?;

    let shutdown = Shutdown::default();
    let stop_http = CancellationToken::new();
    let mut http = tokio::spawn(odcs_http::serve(listener, service.router, stop_http.clone()));
    let worker = service.engine.worker();
    let mut working = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { worker.run(shutdown).await }
    });
    let signals = tokio::spawn(stop_on_signals(
        shutdown.clone(),
        Duration::from_secs(options.grace),
    ));
    output::line(&format!(
        "odcs is listening on http://{address}, composes are at {}",
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
    signals.abort();
    stop_http.cancel();
    if !http.is_finished() {
        let _ = http.await;
    }
    tracing::info!("stopped");
    ended.map_err(Failure::Service)
}

/// The first signal lets running composes finish for a while; a second one does not.
async fn stop_on_signals(shutdown: Shutdown, grace: Duration) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be waited for");
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let name = next().await;
    tracing::info!("{name}: no more work is taken up, running composes may finish");
    shutdown.drain.cancel();
    tokio::select! {
        _ = next() => {}
        () = tokio::time::sleep(grace) => {}
    }
    tracing::warn!("running composes are handed back");
    shutdown.abort.cancel();
}

fn settings(options: &Options, address: SocketAddr) -> std::io::Result<Settings> {
    let default_url = || Url::parse(&format!("http://{address}/composes")).map_err(std::io::Error::other);
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
