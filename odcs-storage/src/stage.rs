//! Building a compose in its staging directory: everything up to and including reading it back.

use std::fs::File;
use std::sync::Arc;
use std::thread::Scope;

use odcs_core::manifest::ManifestDocument;
use odcs_core::productmd::ComposeIdent;
use odcs_core::request::{ComposeRequest, ComposeResult};
use odcs_core::{Built, ComposeId, ErrorKind, Job, KeptBlocks, MetadataCache, Phase, Progress, Work};
use odcs_rpm::repodata::Finished;
use rayon::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::arrange::Layout;
use crate::builder::Inner;
use crate::dir::Dir;
use crate::error::{Error, IsoError, IsoFault, Result};
use crate::iso::{IsoImage, Making};
use crate::layout::Tree;
use crate::manifest::manifest;
use crate::packages::{PlacedPackage, Placement, Placing, Readers, packages_of};
use crate::repodata::TreeRepodata;
use crate::save::Beside;
use crate::settings::Verification;
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
        let filled = self.pool.install(fill);
        // What was found out is true, whatever becomes of this compose.
        if let Some(cache) = cache {
            cache.flush();
        }
        match filled {
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
        // Who insists on reading every package insists on reading back every block.
        let takes_part = self.settings.verification == Verification::Changed
            && layout.policies.iter().all(|policy| policy.keyring().is_none());
        let blocks = cache.filter(|_| takes_part).map(KeptBlocks::new);
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
        let (packages, counts) = placed?;
        let total = counts.linked() + counts.copied();
        progress.step(
            Phase::Link,
            &format!("{}: {}", log::packages(total), counts.describe()),
        );

        let placement = Placement {
            plan,
            taken: &layout.taken,
            packages: &packages,
        };
        let metadata = compose.make(layout::METADATA)?;
        let rest = Rest {
            inner: self,
            job,
            request,
            ident: &ident,
            staging,
            compose: &compose,
            metadata: &metadata,
            trees: &layout.trees,
            placement,
            links_only: counts.copied() == 0,
            progress,
            cancel,
        };
        // What lists all packages is made beside what has to be done one after the other.
        let (finished, manifest, listed) = std::thread::scope(|scope| {
            // The disk can begin at once.
            let saving_packages = save::beside(scope, || rest.save_packages(&directories));
            let (finished, (manifest, saving)) = rayon::join(
                || rest.finish(repodata),
                || {
                    rayon::join(
                        || manifest(&request.source.kind(), placement),
                        || rest.write_rpms(scope),
                    )
                },
            );
            let finished = finished.and(saving_packages.wait());
            (finished, manifest, saving.and_then(Beside::wait))
        });
        finished?;
        listed?;
        let manifest = manifest?;

        rest.go_on()?;
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

/// What remains to be done once all packages are in place.
struct Rest<'a> {
    inner: &'a Inner,
    job: &'a Job,
    request: &'a ComposeRequest,
    ident: &'a ComposeIdent,
    staging: &'a Staging,
    compose: &'a Dir,
    metadata: &'a Dir,
    trees: &'a [Tree],
    placement: Placement<'a>,
    /// Whether no package was copied.
    links_only: bool,
    progress: &'a dyn Progress,
    cancel: &'a CancellationToken,
}

impl Rest<'_> {
    fn go_on(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            let id = self.job.compose.id;
            return Err(Error::Cancelled { id });
        }
        Ok(())
    }

    /// Saves the directories of packages, which nothing comes into any more. Copies are saved with everything else.
    fn save_packages(&self, directories: &[Vec<Option<Dir>>]) -> Result<()> {
        if !self.links_only {
            return Ok(());
        }
        let directories: Vec<&Dir> = directories.iter().flatten().flatten().collect();
        save::save_directories(&directories)
    }

    /// Writes everything but the list of all packages, saves it to disk and reads it back.
    fn finish(&self, repodata: Vec<TreeRepodata<'_>>) -> Result<()> {
        self.go_on()?;
        let (plan, trees, progress) = (self.placement.plan, self.trees, self.progress);
        progress.step(Phase::Repodata, &format!("writing {} repositories", trees.len()));
        let finish = repodata.into_par_iter().map(TreeRepodata::finish);
        let repodata: Vec<Finished<File>> = finish.collect::<Result<_>>()?;
        let mut written = Vec::new();
        for tree in trees {
            written.extend(tree::write_tree_files(
                self.compose,
                tree,
                self.ident,
                plan.timestamp,
            )?);
        }

        self.go_on()?;
        let images = self.make_images()?;

        self.go_on()?;
        progress.step(
            Phase::Metadata,
            if images.is_some() {
                "writing composeinfo.json, images.json, rpms.json, modules.json and the .repo file"
            } else {
                "writing composeinfo.json, rpms.json, modules.json and the .repo file"
            },
        );
        let (compose, links) = (&self.job.compose, &self.job.links);
        written.extend(tree::write_metadata(
            self.metadata,
            compose,
            plan,
            images.as_deref(),
        )?);
        written.push(tree::write_repo_file(self.compose, compose, links)?);

        self.go_on()?;
        progress.step(Phase::Check, "saving everything to disk and reading it back");
        // The disk is waited for while the processors read back.
        let check = || {
            check::check_files(self.compose, &written)?;
            let trees: Vec<_> = trees.iter().zip(&repodata).collect();
            trees.par_iter().try_for_each(|(tree, repodata)| {
                self.go_on()?;
                let here: Vec<&PlacedPackage> = packages_of(tree, self.placement.packages).collect();
                check::check_tree(
                    self.compose,
                    tree,
                    plan,
                    &here,
                    self.inner.settings.repodata,
                    repodata,
                )
            })
        };
        std::thread::scope(|scope| {
            let saving = save::beside(scope, || save::save(self.compose, self.links_only));
            let checked = check();
            saving.wait()?;
            checked
        })
    }

    /// Makes the ISO images, if such are asked for.
    fn make_images(&self) -> Result<Option<Vec<IsoImage>>> {
        if !self.request.results.contains(ComposeResult::Iso) {
            return Ok(None);
        }
        let making = Making {
            id: self.job.compose.id,
            xorriso: self.inner.xorriso.as_ref().ok_or_else(no_xorriso)?,
            staging: self.staging.dir(),
            ident: self.ident,
            timestamp: self.placement.plan.timestamp,
            packages: self.placement.packages,
            time: self.inner.settings.iso_time,
            clock: &*self.inner.clock,
            progress: self.progress,
            cancel: self.cancel,
        };
        making.run(self.trees).map(Some)
    }

    /// Writes the list of all packages and reads it back. What saves everything else may have come too early for it,
    /// so it is saved by itself; no processor has to wait for that.
    fn write_rpms<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Result<Beside<'scope>> {
        let written = tree::write_rpms(self.metadata, self.ident, self.placement)?;
        let name = written.name.clone();
        let saving = save::beside(scope, move || {
            save::save_file(self.metadata, name)?;
            self.metadata.sync()
        });
        check::check_files(self.compose, &[written])?;
        Ok(saving)
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
