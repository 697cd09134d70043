//! `odcs store`: looks after the files that were fetched, on the machine of the service.

mod prune;
mod stats;
mod verify;

use odcs_storage::ContentDirectory;

use super::Failure;
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
    /// Show how much there is, how much of it composes use, and how much it may be.
    Stats(stats::Options),
    /// Read every file, and drop those that are damaged; they are fetched again when they are needed.
    Verify(verify::Options),
    /// Remove files that no compose uses, those first that were not asked for longest.
    ///
    /// Without options, that is what was left unfinished a day ago, and what is above store_bytes of the
    /// configuration. What was asked for within the last half hour stays: it may be about to be used.
    Prune(prune::Options),
}

pub(crate) async fn run(client: &ClientOptions, options: Options) -> Result<(), Failure> {
    match options.command {
        Command::Stats(options) => stats::run(client, &options).await,
        Command::Verify(options) => verify::run(client, &options).await,
        Command::Prune(options) => prune::run(client, &options).await,
    }
}

async fn open(overrides: &Overrides) -> Result<ContentDirectory, Failure> {
    let loaded = config::load_here(overrides)?;
    assemble::content_directory(&loaded.configuration)
        .await
        .map_err(failed)
}

fn failed(error: odcs_core::Error) -> Failure {
    Failure::Service(format!("cannot look after the content store: {error}"))
}

/// A number of bytes as people read it: `4.2 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let unit = [
        (1_u128 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    match unit.into_iter().find(|(unit, _)| u128::from(bytes) >= *unit) {
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / unit;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} bytes"),
    }
}

/// Files, counted and measured.
fn files(count: u64, size: u64) -> String {
    let files = if count == 1 { "file" } else { "files" };
    format!("{count} {files}, {}", bytes(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let shown = [0, 1_023, 1_024, 1_500_000, 20 << 30, u64::MAX].map(bytes);
        let expected = [
            "0 bytes",
            "1023 bytes",
            "1.0 KiB",
            "1.4 MiB",
            "20.0 GiB",
            "16777215.9 TiB",
        ];
        assert_eq!(shown, expected);
        assert_eq!(files(1, 5), "1 file, 5 bytes");
    }
}
