//! `odcs cache verify`.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::ProgressBar;
use odcs_storage::{CacheProblem, CacheVerified};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

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
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    let shown = bar.clone();
    let progress = move |verified: &CacheVerified| shown.set_message(read(verified));
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    // Whoever interrupts it wants to know what was found so far.
    let interrupted = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    let verified = with_cache(&options.configuration, move |cache| {
        cache.verify(progress, &cancel)
    })
    .await;
    interrupted.abort();
    bar.finish_and_clear();
    let verified = verified?;
    report(client, &verified);
    if verified.stopped {
        return Err(Failure::Service("stopped before everything was read".to_owned()));
    }
    match verified.damaged.len() {
        0 => Ok(()),
        1 => Err(Failure::Service("the cache was damaged in one place".to_owned())),
        count => Err(Failure::Service(format!(
            "the cache was damaged in {count} places"
        ))),
    }
}

fn read(verified: &CacheVerified) -> String {
    let read = counted(verified.entries, "entry", "entries", verified.bytes);
    format!("{read} read")
}

fn report(client: &ClientOptions, verified: &CacheVerified) {
    if output::wants_json(client) {
        output::json(&json!({
            "bytes": verified.bytes,
            "damaged": verified.damaged.iter().map(damage).collect::<Vec<_>>(),
            "entries": verified.entries,
            "stopped": verified.stopped,
        }));
        return;
    }
    output::line(&read(verified));
    for problem in &verified.damaged {
        output::line(&line(problem));
    }
}

fn damage(problem: &CacheProblem) -> Value {
    match problem {
        CacheProblem::Entry {
            segment,
            offset,
            bytes,
        } => json!({"what": "entry", "segment": segment, "offset": offset, "bytes": bytes}),
        CacheProblem::End {
            segment,
            offset,
            bytes,
        } => json!({"what": "end", "segment": segment, "offset": offset, "bytes": bytes}),
        CacheProblem::Index { segment } => json!({"what": "index", "segment": segment}),
        CacheProblem::Segment { segment } => json!({"what": "segment", "segment": segment}),
        other => json!({"what": format!("{other:?}")}),
    }
}

fn line(problem: &CacheProblem) -> String {
    match problem {
        CacheProblem::Entry {
            segment,
            offset,
            bytes: size,
        } => format!(
            "dropped: an entry of segment {segment}, at byte {offset} ({})",
            bytes(*size)
        ),
        CacheProblem::End {
            segment,
            offset,
            bytes: size,
        } => format!(
            "cut off: the end of segment {segment}, from byte {offset} ({})",
            bytes(*size)
        ),
        CacheProblem::Index { segment } => format!("made again: the index of segment {segment}"),
        CacheProblem::Segment { segment } => {
            format!("removed: what was called segment {segment} and is none")
        }
        other => format!("damaged: {other:?}"),
    }
}
