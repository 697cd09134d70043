//! `odcs cache`: looks after what is known about packages, on the machine of the service.

mod prune;
mod stats;
mod verify;

use odcs_storage::PackCache;

use super::Failure;
use super::store::bytes;
use crate::assemble;
use crate::cli::ClientOptions;
use crate::config::{self, Overrides};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show how much is known, and how much it may be.
    Stats(stats::Options),
    /// Read everything, and drop what is damaged; it is found out again when it is needed.
    Verify(verify::Options),
    /// Remove what was found out, or used, longest ago.
    ///
    /// Without options, that is what is above cache_bytes of the configuration. Composes that need it later take longer.
    Prune(prune::Options),
}

pub(crate) async fn run(client: &ClientOptions, options: Options) -> Result<(), Failure> {
    match options.command {
        Command::Stats(options) => stats::run(client, &options).await,
        Command::Verify(options) => verify::run(client, &options).await,
        Command::Prune(options) => prune::run(client, &options).await,
    }
}

/// Does something with the cache, which takes its time.
async fn with_cache<T: Send + 'static>(
    overrides: &Overrides,
    work: impl FnOnce(&PackCache) -> Result<T, odcs_storage::Error> + Send + 'static,
) -> Result<T, Failure> {
    let loaded = config::load_here(overrides)?;
    let cache = assemble::pack_cache(&loaded.configuration)
        .await
        .map_err(|error| failed(&error))?;
    match tokio::task::spawn_blocking(move || work(&cache)).await {
        Ok(result) => result.map_err(|error| failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::Service(format!("cannot look after the metadata cache: {error}"))
}

/// A number of things, and how many bytes they have.
fn counted(count: u64, one: &str, many: &str, size: u64) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}, {}", bytes(size))
}
