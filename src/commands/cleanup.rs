//! `odcs cleanup`: removes what has expired and what killed workers left, on the machine of the service.

use odcs_core::ComposeId;
use odcs_core::engine::Swept;
use serde_json::json;

use super::Failure;
use crate::cli::ClientOptions;
use crate::config::{self, Overrides};
use crate::{assemble, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Also delete the trees of composes that there is no record of.
    #[arg(long)]
    orphans: bool,
    /// Delete such trees also if they are newer than all records: the database may be an old copy, or the
    /// directory that of another service.
    #[arg(long, requires = "orphans")]
    force: bool,
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    configuration: Overrides,
}

pub(crate) async fn run(client: &ClientOptions, options: &Options) -> Result<(), Failure> {
    let loaded = config::load_here(&options.configuration)?;
    let failed = |error: odcs_core::Error| Failure::Service(format!("cannot clean up: {error}"));
    let sweeper = assemble::sweeper(&loaded.configuration).await.map_err(failed)?;
    let mut swept = if options.dry_run {
        sweeper.look().await
    } else {
        sweeper.sweep().await
    }
    .map_err(failed)?;
    let mut deleted_orphans = Vec::new();
    if options.orphans && !options.dry_run {
        let newer = sweeper
            .newer_than_all_records(&swept.orphans)
            .await
            .map_err(failed)?;
        if !newer.is_empty() && !options.force {
            report(client, options, &swept, &deleted_orphans);
            return Err(Failure::Service(format!(
                "{} newer than all records: the database may be an old copy, or the directory that of another \
                 service; if they are to be deleted nevertheless, say --force",
                are(&newer)
            )));
        }
        deleted_orphans = sweeper.delete_orphans(&mut swept).await.map_err(failed)?;
    }
    report(client, options, &swept, &deleted_orphans);
    match swept.stuck.as_slice() {
        [] => Ok(()),
        stuck => Err(Failure::Service(format!(
            "what is there of {} could not be deleted; the lines above say why",
            names(stuck)
        ))),
    }
}

fn report(client: &ClientOptions, options: &Options, swept: &Swept, deleted_orphans: &[ComposeId]) {
    if output::wants_json(client) {
        output::json(&json!({
            "deleted": numbers(&swept.deleted),
            "deleted_orphans": numbers(deleted_orphans),
            "dry_run": options.dry_run,
            "orphans": numbers(&swept.orphans),
            "removed": numbers(&swept.removed),
            "stuck": numbers(&swept.stuck),
            "withdrawn": numbers(&swept.withdrawn),
        }));
        return;
    }
    let would = if options.dry_run { "would be " } else { "" };
    let facts = [
        (&*swept.removed, format!("expired, {would}removed")),
        (&*swept.deleted, format!("trees {would}deleted")),
        (
            &*swept.withdrawn,
            "published when they were cancelled already, withdrawn".to_owned(),
        ),
        (deleted_orphans, "trees without a record, deleted".to_owned()),
        (
            &*swept.orphans,
            "trees without a record, left alone (--orphans deletes them)".to_owned(),
        ),
    ];
    let mut nothing = true;
    for (ids, what) in facts.iter().filter(|(ids, _)| !ids.is_empty()) {
        output::line(&format!("{what}: {}", names(ids)));
        nothing = false;
    }
    if nothing {
        output::line("nothing to clean up");
    }
}

fn numbers(ids: &[ComposeId]) -> Vec<i64> {
    ids.iter().map(|id| id.number()).collect()
}

fn names(ids: &[ComposeId]) -> String {
    ids.iter().map(|id| id.name()).collect::<Vec<_>>().join(", ")
}

fn are(ids: &[ComposeId]) -> String {
    let verb = if ids.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names(ids))
}
