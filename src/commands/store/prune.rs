//! `odcs store prune`.

use std::time::Duration;

use odcs_storage::Pruning;
use serde_json::json;

use super::{Failure, bytes, failed, files, open};
use crate::cli::ClientOptions;
use crate::config::Overrides;
use crate::{output, values};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Remove files until no more than this is left.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    to: Option<u64>,
    /// Remove what was not asked for for so many days.
    #[arg(long, value_name = "DAYS", value_parser = values::days)]
    older_than: Option<Duration>,
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) async fn run(client: &ClientOptions, options: &Options) -> Result<(), Failure> {
    let store = open(&options.configuration).await?;
    let pruning = Pruning::leftovers()
        .to(options.to)
        .older_than(options.older_than)
        .dry_run(options.dry_run);
    let pruned = store.prune(pruning).await.map_err(failed)?;
    if output::wants_json(client) {
        output::json(&json!({
            "bytes": pruned.bytes,
            "dry_run": options.dry_run,
            "files": pruned.files,
            "left": pruned.left,
        }));
        return Ok(());
    }
    if pruned.files == 0 {
        output::line(&format!("nothing to remove; {} are kept", bytes(pruned.left)));
    } else {
        let removed = if options.dry_run {
            "would be removed"
        } else {
            "removed"
        };
        let (what, left) = (files(pruned.files, pruned.bytes), bytes(pruned.left));
        output::line(&format!("{removed}: {what}; {left} are kept"));
    }
    Ok(())
}
