//! `odcs cache prune`.

use serde_json::json;

use super::{Failure, bytes, counted, with_cache};
use crate::cli::ClientOptions;
use crate::config::Overrides;
use crate::{output, values};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Remove segments until no more than this is left; 0 removes everything.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    to: Option<u64>,
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) async fn run(client: &ClientOptions, options: &Options) -> Result<(), Failure> {
    let to = options.to;
    let pruned = with_cache(&options.configuration, move |cache| cache.prune(to)).await?;
    if output::wants_json(client) {
        output::json(&json!({
            "bytes": pruned.bytes,
            "left": pruned.left,
            "segments": pruned.segments,
        }));
    } else if pruned.segments == 0 {
        output::line(&format!("nothing to remove; {} are kept", bytes(pruned.left)));
    } else {
        let removed = counted(pruned.segments, "segment", "segments", pruned.bytes);
        output::line(&format!("removed: {removed}; {} are kept", bytes(pruned.left)));
    }
    Ok(())
}
