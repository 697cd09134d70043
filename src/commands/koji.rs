//! What commands for composes from Koji share.

use super::request::Request;

/// What to take besides what the source has, and what to keep out.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "What to take from Koji")]
pub(super) struct Additions {
    /// A Koji task whose scratch build is to be included.
    #[arg(long = "scratch-build-task", value_name = "TASK")]
    scratch_build_tasks: Vec<String>,
    /// A Koji build that must not be in the compose, NAME-VERSION-RELEASE: the newest one before it is taken.
    #[arg(long = "embargo", value_name = "NVR", conflicts_with = "embargo_tag")]
    embargo: Vec<String>,
    /// A Koji tag whose builds must not be in the compose: for each, the newest one before it is taken.
    #[arg(long, value_name = "TAG")]
    embargo_tag: Option<String>,
}

/// Which state of Koji to take, and which builds.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "What to take from Koji")]
pub(super) struct Tagged {
    /// A Koji build to include, NAME-VERSION-RELEASE.
    #[arg(long = "build", value_name = "NVR")]
    builds: Vec<String>,
    /// The Koji event to take everything from; without it, what is there now.
    #[arg(long, value_name = "EVENT")]
    koji_event: Option<i64>,
}

impl Additions {
    pub(super) fn add_to(self, request: &mut Request) {
        request
            .source_list("scratch_build_tasks", self.scratch_build_tasks)
            .source_list("embargo", self.embargo)
            .source("embargo", self.embargo_tag);
    }
}

impl Tagged {
    pub(super) fn add_to(self, request: &mut Request) {
        request
            .source_list("builds", self.builds)
            .source("koji_event", self.koji_event);
    }
}
