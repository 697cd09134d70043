//! Waiting for a compose, with a display of how it goes on.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::client::Client;
use crate::commands::Failure;
use crate::output;

/// Asks for a compose until it has ended. On a terminal the last line of its log is shown meanwhile;
/// nothing is printed otherwise.
///
/// # Errors
/// If `patience` runs out, and what the server says.
pub(crate) async fn until_ended(
    client: &Client,
    id: i64,
    patience: Option<Duration>,
) -> Result<Value, Failure> {
    let display = Display::new();
    let mut log = Log::default();
    let mut pause = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        let compose = client.get(&format!("/api/1/composes/{id}")).await?;
        if !matches!(output::text(&compose, "state_name"), Some("wait" | "generating")) {
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
        let rest = patience.map_or(pause, |patience| patience.saturating_sub(waited));
        let pausing = pause.min(rest);
        tokio::time::sleep(pausing).await;
        waited += pausing;
        // Most composes take a second; one that takes minutes need not be asked for twenty times a second.
        pause = (pause * 3 / 2).min(Duration::from_secs(5));
    }
}

/// The line that says how it goes on, on a terminal.
struct Display(Option<ProgressBar>);

impl Display {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
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
    async fn last_line(&mut self, client: &Client, compose: &Value) -> Option<String> {
        let toplevel = output::text(compose, "toplevel_url").filter(|url| !url.is_empty())?;
        let bytes = client
            .tail(&format!("{toplevel}/pungi-stderr.log"), self.read)
            .await;
        self.read += bytes.len() as u64;
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
