//! `odcs store verify`.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::ProgressBar;
use odcs_storage::{Damaged, Verified};
use serde_json::json;
use tokio_util::sync::CancellationToken;

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
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    let shown = bar.clone();
    let progress = move |verified: &Verified| {
        shown.set_message(format!("{} read", files(verified.files, verified.bytes)));
    };
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    // Whoever interrupts it wants to know what was found so far.
    let interrupted = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    let verified = store.verify(progress, cancel).await;
    interrupted.abort();
    bar.finish_and_clear();
    let verified = verified.map_err(failed)?;
    report(client, &verified);
    if verified.stopped {
        return Err(Failure::Service("stopped before everything was read".to_owned()));
    }
    match verified.damaged.len() {
        0 => Ok(()),
        1 => Err(Failure::Service("a file was damaged, and was dropped".to_owned())),
        count => Err(Failure::Service(format!(
            "{count} files were damaged, and were dropped"
        ))),
    }
}

fn report(client: &ClientOptions, verified: &Verified) {
    if output::wants_json(client) {
        let damaged = verified.damaged.iter().map(|damaged| {
            json!({
                "bytes": damaged.size,
                "checksum": damaged.digest.to_string(),
                "composes_with_it": damaged.links,
            })
        });
        output::json(&json!({
            "bytes": verified.bytes,
            "damaged": damaged.collect::<Vec<_>>(),
            "files": verified.files,
            "stopped": verified.stopped,
        }));
        return;
    }
    output::line(&format!("{} read", files(verified.files, verified.bytes)));
    for damaged in &verified.damaged {
        output::line(&line(damaged));
    }
}

fn line(damaged: &Damaged) -> String {
    let size = bytes(damaged.size);
    let composes = match damaged.links {
        0 => "no compose has it".to_owned(),
        1 => "a package of one compose is the same file: have it made again".to_owned(),
        links => format!("packages of composes are the same file, {links} times: have them made again"),
    };
    format!("damaged, dropped: {} ({size}; {composes})", damaged.digest)
}
