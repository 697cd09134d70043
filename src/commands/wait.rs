//! `odcs wait`: until a compose has ended.

use std::time::Duration;

use serde_json::Value;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, values, watch};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    #[arg(value_parser = values::id)]
    id: i64,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

pub(crate) async fn run(options: ClientOptions, Options { id, timeout }: Options) -> Result<(), Failure> {
    let client = Client::new(&options)?;
    if options.no_wait {
        let compose = client.get(&format!("/api/1/composes/{id}")).await?;
        show(&options, &compose);
        return Ok(());
    }
    let timeout = timeout.map(Duration::from_secs);
    let compose = watch::until_ended(&client, id, timeout, watch::Show::of(&options)).await?;
    show_ended(&options, &compose)
}

/// What follows when the server has accepted a request for a compose: what it warns of is passed on, and
/// the compose is waited for, unless it should not be or has ended already.
pub(crate) async fn accepted(
    options: &ClientOptions,
    client: &Client,
    compose: Value,
) -> Result<(), Failure> {
    let warnings = output::items(&compose, "warnings").iter();
    if !options.quiet {
        warnings.filter_map(Value::as_str).for_each(output::warning);
    }
    if options.no_wait {
        show(options, &compose);
        return Ok(());
    }
    if watch::has_ended(&compose) {
        return show_ended(options, &compose);
    }
    let id = output::id(&compose);
    let compose = watch::until_ended(client, id, None, watch::Show::of(options)).await?;
    show_ended(options, &compose)
}

fn show(options: &ClientOptions, compose: &Value) {
    if output::wants_json(options) {
        output::json(compose);
    } else {
        output::compose(compose);
    }
}

/// Shows a compose that has ended; one that cannot be used is a failure.
fn show_ended(options: &ClientOptions, compose: &Value) -> Result<(), Failure> {
    show(options, compose);
    if output::text(compose, "state_name") == Some("done") {
        Ok(())
    } else {
        Err(Failure::Compose)
    }
}
