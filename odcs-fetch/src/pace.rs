//! Whether enough comes, often enough.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use odcs_core::Clock;
use reqwest::{Client, Request, Response};

use crate::error::Problem;
use crate::settings::FetchSettings;

/// In how much time the fewest bytes have to come.
const WINDOW: Duration = Duration::from_secs(60);

/// Why nothing comes: the server, or the time it took.
pub(crate) enum Trouble {
    Http(reqwest::Error),
    Time(Problem),
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

/// Watches one connection. Time in which nobody waits for the server, because a disk is slow, does not count.
pub(crate) struct Pace<'a> {
    clock: &'a dyn Clock,
    silence: Duration,
    connect: Duration,
    least: u64,
    /// When something came last, or was waited for first.
    heard: Duration,
    /// When the bytes began to be counted.
    since: Duration,
    bytes: u64,
    /// When it wakes, it is looked at the clock; it is not set again for each piece.
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, settings: &FetchSettings) -> Self {
        let now = clock.monotonic();
        Self {
            clock,
            silence: settings.read_timeout,
            connect: settings.connect_timeout,
            least: settings.bytes_per_minute,
            heard: now,
            since: now,
            bytes: 0,
            timer: None,
        }
    }

    /// Asks, and waits for the head of the answer.
    pub(crate) async fn ask(&mut self, client: &Client, request: Request) -> Result<Response, Trouble> {
        // Connecting has its own limit, which may be the longer one.
        let limit = self.silence.saturating_add(self.connect);
        let clock = self.clock;
        let response = tokio::select! {
            biased;
            response = client.execute(request) => response?,
            () = clock.sleep(limit) => return Err(Trouble::Time(Problem::Silent(limit))),
        };
        self.heard = self.clock.monotonic();
        self.since = self.heard;
        Ok(response)
    }

    /// The next bytes of the answer.
    pub(crate) async fn next(&mut self, response: &mut Response) -> Result<Option<Bytes>, Trouble> {
        loop {
            let (clock, due) = (self.clock, self.due());
            let timer = self.timer.get_or_insert_with(|| clock.sleep(due));
            tokio::select! {
                biased;
                piece = response.chunk() => {
                    let piece = piece?;
                    if let Some(bytes) = &piece {
                        self.heard = self.clock.monotonic();
                        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
                        self.check().map_err(Trouble::Time)?;
                    }
                    return Ok(piece);
                }
                () = timer => {
                    self.timer = None;
                    self.check().map_err(Trouble::Time)?;
                }
            }
        }
    }

    /// Leaves out the time since something came last: it was worked on.
    pub(crate) fn resume(&mut self) {
        let now = self.clock.monotonic();
        self.since = self.since.saturating_add(now.saturating_sub(self.heard));
        self.heard = now;
    }

    /// When something may be wrong.
    fn due(&self) -> Duration {
        let now = self.clock.monotonic();
        let silent = self.silence.saturating_sub(now.saturating_sub(self.heard));
        let slow = WINDOW.saturating_sub(now.saturating_sub(self.since));
        silent.min(slow).max(Duration::from_millis(1))
    }

    fn check(&mut self) -> Result<(), Problem> {
        let now = self.clock.monotonic();
        if now.saturating_sub(self.heard) >= self.silence {
            return Err(Problem::Silent(self.silence));
        }
        let window = now.saturating_sub(self.since);
        if window < WINDOW {
            return Ok(());
        }
        // One piece may have come very late: the minutes that it took count.
        let minutes = window.as_secs() / WINDOW.as_secs();
        if self.bytes < self.least.saturating_mul(minutes) {
            return Err(Problem::Slow {
                bytes: self.bytes,
                seconds: window.as_secs(),
            });
        }
        self.since = now;
        self.bytes = 0;
        Ok(())
    }
}
