//! Building a compose in its staging directory: everything up to and including reading it back.

use std::fs::File;
use std::sync::Arc;

use odcs_core::manifest::ManifestDocument;
use odcs_core::productmd::ComposeIdent;
use odcs_core::request::ComposeResult;
use odcs_core::{Built, ComposeId, ErrorKind, Job, KeptBlocks, MetadataCache, Phase, Progress, Work};
use odcs_rpm::repodata::Finished;
use rayon::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::arrange::Layout;
use crate::builder::Inner;
use crate::dir::Dir;
use crate::error::{Error, IsoError, IsoFault, Result};
use crate::iso::Making;
use crate::manifest::manifest;
use crate::packages::{PlacedPackage, Placement, Placing, Readers, packages_of};
use crate::repodata::TreeRepodata;
use crate::staged::StagedCompose;
use crate::staging::Staging;
use crate::{check, iso, layout, log, pass, save, space, tree};

/// A compose that is complete in its staging directory.
struct Filled {
    manifest: ManifestDocument,
    built: Built,
    layout: Layout,
    packages: Vec<PlacedPackage>,
}

impl Inner {
    /// Builds a compose where nobody sees it. If that does not succeed, it is cleared away.
    pub(crate) fn stage(
        &self,
        target: Arc<Dir>,
        job: Job,
        cache: Option<&dyn MetadataCache>,
        progress: Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<StagedCompose> {
        let staging = Staging::begin(&target, &job.lease)?;
        let fill = || self.fill(&job, &target, &staging, cache, &*progress, cancel);
        match self.pool.install(fill) {
            Ok(filled) => {
                let staged = StagedCompose {
                    target,
                    staging: Arc::new(staging),
                    id: job.compose.id,
                    manifest: filled.manifest,
                    built: filled.built,
                    progress,
                    cancel: job.cancel.clone(),
                    claimed: false,
                };
                // Giving ten thousands of packages back takes a while, for which nobody has to wait.
                self.pool
                    .spawn(move || drop((job, filled.layout, filled.packages)));
                Ok(staged)
            }
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
        cache: Option<&dyn MetadataCache>,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Filled> {
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
        let compose = staging.dir().make(layout::COMPOSE)?;

        let directories = tree::make_directories(&compose, &layout)?;
        let blocks = cache.map(KeptBlocks);
        let mut repodata: Vec<TreeRepodata<'_>> = layout
            .trees
            .iter()
            .zip(&layout.contents)
            .map(|(tree, contents)| {
                let (packages, blocks) = (contents.packages, blocks.as_ref());
                TreeRepodata::begin(&compose, tree, plan, packages, self.settings.repodata, blocks)
            })
            .collect::<Result<_>>()?;
        let placing = Placing {
            id,
            directories: &directories,
            signatures: &plan.signatures,
            fallback: self.settings.link_fallback,
            cache,
            verification: self.settings.verification,
            readers: Readers::default(),
            wants_digests: self.settings.repodata.filelists_ext,
            now: self.clock.now().seconds(),
            cancel,
        };
        progress.step(Phase::Link, &log::packages(layout.files.len() as u64));
        let placed = pass::run(&placing, &layout, &mut repodata, progress);
        // What was found out is true, whatever becomes of this compose.
        if let Some(cache) = cache {
            cache.flush();
        }
        let (packages, counts) = placed?;
        let total = counts.linked() + counts.copied();
        progress.step(
            Phase::Link,
            &format!("{}: {}", log::packages(total), counts.describe()),
        );

        go_on()?;
        let trees = &layout.trees;
        progress.step(Phase::Repodata, &format!("writing {} repositories", trees.len()));
        let placement = Placement {
            plan,
            taken: &layout.taken,
            packages: &packages,
        };
        let finish = || -> Result<Vec<Finished<File>>> {
            repodata.into_par_iter().map(TreeRepodata::finish).collect()
        };
        let (repodata, rpms) = rayon::join(finish, || tree::rpms(&ident, placement));
        let (repodata, rpms) = (repodata?, rpms?);
        let mut written = Vec::new();
        for tree in trees {
            written.extend(tree::write_tree_files(&compose, tree, &ident, plan.timestamp)?);
        }

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
            Some(making.run(trees)?)
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
            &rpms,
            images.as_deref(),
        )?);

        go_on()?;
        progress.step(Phase::Check, "saving everything to disk and reading it back");
        // The disk is waited for while the processors read back.
        let links_only = counts.copied() == 0;
        let check = || {
            check::check_files(&compose, &written)?;
            let trees: Vec<_> = trees.iter().zip(&repodata).collect();
            trees.par_iter().try_for_each(|(tree, repodata)| {
                go_on()?;
                let here: Vec<&PlacedPackage> = packages_of(tree, &packages).collect();
                check::check_tree(&compose, tree, plan, &here, self.settings.repodata, repodata)
            })
        };
        let (saved, (checked, manifest)) = std::thread::scope(|scope| {
            let saving = scope.spawn(|| save::save(&compose, links_only));
            let checked = rayon::join(check, || manifest(&request.source.kind(), placement));
            (saving.join(), checked)
        });
        saved.unwrap_or_else(|_| Err(cannot_build(id, "saving it to disk ended unexpectedly")))?;
        checked?;
        let manifest = manifest?;

        go_on()?;
        let built = Built {
            pungi_compose_id: ident.to_string(),
            packages: total,
            linked: counts.linked(),
            copied: counts.copied(),
        };
        Ok(Filled {
            manifest,
            built,
            layout,
            packages,
        })
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
