//! A compose: what is recorded of it, and what the world sees of that.

mod record;
mod view;

pub use record::{Compose, Requested, Times};
pub use view::{ComposeView, Links};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The id of a compose: 1 and up, never given twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComposeId(i64);

impl ComposeId {
    /// From the number of a record.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The name of the compose's directory, repositories and `.repo` file: `odcs-12`.
    pub fn name(self) -> String {
        format!("odcs-{}", self.0)
    }
}

impl fmt::Display for ComposeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ComposeId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        // Digits only: "+1" and "-1" are numbers to Rust, but nobody's id.
        let number = Some(text)
            .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|text| text.parse().ok());
        number
            .map(Self)
            .ok_or_else(|| Error::invalid("id", format!("{text:?} is not the id of a compose")))
    }
}

/// The state of a compose. Names and numbers are frozen: clients take any other for finished.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComposeState {
    /// In the queue.
    Wait,
    /// Being made.
    Generating,
    /// Ready to be used.
    Done,
    /// Expired or deleted; only the record is left.
    Removed,
    /// Could not be made.
    Failed,
}

impl ComposeState {
    /// All states by number.
    pub const ALL: [Self; 5] = [
        Self::Wait,
        Self::Generating,
        Self::Done,
        Self::Removed,
        Self::Failed,
    ];

    /// The number in answers.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The state of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The name in answers (`state_name`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Generating => "generating",
            Self::Done => "done",
            Self::Removed => "removed",
            Self::Failed => "failed",
        }
    }

    /// Whether work on the compose is still to come.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Wait | Self::Generating)
    }
}

impl fmt::Display for ComposeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
