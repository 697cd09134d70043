//! `odcs cache stats`.

use serde_json::json;

use super::{Failure, bytes, counted, with_cache};
use crate::cli::ClientOptions;
use crate::config::Overrides;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) async fn run(client: &ClientOptions, options: &Options) -> Result<(), Failure> {
    let stats = with_cache(&options.configuration, |cache| cache.stats()).await?;
    if output::wants_json(client) {
        output::json(&json!({
            "bytes": stats.bytes,
            "cap": stats.cap,
            "entries": stats.entries,
            "index_bytes": stats.index_bytes,
            "live_bytes": stats.live_bytes,
            "segments": stats.segments,
            "stale_bytes": stats.stale_bytes,
        }));
        return Ok(());
    }
    let all = counted(stats.segments, "segment", "segments", stats.bytes);
    output::line(&format!("{all} of at most {}", bytes(stats.cap)));
    let known = counted(stats.entries, "entry", "entries", stats.live_bytes);
    output::line(&format!("known: {known}"));
    output::line(&format!("indexes: {}", bytes(stats.index_bytes)));
    output::line(&format!(
        "replaced, and kept until its segment goes: {}",
        bytes(stats.stale_bytes)
    ));
    Ok(())
}
