//! `odcs config`: the configuration of the service.

use super::Failure;
use crate::cli::ClientOptions;
use crate::config::{self, Overrides};
use crate::{assemble, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only check it, also whether the repository roots are there, and keys and certificates can be used: the exit
    /// code is 0 if the service can be started with it, else 1.
    #[arg(long, conflicts_with = "reference")]
    check: bool,
    /// Print the reference documentation of all keys, in Markdown.
    #[arg(long)]
    reference: bool,
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) fn run(client: &ClientOptions, options: &Options) -> Result<(), Failure> {
    if options.reference {
        output::line(config::reference().trim_end());
        return Ok(());
    }
    let loaded = config::load_here(&options.configuration)?;
    loaded
        .warnings
        .iter()
        .for_each(|warning| output::warning(warning));
    if options.check {
        assemble::check(&loaded.configuration)
            .map_err(|error| Failure::Service(format!("the service cannot be started: {error}")))?;
        return Ok(());
    }
    // TOML also for programs that read: it is meant to be kept in a file.
    if client.json {
        output::json(&config::json(&loaded));
    } else {
        output::line(config::toml(&loaded).trim_end());
    }
    Ok(())
}
