//! `odcs list`: composes, newest first.

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The page, counted from 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Composes on a page, at most 100.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100))]
    per_page: u64,
}

pub(crate) async fn run(options: ClientOptions, Options { page, per_page }: Options) -> Result<(), Failure> {
    let path = format!("/api/1/composes/?page={page}&per_page={per_page}");
    let answer = Client::new(&options.server)?.get(&path).await?;
    if output::wants_json(&options) {
        output::json(&answer);
        return Ok(());
    }
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().for_each(output::compose_row);
    let meta = &answer["meta"];
    output::line(&format!(
        "page {} of {}, {} composes in all",
        meta["page"], meta["pages"], meta["total"]
    ));
    Ok(())
}
