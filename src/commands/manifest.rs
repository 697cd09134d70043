//! `odcs manifest`: what is recorded of the packages of a compose.

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, values};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    #[arg(value_parser = values::id)]
    id: i64,
}

pub(crate) async fn run(options: ClientOptions, Options { id }: Options) -> Result<(), Failure> {
    let manifest = Client::new(&options)?
        .get(&format!("/api/1/composes/{id}/manifest"))
        .await?;
    output::json(&manifest);
    Ok(())
}
