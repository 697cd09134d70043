//! `odcs wait`: until a compose has ended.

use std::time::Duration;

use serde_json::Value;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, watch};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    id: i64,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

pub(crate) async fn run(options: ClientOptions, Options { id, timeout }: Options) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let compose = watch::until_ended(&client, id, timeout.map(Duration::from_secs)).await?;
    show_ended(&options, &compose)
}

/// Shows a compose that has ended; one that cannot be used is a failure.
pub(crate) fn show_ended(options: &ClientOptions, compose: &Value) -> Result<(), Failure> {
    if output::wants_json(options) {
        output::json(compose);
    } else {
        output::compose(compose);
    }
    if output::text(compose, "state_name") == Some("done") {
        Ok(())
    } else {
        Err(Failure::Compose)
    }
}
