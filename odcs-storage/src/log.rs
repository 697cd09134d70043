//! The log of a compose, which clients tail while it is being made.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use odcs_core::{Clock, Phase, Progress, Timestamp};

/// Writes each step as one line, in the form that readers of this log know:
/// `2026-11-21 12:00:00 [INFO    ] link: 1,000 of 3,000 packages`.
#[derive(Debug)]
pub(crate) struct ComposeLog {
    file: Mutex<File>,
    clock: Arc<dyn Clock>,
    name: String,
    complained: AtomicBool,
}

impl ComposeLog {
    /// Adds to a file that is open for appending.
    pub(crate) fn new(file: File, clock: Arc<dyn Clock>, name: String) -> Self {
        Self {
            file: Mutex::new(file),
            clock,
            name,
            complained: AtomicBool::new(false),
        }
    }
}

impl Progress for ComposeLog {
    fn step(&self, phase: Phase, message: &str) {
        tracing::info!(compose = %self.name, %phase, "{message}");
        let line = line(self.clock.now(), phase, message);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A compose does not fail because of its log, on a full disk for instance; whatever fills the
        // disk is going to be noticed where it matters.
        if let Err(error) = file.write_all(line.as_bytes())
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(compose = %self.name, %error, "the log of the compose cannot be written");
        }
    }
}

fn line(now: Timestamp, phase: Phase, message: &str) -> String {
    let now = now.to_string().replace('T', " ");
    // One line a step, whatever is in the message.
    let message: String = message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let level = if phase == Phase::Failed { "ERROR" } else { "INFO" };
    format!("{} [{level:<8}] {phase}: {message}\n", now.trim_end_matches('Z'))
}

/// A number as people read it: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of packages: `1 package`, `1,200 packages`.
pub(crate) fn packages(number: u64) -> String {
    let noun = if number == 1 { "package" } else { "packages" };
    format!("{} {noun}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_step() {
        let now = Timestamp::from_seconds(1_795_262_400);
        assert_eq!(
            line(now, Phase::Link, "1,000 of 3,000\npackages"),
            "2026-11-21 12:00:00 [INFO    ] link: 1,000 of 3,000 packages\n"
        );
        assert_eq!(
            line(now, Phase::Failed, "no"),
            "2026-11-21 12:00:00 [ERROR   ] failed: no\n"
        );
    }

    #[test]
    fn numbers_are_grouped() {
        let shown: Vec<_> = [0, 999, 1_000, 12_345, 1_234_567].map(grouped).into();
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([packages(1), packages(1_200)], ["1 package", "1,200 packages"]);
    }
}
