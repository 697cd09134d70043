//! Tasks, and the files that they made.

use super::fault::Fault;
use super::ids::TaskId;
use super::names::WorkPath;

/// How far a task has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits for a builder.
    Free,
    /// It runs.
    Open,
    /// It is done.
    Closed,
    /// Somebody stopped it.
    Canceled,
    /// A builder was chosen.
    Assigned,
    /// It failed.
    Failed,
    /// A number that is not known.
    Other(i64),
}

impl TaskState {
    pub(super) fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Free,
            1 => Self::Open,
            2 => Self::Closed,
            3 => Self::Canceled,
            4 => Self::Assigned,
            5 => Self::Failed,
            other => Self::Other(other),
        }
    }
}

impl std::fmt::Display for TaskState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Free => f.write_str("free"),
            Self::Open => f.write_str("open"),
            Self::Closed => f.write_str("closed"),
            Self::Canceled => f.write_str("canceled"),
            Self::Assigned => f.write_str("assigned"),
            Self::Failed => f.write_str("failed"),
            Self::Other(number) => write!(f, "state {number}"),
        }
    }
}

/// A task (`getTaskInfo`, `getTaskChildren`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What it does: `build`, `buildArch`, `buildSRPMFromSCM`, …
    pub method: Box<str>,
    /// How far it has come.
    pub state: TaskState,
    /// The arch that it runs for.
    pub arch: Box<str>,
    /// The task that it is a part of.
    pub parent: Option<TaskId>,
    /// What tells it from its siblings, often the arch.
    pub label: Option<Box<str>>,
}

/// What a task made (`getTaskResult`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TaskResult {
    /// The binary RPMs of a `buildArch` task.
    pub rpms: Vec<WorkPath>,
    /// Its source RPMs; of a task that makes one only, that one (`srpm`).
    pub srpms: Vec<WorkPath>,
    /// Why it failed, if it did.
    pub fault: Option<Fault>,
}
