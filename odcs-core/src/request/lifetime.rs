//! How long a compose is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How long a compose is kept after it is done: at least a second.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Lifetime(u64);

impl Lifetime {
    /// A day, what a compose gets when nobody asks for another.
    pub const DEFAULT: Self = Self(86_400);

    /// Three days, the longest a compose may ask for unless configured otherwise.
    pub const DEFAULT_MAXIMUM: Self = Self(259_200);

    /// From seconds.
    ///
    /// # Errors
    /// `Invalid` for zero.
    pub fn from_seconds(seconds: u64) -> Result<Self> {
        if seconds == 0 {
            return Err(Error::invalid(
                "seconds_to_live",
                "seconds_to_live should be at least 1",
            ));
        }
        Ok(Self(seconds))
    }

    /// In seconds.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl TryFrom<u64> for Lifetime {
    type Error = Error;
    fn try_from(seconds: u64) -> Result<Self> {
        Self::from_seconds(seconds)
    }
}

impl From<Lifetime> for u64 {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.0
    }
}
