//! Scratch builds: packages that tasks have made, and that are in no build.

use std::collections::BTreeSet;

use odcs_core::Result;
use odcs_core::files::RelativePath;
use odcs_core::request::TaskId as AskedTask;
use odcs_rpm::{Nevra, TreeArch};

use super::Koji;
use super::client::{Task, TaskId, TaskState, WorkPath};
use super::error::{KojiSourceError, TaskFault};
use super::offers::{Offer, Place};
use super::paths;

impl Koji {
    /// The packages that tasks have made, and the tasks below them, each once.
    ///
    /// # Errors
    /// Those of the hub; `NotFound` for an unknown task, `Invalid` for one that is not finished or made no packages.
    pub(super) async fn scratch_files(&self, tasks: &[AskedTask]) -> Result<Vec<RelativePath>> {
        let mut files = Vec::new();
        for asked in tasks {
            // At most 18 digits: every one of them fits.
            let id = TaskId(asked.as_str().parse().unwrap_or(0));
            let fault = |fault| KojiSourceError::Task { id: id.0, fault };
            let task = self.hub.task_info(id).await?;
            let task = task.ok_or_else(|| fault(TaskFault::Unknown))?;
            finished(&task).map_err(fault)?;
            let mut parts = self.hub.task_children(id).await?;
            // What failed without failing the build was optional there.
            parts.retain(|part| part.state == TaskState::Closed);
            if parts.is_empty() {
                parts.push(task);
            }
            let mut has_any = false;
            for part in parts {
                let result = self.hub.task_result(part.id).await?;
                // The source package that others were built from is a result of those, too.
                let is_build = part.method.as_ref() == "buildArch";
                let sources = result.srpms.iter().filter(|_| is_build);
                for path in result.rpms.iter().chain(sources) {
                    let path = path_of(path).map_err(fault)?;
                    has_any = true;
                    if !files.contains(&path) {
                        files.push(path);
                    }
                }
            }
            if !has_any {
                return Err(fault(TaskFault::NoPackages).into());
            }
        }
        Ok(files)
    }

    /// Packages of tasks that may stand in trees of these arches.
    ///
    /// # Errors
    /// `Invalid` for a file name that is none of a package.
    pub(super) fn scratch_offers(&self, files: &[RelativePath], trees: &[TreeArch]) -> Result<Vec<Offer>> {
        let mut offers = Vec::new();
        for path in files {
            let nevra = nevra_of(path)?;
            let arch = nevra.arch();
            let may_stand =
                arch.is_source() || arch.is_noarch() || trees.iter().any(|tree| tree.admits(arch));
            if may_stand {
                offers.push(Offer {
                    name: format!("{} {path}", self.hub.server()).into(),
                    rpm_id: None,
                    size: None,
                    build_time: 0,
                    keys: Vec::new(),
                    source_rpm: None,
                    place: Place::Task(path.clone()),
                    nevra,
                });
            }
        }
        Ok(offers)
    }
}

/// The names of packages that scratch builds were made of.
///
/// # Errors
/// `Invalid` for a file name that is none of a package.
pub(super) fn sources_of(files: &[RelativePath]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for path in files {
        let nevra = nevra_of(path)?;
        if nevra.arch().is_source() {
            names.insert(nevra.name().to_string());
        }
    }
    Ok(names)
}

/// What a file's name says that it is.
///
/// # Errors
/// `Invalid` if it is none of a package.
pub(super) fn names_of(files: &[RelativePath]) -> Result<BTreeSet<String>> {
    let names = files.iter().map(|path| Ok(nevra_of(path)?.name().to_string()));
    names.collect()
}

fn finished(task: &Task) -> Result<(), TaskFault> {
    match task.state {
        TaskState::Closed => Ok(()),
        TaskState::Failed => Err(TaskFault::Ended("failed")),
        TaskState::Canceled => Err(TaskFault::Ended("was cancelled")),
        TaskState::Free | TaskState::Assigned => Err(TaskFault::Unfinished("waiting")),
        _ => Err(TaskFault::Unfinished("running")),
    }
}

fn path_of(path: &WorkPath) -> Result<RelativePath, TaskFault> {
    let refused = || TaskFault::Path(path.to_string());
    let path = paths::of_task(path.as_str()).map_err(|_| refused())?;
    nevra_of(&path).map(|_| path).map_err(|_| refused())
}

/// What the name of a file says; its epoch, only the header does.
fn nevra_of(path: &RelativePath) -> Result<Nevra> {
    let name = path.file_name();
    let stem = name.strip_suffix(".rpm").unwrap_or(name);
    let nevra = stem.parse::<Nevra>();
    nevra.map_err(|error| odcs_core::Error::invalid("scratch_build_tasks", error.to_string()))
}
