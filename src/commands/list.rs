//! `odcs list`: composes, newest first.

use serde_json::Value;

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
    output::items(&answer, "items")
        .iter()
        .for_each(output::compose_row);
    let number = |field| {
        answer
            .get("meta")
            .and_then(|meta| meta.get(field))
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    output::line(&format!(
        "page {} of {}, {} composes in all",
        number("page"),
        number("pages"),
        number("total")
    ));
    Ok(())
}
