//! `odcs store stats`.

use odcs_core::Timestamp;
use serde_json::json;

use super::{Failure, bytes, failed, files, open};
use crate::cli::ClientOptions;
use crate::config::Overrides;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) async fn run(client: &ClientOptions, options: &Options) -> Result<(), Failure> {
    let store = open(&options.configuration).await?;
    let stats = store.stats().await.map_err(failed)?;
    let oldest = stats
        .oldest_use
        .map(|seconds| Timestamp::from_seconds(seconds).to_string());
    if output::wants_json(client) {
        output::json(&json!({
            "bytes": stats.bytes,
            "cap": stats.cap,
            "evictable_bytes": stats.evictable_bytes,
            "files": stats.files,
            "oldest_use": oldest,
            "partial_bytes": stats.partial_bytes,
            "partial_files": stats.partial_files,
            "used_bytes": stats.used_bytes,
            "used_files": stats.used_files,
        }));
        return Ok(());
    }
    let (all, used) = (
        files(stats.files, stats.bytes),
        files(stats.used_files, stats.used_bytes),
    );
    output::line(&format!("{all} of at most {}", bytes(stats.cap)));
    output::line(&format!("used by composes: {used}"));
    output::line(&format!(
        "can make room for others: {}",
        bytes(stats.evictable_bytes)
    ));
    if stats.partial_files > 0 {
        let partial = files(stats.partial_files, stats.partial_bytes);
        output::line(&format!("being fetched, or left unfinished: {partial}"));
    }
    if let Some(oldest) = oldest {
        output::line(&format!("not asked for longest: since {oldest}"));
    }
    Ok(())
}
