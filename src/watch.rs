//! Waiting for a compose, with a display of how it goes on.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::cli::ClientOptions;
use crate::client::Client;
use crate::commands::Failure;
use crate::output;

/// How long a server that has answered before may be silent.
const RESTART: Duration = Duration::from_secs(60);

/// What is shown on standard error meanwhile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Show {
    /// Nothing.
    Nothing,
    /// On a terminal the last line of the log; nothing otherwise.
    Progress,
    /// The log.
    Log,
}

impl Show {
    pub(crate) fn of(options: &ClientOptions) -> Self {
        match (options.watch, options.quiet) {
            (true, _) => Self::Log,
            (false, true) => Self::Nothing,
            (false, false) => Self::Progress,
        }
    }
}

/// Whether nothing more happens to a compose by itself, but that it expires.
pub(crate) fn has_ended(compose: &Value) -> bool {
    !matches!(output::text(compose, "state_name"), Some("wait" | "generating"))
}

/// Asks for a compose until it has ended.
///
/// # Errors
/// If `patience` runs out, and what the server says.
pub(crate) async fn until_ended(
    client: &Client,
    id: i64,
    patience: Option<Duration>,
    show: Show,
) -> Result<Value, Failure> {
    let display = Display::new(show);
    let mut log = Log::default();
    let mut pause = Duration::from_millis(50);
    let (mut waited, mut silent) = (Duration::ZERO, None);
    loop {
        let compose = match client.get(&format!("/api/1/composes/{id}")).await {
            Ok(compose) => compose,
            // The compose survives a restart of its server, and so does waiting for it.
            Err(Failure::Unreachable(_))
                if silent.is_some_and(|silent| silent < RESTART)
                    && patience.is_none_or(|patience| waited < patience) =>
            {
                let pausing = at_most(pause, patience, waited);
                tokio::time::sleep(pausing).await;
                waited += pausing;
                silent = silent.map(|silent: Duration| silent + pausing);
                pause = longer(pause);
                continue;
            }
            Err(error) => return Err(error),
        };
        silent = Some(Duration::ZERO);
        if show == Show::Log {
            output::log(&log.more(client, &compose).await);
        }
        if has_ended(&compose) {
            display.clear();
            return Ok(compose);
        }
        if display.is_shown() {
            display.show(&compose, log.last_line(client, &compose).await.as_deref());
        }
        if patience.is_some_and(|patience| waited >= patience) {
            display.clear();
            let state = output::text(&compose, "state_name").unwrap_or_default();
            return Err(Failure::Service(format!(
                "compose {id} is still in state {state} after {} s",
                waited.as_secs()
            )));
        }
        let pausing = at_most(pause, patience, waited);
        tokio::time::sleep(pausing).await;
        waited += pausing;
        pause = longer(pause);
    }
}

/// A pause that does not go on when patience has run out.
fn at_most(pause: Duration, patience: Option<Duration>, waited: Duration) -> Duration {
    patience.map_or(pause, |patience| pause.min(patience.saturating_sub(waited)))
}

/// Most composes take a second; one that takes minutes need not be asked for twenty times a second.
fn longer(pause: Duration) -> Duration {
    (pause * 3 / 2).min(Duration::from_secs(5))
}

/// The line that says how it goes on, on a terminal.
struct Display(Option<ProgressBar>);

impl Display {
    fn new(show: Show) -> Self {
        if show != Show::Progress || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    fn show(&self, compose: &Value, line: Option<&str>) {
        if let Some(bar) = &self.0 {
            let state = output::text(compose, "state_name").unwrap_or_default();
            bar.set_message(format!(
                "compose {}: {}",
                output::id(compose),
                line.unwrap_or(state)
            ));
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The log of a compose, read bit by bit.
#[derive(Default)]
struct Log {
    read: u64,
    last: Option<String>,
}

impl Log {
    /// What has been added to it.
    async fn more(&mut self, client: &Client, compose: &Value) -> Vec<u8> {
        let Some(toplevel) = output::text(compose, "toplevel_url").filter(|url| !url.is_empty()) else {
            return Vec::new();
        };
        let bytes = client
            .tail(&format!("{toplevel}/pungi-stderr.log"), self.read)
            .await;
        self.read += bytes.len() as u64;
        bytes
    }

    async fn last_line(&mut self, client: &Client, compose: &Value) -> Option<String> {
        let bytes = self.more(client, compose).await;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) {
            // "2026-11-21 12:00:00 [INFO    ] gather: …": the time is on the left of the display already.
            self.last = Some(
                line.split_once("] ")
                    .map_or(line, |(_, message)| message)
                    .to_owned(),
            );
        }
        self.last.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with a compose in this state, then is gone.
    async fn answer_once(address: SocketAddr, state: &str) -> SocketAddr {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let body = format!("{{\"id\": 1, \"state_name\": \"{state}\"}}");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            drop(listener);
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn waiting_survives_a_restart_of_the_server() {
        let address = answer_once("127.0.0.1:0".parse().unwrap(), "generating").await;
        let client = Client::of(&format!("http://{address}").parse().unwrap());
        let waiting = tokio::spawn(async move { until_ended(&client, 1, None, Show::Progress).await });
        // The first answer has been given once the port is free, and for a while nobody answers.
        while TcpListener::bind(address).await.is_err() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        answer_once(address, "done").await;
        let compose = waiting.await.unwrap().unwrap();
        assert_eq!(output::text(&compose, "state_name"), Some("done"));
    }

    #[tokio::test]
    async fn a_server_that_never_answered_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let client = Client::of(&format!("http://{address}").parse().unwrap());
        let failure = until_ended(&client, 1, None, Show::Progress).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    }

    #[tokio::test]
    async fn patience_runs_out_also_while_nobody_answers() {
        let address = answer_once("127.0.0.1:0".parse().unwrap(), "generating").await;
        let client = Client::of(&format!("http://{address}").parse().unwrap());
        let patience = Some(Duration::from_millis(300));
        let waiting = tokio::time::timeout(
            Duration::from_secs(10),
            until_ended(&client, 1, patience, Show::Progress),
        );
        let failure = waiting.await.expect("it gives up").unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    }
}
