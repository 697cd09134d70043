//! `odcs log`: the log of a compose.

use std::time::Duration;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, values, watch};

/// How often a log is looked at that is followed.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    #[arg(value_parser = values::id)]
    id: i64,
    /// Go on until the compose has ended, and print what is added meanwhile.
    #[arg(long, short)]
    follow: bool,
}

pub(crate) async fn run(options: ClientOptions, Options { id, follow }: Options) -> Result<(), Failure> {
    let client = Client::new(&options)?;
    let compose = format!("/api/1/composes/{id}");
    let mut printed = 0;
    loop {
        // Asked before the log is read: of a compose that has ended, the log read then is all of it.
        let is_last = !follow || watch::has_ended(&client.get(&compose).await?);
        match client.log(id, printed).await {
            Ok(bytes) => {
                printed += bytes.len() as u64;
                if !output::bytes(&bytes) {
                    // The reader went away.
                    return Ok(());
                }
            }
            // A compose that waits has none yet.
            Err(Failure::Refused { status: 404, .. }) if !is_last => {}
            Err(failure) => return Err(failure),
        }
        if is_last {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
