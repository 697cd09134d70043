//! What can go wrong with ISO images.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::plain;

/// Why an ISO image could not be made.
#[derive(Debug)]
pub struct IsoError {
    /// The name of its file.
    pub image: String,
    /// What went wrong.
    pub fault: IsoFault,
}

/// What can go wrong with an ISO image.
#[derive(Debug)]
#[non_exhaustive]
pub enum IsoFault {
    /// The program that makes it is not on this machine.
    NoProgram,
    /// It could not be started.
    NotStarted(io::Error),
    /// The connection to it was lost.
    Lost(io::Error),
    /// It took longer than it may.
    TooLong(Duration),
    /// It wrote more than the image can have.
    TooLarge,
    /// It ended with a failure.
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said about it, in one line.
        said: String,
    },
    /// It wrote something that is no image, or not a whole one.
    NoImage {
        /// How many bytes that were.
        bytes: u64,
    },
    /// What was written is not what should be in it.
    Unreadable(String),
}

impl IsoError {
    pub(super) fn sentence(&self) -> String {
        let Self { image, fault } = self;
        let why = match fault {
            IsoFault::NoProgram => {
                "the program xorriso, which makes such images, is not installed on the server any more"
                    .to_owned()
            }
            IsoFault::NotStarted(source) => {
                format!(
                    "the program xorriso, which makes such images, cannot be started: {}",
                    plain(source)
                )
            }
            IsoFault::Lost(source) => format!("the connection to xorriso was lost: {}", plain(source)),
            IsoFault::TooLong(time) => {
                format!(
                    "xorriso took longer than {} seconds, and was stopped",
                    time.as_secs()
                )
            }
            IsoFault::TooLarge => "xorriso wrote more than the image can have, and was stopped".to_owned(),
            IsoFault::Failed { status, said } if said.is_empty() => {
                format!("xorriso failed ({status}) without saying why")
            }
            IsoFault::Failed { status, said } => format!("xorriso failed ({status}): {said}"),
            IsoFault::NoImage { bytes } => format!("xorriso wrote {bytes} bytes that are no whole image"),
            IsoFault::Unreadable(reason) => format!("it was made, and read back it is not right: {reason}"),
        };
        format!("the ISO image {image} cannot be made: {why}")
    }

    pub(super) fn operation(&self) -> &'static str {
        match self.fault {
            IsoFault::Unreadable(_) => "read back ISO image",
            _ => "make ISO image",
        }
    }
}
