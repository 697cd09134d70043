//! Building a compose in its staging directory: everything up to and including reading it back.

use std::sync::Arc;

use odcs_core::plan::Plan;
use odcs_core::productmd::ComposeIdent;
use odcs_core::request::ComposeResult;
use odcs_core::{Built, ComposeId, ErrorKind, Job, Manifest, Phase, Progress, Work};
use rayon::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::builder::Inner;
use crate::dir::Dir;
use crate::error::{Error, IsoError, IsoFault, Result};
use crate::iso::Making;
use crate::link::Counts;
use crate::manifest::manifest;
use crate::packages::{Layout, PlacedPackage, Placing};
use crate::staged::StagedCompose;
use crate::staging::Staging;
use crate::{check, inventory, iso, layout, log, space, tree};

impl Inner {
    /// Builds a compose where nobody sees it. If that does not succeed, it is cleared away.
    pub(crate) fn stage(
        &self,
        target: Arc<Dir>,
        job: &Job,
        progress: Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<StagedCompose> {
        let staging = Staging::begin(&target, &job.lease)?;
        let fill = || self.fill(job, &target, &staging, &*progress, cancel);
        match self.pool.install(fill) {
            Ok((manifest, built)) => Ok(StagedCompose {
                target,
                staging: Arc::new(staging),
                id: job.compose.id,
                manifest,
                built,
                progress,
                cancel: job.cancel.clone(),
                claimed: false,
            }),
            Err(error) => {
                staging.clear_away();
                Err(error)
            }
        }
    }

    fn fill(
        &self,
        job: &Job,
        target: &Dir,
        staging: &Staging,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(Manifest, Built)> {
        let id = job.compose.id;
        let go_on = || {
            if cancel.is_cancelled() {
                Err(Error::Cancelled { id })
            } else {
                Ok(())
            }
        };
        let plan = match &job.work {
            Work::Packages(plan) => plan,
            _ => return Err(cannot_build(id, "its work is not a list of packages")),
        };
        let request = job
            .compose
            .request
            .as_ref()
            .ok_or_else(|| cannot_build(id, "nobody knows what was asked for"))?;
        let ident = ComposeIdent::of(&job.compose);
        let layout = Layout::of(plan)?;
        let wants_images = request.results.contains(ComposeResult::Iso);
        let images = if wants_images { iso::estimate(&layout) } else { 0 };
        space::check(target, &layout, &self.settings, images)?;
        let trees = layout.trees.clone();
        let compose = staging.dir().make(layout::COMPOSE)?;

        let (packages, counts) = self.place(job, plan, &compose, layout, progress, cancel)?;
        let total = counts.linked() + counts.copied();
        progress.step(
            Phase::Link,
            &format!("{}: {}", log::packages(total), counts.describe()),
        );

        go_on()?;
        progress.step(Phase::Repodata, &format!("writing {} repositories", trees.len()));
        let written: Vec<Vec<tree::WrittenFile>> = trees
            .par_iter()
            .map(|tree| {
                go_on()?;
                tree::write_tree_repodata(&compose, tree, plan, &packages, self.settings.repodata)?;
                tree::write_tree_files(&compose, tree, &ident, plan.timestamp)
            })
            .collect::<Result<_>>()?;
        let mut written: Vec<_> = written.into_iter().flatten().collect();

        go_on()?;
        let images = if wants_images {
            let making = Making {
                id,
                xorriso: self.xorriso.as_ref().ok_or_else(no_xorriso)?,
                staging: staging.dir(),
                ident: &ident,
                timestamp: plan.timestamp,
                packages: &packages,
                time: self.settings.iso_time,
                clock: &*self.clock,
                progress,
                cancel,
            };
            Some(making.run(&trees)?)
        } else {
            None
        };

        go_on()?;
        progress.step(
            Phase::Metadata,
            if wants_images {
                "writing composeinfo.json, images.json, rpms.json, modules.json and the .repo file"
            } else {
                "writing composeinfo.json, rpms.json, modules.json and the .repo file"
            },
        );
        written.extend(tree::write_metadata(
            &compose,
            &job.compose,
            &job.links,
            plan,
            &packages,
            images.as_deref(),
        )?);

        go_on()?;
        progress.step(Phase::Check, "saving everything to disk and reading it back");
        // The disk is waited for while the processors read back.
        let (saved, checked) = rayon::join(
            || inventory::save(&compose),
            || {
                check::check_files(&compose, &written)?;
                trees.par_iter().try_for_each(|tree| {
                    go_on()?;
                    let here: Vec<&PlacedPackage> = tree::packages_of(tree, &packages).collect();
                    check::check_tree(&compose, tree, plan, &here, self.settings.repodata)
                })
            },
        );
        saved?;
        checked?;
        let manifest = manifest(&request.source.kind(), plan, &packages)?;

        go_on()?;
        let built = Built {
            pungi_compose_id: ident.to_string(),
            packages: total,
            linked: counts.linked(),
            copied: counts.copied(),
        };
        Ok((manifest, built))
    }

    fn place(
        &self,
        job: &Job,
        plan: &Plan,
        compose: &Dir,
        layout: Layout,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(Vec<PlacedPackage>, Counts)> {
        let directories = tree::make_directories(compose, &layout)?;
        let placing = Placing {
            id: job.compose.id,
            directories: &directories,
            signatures: &plan.signatures,
            fallback: self.settings.link_fallback,
            progress,
            cancel,
        };
        progress.step(Phase::Link, &log::packages(layout.files.len() as u64));
        placing.run(layout)
    }
}

/// It was there when the compose was asked for.
fn no_xorriso() -> Error {
    Error::Iso(Box::new(IsoError {
        image: "of the compose".to_owned(),
        fault: IsoFault::NoProgram,
    }))
}

fn cannot_build(id: ComposeId, why: &str) -> Error {
    let message = format!("this builder cannot build {}: {why}", id.name());
    odcs_core::Error::new(ErrorKind::Internal, "build compose", id.name(), message).into()
}
